"""Declared dashboards to a running server: an index, a catalogue, and one live page for each dashboard."""

from __future__ import annotations

import logging
import socket
import warnings
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any

import panel as pn

from workbench.errors import Problem, WarehouseError, WorkbenchError
from workbench.session.door import Door
from workbench.show.ask import Desk, tiles_of
from workbench.show.page import DashboardPage
from workbench.show.pages import CatalogPage, IndexPage, MissingPage, SessionFor
from workbench.show.state import opening
from workbench.show.tile_html import error_html

if TYPE_CHECKING:
    from panel.io.server import Server

THREADS = 2
_LOG = logging.getLogger(__name__)


def serve(
    session: Door | SessionFor,
    *,
    port: int = 5006,
    address: str = "127.0.0.1",
    hosts: tuple[str, ...] = (),
    block: bool = True,
    ready: Callable[[str], None] | None = None,
) -> Server:
    """Serve the dashboards of a door at ``http://address:port/``; ``ready`` is told the address.

    ``session`` is one door for everybody (a laptop) or a function from a viewer's name to theirs. ``hosts`` are
    further names the server may be reached by. With ``block`` it runs until interrupted; without, the caller runs
    the returned server's loop. Port 0 takes a free one. Raises `WarehouseError` (port-in-use) where it cannot listen.
    """
    session_for: SessionFor = session if callable(session) else (lambda _: session)
    everyone = session_for(None)
    pn.extension("vega", "tabulator", nthreads=THREADS, throttled=True, notifications=False)
    about, boards = everyone.about, everyone.dashboards
    name, release = about.name, about.release
    apps = {key: _app(key, session_for, release) for key in boards}
    titles = {key: board.title for key, board in boards.items()}
    own: dict[str, Any] = {"session_for": session_for, "hosts": frozenset(), "name": name.capitalize()}
    port = port or _free_port(address)
    if address not in ("", "0.0.0.0", "::"):
        own["hosts"] = frozenset(_origins(port, address, hosts))
    server = _listen(apps, titles, own, port, address, hosts)
    server._tornado.settings.update(default_handler_class=MissingPage, default_handler_args=own)
    _quieten()
    server.start()
    url = f"http://{'localhost' if address == '127.0.0.1' else address}:{port}/"
    if ready is not None:
        ready(url)
    if not callable(session):
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


def _app(key: str, session_for: SessionFor, release: str) -> Callable[[], Any]:
    """What builds a page for each visit, as its viewer; a page one may not open reads as a missing one."""

    def build() -> Any:
        try:
            session = session_for(pn.state.user)
            dashboard = session.dashboards.get(key)
            if dashboard is None:
                return pn.pane.HTML(error_html(f"There is no dashboard '{key}'."))
            return DashboardPage(dashboard, session, release=release).view()
        except WorkbenchError as error:
            return pn.pane.HTML(error_html(error))
        except Exception:  # noqa: BLE001  the outermost layer: a visitor sees words, the log keeps the rest
            _LOG.exception("dashboard '%s' could not be built", key)
            return pn.pane.HTML(error_html("This dashboard could not be drawn; the server's log says why."))

    return build


def _listen(
    apps: dict[str, Any], titles: dict[str, str], own: dict[str, Any], port: int, address: str, hosts: tuple[str, ...]
) -> Server:
    try:
        return pn.io.server.get_server(
            apps or {"empty": lambda: pn.pane.HTML("")},
            port=port,
            address=address,
            websocket_origin=_origins(port, address, hosts),
            extra_patterns=[(r"/", IndexPage, own), (r"/catalog(?:/([a-z0-9_.]+))?/?", CatalogPage, own)],
            title=titles,
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


def _origins(port: int, address: str, hosts: tuple[str, ...]) -> list[str]:
    near = ("localhost", "127.0.0.1", address) if address else ("localhost", "127.0.0.1")
    return list(dict.fromkeys([*(f"{host}:{port}" for host in near), *hosts]))


def _quieten() -> None:
    """A visitor who leaves is no news; nor is a browser that sends back a widget the server knows already."""
    warnings.filterwarnings("ignore", message="reference already known")
    for name in ("bokeh.server", "tornado.access", "bokeh.application"):
        logging.getLogger(name).setLevel(logging.ERROR)
