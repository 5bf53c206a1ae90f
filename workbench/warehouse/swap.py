"""A warehouse file made aside to the one in its place: by one process at a time, whole or not at all."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import Problem, WarehouseError

STORAGE = "v1.5.0"
"""The oldest layout still wanted: DuckDB 1.5.5 and 2.0 both read it, whichever wrote it."""

Progress = Callable[[str], None]


def settle(fresh: Path, path: Path) -> None:
    """Put the finished file in place so that a crash leaves the old one or the new one, never a part."""
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    path.with_name(path.name + ".wal").unlink(missing_ok=True)  # of a file that is about to be replaced
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def alone(path: Path, progress: Progress) -> Iterator[None]:
    """Hold the right to build; the lock ends with the process, however that ends."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(path.name + ".lock").open("w")
    except PermissionError:
        denied = f"No permission to write in '{path.parent}'."
        raise WarehouseError(
            Problem("no-permission", denied, hint="Choose a folder that you may write, or ask its owner.")
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("another process is building the warehouse; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for left in path.parent.glob(aside(path) + "*"):  # of builders that were killed
            shutil.rmtree(left, ignore_errors=True)
        yield


def aside(path: Path) -> str:
    """The prefix of folders in which a new version of the file is made."""
    return f".{path.name}.building-"
