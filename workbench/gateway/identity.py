"""The headers of a request to who asks: a token of ours, a login, an identity provider's or JupyterHub's word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from workbench.access.principal import Claims, Principal, identify
from workbench.access.scope import narrowed
from workbench.declare.settings import Gateway
from workbench.declare.workspace import Workspace
from workbench.errors import AccessDenied, Problem
from workbench.gateway.addresses import is_loopback

if TYPE_CHECKING:
    from workbench.gateway.jupyterhub import HubTokens
    from workbench.gateway.oidc import Provider
    from workbench.warehouse.tokens import Token, Tokens

Means = Literal["token", "session", "provider", "jupyterhub", "local"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and how that is known; ``token`` is the id of the token of ours, if it was one."""

    principal: Principal
    means: Means
    token: str = ""


class Identities:
    """Whom this gateway believes; asks databases and servers, so call it in a thread, never in an event loop.

    The workspace is asked for each time, so that a change of access holds for the next request.
    """

    def __init__(
        self,
        workspace: Callable[[], Workspace],
        tokens: Tokens,
        environment: str = "",
        provider: Provider | None = None,
        hub: HubTokens | None = None,
        local: str = "",
    ) -> None:
        self._workspace = workspace
        self._tokens = tokens
        self._environment = environment
        self._provider = provider
        self._hub = hub
        self._local = local

    def who(self, headers: Mapping[str, str]) -> Principal:
        """Who sends these headers.

        Raises `AccessDenied`: not-signed-in, bad-token, token-expired, token-revoked, cross-site, unverified-email,
        no-name-claim, identity-unavailable.
        """
        return self.caller(headers).principal

    def is_at_hand(self, headers: Mapping[str, str]) -> bool:
        """Whether `who` can tell, or refuse, without asking a database or a server."""
        header = headers.get("authorization")
        text = cookie_of(headers, session_cookie(self._gateway)) if header is None else header.partition(" ")[2].strip()
        return not text or self._tokens.remembers(text)

    def anew(self, headers: Mapping[str, str]) -> Principal:
        """The same, without believing what was read of a token a moment ago: for what cannot be taken back."""
        self._tokens.forget()
        return self.who(headers)

    def caller(self, headers: Mapping[str, str]) -> Caller:
        """Who sends these headers, and how that is known; raises as `who` does."""
        given = {name.lower(): value for name, value in headers.items()}
        if "authorization" in given:  # a bad token never falls back to a good cookie
            return self._of_bearer(given["authorization"])
        cookie = cookie_of(given, session_cookie(self._gateway))
        if cookie:
            require_same_site(given, self._gateway)
            token = self._tokens.verify(cookie, "session")
            return Caller(self._principal_of(token), "session", token.id)
        if self._gateway.authentication == "local" and self._local:
            return self._of_this_machine(given)
        raise AccessDenied(
            Problem(
                "not-signed-in",
                "nobody is signed in.",
                hint="Log in, or send a token: 'Authorization: Bearer ...'; Python reads it from WORKBENCH_TOKEN, or "
                "connect(..., token=...).",
            )
        )

    def principal(self, name: str, claims: Claims | None = None) -> Principal:
        """What a verified name means in the workspace as it is now."""
        workspace = self._workspace()
        environment = self._environment or workspace.settings.default_environment
        return identify(workspace.roles, workspace.groups, name, environment, claims)

    @property
    def _gateway(self) -> Gateway:
        return self._workspace().settings.gateway

    def _of_bearer(self, header: str) -> Caller:
        scheme, _, text = header.strip().partition(" ")
        text = text.strip()
        if scheme.lower() not in ("bearer", "token") or not text:
            raise _bad("the header 'Authorization' is not 'Bearer <token>'")
        if text.startswith("wbt_"):
            token = self._tokens.verify(text)
            return Caller(self._principal_of(token), "token", token.id)
        if self._provider is not None and text.count(".") == 2:
            settings = self._provider.settings
            claims = self._provider.verify(text, {settings.client_id, *settings.audience})
            from workbench.gateway.oidc import person

            return Caller(self.principal(*person(claims, settings)), "provider")
        if self._hub is not None and text.isascii() and text.isprintable():
            return Caller(narrowed(self.principal(self._hub.name_of(text)), self._hub.rights), "jupyterhub")
        raise _bad("the token is none of this gateway's")

    def _principal_of(self, token: Token) -> Principal:
        return narrowed(self.principal(token.name, claims_from(token.claimed)), token.scope)

    def _of_this_machine(self, headers: Mapping[str, str]) -> Caller:
        """The laptop's own identity; a page from elsewhere that a browser has open must not borrow it."""
        host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        if not is_loopback(host):
            raise AccessDenied(Problem("cross-site", f"'{host}' is not this machine.", hint="Ask it by 127.0.0.1."))
        require_same_site(headers, self._gateway)
        return Caller(self.principal(self._local), "local")


def session_cookie(gateway: Gateway) -> str:
    """The name of the cookie of logins; the prefix keeps sites beside ours from setting it."""
    return "__Host-workbench_session" if gateway.url.startswith("https://") else "workbench_session"


def cookie_of(headers: Mapping[str, str], name: str) -> str:
    """The value of one cookie; '' where there is none."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def require_same_site(headers: Mapping[str, str], gateway: Gateway) -> None:
    """Pass unless a page of somebody else's had the browser ask; raises `AccessDenied` (cross-site).

    Cookies are sent to every port of a machine, whoever serves there, so the browser's own word counts: where a
    request comes from, unless somebody merely follows a link.
    """
    origin = headers.get("origin")
    ours = {headers.get("host", ""), urlsplit(gateway.url).netloc} - {""}
    elsewhere = origin is not None and urlsplit(origin).netloc not in ours
    site, mode = headers.get("sec-fetch-site", "none"), headers.get("sec-fetch-mode", "navigate")
    if elsewhere or (site not in ("same-origin", "none") and mode != "navigate"):
        raise AccessDenied(
            Problem(
                "cross-site", f"a page of '{origin or 'another site'}' asks in your name.", hint="Open it directly."
            )
        )


def claimed(claims: Claims) -> dict[str, Any]:
    """What a login keeps of an identity provider's word, as plain data."""
    return {"groups": list(claims.groups), "attributes": {name: list(v) for name, v in claims.attributes.items()}}


def claims_from(kept: Mapping[str, Any]) -> Claims:
    """What `claimed` made, back."""
    attributes = {name: tuple(values) for name, values in kept.get("attributes", {}).items()}
    return Claims(tuple(kept.get("groups", ())), attributes)


def _bad(why: str) -> AccessDenied:
    return AccessDenied(Problem("bad-token", f"{why}.", hint="Ask for another, or log in again."))
