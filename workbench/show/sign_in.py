"""Who is not known to a page where a token is typed or a login begins, and the way out again."""

from __future__ import annotations

import asyncio
from html import escape
from urllib.parse import quote, urlsplit, urlunsplit

from workbench.errors import WorkbenchError
from workbench.show.frame import page
from workbench.show.pages import OwnPage
from workbench.show.viewers import LOGINS, SIGN_IN, Credential, brought, is_unknown


class SignInPage(OwnPage):
    """Where a viewer says who they are."""

    async def get(self) -> None:
        """Show the form, and the way to the login where the gateway has one."""
        await self._show("")

    async def post(self) -> None:
        """Take a token that somebody knows, and go on to what was asked for."""
        if not self.site.asks_itself(self.request):
            self.refuse(403, "Another page has sent this.")
            return
        text = self.get_body_argument("token", "").strip()
        try:
            await asyncio.to_thread(self.viewers.door, Credential(text or "-"))
        except WorkbenchError as error:
            await self._show(error.problems[0].message, 403 if is_unknown(error) else 503)
            return
        # Without a date: the browser forgets it when it is closed, and the gateway believes it no longer than it holds.
        self.set_cookie(self.site.cookie, text, path="/", httponly=True, samesite="Lax", secure=self.site.is_secure)
        self.redirect(_next(self.get_query_argument("next", "/")), status=303)

    async def _show(self, said: str, status: int = 200) -> None:
        wanted = _next(self.get_query_argument("next", "/"))
        try:
            login = await asyncio.to_thread(self.viewers.login)
        except WorkbenchError as error:
            login, said = "", said or error.problems[0].message
        back = f"{'https' if self.site.is_secure else 'http'}://{self.request.host}{wanted}"
        self.set_status(status)
        self.finish(sign_in_html(_near(login, self.request.host_name), back, wanted, said))


class SignOut(OwnPage):
    """Where a viewer's login ends."""

    async def post(self) -> None:
        """End it at the gateway, and have the browser forget it."""
        if not self.site.asks_itself(self.request):
            self.refuse(403, "Another page has sent this.")
            return
        try:
            await asyncio.to_thread(self.viewers.logout, brought(self.request, self.site))
        except WorkbenchError as error:
            self.refuse(503, error.problems[0].message)
            return
        for name in (self.site.cookie, *LOGINS):
            self.clear_cookie(name, path="/", secure=name.startswith("__Host-"), httponly=True, samesite="Lax")
        self.redirect(SIGN_IN, status=303)


def sign_in_html(login: str, back: str, wanted: str, said: str) -> str:
    """The page: what went wrong, the way to the login, and the field for a token."""
    way = f'<p><a href="{escape(login)}?next={quote(back, safe="")}">Log in</a></p>' if login else ""
    wrong = f"<p><b>{escape(said)}</b></p>" if said else ""
    field = '<input id="token" name="token" type="password" autocomplete="off" required>'
    form = (
        f'<form method="post" action="{SIGN_IN}?next={quote(wanted, safe="")}"><p><label for="token">'
        f'{"Or a token of yours" if login else "A token of yours"}, as "workbench token issue" makes it</label></p><p>'
        f"{field} <button>Sign in</button></p></form>"
    )
    body = f'<h1>Sign in</h1><p class="quiet">Pages show what you may see.</p>{wrong}{way}{form}'
    return page("Sign in", body, name="Workbench")


def _next(wanted: str) -> str:
    """A path of our own, and nothing that a browser would read as another site."""
    harmless = wanted.startswith("/") and wanted.isprintable() and wanted.isascii() and "\\" not in wanted
    return wanted if harmless and not wanted.startswith(("//", SIGN_IN)) and len(wanted) <= 2000 else "/"


def _near(login: str, host: str) -> str:
    """The address of a login under the name by which the browser knows this machine: cookies hang on names."""
    parts, names = urlsplit(login), ("localhost", "127.0.0.1")
    if parts.scheme != "http" or parts.hostname not in names or host not in names:
        return login
    return urlunsplit(parts._replace(netloc=f"{host}:{parts.port}" if parts.port else host))
