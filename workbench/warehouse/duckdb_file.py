"""Opens one DuckDB file read-only and hardened, once per process, and lends out cursors on it."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb

from workbench.errors import WarehouseError
from workbench.warehouse.duckdb_errors import opening_error, problem_of_file, problem_of_size

HARDENED: dict[str, str | bool | int | float | list[str]] = {
    "access_mode": "READ_ONLY",
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "python_enable_replacements": "false",
    "disabled_optimizers": "statistics_propagation",
}
"""What keeps a statement away from files, the network and Python's variables; it does not hide tables.

Statistics are of whole tables, hidden rows and all: what is left out because of them tells the least and the greatest
of a column, where a condition fails on rows that one sees unless it is left out.
"""

_opened: dict[Path, WarehouseFile] = {}
_gate = threading.Lock()


def identity(path: Path) -> str:
    """A text that changes whenever the file is replaced or rewritten."""
    try:
        stat = path.stat()
    except OSError:
        return "missing"
    return f"{stat.st_mtime_ns}-{stat.st_size}-{stat.st_ino}"


def open_hardened(path: Path, **more: str | int) -> duckdb.DuckDBPyConnection:
    """A locked read-only connection, with ``more`` settings; whatever prevents it raises a WarehouseError."""
    if problem := problem_of_file(path):
        raise WarehouseError(problem)
    try:
        connection = duckdb.connect(str(path), config={**HARDENED, **more})
        # TimeZone is not a start-up option, and cursors inherit only what is set for all.
        connection.execute("SET GLOBAL TimeZone = 'UTC'; SET GLOBAL lock_configuration = true")
        problem = problem_of_size(path, lambda: _free_blocks(connection))
    except duckdb.Error as error:
        raise opening_error(path, error) from None
    if problem is not None:
        connection.close()
        raise WarehouseError(problem)
    return connection


def _free_blocks(connection: duckdb.DuckDBPyConnection) -> int:
    found = connection.execute("SELECT free_blocks FROM pragma_database_size()").fetchone()
    return int(found[0]) if found else 0


class WarehouseFile:
    """A file opened once and shared by every engine of the process; swapped when replaced and nobody reads it.

    DuckDB keeps one instance per path and process. Were each engine to open the file itself, one that reopens it
    after a rebuild would be handed the old instance as long as any other is alive.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.users = 0
        self._lock = threading.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._identity = ""
        self._lent = 0

    def version(self) -> str:
        """The identity of the data that the next cursor reads."""
        with self._lock:
            self._current()
            return self._identity

    def lend(self) -> duckdb.DuckDBPyConnection:
        """A fresh cursor on the current file; give it back."""
        with self._lock:
            cursor = self._current().cursor()
            self._lent += 1
            return cursor

    def give_back(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Close a cursor that was lent."""
        cursor.close()
        with self._lock:
            self._lent -= 1

    def forget(self) -> None:
        """Open the file anew at the next cursor: the engine has declared this instance unusable."""
        with self._lock:
            self._identity = "unusable"

    def close(self) -> None:
        """Close the file; cursors still lent end by themselves."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _current(self) -> duckdb.DuckDBPyConnection:
        # The identity is read before opening: a swap in between shows as a change at the next look, never as none.
        seen = identity(self.path)
        if self._connection is not None and (seen == self._identity or self._lent):
            return self._connection
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._connection, self._identity = open_hardened(self.path), seen
        return self._connection


def share(path: Path | WarehouseFile) -> WarehouseFile:
    """The one opened file for this path, or what somebody holds open; `release` it when done."""
    with _gate:
        if isinstance(path, WarehouseFile):
            file = path
        else:
            file = _opened.setdefault(path.absolute(), WarehouseFile(path.absolute()))
        file.users += 1
        return file


def release(file: WarehouseFile) -> None:
    """Give up one share; the last one closes the file."""
    with _gate:
        file.users -= 1
        if file.users == 0:
            _opened.pop(file.path, None)
            file.close()
