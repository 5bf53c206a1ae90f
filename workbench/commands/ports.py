"""Ports of this machine: the one asked for, or the first that is free."""

from __future__ import annotations

import socket
from collections.abc import Collection

from workbench.errors import Problem, WorkbenchError

GATEWAY, DASHBOARDS, LAB = 8700, 8800, 8888
HOST = "127.0.0.1"
TRIED = 50


def is_free(port: int, host: str = HOST) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def choose(wanted: int | None, first: int, option: str, taken: Collection[int] = ()) -> int:
    """The port wanted, or the first free one from ``first`` on; raises `WorkbenchError` (port-in-use)."""
    if wanted is not None:
        if wanted in taken or not is_free(wanted):
            raise WorkbenchError(
                Problem(
                    "port-in-use",
                    f"port {wanted} is in use.",
                    hint=f"Give another one with {option}, or leave it out to have a free one chosen.",
                )
            )
        return wanted
    free = (port for port in range(first, first + TRIED) if port not in taken and is_free(port))
    port = next(free, None)
    if port is None:
        raise WorkbenchError(
            Problem(
                "port-in-use", f"no port from {first} to {first + TRIED - 1} is free.", hint=f"Give one with {option}."
            )
        )
    return port
