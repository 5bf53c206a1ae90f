"""The audit's table as SQL speaks of it; a migration made it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

AUDIT = sa.table(
    "audit",
    sa.column("number", sa.BigInteger),
    *(sa.column(name, sa.Text) for name in ("id", "kind", "at", "principal", "verb", "resources", "decision", "rules")),
    *(sa.column(name, sa.Text) for name in ("policy", "release", "fingerprint", "request")),
    sa.column("rows", sa.BigInteger),
    sa.column("micros", sa.BigInteger),
    sa.column("outcome", sa.Text),
    sa.column("hash", sa.Text),
)

_NAMES = tuple(AUDIT.c.keys())
_LAST = "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1"
_ADD = f"INSERT INTO audit ({', '.join(_NAMES)}) VALUES ({', '.join('?' for _ in _NAMES)})"
_HASH = sa.select(AUDIT.c.hash).where(AUDIT.c.number == sa.bindparam("wanted"))
_ENDED = sa.select(AUDIT.c.number).where(AUDIT.c.id == sa.bindparam("wanted"), AUDIT.c.kind == "end")


def last(connection: sa.Connection) -> tuple[int, str]:
    """The number and the hash of the last entry; zero and nothing before the first."""
    with _driver(connection) as cursor:
        cursor.execute(_LAST)
        found = cursor.fetchone()
    return (found[0], found[1]) if found else (0, "")


def add(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write entries."""
    with _driver(connection) as cursor:
        text = _ADD if connection.dialect.paramstyle == "qmark" else _ADD.replace("?", "%s")
        cursor.executemany(text, [tuple(row[name] for name in _NAMES) for row in rows])


def hash_of(connection: sa.Connection, number: int) -> str | None:
    """The hash of one entry; None where it is missing."""
    return connection.execute(_HASH, {"wanted": number}).scalar()


def is_ended(connection: sa.Connection, id: str) -> bool:
    """Whether a question's end is on record."""
    return connection.execute(_ENDED, {"wanted": id}).first() is not None


@contextmanager
def _driver(connection: sa.Connection) -> Iterator[Any]:
    """The driver's own cursor: what stands between costs every question more than the statement does."""
    cursor = connection.connection.cursor()
    try:
        yield cursor
    except connection.dialect.loaded_dbapi.Error as error:
        connection.invalidate()
        raise sa.exc.DBAPIError(None, None, error) from error
    finally:
        cursor.close()
