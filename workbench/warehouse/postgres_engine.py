"""Runs SQL text on a PostgreSQL server and returns Arrow, in a way that Ctrl-C can stop; nothing is ever written."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from workbench.errors import Problem, QuestionError
from workbench.warehouse.engine import missing_table
from workbench.warehouse.interruptible import call
from workbench.warehouse.postgres_errors import connecting_error, statement_error
from workbench.warehouse.postgres_rows import Reading, adapters

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

T = TypeVar("T")
Connection = psycopg.Connection[tuple[Any, ...]]

BATCH_ROWS = 16_384
IDLE = 8
"""Connections that are kept open for the next questions."""

_SETTINGS = """
SET default_transaction_read_only = on; SET search_path = ''; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD';
SET IntervalStyle = 'postgres'; SET bytea_output = 'hex'; SET extra_float_digits = 1;
SET standard_conforming_strings = on; SET client_encoding = 'UTF8'
"""
"""Whatever hangs on the settings of a session is set; names are looked for in pg_catalog alone."""

_MOMENT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

_VERSION = """
SELECT extract(epoch FROM pg_postmaster_start_time())::text || '-' || d.oid::text || '-' || pg_current_snapshot()::text
FROM pg_database d WHERE d.datname = current_database()
"""

_COLUMNS = """
SELECT n.nspname || '.' || c.relname, a.attname,
    CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod) WHEN 'e' THEN 'text'
    ELSE format_type(a.atttypid, a.atttypmod) END,
    CASE WHEN c.relkind IN ('r', 'm') AND c.reltuples >= 0 THEN c.reltuples::bigint END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", a.attnum
