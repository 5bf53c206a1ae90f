"""An answer: the rows, and all that says how far they can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from workbench.declare.question import Question
from workbench.errors import count
from workbench.session.catalog import DimensionCard, MetricCard

if TYPE_CHECKING:
    import ibis  # noqa: F401
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from workbench.plan.steps import Plan

Draw = Callable[["Answer", Literal["chart", "bundle", "text"]], Any]
"""Draws an answer; given from above, so that a session knows nothing of pictures."""

Aspect = Literal["value", "prior", "change", "ratio", "share"]


@dataclass(frozen=True, slots=True)
class AnswerColumn:
    """A column of the answer: what it is and how to print it; ``aspect`` says what of a metric it shows."""

    name: str
    role: Literal["metric", "dimension", "column", "total", "mark"]
    kind: Literal["number", "text", "time", "boolean", "other"]
    label: str
    unit: str = ""
    format: str = ""
    grain: str = ""
    aspect: Aspect = "value"


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """Rows as Arrow with their SQL, plan, lineage, cards and the restrictions that applied."""

    table: pa.Table
    columns: tuple[AnswerColumn, ...]
    sql: str
    question: Question | None = None
    plan: Plan | None = None
    lineage: tuple[str, ...] = ()
    metrics: tuple[MetricCard, ...] = ()
    dimensions: tuple[DimensionCard, ...] = ()
    restrictions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    asker: str = ""
    seconds: float = 0.0
    draw: Draw | None = field(default=None, repr=False, compare=False)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __repr__(self) -> str:
        if self.draw:
            return str(self.draw(self, "text"))
        return f"<answer: {count(len(self), 'row')} of {', '.join(column.name for column in self.columns)}>"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to know before relying on it: metrics on their way in or out, rows with several partners."""
        from workbench.session.deprecation import warnings_of

        return (*warnings_of(self.metrics), *self.notes)

    def to_arrow(self) -> pa.Table:
        """The rows as an Arrow table."""
        return self.table

    def to_pandas(self) -> pd.DataFrame:
        """The rows as a pandas frame."""
        return self.table.to_pandas()

    def to_polars(self) -> pl.DataFrame:
        """The rows as a polars frame; needs the package polars."""
        import polars

        frame = polars.from_arrow(self.table)
        assert isinstance(frame, polars.DataFrame)
        return frame

    def batches(self, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        """The rows as Arrow record batches of at most ``rows`` each."""
        yield from self.table.to_batches(max_chunksize=rows)

    def rows(self) -> list[dict[str, Any]]:
        """The rows as plain Python dictionaries."""
        return list(self.table.to_pylist())

    def plot(self) -> Any:
        """The answer as one chart, chosen from the kinds of its columns."""
        return self.draw(self, "chart") if self.draw else None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any] | None:
        return self.draw(self, "bundle") if self.draw else None
