"""A forge on loopback that vouches for its jobs: a real OpenID provider, and the address where a job gets its token."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.gateway.openid import OpenId

SECRET = "the token of one job"


class Forge:
    """Its issuer, and what it says of the job that asks."""

    def __init__(self) -> None:
        self.openid = OpenId()
        self.asked: list[str] = []
        forge = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                audience = parse_qs(urlsplit(self.path).query).get("audience", [""])[0]
                is_job = self.headers["Authorization"] == f"Bearer {SECRET}"
                forge.asked.append(audience)
                body = json.dumps({"value": forge.openid.token("job", audience)} if is_job else {}).encode()
                self.send_response(200 if is_job else 403)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        Thread(target=self._server.serve_forever, daemon=True).start()

    def runs(self, **claims: str) -> None:
        """The job that runs now."""
        self.openid.user("job", **claims)

    @property
    def variables(self) -> dict[str, str]:
        """What a job has in its environment."""
        url = f"http://127.0.0.1:{self._server.server_port}/token?job=1"
        return {"ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": SECRET}

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self.openid.close()
