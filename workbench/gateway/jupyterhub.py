"""A token of JupyterHub to the name of its user, asked of the Hub itself."""

from __future__ import annotations

import time
from hashlib import sha256

import httpx

from workbench.access.scope import checked
from workbench.declare.settings import Hub
from workbench.errors import AccessDenied, Problem

REMEMBERED = 5.0
"""Seconds that an answer of the Hub is believed: so long may a token live that was revoked there."""
MANY = 10_000
"""Answers remembered at once."""


class HubTokens:
    """The users of one JupyterHub."""

    def __init__(self, settings: Hub, client: httpx.Client | None = None) -> None:
        self.settings = settings
        self.rights = checked(settings.rights)
        self._client = client or httpx.Client(timeout=5)
        self._known: dict[bytes, tuple[float, str]] = {}

    def name_of(self, token: str) -> str:
        """The name in `access/` of whoever has the token; raises `AccessDenied` (bad-token, identity-unavailable)."""
        digest, now = sha256(token.encode("utf-8", "replace")).digest(), time.monotonic()
        asked, name = self._known.get(digest, (-1e9, ""))
        if now - asked < REMEMBERED:
            return name
        name = self._ask(token)
        if len(self._known) >= MANY:
            self._known.clear()
        self._known[digest] = (now, name)
        return name

    def _ask(self, token: str) -> str:
        try:
            url = f"{self.settings.api.rstrip('/')}/user"
            response = self._client.get(url, headers={"Authorization": f"token {token}"})
            answer = response.json() if response.status_code == 200 else {}
        except (httpx.HTTPError, ValueError) as error:
            raise self._unavailable(str(error)) from None
        if response.status_code in (401, 403, 404):
            raise _bad("JupyterHub does not know the token")
        if response.status_code != 200:
            raise self._unavailable(f"status {response.status_code}")
        if not isinstance(answer, dict) or answer.get("kind") != "user" or not isinstance(answer.get("name"), str):
            raise _bad("the token is no user's")  # a service of the Hub is nobody in access/
        if self.settings.scope and self.settings.scope not in answer.get("scopes", ()):
            raise _bad(f"the token has not the scope '{self.settings.scope}'")
        name = answer["name"]
        return f"{name}@{self.settings.domain}" if self.settings.domain and "@" not in name else name

    def _unavailable(self, why: str) -> AccessDenied:
        said = f"JupyterHub at '{self.settings.api}' cannot say who you are: {why}."
        return AccessDenied(Problem("identity-unavailable", said, hint="Try again in a moment."))


def _bad(why: str) -> AccessDenied:
    return AccessDenied(Problem("bad-token", f"{why}.", hint="Log in to JupyterHub again."))
