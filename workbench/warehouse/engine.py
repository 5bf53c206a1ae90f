"""What every warehouse can do: name its tables, describe them, and turn SQL text into Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from workbench.errors import Problem, WarehouseError, did_you_mean

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa


class Engine(Protocol):
    """A place where SQL runs; safe to use from several threads at once."""

    @property
    def dialect(self) -> str:
        """The name by which ibis and sqlglot know this engine's SQL."""
        ...

    @property
    def catalog(self) -> str:
        """What table names must start with to be unambiguous; '' where ``schema.name`` is enough."""
        ...

    def tables(self) -> tuple[str, ...]:
        """Every table and view as ``schema.name``, sorted."""
        ...

    def schema(self, table: str) -> ibis.Schema:
        """The columns of one table with their types, all nullable; an unknown table raises ``missing-table``."""
        ...

    def types(self, table: str) -> Mapping[str, str]:
        """The columns of one table with the engine's own names for their types."""
        ...

    def size(self, table: str) -> int | None:
        """About how many rows a table has; None where that takes a scan, as for a view."""
        ...

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """All rows of one statement; Ctrl-C stops it within half a second."""
        ...

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> pa.RecordBatchReader:
        """The rows of one statement batch by batch, never all in memory."""
        ...

    @property
    def holds_moments(self) -> bool:
        """Whether `moment` holds the data, and a stream that began inside stays in that moment to its end."""
        ...

    def moment(self) -> AbstractContextManager[None]:
        """Whatever the same thread asks inside sees the data of one moment, where the engine can hold it."""
        ...

    def version(self) -> str:
        """The identity of the data: another text means that other answers are possible."""
        ...

    def modified(self) -> datetime:
        """When the data last changed, in UTC."""
        ...

    def close(self) -> None:
        """Let go of the warehouse; closing twice is fine."""
        ...


def missing_table(name: str, tables: Iterable[str]) -> WarehouseError:
    """The error for a table that the warehouse does not have."""
    hint = did_you_mean(name, tables, otherwise="`workbench doctor` lists the tables there are.")
    return WarehouseError(Problem("missing-table", f"The warehouse has no table '{name}'.", hint=hint))
