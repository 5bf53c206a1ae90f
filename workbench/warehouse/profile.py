"""A DuckDB connection to facts about its tables: keys and links that the data bears out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.exchange.proposals import ColumnFacts, LinkFacts, TableFacts, named_like
from workbench.warehouse import files
from workbench.warehouse.duckdb_file import open_hardened

if TYPE_CHECKING:
    import duckdb

MOST_KEY_CHECKS = 12
"""Exact checks of composite keys per table; each is one scan."""

VALUE_SHARE = 0.95
"""A text column is linked by its values alone when so many of them are keys over there."""

NAME_SHARE = 0.5
"""A column linked by its name still needs so many of its values over there."""

_KEYLIKE = re.compile(
    r"(^|_)(id|key|code|no|nr|num|number|line|seq|sequence|position|index|version|date|day|month|year|hour|time)($|_)|id$"
)

Say = Callable[[str], None]
Profile = tuple[tuple[TableFacts, ...], tuple[LinkFacts, ...]]


def profile_data(data: Path, say: Say) -> Profile:
    """The facts of a DuckDB file, opened read-only, or of Parquet and CSV files; raises `WarehouseError`."""
    import duckdb

    if is_database(data):
        connection = open_hardened(data)
        try:
            return profile(connection, say)
        finally:
            connection.close()
    with duckdb.connect() as memory:
        files.fill(memory, files.tables_in(data), say)
        return profile(memory, say)


def is_database(data: Path) -> bool:
    """Whether a file is a DuckDB database, by its own mark or its name."""
    if not data.is_file():
        return False
    with data.open("rb") as file:
        return file.read(12)[8:] == b"DUCK" or data.suffix in (".duckdb", ".db", ".ddb")


def profile(connection: duckdb.DuckDBPyConnection, say: Say = lambda _: None) -> Profile:
    """Every table and view of the database, its verified keys, and the links between them."""
    found = connection.execute(
        "select table_schema, table_name from information_schema.tables "
        "where table_catalog = current_database() and table_schema not in ('information_schema', 'pg_catalog') "
        "order by all"
    ).fetchall()
    tables = []
    for schema, name in found:
        tables.append(_table(connection, schema, name))
        key = f", key {', '.join(tables[-1].keys[0])}" if tables[-1].keys else ", no key found"
        say(f"{schema}.{name}: {tables[-1].rows:,} rows, {len(tables[-1].columns)} columns{key}")
    return tuple(tables), tuple(_links(connection, tables))


def _table(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> TableFacts:
    described = connection.execute(
        "select column_name, data_type from information_schema.columns where table_catalog = current_database() "
        "and table_schema = ? and table_name = ? order by ordinal_position",
        [schema, name],
    ).fetchall()
    where = f"{_quoted(schema)}.{_quoted(name)}"
    parts = [f"count({_quoted(c)}), approx_count_distinct({_quoted(c)})" for c, _ in described]
    counts = _row(connection, f"select count(*), {', '.join(parts)} from {where}")
    rows = int(counts[0])
    columns = tuple(
        ColumnFacts(column, kind, rows - counts[1 + 2 * i], min(int(counts[2 + 2 * i]), rows))
        for i, (column, kind) in enumerate(described)
    )
    declared = _declared_keys(connection, schema, name)
    keys = declared or tuple(_found_keys(connection, where, rows, columns, name))
    single = {key[0] for key in keys if len(key) == 1}
    columns = tuple(replace(c, distinct=rows) if c.name in single else c for c in columns)  # known exactly now
    return TableFacts(schema, name, rows, columns, keys)


def _declared_keys(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> tuple[tuple[str, ...], ...]:
    """The keys that the database itself enforces, the primary one first."""
    found = connection.execute(
        "select constraint_column_names from duckdb_constraints() where database_name = current_database() and "
        "schema_name = ? and table_name = ? and constraint_type in ('PRIMARY KEY', 'UNIQUE') order by constraint_type",
        [schema, name],
    ).fetchall()
    return tuple(tuple(columns) for (columns,) in found)


def _found_keys(
    connection: duckdb.DuckDBPyConnection, where: str, rows: int, columns: Sequence[ColumnFacts], table: str
) -> Iterator[tuple[str, ...]]:
    """The best single column that is unique on every row, else the smallest set of columns that is."""
    if rows < 2:
        return
    full = [c for c in columns if not c.nulls and c.distinct > 1 and c.family not in ("number", "other", "boolean")]

    def likely(column: ColumnFacts) -> tuple[bool, bool, int]:
        name = column.name.lower()
        ends = name == "id" or name.endswith(("_id", "_key", "_code", "id"))
        return not named_like(column.name, table, column.name) or not ends, not ends, columns.index(column)

    # The estimate may be some percent off; whoever comes near is counted exactly.
    singles = [c for c in full if c.distinct >= 0.9 * rows and c.family in ("integer", "text")]
    for column in sorted(singles, key=likely):
        if _is_unique(connection, where, rows, (column.name,)):
            yield (column.name,)
            return
    # Quantities can tell rows apart by accident, so what reads as part of a key is tried first.
    ordered = sorted(full, key=lambda c: (c.family == "integer" and not _KEYLIKE.search(c.name.lower()), -c.distinct))
    tried = 0
    for size in (2, 3, 4):
        for several in combinations(ordered[:6], size):
            product = 1
            for column in several:
                product *= column.distinct
            if 1.2 * product < rows or tried >= MOST_KEY_CHECKS:  # estimates may be some percent low
                continue
            tried += 1
            names = tuple(c.name for c in columns if c in several)
            if _is_unique(connection, where, rows, names):
                yield names
                return


def _is_unique(connection: duckdb.DuckDBPyConnection, where: str, rows: int, columns: Sequence[str]) -> bool:
    several = ", ".join(map(_quoted, columns))
    return bool(_row(connection, f"select count(*) from (select distinct {several} from {where})")[0] == rows)


def _links(connection: duckdb.DuckDBPyConnection, tables: Sequence[TableFacts]) -> Iterator[LinkFacts]:
    for table in tables:
        for column in table.columns:
            candidates = [
                link
                for target in tables
                if target is not table
                for link in _candidate(connection, table, column, target)
            ]
            if candidates:
                yield min(candidates, key=lambda link: (link.found_by != "name", link.orphans))


def _candidate(
    connection: duckdb.DuckDBPyConnection, table: TableFacts, column: ColumnFacts, target: TableFacts
) -> Iterator[LinkFacts]:
    single = next((key[0] for key in target.keys if len(key) == 1), None)
    key = next((c for c in target.columns if c.name == single), None)
    if key is None or key.family != column.family or column.family not in ("integer", "text") or not target.rows:
        return
    named = named_like(column.name, target.name, key.name)
    # Small integers occur everywhere, so only text is linked by its values; a table's own key is no link by value.
    by_value = column.family == "text" and 1 < column.distinct <= 1.1 * target.rows and (column.name,) not in table.keys
    if not named and not by_value:
        return
    mine, theirs = f"{_quoted(table.schema)}.{_quoted(table.name)}", f"{_quoted(target.schema)}.{_quoted(target.name)}"
    here, there = _quoted(column.name), _quoted(key.name)
    orphans, missing, values = _row(
        connection,
        f"with used as (select {here} as value, count(*) as times from {mine} where {here} is not null group by all) "
        f"select coalesce(sum(times) filter (lost), 0), count(*) filter (lost), count(*) from "
        f"(select times, not exists (select 1 from {theirs} as target where target.{there} = used.value) as lost "
        "from used)",
    )
    share = 1 - missing / values if values else 0.0
    if share >= (NAME_SHARE if named else VALUE_SHARE):
        yield LinkFacts(
            f"{table.schema}.{table.name}",
            column.name,
            f"{target.schema}.{target.name}",
            key.name,
            table.rows,
            column.nulls,
            int(orphans),
            "name" if named else "value",
        )


def _row(connection: duckdb.DuckDBPyConnection, statement: str) -> tuple[Any, ...]:
    row = connection.execute(statement).fetchone()
    assert row is not None
    return tuple(row)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
