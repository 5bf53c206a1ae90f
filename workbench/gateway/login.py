"""A browser to a login: out to the identity provider and back by authorization code, PKCE, state and nonce."""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse

from workbench.access.scope import ALL
from workbench.declare.settings import Gateway
from workbench.errors import AccessDenied, Problem
from workbench.gateway.addresses import is_loopback
from workbench.gateway.identity import claimed, cookie_of, require_same_site, session_cookie
from workbench.gateway.keyring import Keyring
from workbench.gateway.oidc import Provider, person
from workbench.warehouse.audit import Audit
from workbench.warehouse.tokens import Tokens

ON_THE_WAY = "workbench_login"
"""The cookie of somebody who is at the identity provider."""
MINUTES = 10
"""How long they may be there."""
BACK = "/login/callback"


@dataclass(frozen=True, slots=True)
class Login:
    """What a login needs: whom to ask, where to keep it, and what to call itself."""

    gateway: Gateway
    provider: Provider
    tokens: Tokens
    keyring: Keyring
    audit: Audit
    secret: str = ""

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach the gateway by https; cookies are then sent by no other way."""
        return self.gateway.url.startswith("https://")

    def home(self, headers: Mapping[str, str]) -> str:
        """The gateway's own address: the one declared, or on this machine the one that was asked."""
        if self.gateway.url:
            return self.gateway.url.rstrip("/")
        host = headers.get("host", "")
        if not is_loopback(urlsplit(f"//{host}").hostname or ""):
            raise AccessDenied(
                Problem("cross-site", f"'{host}' is not this gateway.", hint="Set 'url' in [tool.workbench.gateway].")
            )
        return f"http://{host}"


def login_router(login: Login) -> APIRouter:
    """The routes /login, /login/callback and /logout; errors are raised, for whoever shows errors."""
    router = APIRouter(tags=["login"])
    ours = {"httponly": True, "samesite": "lax", "secure": login.is_secure}

    @router.get("/login", status_code=303, response_class=RedirectResponse, summary="Log in by browser")
    def begin(request: Request, next: str = "/") -> RedirectResponse:
        home = login.home(request.headers)
        state = f"{secrets.token_urlsafe(24)}.{int(time.time())}"
        answer = RedirectResponse(_to_provider(login, state, home), status_code=303)
        kept = f"{state}|{base64.urlsafe_b64encode(destination(next, login.gateway).encode()).decode()}"
        value = f"{kept}|{login.keyring.signed('login', kept)}"
        answer.set_cookie(ON_THE_WAY, value, max_age=MINUTES * 60, path="/login", **ours)  # type: ignore[arg-type]
        return answer

    @router.get(BACK, status_code=303, response_class=RedirectResponse, summary="Back from the identity provider")
    def back(
        request: Request,
        state: Annotated[str, Query(max_length=200)] = "",
        code: Annotated[str, Query(max_length=2000)] = "",
        error: Annotated[str, Query(max_length=200)] = "",
    ) -> RedirectResponse:
        kept = _kept(login, cookie_of({"cookie": request.headers.get("cookie", "")}, ON_THE_WAY))
        if kept is None or not hmac.compare_digest(kept[0].encode(), state.encode()):
            raise _failed("it was not begun in this browser, or too long ago")
        if error or not code:
            raise _failed(f"the identity provider says '{error or 'nothing'}'")
        secret = _session(login, state, code, login.home(request.headers))
        answer = RedirectResponse(kept[1], status_code=303)
        answer.delete_cookie(ON_THE_WAY, path="/login", **ours)  # type: ignore[arg-type]
        lasts = login.gateway.session_hours * 3600
        answer.set_cookie(session_cookie(login.gateway), secret, max_age=lasts, path="/", **ours)  # type: ignore[arg-type]
        return answer

    @router.post("/logout", status_code=303, response_class=RedirectResponse, summary="End the login of this browser")
    def out(request: Request) -> RedirectResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        require_same_site(headers, login.gateway)
        cookie = cookie_of(headers, session_cookie(login.gateway))
        if cookie:
            with suppress(AccessDenied):  # one that has ended is let go of all the same
                token = login.tokens.verify(cookie, "session")
                login.tokens.revoke(token.id)
                login.audit.decision(principal=token.name, verb="logout", allowed=True, resources=[token.id])
        answer = RedirectResponse("/", status_code=303)
        answer.delete_cookie(session_cookie(login.gateway), path="/", **ours)  # type: ignore[arg-type]
        return answer

    return router


