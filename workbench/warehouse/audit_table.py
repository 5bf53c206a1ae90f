"""The audit's table as SQL speaks of it; a migration made it."""

from __future__ import annotations

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


_LAST = sa.select(AUDIT.c.number, AUDIT.c.hash).order_by(AUDIT.c.number.desc()).limit(1)
_HASH = sa.select(AUDIT.c.hash).where(AUDIT.c.number == sa.bindparam("wanted"))
_ENDED = sa.select(AUDIT.c.number).where(AUDIT.c.id == sa.bindparam("wanted"), AUDIT.c.kind == "end")
ADDED = sa.insert(AUDIT)
"""Statements are made once: what they cost is paid by every question."""


def last(connection: sa.Connection) -> tuple[int, str]:
    """The number and the hash of the last entry; zero and nothing before the first."""
    found = connection.execute(_LAST).first()
    return (found.number, found.hash) if found else (0, "")


def hash_of(connection: sa.Connection, number: int) -> str | None:
    """The hash of one entry; None where it is missing."""
    return connection.execute(_HASH, {"wanted": number}).scalar()


def is_ended(connection: sa.Connection, id: str) -> bool:
    """Whether a question's end is on record."""
    return connection.execute(_ENDED, {"wanted": id}).first() is not None
