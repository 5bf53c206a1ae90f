"""A gateway's address to the doors of whoever visits pages that are drawn elsewhere, and to where they log in."""

from __future__ import annotations

from urllib.parse import urljoin

from pydantic import TypeAdapter

from workbench.errors import AccessDenied, Problem
from workbench.gateway.client import RemoteSession
from workbench.gateway.transport import Transport
from workbench.gateway.wire import SignIn

_SIGN_IN: TypeAdapter[SignIn] = TypeAdapter(SignIn)


class Visitors:
    """Those who visit with what the gateway believes of each of them; this holds no right of its own."""

    def __init__(self, url: str, is_local: bool = False) -> None:
        """``is_local`` says that they all sit at this machine, where a gateway may let them ask without a token."""
        self._anybody = Transport(url, None)
        self._url = url
        self._is_local = is_local

    def door(self, token: str, cookie: str) -> RemoteSession:
        """The door of whom a token or a cookie belongs to; raises `AccessDenied` where the gateway does not know."""
        if not (token or cookie or self._is_local):  # whom the gateway believes to be here may have come from anywhere
            raise AccessDenied(Problem("not-signed-in", "nobody is signed in.", hint="Sign in first."))
        return RemoteSession(Transport(self._url, token or None, cookie=cookie))

    def login(self) -> str:
        """The address where a browser logs in; '' where it cannot."""
        told = self._anybody.get(_SIGN_IN, "v1", "signin").browser
        return urljoin(self._url.rstrip("/") + "/", told) if told else ""

    def logout(self, cookie: str) -> None:
        """End the login of a browser, where it has one."""
        if cookie:
            Transport(self._url, None, cookie=cookie).tell("logout")
