"""What a browser brings along to the door of whoever it belongs to, so that every page is asked as its viewer."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from bokeh.server.auth_provider import AuthProvider
from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError, RequestHandler
from tornado.websocket import WebSocketHandler

from workbench.errors import AccessDenied, WorkbenchError
from workbench.session.door import Door
from workbench.session.opening import anew
from workbench.session.session import Session
from workbench.show.index import error_html

LOGINS = ("__Host-workbench_session", "workbench_session")
"""The cookies of a login at the gateway: a browser sends them to every port of the gateway's host."""
OWN = "workbench_viewer"
"""The cookie of a token that was typed at our own page."""
SIGN_IN, SIGN_OUT = "/signin", "/signout"
_SECRET = re.compile(r"[A-Za-z0-9._~+/=-]{8,3500}")


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """What says who a browser belongs to: a token, or the cookie of a login as ``name=value``; maybe neither."""

    token: str = ""
    cookie: str = ""


@dataclass(frozen=True, slots=True)
class Viewers:
    """The doors of those who open pages; ``signs_in`` is False where one door is everybody's.

    ``door`` raises `AccessDenied` for whoever is not known, ``login`` is where a browser logs in ('' for nowhere), and
    ``logout`` ends a login.
    """

    door: Callable[[Credential], Door]
    login: Callable[[], str] = lambda: ""
    logout: Callable[[Credential], None] = lambda _: None
    signs_in: bool = True


@dataclass(frozen=True, slots=True)
class Site:
    """How the pages are reached: by which hosts, and whether by https alone."""

    hosts: frozenset[str] = frozenset()
    is_secure: bool = False

    @property
    def cookie(self) -> str:
        """The name of our own cookie; the prefix keeps sites beside ours from setting it."""
        return f"__Host-{OWN}" if self.is_secure else OWN

    def serves(self, request: HTTPServerRequest) -> bool:
        """Whether a request means this site: another name for this address may belong to anybody."""
        return not self.hosts or request.host in self.hosts

    def asks_itself(self, request: HTTPServerRequest) -> bool:
        """Whether a change is asked for by a page of ours; what has no referrer has no origin either."""
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site == "same-origin"
        origin = request.headers.get("Origin")
        return origin is None or urlsplit(origin).netloc == request.host


def everybody(session: Session) -> Viewers:
    """One door for whoever opens a page, as on a laptop; at each visit over the files as they lie then."""
    newest = session

    def door(_: Credential) -> Session:
        nonlocal newest
        newest = anew(newest)
        return newest

    return Viewers(door, signs_in=False)


def told(error: WorkbenchError) -> str:
    """What is wrong, for a page: with its place where a file is wrong."""
    problem = error.problems[0]
    return f"{problem.place}: {problem.message}" if problem.place else problem.message


def brought(request: HTTPServerRequest, site: Site) -> Credential:
    """What a request brings along; a header that a proxy sets counts before cookies."""
    if "Authorization" in request.headers:
        scheme, _, text = request.headers["Authorization"].strip().partition(" ")
        text = text.strip()
        return Credential(text if scheme.lower() in ("bearer", "token") and _SECRET.fullmatch(text) else "-")
    held = {name: one.value for name, one in request.cookies.items() if _SECRET.fullmatch(one.value)}
    if site.cookie in held:
        return Credential(held[site.cookie])
    return next((Credential(cookie=f"{name}={held[name]}") for name in LOGINS if name in held), Credential())


def sign_in_path(request: HTTPServerRequest) -> str:
    """Where to sign in, and to come back from to what was asked for."""
    return f"{SIGN_IN}?next={quote(request.uri or '/', safe='')}"


def is_unknown(error: WorkbenchError) -> bool:
    """Whether signing in would help."""
    return isinstance(error, AccessDenied) and error.slug in (
        "not-signed-in", "bad-token", "token-expired", "token-revoked"
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Visit:
    """Whose door a page is built for, and which dashboard it shows."""

    door: Door
    dashboard: str


visit: ContextVar[Visit] = ContextVar("visit")
"""The visit that is let in while its page is built."""


class Gate(AuthProvider):
    """Lets a visit to a dashboard in once it is known whose it is; nothing of it is put into the page."""

    def __init__(self, viewers: Viewers, site: Site, to_thread: Callable[..., Any]) -> None:
        self._viewers, self._site, self._to_thread = viewers, site, to_thread
        super().__init__()

    @property
    def get_user_async(self) -> Any:
        """Who visits; asked before anything else is done."""
        return self._visitor

    @property
    def login_url(self) -> str:
        """Where the library would send whoever is not known; they are sent there sooner."""
        return SIGN_IN

    async def _visitor(self, handler: RequestHandler) -> str | None:
        request = handler.request
        if not self._site.serves(request):
            _refuse(handler, 403, "This address is not served here.")
            return None
        if not isinstance(handler, WebSocketHandler) and _names_a_session(handler):
            # Somebody who knows the name of a session before it begins could listen to it.
            _refuse(handler, 403, "A visit is not to be named by whoever makes it.")
            return None
        try:
            door: Door = await self._to_thread(self._viewers.door, brought(request, self._site))
        except WorkbenchError as error:
            if isinstance(handler, WebSocketHandler) or not (is_unknown(error) and self._viewers.signs_in):
                _refuse(handler, 403 if isinstance(error, AccessDenied) else 503, told(error))
            else:
                handler.redirect(sign_in_path(request))
            return None
        dashboard = request.path.strip("/").partition("/")[0]
        if dashboard not in door.dashboards:
            _refuse(handler, 404, "There is no such page.")
            return None
        visit.set(Visit(door, dashboard))
        return door.principal.name


def _names_a_session(handler: RequestHandler) -> bool:
    named = ("bokeh-session-id", "bokeh-token")
    return "Bokeh-Session-Id" in handler.request.headers or any(name in handler.request.arguments for name in named)


def _refuse(handler: RequestHandler, status: int, message: str) -> None:
    if isinstance(handler, WebSocketHandler):
        raise HTTPError(status)
    handler.set_status(status)
    handler.set_header("Content-Type", "text/html; charset=utf-8")
    handler.finish(error_html(status, message, name="Workbench"))
