"""A PostgreSQL server for one run of tests, and the tables of a DuckDB file copied into it."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg
import pytest

from tests.warehouse.postgres import Postgres, binary

_TYPES = {
    "DOUBLE": "double precision", "FLOAT": "real", "VARCHAR": "text", "TINYINT": "smallint", "UTINYINT": "smallint",
    "HUGEINT": "numeric(38, 0)", "TIMESTAMP_NS": "timestamp",
}  # fmt: skip


def started() -> Iterator[Postgres]:
    """A server with a database of a locale of its own, so that nothing hangs on the order of a language."""
    if binary("initdb") is None:
        if os.environ.get("CI"):
            pytest.fail("CI lacks PostgreSQL: .ci/run installs it.")
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    server = Postgres()
    server.start()
    yield server
    server.close()


def address(server: Postgres, database: str = "postgres") -> str:
    """The address of a database as an environment's 'url' has it."""
    return f"postgresql://ledger@127.0.0.1:{server.port}/{database}"


def new_database(server: Postgres) -> str:
    """The address of an empty database."""
    name = f"d{uuid.uuid4().hex}"
    with psycopg.connect(address(server), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return address(server, name)


def copied(file: Path, url: str, folder: Path) -> None:
    """Every table of a DuckDB file, with its rows, in an empty database."""
    with duckdb.connect(str(file), read_only=True) as source, psycopg.connect(url, autocommit=True) as target:
        source.execute("SET TimeZone = 'UTC'")
        target.execute("SET TimeZone = 'UTC'")
        tables = source.execute("SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal").fetchall()
        for schema, table in tables:
            columns = source.execute(f'DESCRIBE "{schema}"."{table}"').fetchall()
            typed = ", ".join(f'"{name}" {_TYPES.get(kind, kind)}' for name, kind, *_ in columns)
            target.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"; CREATE TABLE "{schema}"."{table}" ({typed})')
            rows = folder / f"{table}.csv"
            source.execute(f"COPY \"{schema}\".\"{table}\" TO '{rows}' (FORMAT csv, HEADER false, NULLSTR '\\N')")
            with target.cursor().copy(f'COPY "{schema}"."{table}" FROM STDIN (FORMAT csv, NULL \'\\N\')') as copy:
                copy.write(rows.read_bytes())
        target.execute("ANALYZE")


def sampled(file: Path, into: Path) -> Path:
    """The warehouse of flights with every twelfth flight, so that many questions take little time."""
    copy = shutil.copyfile(file, into.with_suffix(".whole"))  # the file itself may be open here in another way
    with duckdb.connect(str(into)) as connection:
        connection.execute(f"ATTACH '{copy}' AS whole (READ_ONLY)")
        found = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'whole' AND NOT internal"
        for schema, table in connection.execute(found).fetchall():
            if schema == "landing":
                continue
            kept = " WHERE hash(flight_id) % 12 = 0" if table == "flights" else ""
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            connection.execute(f"CREATE TABLE {schema}.{table} AS SELECT * FROM whole.{schema}.{table}{kept}")
    return into
