"""An answer to the frame and the column formats of an interactive table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.session.answer import Answer, AnswerColumn
from workbench.show.format import THIN, as_number, cell_text

if TYPE_CHECKING:
    import pandas as pd


def frame_of(answer: Answer) -> pd.DataFrame:
    """The rows for display: groups as words, numbers as numbers (so that they sort), shares as percentages."""
    import pandas as pd

    data: dict[str, list[Any]] = {}
    rows = answer.rows()
    for column in answer.columns:
        values = [row[column.name] for row in rows]
        if column.role == "metric" and column.kind == "number":
            factor = 100 if column.format.startswith("percent") else 1
            data[column.name] = [None if (n := as_number(v)) is None else n * factor for v in values]
        else:
            data[column.name] = [cell_text(v, column) for v in values]
    frame = pd.DataFrame(data)
    numbers = [c.name for c in answer.columns if c.role == "metric" and c.kind == "number"]
    return frame.astype(dict.fromkeys(numbers, "float64"))


def tabulator_formats(columns: Sequence[AnswerColumn], digits: Mapping[str, int | None]) -> dict[str, dict[str, Any]]:
    """Number formats in the table's own terms: thin groups of thousands, one number of decimals a column."""
    formats: dict[str, dict[str, Any]] = {}
    for column in columns:
        if column.role == "metric" and column.kind == "number":
            share = column.format.startswith("percent")
            sign = {"symbol": "%", "symbolAfter": "p"} if share else {}
            precision = digits.get(column.name)
            formats[column.name] = {
                "type": "money", "decimal": ".", "thousand": THIN, "precision": precision, **sign,
            }  # fmt: skip
    return formats
