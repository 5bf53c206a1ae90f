"""A database URL to an engine whose tables are those of this version: SQLite in a file, or PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from workbench.errors import Problem, WarehouseError

NEWEST = "0002"
"""The newest of `migrations/versions`; a test holds it to them."""
BUSY = 10
"""Seconds that a writer waits for another."""
PATIENCE = {
    "connect_timeout": 5,
    "tcp_user_timeout": 15_000,
    "options": "-c lock_timeout=10s -c statement_timeout=15s -c idle_in_transaction_session_timeout=30s",
}
"""What is asked of PostgreSQL, so that one that hangs is an error and not a wait without end."""
UPGRADING = 0x776F726B
"""The number of PostgreSQL's advisory lock under which one process at a time changes tables."""

_UPGRADING = threading.Lock()
"""Alembic keeps what it is doing in its module, so two threads must not be at it at once."""


def open_database(url: sa.URL, durable: bool = False) -> sa.Engine:
    """The engine, with every table in place; ``durable`` commits survive a loss of power too.

    Raises SQLAlchemy's errors, and `WarehouseError` (ledger-newer) for tables that only a later version knows.
    """
    sqlite = url.get_backend_name() == "sqlite"
    if sqlite and url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": BUSY} if sqlite else PATIENCE, pool_pre_ping=not sqlite)
    if sqlite:
        sa.event.listen(engine, "connect", _pragmas("FULL" if durable else "NORMAL"))
    with ExitStack() as undo:
        undo.callback(engine.dispose)
        if _version(engine) != NEWEST:
            with _UPGRADING:
                _upgrade(engine)
        undo.pop_all()
    return engine


def begin_alone(connection: sa.Connection, lock: int) -> None:
    """Begin a transaction beside which nobody else is in one that began so."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))


def _pragmas(synchronous: str) -> Callable[[Any, object], None]:
    def on_connect(connection: Any, _: object) -> None:
        # Readers and one writer at a time, none of them in another's way.
        for pragma in ("journal_mode = WAL", f"synchronous = {synchronous}"):
            connection.execute(f"PRAGMA {pragma}")

    return on_connect


def _version(bind: sa.Engine | sa.Connection) -> str | None:
    """The version that the tables have; None where there are none, or ones from before they had versions."""
    if not sa.inspect(bind).has_table("alembic_version"):
        return None
    select: sa.Select[Any] = sa.select(sa.column("version_num")).select_from(sa.table("alembic_version"))
    if isinstance(bind, sa.Connection):
        found = bind.execute(select).scalar()
    else:
        with bind.connect() as connection:
            found = connection.execute(select).scalar()
    return None if found is None else str(found)


def _upgrade(engine: sa.Engine) -> None:
    # Loaded only where tables are made or changed: it takes longer than the rest of the ledger.
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with engine.connect() as connection:
        begin_alone(connection, UPGRADING)
        if _version(connection) == NEWEST:  # somebody else was first
            return
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError:
            raise WarehouseError(
                Problem(
                    "ledger-newer",
                    f"The ledger's tables have the version '{_version(connection)}', which this program does not know.",
                    hint=f"It knows up to '{NEWEST}': update this installation.",
                )
            ) from None
        connection.commit()
