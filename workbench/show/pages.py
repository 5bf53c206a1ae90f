"""Requests for the index, the catalogue and what does not exist to our own pages, each asked as the viewer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tornado.web import RequestHandler

from workbench.session.door import Door
from workbench.show.catalog import catalog_html, metric_page_html
from workbench.show.frame import HEADERS
from workbench.show.index import error_html, index_html

SessionFor = Callable[[str | None], Door]
"""Gives the session of a viewer by the name they signed in with; None where nobody signs in."""


class OwnPage(RequestHandler):
    """The base of our pages: answers only to the hosts it is served under, which keeps rebinding sites out."""

    def initialize(self, session_for: SessionFor, hosts: frozenset[str], name: str) -> None:
        """Keep what every page needs."""
        self.session_for, self.hosts, self.title = session_for, hosts, name

    def prepare(self) -> None:
        """Refuse foreign hosts."""
        if self.hosts and self.request.host not in self.hosts:
            self.refuse(403, "This address is not served here.")

    def set_default_headers(self) -> None:
        """No scripts, no frames, no caches."""
        for header, value in HEADERS.items():
            self.set_header(header, value)

    def refuse(self, status: int, message: str) -> None:
        """Finish with an error page."""
        self.set_status(status)
        self.finish(error_html(status, message, name=self.title))

    def write_error(self, status_code: int, **_: Any) -> None:
        """Never a traceback."""
        said = {404: "There is no such page.", 405: "That cannot be done here."}
        self.finish(error_html(status_code, said.get(status_code, "Something went wrong."), name=self.title))

    async def draw(self, made: Callable[[Door], str]) -> None:
        """Draw a page in a thread, so that its questions do not hold up the dashboards."""
        session = self.session_for(self.get_current_user())
        self.finish(await asyncio.to_thread(made, session))


class IndexPage(OwnPage):
    """The list of dashboards."""

    async def get(self) -> None:
        """Draw it."""
        await self.draw(lambda s: index_html(s.dashboards, name=self.title, who=s.principal.name))


class CatalogPage(OwnPage):
    """The list of metrics, or one of them."""

    async def get(self, metric: str | None = None) -> None:
        """Draw it; ``?q=`` searches."""
        words = self.get_query_argument("q", "")
        if metric:
            await self.draw(lambda s: metric_page_html(s, metric, name=self.title))
        else:
            await self.draw(lambda s: catalog_html(s, words, name=self.title))


class MissingPage(OwnPage):
    """Everything else."""

    def get(self, *_: str) -> None:
        """Say so."""
        self.refuse(404, "There is no such page.")
