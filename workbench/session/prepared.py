"""A statement that may run, with all that its answer will say but the rows; and rows on their way with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from workbench.declare.question import Question
from workbench.session.answer import Answer

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.session.compiling import Compiled
    from workbench.warehouse.verbs import Pivot


@dataclass(frozen=True, slots=True)
class Saved:
    """The name of a saved query, asked instead of a question, with values for its parameters."""

    name: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prepared:
    """SQL that its asker may run; ``is_free`` says that nothing was held back, so that errors may be quoted whole.

    The SQL may hold the salt of masks: it is for the engine alone, and an answer shows it concealed.
    """

    sql: str
    kind: Literal["metric", "sql"]
    subject: tuple[str, ...]
    tables: tuple[str, ...]
    restrictions: tuple[str, ...]
    is_free: bool
    question: Question | None = None
    compiled: Compiled | None = None
    pivot: Pivot | None = None

    def with_values(self, lane: Lane) -> Prepared:
        """What may run at last: a PIVOT without values has them looked up first, in the lane it will run in."""
        if self.pivot is None:
            return self
        values = []
        for lookup in self.pivot.lookups:
            rows = lane(lookup)
            try:
                values.append([value for batch in rows for value in batch.column(0).to_pylist()])
            finally:
                rows.close()
        return replace(self, sql=self.pivot.filled(values), pivot=None)


class Batches(Protocol):
    """Rows that come in batches, with their schema known before; to be closed, read or not."""

    @property
    def schema(self) -> pa.Schema:
        """The columns."""
        ...

    def __iter__(self) -> Iterator[pa.RecordBatch]: ...

    def close(self) -> None:
        """Stop, and let go of what is held."""
        ...


Lane = Callable[[str], Batches]
"""Runs SQL: the engine itself, or a worker process."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer whose rows are still to come: ``head`` has the columns and no row."""

    head: Answer
    batches: Iterator[pa.RecordBatch]
