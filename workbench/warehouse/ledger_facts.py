"""Reads what is recorded of keys; from a laptop's ledger with Python's own driver, before the larger one is loaded."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.errors import WarehouseError
from workbench.warehouse.ledger import KeyFact

_LOCAL = "sqlite:///"
_COLUMNS = tuple(field.name for field in fields(KeyFact))
_RECORDED = f"""SELECT {", ".join(f'"{name}"' for name in _COLUMNS)} FROM keys WHERE version = ? ORDER BY number"""


def key_facts(url: str, version: str) -> tuple[KeyFact, ...]:
    """The facts recorded of one version of the data, oldest first; none where the ledger cannot be read.

    A first answer waits for this. Python's own driver opens a file in a millisecond; loading what speaks to every
    database would take longer than most keys take to check.
    """
    if url.startswith(_LOCAL):
        return _local(Path(url.removeprefix(_LOCAL)), version)
    from workbench.warehouse.ledger_store import LedgerStore

    store = LedgerStore(url)
    try:
        return store.key_facts(version)
    except WarehouseError:
        return ()  # what is not known is checked anew
    finally:
        store.close()


def fact_of(row: Mapping[str, Any]) -> KeyFact:
    """A fact from its row."""
    given = {name: row[name] for name in _COLUMNS}
    return KeyFact(**{**given, "key": tuple(row["key"]), "sample": tuple(row["sample"]), "at": in_utc(row["at"])})


def in_utc(at: datetime) -> datetime:
    """The moment with its zone: SQLite keeps none, and all that is written is UTC."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _local(path: Path, version: str) -> tuple[KeyFact, ...]:
    if not path.exists():
        return ()
    try:
        with closing(sqlite3.connect(path, timeout=1)) as connection:
            found = [dict(zip(_COLUMNS, row, strict=True)) for row in connection.execute(_RECORDED, (version,))]
    except sqlite3.Error:
        return ()
    return tuple(
        fact_of(
            {
                **row,
                "key": json.loads(row["key"]),
                "sample": json.loads(row["sample"]),
                "at": datetime.fromisoformat(row["at"]),
            }
        )
        for row in found
    )