def safe_path(wanted: str) -> str:
    """Where to go after a login: a path of our own, and nothing that a browser would read as another site."""
    harmless = wanted.startswith("/") and wanted.isprintable() and wanted.isascii() and "\\" not in wanted
    return wanted if harmless and not wanted.startswith("//") and len(wanted) <= 1000 else "/"


def destination(wanted: str, gateway: Gateway) -> str:
    """Where to go after a login: a path of our own, or of the dashboards; on a laptop these may have any port of it."""
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return "/"
    origin = f"{parts.scheme}://{parts.netloc}"
    path = wanted.removeprefix(origin)
    if gateway.dashboards:
        known = origin == gateway.dashboards.rstrip("/")
    else:
        here = not gateway.url or is_loopback(urlsplit(gateway.url).hostname or "")
        known = here and parts.scheme == "http" and "@" not in parts.netloc and is_loopback(parts.hostname or "")
    return wanted if known and path != wanted and safe_path(path) == path else safe_path(wanted)


def _to_provider(login: Login, state: str, home: str) -> str:
    challenge = base64.urlsafe_b64encode(sha256(_verifier(login, state).encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": login.provider.settings.client_id,
        "redirect_uri": home + BACK,
        "scope": " ".join(login.provider.settings.scopes),
        "state": state,
        "nonce": _nonce(login, state),
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    address = login.provider.endpoint("authorization_endpoint")
    return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"


def _verifier(login: Login, state: str) -> str:
    """PKCE's secret follows from the state, and so never leaves the gateway before it is due."""
    return login.keyring.signed("verifier", state)


def _nonce(login: Login, state: str) -> str:
    return login.keyring.signed("nonce", state)


def _kept(login: Login, cookie: str) -> tuple[str, str] | None:
    """The state and the path of a login that is on its way; None where the cookie is not ours, or too old."""
    kept, _, mark = cookie.rpartition("|")
    if not hmac.compare_digest(mark.encode(), login.keyring.signed("login", kept).encode()):
        return None
    state, _, path = kept.partition("|")
    if time.time() - int(state.rpartition(".")[2]) > MINUTES * 60:
        return None
    return state, base64.urlsafe_b64decode(path).decode()


def _session(login: Login, state: str, code: str, home: str) -> str:
    """The secret of a new session for whoever the provider says came back with the code."""
    settings = login.provider.settings
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": home + BACK,
        "code_verifier": _verifier(login, state),
        "client_id": settings.client_id,
    }
    auth = (settings.client_id, login.secret) if login.secret else None
    answer = login.provider.post(login.provider.endpoint("token_endpoint"), form, auth)
    said: Mapping[str, Any] = login.provider.verify(
        str(answer.get("id_token", "")), [settings.client_id], _nonce(login, state)
    )
    if isinstance(said.get("aud"), list) and len(said["aud"]) > 1 and said.get("azp") != settings.client_id:
        raise _failed("its token is for several, and was not issued to this gateway")
    name, claims = person(said, settings)
    lasts = timedelta(hours=login.gateway.session_hours)
    secret, token = login.tokens.issue(name, lasts, [ALL], settings.issuer, "session", claimed(claims))
    login.audit.decision(
        principal=token.name, verb="login", allowed=True, resources=[token.id], rules=[settings.issuer]
    )
    return secret


def _failed(why: str) -> AccessDenied:
    return AccessDenied(Problem("login-failed", f"the login failed: {why}.", hint="Log in again at /login."))
