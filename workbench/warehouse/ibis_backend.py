"""Turns a table's name into an ibis table whose every run goes, as SQL text, through a door given from above."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import ibis
import ibis.expr.operations as ops
import pyarrow as pa
from ibis.backends.sql import SQLBackend
from ibis.backends.sql.compilers.duckdb import compiler
from ibis.expr.operations.udf import InputType

from workbench.errors import Problem, QuestionError

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

Run = Callable[[str], pa.Table]


def guarded_table(name: str, schema: ibis.Schema | pa.Schema, run: Run) -> ir.Table:
    """The table ``schema.name`` with these columns; executing anything built on it calls ``run`` with the SQL.

    Tables may be joined when their ``run`` is equal: a method of one session equals itself, two lambdas never do.
    """
    columns = ibis.Schema.from_pyarrow(schema) if isinstance(schema, pa.Schema) else schema
    database, _, table = name.rpartition(".")
    namespace = ops.Namespace(database=database or None)
    return ops.DatabaseTable(table, schema=columns, source=GuardedBackend(run), namespace=namespace).to_expr()


class GuardedBackend(SQLBackend):  # type: ignore[misc]  # ibis has no types
    """The least an ibis backend can be: it compiles to DuckDB's SQL and hands the text over; it writes nothing."""

    name = "duckdb"
    compiler = compiler
    supports_temporary_tables = False
    supports_python_udfs = False

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._door = run

    def __hash__(self) -> int:
        return hash(self._door)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GuardedBackend) and self._door == other._door

    @property
    def version(self) -> str:
        """The version of ibis, for the engine behind the door is not ours to know."""
        return str(ibis.__version__)

    def to_pyarrow(
        self,
        expr: ir.Expr,
        /,
        *,
        params: Mapping[ir.Scalar, Any] | None = None,
        limit: int | str | None = None,
        **options: Any,
    ) -> Any:
        """The result as an Arrow table, array or scalar."""
        return expr.__pyarrow_result__(self._rows(expr, params, limit))

    def execute(
        self,
        expr: ir.Expr,
        /,
        *,
        params: Mapping[ir.Scalar, Any] | None = None,
        limit: int | str | None = None,
        **options: Any,
    ) -> pd.DataFrame | pd.Series | Any:
        """The result as a pandas frame, series or plain value."""
        typed = expr.as_table().__pyarrow_result__(self._rows(expr, params, limit))
        return expr.__pandas_result__(typed.to_pandas())

    def to_pyarrow_batches(
        self,
        expr: ir.Expr,
        /,
        *,
        params: Mapping[ir.Scalar, Any] | None = None,
        limit: int | str | None = None,
        chunk_size: int = 1_000_000,
        **options: Any,
    ) -> pa.RecordBatchReader:
        """The result in batches; it is fetched whole, for a guarded door gives tables."""
        typed: pa.Table = expr.as_table().__pyarrow_result__(self._rows(expr, params, limit))
        return typed.to_reader(max_chunksize=chunk_size)

    def _rows(self, expr: ir.Expr, params: Mapping[ir.Scalar, Any] | None, limit: int | str | None) -> pa.Table:
        self._run_pre_execute_hooks(expr)
        table = expr.as_table()
        rows = self._door(self.compile(table, params=params, limit=limit))
        return rows.rename_columns(list(table.columns))

    def _get_schema_using_query(self, query: str) -> ibis.Schema:
        empty = self._door(f"SELECT * FROM ({query}) AS asked LIMIT 0")
        return ibis.Schema.from_pyarrow(empty.schema)

    def _register_udfs(self, expr: ir.Expr) -> None:
        if any(found.__input_type__ is not InputType.BUILTIN for found in expr.op().find(ops.ScalarUDF)):
            _refuse("a Python function cannot run inside the warehouse", "Fetch the rows first, then apply it to them.")

    def _register_in_memory_table(self, op: ops.InMemoryTable) -> NoReturn:
        _refuse("rows of your own cannot be sent into the warehouse", "Fetch the table first, then join the two here.")

    def _make_memtable_finalizer(self, name: str) -> None:
        return None

    def list_tables(self, *, like: str | None = None, database: Any = None) -> list[str]:
        """Nothing: the session says which tables there are."""
        return []

    def disconnect(self) -> None:
        """Nothing: the session owns the connection."""

    def create_table(self, name: str, /, *given: Any, **options: Any) -> NoReturn:
        """Refused, as is everything that writes."""
        _refuse(f"the table '{name}' cannot be created", "The warehouse is read-only here.")

    def drop_table(self, name: str, /, **options: Any) -> NoReturn:
        """Refused."""
        _refuse(f"the table '{name}' cannot be dropped", "The warehouse is read-only here.")

    def create_view(self, name: str, /, *given: Any, **options: Any) -> NoReturn:
        """Refused."""
        _refuse(f"the view '{name}' cannot be created", "The warehouse is read-only here.")

    def drop_view(self, name: str, /, **options: Any) -> NoReturn:
        """Refused."""
        _refuse(f"the view '{name}' cannot be dropped", "The warehouse is read-only here.")


def _refuse(what: str, hint: str) -> NoReturn:
    raise QuestionError(Problem("read-only", f"Over a guarded table {what}.", hint=hint))
