"""Requests for the index, the catalogue and what does not exist to our own pages, each asked as the viewer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tornado.web import RequestHandler

from workbench.errors import AccessDenied, WorkbenchError
from workbench.session.door import Door
from workbench.show.catalog import catalog_html, metric_page_html
from workbench.show.frame import HEADERS
from workbench.show.index import error_html, index_html
from workbench.show.viewers import Site, Viewers, brought, is_unknown, sign_in_path, told

NAMELESS = "Workbench"
"""What pages are called that are shown to anybody."""


def named(door: Door) -> str:
    """What the workspace is called."""
    return door.about.name.capitalize()


class OwnPage(RequestHandler):
    """The base of our pages: answers only to the hosts it is served under, which keeps rebinding sites out."""

    def initialize(self, viewers: Viewers, site: Site) -> None:
        """Keep what every page needs."""
        self.viewers, self.site = viewers, site

    def prepare(self) -> None:
        """Refuse foreign hosts."""
        if not self.site.serves(self.request):
            self.refuse(403, "This address is not served here.")

    def set_default_headers(self) -> None:
        """No scripts, no frames, no caches."""
        for header, value in HEADERS.items():
            self.set_header(header, value)

    def refuse(self, status: int, message: str) -> None:
        """Finish with an error page."""
        self.set_status(status)
        self.finish(error_html(status, message, name=NAMELESS))

    def write_error(self, status_code: int, **_: Any) -> None:
        """Never a traceback."""
        said = {404: "There is no such page.", 405: "That cannot be done here."}
        self.finish(error_html(status_code, said.get(status_code, "Something went wrong."), name=NAMELESS))

    async def draw(self, made: Callable[[Door], str]) -> None:
        """Draw a page as its viewer, in a thread, so that its questions do not hold up the dashboards."""
        try:
            door = await asyncio.to_thread(self.viewers.door, brought(self.request, self.site))
            self.finish(await asyncio.to_thread(made, door))
        except WorkbenchError as error:
            if self.viewers.signs_in and is_unknown(error):
                return self.redirect(sign_in_path(self.request))
            self.refuse(403 if isinstance(error, AccessDenied) else 503, told(error))


class IndexPage(OwnPage):
    """The list of dashboards."""

    async def get(self) -> None:
        """Draw it."""
        signs_in = self.viewers.signs_in
        await self.draw(lambda s: index_html(s.dashboards, name=named(s), who=s.principal.name, signs_in=signs_in))


class CatalogPage(OwnPage):
    """The list of metrics, or one of them."""

    async def get(self, metric: str | None = None) -> None:
        """Draw it; ``?q=`` searches."""
        words = self.get_query_argument("q", "")
        if metric:
            await self.draw(lambda s: metric_page_html(s, metric, name=named(s)))
        else:
            await self.draw(lambda s: catalog_html(s, words, name=named(s)))


class MissingPage(OwnPage):
    """Everything else."""

    def get(self, *_: str) -> None:
        """Say so."""
        self.refuse(404, "There is no such page.")
