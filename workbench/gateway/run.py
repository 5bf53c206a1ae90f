"""A workspace to a gateway that listens, until it is asked to leave; then it ends what runs, and closes."""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import uvicorn

from workbench.declare.settings import read_settings
from workbench.declare.workspace import Workspace
from workbench.gateway.bounds import Bounds
from workbench.gateway.connection import Connection
from workbench.gateway.gateway import Gateway, data_folder
from workbench.gateway.server import make_app
from workbench.gateway.serving import Serving
from workbench.gateway.trust import open_trust
from workbench.gateway.workers import Workers
from workbench.session.draft_book import DraftBook
from workbench.session.identity import local_identity
from workbench.warehouse.limits import MB, Limits
from workbench.warehouse.open import open_engine, open_ledger, prepare
from workbench.warehouse.releases import releases

LogForm = Literal["text", "json"]
_LOG = logging.getLogger("workbench.gateway")


def open_gateway(
    root: Path,
    *,
    environment: str | None = None,
    as_user: str | None = None,
    local: bool = False,
    bounds: Bounds | None = None,
    limits: Limits | None = None,
    say: Callable[[str], None] | None = None,
) -> Gateway:
    """The gateway of a workspace, its warehouse built where need be; ``local`` lets this machine ask without a token.

    Raises `DeclarationError` where the workspace is broken, `WarehouseError` for the warehouse, weak-secret.
    """
    settings = read_settings(root)
    name = environment or settings.default_environment
    where = settings.environment(name)
    prepare(root, where, say)
    ledger = open_ledger(root, settings.gateway.ledger)
    released = releases(root, name)
    drafts = DraftBook(data_folder(root) / "drafts")
    serving = Serving(root, open_engine(root, where, say), ledger, drafts, released)
    if say is not None:
        current = released.current()
        what = f"release {current.manifest.number}" if current else "the files as they lie here, since none is released"
        say(f"Serving {what}.")
    asker = local_identity(as_user, settings.identity)
    is_local = local or settings.gateway.authentication == "local"
    trust = open_trust(lambda: _authenticated(serving.workspace, is_local), name, asker)
    chosen = bounds or Bounds()
    # Another database keeps its own limits; here its statements are stopped by the clock alone.
    workers = None if where.url else Workers(root / where.warehouse, chosen.sql_questions, limits)
    gateway = Gateway(serving, trust.identities, trust.audit, workers, chosen, trust.tokens, trust.login)
    gateway.local_name = asker
    return gateway


def limits_of(memory_mb: int, seconds: float, result_mb: int) -> Limits:
    """The limits of one statement of ad hoc SQL."""
    usual = Limits()
    return replace(
        usual, memory=memory_mb * MB, wall_seconds=seconds, cpu_seconds=min(seconds, usual.cpu_seconds),
        result=result_mb * MB,
    )  # fmt: skip


def as_started(workspace: Workspace, local: bool) -> Workspace:
    """The workspace with the authentication that this gateway was started with."""
    return _authenticated(workspace, local or workspace.settings.gateway.authentication == "local")


def _authenticated(workspace: Workspace, is_local: bool) -> Workspace:
    """The workspace with that authentication: a release may bring another, which nobody checked as this one was."""
    settings = workspace.settings
    gateway = settings.gateway.model_copy(update={"authentication": "local" if is_local else "required"})
    return replace(workspace, settings=settings.model_copy(update={"gateway": gateway}))


def serve(
    gateway: Gateway,
    *,
    host: str,
    port: int,
    log: LogForm = "text",
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGTERM or Ctrl-C; ``ready`` is told the address once requests are taken."""
    _log_as(log)
    atexit.register(_hush)
    # The server raises the signal that ended it once more; to have left as asked is no failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    Draining(config_of(gateway, host, port), gateway, ready).run()


def config_of(gateway: Gateway, host: str, port: int) -> uvicorn.Config:
    """How a gateway is served: with bounds of all that somebody may send before anything is known of them."""
    return uvicorn.Config(
        make_app(gateway),
        host=host,
        port=port,
        http=Connection,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=round(gateway.bounds.drain_seconds) + 10,
        limit_concurrency=1000,
        backlog=512,
    )


def _hush() -> None:
    """Show nothing of the interpreter's last steps, with everything closed and told.

    uvloop keeps the application beyond its end, and so the engine's module, of which that would list each part.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


class Draining(uvicorn.Server):
    """A server that leaves gracefully: nothing new is taken, what runs may end, and is stopped after a while."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway, ready: Callable[[str], None] | None = None) -> None:
        super().__init__(config)
        self._gateway = gateway
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and tell where."""
        await super().startup(sockets)
        if self.started and self._ready is not None:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Leave."""
        gateway = self._gateway
        gateway.is_leaving = True
        _LOG.info("leaving: %d questions may end within %g s", len(gateway.queries), gateway.bounds.drain_seconds)
        loop = asyncio.get_running_loop()
        timer = loop.call_later(gateway.bounds.drain_seconds, gateway.queries.stop_all)
        try:
            await super().shutdown(sockets)
        finally:
            timer.cancel()


class _Lines(logging.Formatter):
    """A line of JSON for each record."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's facts, and its error where it has one."""
        said = {"at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"), "level": record.levelname.lower()}
        said |= {"logger": record.name, "message": record.getMessage(), **getattr(record, "facts", {})}
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return json.dumps(said, default=str)


def _log_as(form: LogForm) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines() if form == "json" else logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for name in ("workbench.gateway", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO if name == "workbench.gateway" else logging.WARNING)
    # A response that ends without its last piece is how a stream says that it broke off.
    logging.getLogger("uvicorn.error").addFilter(
        lambda record: "without completing response" not in record.getMessage()
    )
