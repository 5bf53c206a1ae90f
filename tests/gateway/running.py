"""A real gateway over a workspace, in a thread of this process, on a free port of this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from workbench.gateway.bounds import Bounds
from workbench.gateway.gateway import Gateway
from workbench.gateway.run import Draining, config_of, open_gateway


@contextmanager
def running(root: Path, bounds: Bounds | None = None, local: bool = False) -> Iterator[tuple[Gateway, str]]:
    """A gateway and its address, until the end of the block; ``local`` lets this machine ask without a token."""
    gateway = open_gateway(root, bounds=bounds, local=local)
    started = threading.Event()
    told: list[str] = []

    def ready(url: str) -> None:
        told.append(url)
        started.set()

    server = Draining(config_of(gateway, "127.0.0.1", 0), gateway, ready)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert started.wait(30)
    try:
        yield gateway, told[0]
    finally:
        server.should_exit = True
        thread.join(30)


def token(gateway: Gateway, name: str, scope: tuple[str, ...] = ("all",)) -> str:
    """A token of that person."""
    assert gateway.tokens is not None
    return gateway.tokens.issue(name, timedelta(hours=1), scope, "tests")[0]
