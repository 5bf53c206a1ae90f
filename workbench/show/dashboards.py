"""Declared dashboards to a running server: an index, a catalogue, and one live page for each dashboard."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import warnings
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import panel as pn
from tornado.websocket import WebSocketClosedError

from workbench.errors import Problem, WarehouseError, WorkbenchError
from workbench.session.door import Door
from workbench.session.session import Session
from workbench.show.ask import Desk, tiles_of
from workbench.show.page import DashboardPage
from workbench.show.pages import CatalogPage, IndexPage, MissingPage
from workbench.show.sign_in import SignInPage, SignOut
from workbench.show.state import opening
from workbench.show.tile_html import error_html
from workbench.show.viewers import SIGN_IN, SIGN_OUT, Gate, Site, Viewers, everybody, visit

if TYPE_CHECKING:
    from panel.io.server import Server

THREADS = 2
OF_DASHBOARDS = r"/(?!(?:catalog|signin|signout)(?:/|$))[a-z][a-z0-9_]*"
"""The addresses of dashboards: which there are is asked anew at each visit, as its viewer."""
_LOG = logging.getLogger(__name__)


def serve(
    session: Session | Viewers,
    *,
    port: int = 5006,
    address: str = "127.0.0.1",
    url: str = "",
    block: bool = True,
    ready: Callable[[str], None] | None = None,
) -> Server:
    """Serve the dashboards of a door at ``http://address:port/``; ``ready`` is told the address.

    ``session`` is everybody's (a laptop), or opens the door of each viewer. ``url`` is where browsers reach
    the pages, where that is not the address. With ``block`` it runs until interrupted; without, the caller runs the
    returned server's loop. Port 0 takes a free one. Raises `WarehouseError` (port-in-use) where it cannot listen.
    """
    viewers = session if isinstance(session, Viewers) else everybody(session)
    pn.extension("vega", "tabulator", nthreads=THREADS, throttled=True, notifications=False)
    port = port or _free_port(address)
    origins = _origins(port, address, url)
    anywhere = address in ("", "0.0.0.0", "::") and not url
    own: dict[str, Any] = {
        "viewers": viewers,
        "site": Site(frozenset() if anywhere else frozenset(origins), url.startswith("https://")),
    }
    server = _listen(own, port, address, origins)
    server._tornado.settings.update(default_handler_class=MissingPage, default_handler_args=own)
    _quieten()
    server.start()
    if ready is not None:
        ready(url or f"http://{'localhost' if address == '127.0.0.1' else address}:{port}/")
    if not isinstance(session, Viewers):
        Thread(target=_warm, args=(session,), daemon=True, name="warm dashboards").start()
    if block:
        server.run_until_shutdown()
    return server


def _warm(session: Door) -> None:
    """Ask what the first visitor will ask, so that they wait for no compiler; what fails here shows on the page."""
    for dashboard in session.dashboards.values():
        desk = Desk(session)
        with suppress(WorkbenchError):
            state = opening(dashboard, None)
            desk.readings(tiles_of(dashboard), state)
            for tile in tiles_of(dashboard):
                if tile.kind in ("line", "bar", "table"):
                    desk.tile(tile, state)


def _build() -> Any:
    """A page for each visit, as its viewer; a page one may not open reads as a missing one."""
    now = visit.get()
    try:
        dashboard = now.door.dashboards.get(now.dashboard)
        if dashboard is None:
            return pn.pane.HTML(error_html(f"There is no dashboard '{now.dashboard}'."))
        page = DashboardPage(dashboard, now.door, release=now.door.about.release).view()
        # Written here, the browser's tab has the title of the page: what is returned gets the server's.
        page.server_doc(pn.state.curdoc, dashboard.title)
        return None
    except WorkbenchError as error:
        return pn.pane.HTML(error_html(error))
    except Exception:  # noqa: BLE001  the outermost layer: a visitor sees words, the log keeps the rest
        _LOG.exception("dashboard '%s' could not be built", now.dashboard)
        return pn.pane.HTML(error_html("This dashboard could not be drawn; the server's log says why."))


def _listen(own: dict[str, Any], port: int, address: str, origins: list[str]) -> Server:
    try:
        return pn.io.server.get_server(
            {OF_DASHBOARDS: _build},
            port=port,
            address=address,
            websocket_origin=origins,
            extra_patterns=[
                (r"/", IndexPage, own),
                (r"/catalog(?:/([a-z0-9_.]+))?/?", CatalogPage, own),
                (SIGN_IN, SignInPage, own),
                (SIGN_OUT, SignOut, own),
            ],
            auth_provider=Gate(own["viewers"], own["site"], asyncio.to_thread),
            # A visit has a name that is made here, for one browser; what the browser brought stays out of the page.
            sign_sessions=True,
            secret_key=secrets.token_bytes(32),
            include_headers=[],
            include_cookies=[],
            title="Dashboards",
            show=False,
            start=False,
        )
    except OSError as error:
        problem = Problem(
            "port-in-use",
            f"port {port} of '{address}' cannot be used: {error.strerror or error}.",
            hint="Stop what uses it, or choose another; without one, a free one is taken.",
        )
        raise WarehouseError(problem) from None


def _free_port(address: str) -> int:
    with socket.socket() as trial:
        trial.bind((address, 0))
        return int(trial.getsockname()[1])


def _origins(port: int, address: str, url: str) -> list[str]:
    near = ("localhost", "127.0.0.1", address) if address else ("localhost", "127.0.0.1")
    named = [urlsplit(url).netloc] if url else []
    return list(dict.fromkeys([*(f"{host}:{port}" for host in near), *named]))


def _quieten() -> None:
    """A visitor who leaves is no news; nor is a browser that sends back a widget the server knows already."""
    warnings.filterwarnings("ignore", message="reference already known")
    for name in ("bokeh.server", "tornado.access", "bokeh.application"):
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("asyncio").addFilter(
        lambda record: record.exc_info is None or not isinstance(record.exc_info[1], WebSocketClosedError)
    )
