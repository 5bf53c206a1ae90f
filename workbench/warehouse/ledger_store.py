"""Writes runs and facts to a database named by URL and reads them; SQLite on a laptop, shared by many processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from workbench.errors import Problem, WarehouseError
from workbench.warehouse.ledger import KeyFact, Note, Run
from workbench.warehouse.ledger_database import open_database
from workbench.warehouse.ledger_facts import fact_of, in_utc

_META = sa.MetaData()

RUNS = sa.Table(
    "runs",
    _META,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False, index=True),
    sa.Column("asker", sa.Text, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("subject", sa.JSON, nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("restrictions", sa.Integer, nullable=False),
)

KEYS = sa.Table(
    "keys",
    _META,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("key", sa.JSON, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("identity", sa.String(16), nullable=False),
    sa.Column("version", sa.Text, nullable=False, index=True),
    sa.Column("verdict", sa.String(8), nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("nulls", sa.BigInteger, nullable=False),
    sa.Column("duplicates", sa.BigInteger, nullable=False),
    sa.Column("orphans", sa.BigInteger, nullable=False),
    sa.Column("sample", sa.JSON, nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
)


class LedgerStore:
    """The tables of the ledger at one URL, created when first needed; every failure is a WarehouseError."""

    def __init__(self, url: str) -> None:
        self._url = sa.make_url(url)
        self._engine: sa.Engine | None = None

    def append(self, notes: Sequence[Note]) -> None:
        """Write runs and facts in one transaction; raises `WarehouseError` (ledger-unwritable)."""
        runs = [asdict(note) for note in notes if isinstance(note, Run)]
        facts = [asdict(note) for note in notes if isinstance(note, KeyFact)]
        if not notes:
            return
        try:
            with self._opened().begin() as connection:
                for table, rows in ((RUNS, runs), (KEYS, facts)):
                    if rows:
                        connection.execute(sa.insert(table), rows)
        except (SQLAlchemyError, OSError) as error:
            raise WarehouseError(self._problem("ledger-unwritable", "cannot be written", error)) from None

    def recent(self, limit: int, asker: str | None = None) -> tuple[Run, ...]:
        """The latest runs, newest first; raises `WarehouseError` (ledger-unreadable)."""
        query = sa.select(RUNS).order_by(RUNS.c.at.desc(), RUNS.c.id).limit(limit)
        if asker is not None:
            query = query.where(RUNS.c.asker == asker)
        try:
            with self._opened().connect() as connection:
                return tuple(_run(row._asdict()) for row in connection.execute(query))
        except (SQLAlchemyError, OSError) as error:
            raise WarehouseError(self._problem("ledger-unreadable", "cannot be read", error)) from None

    def key_facts(self, version: str) -> tuple[KeyFact, ...]:
        """What is recorded of keys in one version of the data, oldest first; raises as `recent` does."""
        query = sa.select(KEYS).where(KEYS.c.version == version).order_by(KEYS.c.number)
        try:
            with self._opened().connect() as connection:
                return tuple(fact_of(row._asdict()) for row in connection.execute(query))
        except (SQLAlchemyError, OSError) as error:
            raise WarehouseError(self._problem("ledger-unreadable", "cannot be read", error)) from None

    def close(self) -> None:
        """Let go of the database."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _opened(self) -> sa.Engine:
        if self._engine is None:
            self._engine = open_database(self._url)
        return self._engine

    def _problem(self, slug: str, what: str, error: Exception) -> Problem:
        where = self._url.render_as_string(hide_password=True)
        cause = str(getattr(error, "orig", None) or error).partition("\n")[0]
        hint = "Answers are not affected, but what is asked now is not recorded."
        return Problem(slug, f"The ledger '{where}' {what}: {cause}.", hint=hint, severity="warning")


def _run(row: dict[str, Any]) -> Run:
    return Run(**{**row, "at": in_utc(row["at"]), "subject": tuple(row["subject"])})
