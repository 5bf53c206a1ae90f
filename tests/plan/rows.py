"""Rows of random shops to tables of DuckDB: to a file of their own, or in memory in place of those before."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from workbench.warehouse.duckdb_file import HARDENED, WarehouseFile

Tables = Mapping[str, Sequence[Mapping[str, Any]]]


def write(path: Path, made: str, schema: str, tables: Tables) -> Path:
    """A new file with the tables that ``made`` creates in ``schema``, and these rows in them."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as con:
        _fill(con, made, schema, tables)
    return path


def hold(made: str, schema: str, tables: Tables) -> WarehouseFile:
    """The same in memory, as a warehouse that stands open: a tenth of a file's time, which random shops are made of.

    What was held under the same ``made`` is gone, as if its file had been replaced.
    """
    held = _held(made)
    held.replace(schema, tables)
    return held


@cache
def _held(made: str) -> Held:
    return Held(made)


class Held(WarehouseFile):
    """A database in memory that engines share like a file; each filling is a new version of it."""

    def __init__(self, made: str) -> None:
        super().__init__(Path("data.duckdb"))
        self.users = 1  # itself, so that no engine is the last to let go
        self._made = made
        config = {name: value for name, value in HARDENED.items() if name != "access_mode"}
        self._memory = duckdb.connect(config=config)
        self._memory.execute("SET threads = 1")  # two would wait for each other over a dozen rows
        self._memory.execute("SET GLOBAL TimeZone = 'UTC'")

    def replace(self, schema: str, tables: Tables) -> None:
        """These rows, in tables made anew."""
        _fill(self._memory, f"DROP SCHEMA IF EXISTS {schema} CASCADE; {self._made}", schema, tables)
        self._identity = f"{time.time_ns()}-held"

    def _current(self) -> duckdb.DuckDBPyConnection:
        return self._memory


def _fill(con: duckdb.DuckDBPyConnection, made: str, schema: str, tables: Tables) -> None:
    con.begin()  # each statement on its own would wait for the disk
    con.execute(made)
    for name, rows in tables.items():
        for columns, alike in groupby(rows, key=tuple):
            values = [list(row.values()) for row in alike]
            marks = ", ".join([f"({', '.join('?' * len(columns))})"] * len(values))
            listed = [value for row in values for value in row]
            con.execute(f"INSERT INTO {schema}.{name} ({', '.join(columns)}) VALUES {marks}", listed)
    con.commit()
