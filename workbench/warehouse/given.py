"""A few rows of a test to a DuckDB file with the warehouse's own tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from workbench.errors import DeclarationError, Place, Problem, did_you_mean

Types = Mapping[str, Mapping[str, str]]
"""For each table, its columns with their types."""


def write_given(path: Path, types: Types, rows: Mapping[str, Sequence[Mapping[str, Any]]], place: Place) -> None:
    """Write tables of these types that hold these rows; a column left out is NULL.

    Raises `DeclarationError` (missing-column, bad-given) at ``place``.
    """
    with duckdb.connect(str(path)) as con:
        for table, columns in types.items():
            schema, _, name = table.rpartition(".")
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {_quoted(schema or 'main')}")
            listed = ", ".join(f"{_quoted(column)} {kind}" for column, kind in columns.items())
            target = f"{_quoted(schema or 'main')}.{_quoted(name)}"
            con.execute(f"CREATE TABLE {target} ({listed})")
            for row in rows.get(table, ()):
                _insert(con, target, table, columns, row, place)


def _insert(
    con: duckdb.DuckDBPyConnection,
    target: str,
    table: str,
    columns: Mapping[str, str],
    row: Mapping[str, Any],
    place: Place,
) -> None:
    unknown = next((column for column in row if column not in columns), None)
    if unknown is not None:
        raise DeclarationError(
            Problem(
                "missing-column",
                f"the table '{table}' has no column '{unknown}'.",
                place,
                did_you_mean(unknown, columns),
            )
        )
    names = ", ".join(_quoted(column) for column in row)
    values = f"({names}) VALUES ({', '.join('?' * len(row))})" if row else "DEFAULT VALUES"
    try:
        con.execute(f"INSERT INTO {target} {values}", list(row.values()))
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise DeclarationError(
            Problem("bad-given", f"a given row of '{table}' does not fit: {reason}", place)
        ) from None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
