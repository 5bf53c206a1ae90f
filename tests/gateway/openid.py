"""A real OpenID provider on loopback, which can change its keys, and holds logins to PKCE."""

from __future__ import annotations

import base64
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from hashlib import sha256
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import oidc_provider_mock
from werkzeug.serving import make_server

CLIENT = "workbench"


class OpenId:
    """The provider at one address; `rotate` gives it another key, as a restart of the package's server does."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self._users: dict[str, Mapping[str, Any]] = {}
        self._challenges: dict[str, str] = {}
        self.rotate()
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()

    def rotate(self, lasts: timedelta = timedelta(hours=1)) -> None:
        """Another key, and tokens that last so long; users stay."""
        self._more: list[dict[str, Any]] = []
        users = [oidc_provider_mock.User(sub=sub, claims=dict(claims)) for sub, claims in self._users.items()]
        self._app = oidc_provider_mock.app(access_token_max_age=lasts, user_claims=users)

    def publish(self, key: Mapping[str, Any]) -> None:
        """Publish one more key beside its own, until it is rotated."""
        self._more.append(dict(key))

    def user(self, sub: str, **claims: Any) -> None:
        """Somebody it knows."""
        self._users[sub] = claims
        httpx.put(f"{self.issuer}/users/{sub}", json=claims).raise_for_status()

    def approve(self, address: str, sub: str) -> str:
        """What a person does at the provider's form: where the browser is sent from there."""
        answer = httpx.post(address, data={"sub": sub})
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def token(self, sub: str, client: str = CLIENT) -> str:
        """An id token of somebody for a client, got as any other program gets it."""
        back = "http://127.0.0.1:1/back"
        verifier = "v" * 43
        asked = {
            "response_type": "code",
            "client_id": client,
            "redirect_uri": back,
            "scope": "openid email profile",
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        code = parse_qs(urlsplit(self.approve(f"{self.issuer}/oauth2/authorize?{httpx.QueryParams(asked)}", sub)).query)
        form = {"grant_type": "authorization_code", "code": code["code"][0], "redirect_uri": back, "client_id": client}
        answer = httpx.post(
            f"{self.issuer}/oauth2/token", data={**form, "code_verifier": verifier, "client_secret": "x"}
        )
        return str(answer.raise_for_status().json()["id_token"])

    def _answer(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        """The package's app; it does not look at PKCE, so that is done here, as RFC 7636 says."""
        path = environ["PATH_INFO"]
        self.asked[path] += 1
        if path == "/oauth2/token":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            environ["wsgi.input"] = io.BytesIO(body)
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            if _challenge(form.get("code_verifier", "")) != self._challenges.pop(form.get("code", ""), None):
                start("400 Bad Request", [("Content-Type", "application/json")])
                return [b'{"error": "invalid_grant"}']

        if path == "/jwks" and self._more:
            said = json.loads(b"".join(self._app(environ, lambda *_: None)))
            start("200 OK", [("Content-Type", "application/json")])
            return [json.dumps({"keys": [*said["keys"], *self._more]}).encode()]

        def started(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            asked = parse_qs(environ.get("QUERY_STRING", ""))
            code = re.search(r"[?&]code=([^&]+)", dict(headers).get("Location", ""))
            if code and asked.get("code_challenge_method") == ["S256"]:
                self._challenges[code[1]] = asked["code_challenge"][0]
            return start(status, headers, *more)

        return self._app(environ, started)


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
