"""Runs SQL text on a DuckDB file and returns Arrow, in a way that Ctrl-C can stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb

from workbench.errors import Problem, QuestionError
from workbench.warehouse.duckdb_errors import reading_error, statement_error
from workbench.warehouse.duckdb_file import WarehouseFile, release, share
from workbench.warehouse.engine import missing_table
from workbench.warehouse.interruptible import call

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

T = TypeVar("T")
Cursor = duckdb.DuckDBPyConnection

BATCH_ROWS = 65_536

_TABLES = """
SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE NOT internal AND database_name = current_database()
UNION ALL
SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE NOT internal AND database_name = current_database()
ORDER BY 1
"""

_SIZES = """
SELECT schema_name || '.' || table_name, estimated_size FROM duckdb_tables()
WHERE NOT internal AND database_name = current_database()
"""


class DuckDBEngine:
    """The engine over one DuckDB file, opened read-only; any thread may use it, each query has its own cursor."""

    dialect = "duckdb"
    holds_moments = False

    def __init__(self, path: Path | str | WarehouseFile) -> None:
        self._file: WarehouseFile | None = share(path if isinstance(path, WarehouseFile) else Path(path))
        self._known: dict[str, ibis.Schema] = {}
        self._types: dict[str, dict[str, str]] = {}
        self._sizes: dict[str, int] | None = None
        self._tables: tuple[str, ...] | None = None
        self._known_version = ""
        with ExitStack() as undo:  # a file that turns out to be broken is let go of
            undo.callback(self.close)
            self._file.version()
            undo.pop_all()

    @property
    def path(self) -> Path:
        """The file it reads."""
        return self._opened().path

    @property
    def catalog(self) -> str:
        """The name DuckDB gives the file, needed where a schema has the same: gold.duckdb with a schema gold."""
        name = self.path.name.split(".")[0]
        schemas = {table.partition(".")[0] for table in self.tables()}
        return name if name in schemas else ""

    def tables(self) -> tuple[str, ...]:
        """Every table and view as ``schema.name``, sorted."""
        self._refresh()
        if self._tables is None:
            rows = self._with_cursor(lambda cursor: cursor.execute(_TABLES).fetchall())
            self._tables = tuple(str(row[0]) for row in rows)
        return self._tables

    def schema(self, table: str) -> ibis.Schema:
        """The columns of one table with their types, all nullable; kept until the file changes."""
        self._refresh()
        if table not in self._known:
            import ibis
            from ibis.backends.sql.datatypes import DuckDBType

            # Nullable throughout: ibis refuses to unite two columns that differ in this alone.
            self._known[table] = ibis.schema({n: DuckDBType.from_string(t) for n, t in self.types(table).items()})
        return self._known[table]

    def types(self, table: str) -> Mapping[str, str]:
        """The columns of one table with DuckDB's names for their types; kept until the file changes."""
        self._refresh()
        if table not in self._types:
            self._types[table] = self._describe(table)
        return self._types[table]

    def size(self, table: str) -> int | None:
        """About how many rows a table has; None for a view."""
        self._refresh()
        if self._sizes is None:
            rows = self._with_cursor(lambda cursor: cursor.execute(_SIZES).fetchall())
            self._sizes = {str(name): int(size) for name, size in rows}
        return self._sizes.get(table)

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """All rows of one statement; Ctrl-C stops it within half a second."""
        from workbench.warehouse.spelled import spelled_out

        found = self._with_cursor(lambda cursor: _relation(cursor, sql, parameters).to_arrow_table(BATCH_ROWS))
        return spelled_out(found)

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> pa.RecordBatchReader:
        """The rows of one statement batch by batch; its cursor is freed when it is exhausted or dropped."""
        import pyarrow as pa

        from workbench.warehouse.spelled import spelled_out

        file = self._opened()
        cursor = file.lend()
        with ExitStack() as undo:
            undo.callback(file.give_back, cursor)
            found = self._guarded(cursor, lambda: _relation(cursor, sql, parameters).to_arrow_reader(BATCH_ROWS))
            reader = spelled_out(found)
            undo.pop_all()
        return pa.RecordBatchReader.from_batches(reader.schema, self._batches(file, cursor, reader))

    def moment(self) -> AbstractContextManager[None]:
        """Nothing to hold: a file that is replaced shows in its version."""
        return nullcontext()

    def version(self) -> str:
        """The identity of the data: it changes when the file is replaced."""
        return self._opened().version()

    def modified(self) -> datetime:
        """When the file was last written, in UTC."""
        return datetime.fromtimestamp(int(self.version().partition("-")[0]) / 1e9, UTC)

    def close(self) -> None:
        """Let go of the file; closing twice is fine."""
        file, self._file = self._file, None
        if file is not None:
            release(file)

    def _opened(self) -> WarehouseFile:
        if self._file is None:
            raise QuestionError(Problem("closed", "This session is closed.", hint="Open a new one with `connect()`."))
        return self._file

    def _refresh(self) -> None:
        version = self.version()
        if version != self._known_version:
            self._known, self._types, self._tables, self._sizes, self._known_version = {}, {}, None, None, version

    def _describe(self, table: str) -> dict[str, str]:
        tables = self.tables()
        if table not in tables:
            raise missing_table(table, tables)
        quoted = ".".join('"' + part.replace('"', '""') + '"' for part in table.split(".", 1))
        rows = self._with_cursor(lambda cursor: cursor.execute(f"DESCRIBE {quoted}").fetchall())
        return {str(name): str(kind) for name, kind, *_ in rows}

    def _with_cursor(self, work: Callable[[Cursor], T]) -> T:
        file = self._opened()
        cursor = file.lend()

        def and_return() -> T:
            # The worker gives the cursor back: if it must be abandoned, nobody closes it under its feet.
            try:
                return work(cursor)
            finally:
                file.give_back(cursor)

        return self._guarded(cursor, and_return)

    def _guarded(self, cursor: Cursor, work: Callable[[], T]) -> T:
        try:
            return call(work, lambda: _interrupt(cursor))
        except (duckdb.FatalException, duckdb.InternalException) as error:
            self._opened().forget()
            raise statement_error(error) from None
        except duckdb.Error as error:
            raise statement_error(error) from None

    def _batches(self, file: WarehouseFile, cursor: Cursor, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        try:
            while (batch := self._guarded(cursor, lambda: next(iter(reader), None))) is not None:
                yield batch
        except (pa.ArrowException, OSError) as error:  # what the engine said, with values, as an error of Arrow's
            raise reading_error(error) from None
        finally:
            file.give_back(cursor)


def _relation(cursor: Cursor, sql: str, parameters: Sequence[Any]) -> duckdb.DuckDBPyRelation:
    # `execute` would copy all rows once more, and on DuckDB 2.0 it would buffer them before the first batch.
    given = list(parameters) or None
    try:
        relation = cursor.sql(sql, params=given)
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        if "LINE " not in str(error):
            cursor.execute(sql, given)  # fails alike, but says where
        raise
    if relation is None:
        raise _nothing_to_run()
    return relation


def _interrupt(cursor: Cursor) -> None:
    with suppress(duckdb.ConnectionException):  # it has just ended by itself
        cursor.interrupt()


def _nothing_to_run() -> QuestionError:
    return QuestionError(Problem("bad-sql", "There is no statement that returns rows.", hint="Write one SELECT."))