"""


class PostgresEngine:
    """The engine over one database; any thread may use it, each statement has a connection to itself.

    The version of the data is what the server calls a snapshot: which transactions can be seen. It changes with any
    write to any of the server's databases, so that two equal ones saw the same rows; more often than need be, never
    too seldom. Only what is no data of the server escapes it: foreign tables, and views that ask for the time.
    """

    dialect = "postgres"
    holds_moments = True
    catalog = ""

    def __init__(self, url: str) -> None:
        self._url: str | None = url
        self._idle: list[Connection] = []
        self._gate = threading.Lock()
        self._held = threading.local()
        self._known_version = ""
        self._columns: dict[str, dict[str, str]] = {}
        self._sizes: dict[str, int | None] = {}
        self._give_back(self._lend())

    @property
    def where(self) -> str:
        """The server and database, for people."""
        with self._lent() as connection:
            info = connection.info
            return f"{info.host}:{info.port}/{info.dbname}"

    def tables(self) -> tuple[str, ...]:
        """Every table and view that may be read, as ``schema.name``, sorted."""
        return tuple(self._known())

    def schema(self, table: str) -> ibis.Schema:
        """The columns of one table with their types, all nullable."""
        import ibis
        import ibis.expr.datatypes as dt
        from ibis.backends.sql.datatypes import PostgresType

        # A numeric without digits may have any number of them; as a decimal without a scale it would be rounded.
        open_decimal = dt.Decimal(76, 38)
        types = {
            n: open_decimal if t == "numeric" else PostgresType.from_string(t) for n, t in self.types(table).items()
        }
        return ibis.schema(types)

    def types(self, table: str) -> Mapping[str, str]:
        """The columns of one table with PostgreSQL's names for their types; an enum is text, a domain what it is of."""
        known = self._known()
        if table not in known:
            raise missing_table(table, known)
        return known[table]

    def size(self, table: str) -> int | None:
        """About how many rows a table has, as of its last ANALYZE; None for a view."""
        self._known()
        return self._sizes.get(table)

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """All rows of one statement, whose parameters are $1, $2; Ctrl-C stops it within half a second."""

        def work(connection: Connection) -> pa.Table:
            with psycopg.RawCursor(connection) as cursor:
                cursor.execute(sql.encode(), list(parameters) or None)
                if cursor.description is None:
                    raise QuestionError(Problem("bad-sql", "There is no statement that returns rows."))
                reading = Reading.of(cursor.description)
                return reading.table(list(reading.batches(lambda: cursor.fetchmany(BATCH_ROWS))))

        with self._lent() as connection:
            return self._stoppable(connection, work)

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> pa.RecordBatchReader:
        """The rows of one statement batch by batch, by a cursor of the server; it ends its moment with them."""
        import pyarrow as pa

        connection = self._taken()
        with ExitStack() as undo:
            undo.callback(self._give_back, connection)
            if connection.info.transaction_status == TransactionStatus.IDLE:
                self._stoppable(connection, lambda one: one.execute(_MOMENT))
            cursor = psycopg.RawServerCursor(connection, "workbench")
            self._stoppable(connection, lambda _: cursor.execute(sql.encode(), list(parameters) or None))
            reading = Reading.of(cursor.description or ())
            undo.pop_all()
        fetch = lambda: self._stoppable(connection, lambda _: cursor.fetchmany(BATCH_ROWS))  # noqa: E731
        return pa.RecordBatchReader.from_batches(reading.schema, self._flowing(reading.batches(fetch), connection))

    @contextmanager
    def moment(self) -> Iterator[None]:
        """Whatever this thread asks inside sees the data of one moment."""
        if getattr(self._held, "connection", None) is not None:
            yield
            return
        connection = self._lend()
        with ExitStack() as undo:
            undo.callback(self._release)
            self._held.connection = connection
            self._stoppable(connection, lambda one: one.execute(_MOMENT))
            yield

    def version(self) -> str:
        """The identity of the data that can be seen now."""
        with self._lent() as connection:
            return self._stoppable(connection, lambda one: str(_only(one, _VERSION)))

    def modified(self) -> datetime:
        """Now: a server does not say when it was last written to, and it may have been this moment."""
        return datetime.now(UTC)

    def close(self) -> None:
        """Let go of the connections; closing twice is fine."""
        with self._gate:
            self._url = None
        self._forget()

    # ------------------------------------------------------------------ inside

    def _known(self) -> dict[str, dict[str, str]]:
        """The columns of every table, as of now."""
        with self.moment():
            version = self.version()
            if version != self._known_version:
                with self._lent() as connection:
                    rows = self._stoppable(connection, lambda one: one.execute(_COLUMNS).fetchall())
                columns: dict[str, dict[str, str]] = {}
                for table, column, kind, _ in rows:
                    columns.setdefault(table, {})[column] = kind
                self._sizes = {table: size for table, _, _, size in rows}
                self._columns, self._known_version = columns, version
            return self._columns

    def _stoppable(self, connection: Connection, work: Callable[[Connection], T]) -> T:
        try:
            return call(lambda: work(connection), connection.cancel)
        except psycopg.Error as error:
            if connection.broken:
                self._forget()  # the server has gone, and so have the other connections
            raise statement_error(error) from None

    def _forget(self) -> None:
        with self._gate:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _lend(self) -> Connection:
        """A connection to oneself."""
        with self._gate:
            if self._url is None:
                raise QuestionError(
                    Problem("closed", "This session is closed.", hint="Open a new one with `connect()`.")
                )
            url, found = self._url, self._idle.pop() if self._idle else None
        if found is not None and not found.closed:
            return found
        return call(lambda: _connected(url), lambda: None)

    def _give_back(self, connection: Connection) -> None:
        """Keep the connection for the next, unless it broke or something still runs on it."""
        status = connection.info.transaction_status
        if status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            connection.rollback()
            status = connection.info.transaction_status
        with self._gate:
            if status == TransactionStatus.IDLE and self._url is not None and len(self._idle) < IDLE:
                self._idle.append(connection)
                return
        connection.close()

    @contextmanager
    def _lent(self) -> Iterator[Connection]:
        """The connection of this thread's moment, or one for a single statement."""
        held = getattr(self._held, "connection", None)
        if held is not None:
            yield held
            return
        connection = self._lend()
        try:
            yield connection
        finally:
            self._give_back(connection)

    def _taken(self) -> Connection:
        """The connection of this thread's moment, which is no longer its own, or another."""
        held: Connection | None = getattr(self._held, "connection", None)
        self._held.connection = None
        return held if held is not None else self._lend()

    def _release(self) -> None:
        held, self._held.connection = getattr(self._held, "connection", None), None
        if held is not None:
            self._give_back(held)

    def _flowing(self, batches: Iterator[pa.RecordBatch], connection: Connection) -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        finally:
            self._give_back(connection)


def _connected(url: str) -> Connection:
    try:
        connection = psycopg.connect(url, autocommit=True, application_name="workbench", context=adapters())
        connection.execute(_SETTINGS)
    except psycopg.Error as error:
        raise connecting_error(shown(url), error) from None
    return connection


def shown(url: str) -> str:
    """The address without what may be a secret."""
    parts = psycopg.conninfo.conninfo_to_dict(url)
    return f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"


def _only(connection: Connection, sql: str) -> Any:
    row = connection.execute(sql).fetchone()
    return row[0] if row else ""
