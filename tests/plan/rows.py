"""Rows of random shops to a DuckDB file, in one transaction, since each would wait for the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb


def write(path: Path, made: str, schema: str, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> Path:
    """A new file with the tables that ``made`` creates in ``schema``, and these rows in them."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as con:
        con.begin()
        con.execute(made)
        for name, rows in tables.items():
            for columns, alike in groupby(rows, key=tuple):
                values = [list(row.values()) for row in alike]
                marks = ", ".join([f"({', '.join('?' * len(columns))})"] * len(values))
                listed = [value for row in values for value in row]
                con.execute(f"INSERT INTO {schema}.{name} ({', '.join(columns)}) VALUES {marks}", listed)
        con.commit()
    return path
