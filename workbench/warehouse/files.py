"""A folder of Parquet and CSV files to an embedded warehouse, one table per file or per folder of parts."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from workbench.errors import Problem, WarehouseError
from workbench.warehouse.swap import STORAGE, Progress, alone, aside, settle

READERS = {".parquet": "read_parquet", ".csv": "read_csv", ".tsv": "read_csv", ".gz": "read_csv"}
RECORD = "landing.files"
"""Holds what the warehouse was built from; written last, so that its being there proves the file whole."""


@dataclass(frozen=True, slots=True)
class FileTable:
    """A table to be, and the files that hold its rows."""

    name: str
    reader: str
    files: tuple[Path, ...]


def tables_in(source: Path) -> tuple[FileTable, ...]:
    """The tables that a folder or a file holds; raises `WarehouseError` (no-data, two-tables)."""
    if source.is_file():
        groups = {_name(source): [source]} if source.suffix in READERS else {}
    else:
        groups = {_name(file): [file] for file in _data(source.iterdir())} if source.is_dir() else {}
        if source.is_dir() and len(groups) < len(list(_data(source.iterdir()))):
            hint = "Rename one, or put the parts of one table into a folder of their own."
            raise WarehouseError(Problem("two-tables", f"two files in '{source}' would make one table.", hint=hint))
        for folder in sorted(f for f in source.iterdir() if f.is_dir()) if source.is_dir() else ():
            if parts := list(_data(folder.rglob("*"))):
                groups.setdefault(_name(folder), []).extend(parts)
    tables = tuple(FileTable(name, READERS[files[0].suffix], tuple(files)) for name, files in sorted(groups.items()))
    if not tables:
        hint = "Give a DuckDB file, a Parquet or CSV file, or a folder of such files."
        raise WarehouseError(Problem("no-data", f"no data in '{source}'.", hint=hint))
    return tables


def ensure(path: Path, source: Path, progress: Progress) -> bool:
    """Build the warehouse unless it is made of the files as they are now; True if it was built."""
    tables = tables_in(source)
    if _state_of(path) == _state(tables):
        return False
    with alone(path, progress):
        if _state_of(path) == _state(tables):
            return False
        build(path, tables, progress)
    return True


def build(path: Path, tables: Iterable[FileTable], progress: Progress) -> None:
    """Build the warehouse aside and move it into place in one step."""
    tables = tuple(tables)
    began = time.perf_counter()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=aside(path), dir=path.parent) as folder:
            fresh = Path(folder) / path.name
            with duckdb.connect() as connection:
                connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
                connection.execute(
                    f"ATTACH {_literal(fresh)} AS warehouse (STORAGE_VERSION '{STORAGE}'); USE warehouse"
                )
                fill(connection, tables, progress)
                connection.execute(
                    f"CREATE SCHEMA landing; CREATE TABLE {RECORD} AS SELECT ? AS state", [_state(tables)]
                )
                connection.execute("USE memory; DETACH warehouse")
            settle(fresh, path)
    except PermissionError:
        hint = "Choose a folder that you may write, or ask its owner."
        raise WarehouseError(
            Problem("no-permission", f"No permission to write in '{path.parent}'.", hint=hint)
        ) from None
    except (OSError, duckdb.Error) as error:
        reason = f"'{path}' could not be built: {str(error).partition(chr(10))[0]}"
        raise WarehouseError(Problem("build-failed", reason, hint="What was there before is unchanged.")) from None
    progress(f"warehouse built in {time.perf_counter() - began:.1f} s")


def fill(connection: duckdb.DuckDBPyConnection, tables: Iterable[FileTable], progress: Progress) -> None:
    """Read every table into the schema gold of the database in use."""
    connection.execute("CREATE SCHEMA gold")
    for table in tables:
        _load(connection, table, progress)


def _load(connection: duckdb.DuckDBPyConnection, table: FileTable, progress: Progress) -> None:
    files = ", ".join(_literal(file) for file in table.files)
    options = ", union_by_name = true" if len(table.files) > 1 else ""
    name = f'gold."{table.name}"'
    try:
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM {table.reader}([{files}]{options})")
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0]
        hint = "Parquet and CSV with a header line are read; leave other files out of the folder."
        raise WarehouseError(
            Problem("unreadable-data", f"'{table.files[0]}' cannot be read: {reason}.", hint=hint)
        ) from None
    row = connection.execute(f"SELECT count(*) FROM {name}").fetchone()
    progress(f"read {row[0] if row else 0:,} rows into gold.{table.name}")


def _data(paths: Iterable[Path]) -> Iterable[Path]:
    """Files with rows; of compressed ones only CSV."""
    for path in sorted(paths):
        compressed = path.suffix == ".gz" and not path.name.endswith((".csv.gz", ".tsv.gz"))
        if path.is_file() and path.suffix in READERS and not path.name.startswith((".", "_")) and not compressed:
            yield path


def _name(path: Path) -> str:
    stem = path.name.split(".")[0] if path.is_file() else path.name
    name = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")
    return name if name[:1].isalpha() else f"t_{name}"


def _state(tables: Iterable[FileTable]) -> str:
    """What the files are now: another text means that they changed."""
    stats = [(table.name, file, file.stat()) for table in tables for file in table.files]
    return "; ".join(f"{name} {file.name} {stat.st_size} {stat.st_mtime_ns}" for name, file, stat in stats)


def _state_of(path: Path) -> str | None:
    """The state of the files that a warehouse was built from; None where there is no whole warehouse."""
    if not path.exists():
        return None
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            row = connection.execute(f"SELECT state FROM {RECORD}").fetchone()
    except duckdb.Error:
        return None
    return str(row[0]) if row else None


def _literal(value: Path | str) -> str:
    return "'" + str(value).replace("'", "''") + "'"
