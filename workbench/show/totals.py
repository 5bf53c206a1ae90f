"""An answer to which of its rows are totals, and to how people read them: no column of markers, a word in its place."""

from __future__ import annotations

from typing import Any

from workbench.session.answer import Answer, AnswerColumn

WORD = "total"


def totals(answer: Answer) -> list[str]:
    """For each row what it is the total of, as the answer's marker says; nothing for a plain group."""
    marker = next((c.name for c in answer.columns if c.role == "total"), None)
    return [""] * len(answer) if marker is None else [v or "" for v in answer.table.column(marker).to_pylist()]


def shown_rows(answer: Answer, rows: int) -> list[tuple[dict[str, Any], str]]:
    """The first plain groups and the first totals, however many groups are left out between them."""
    marked = totals(answer)
    plain = [i for i, total in enumerate(marked) if not total][:rows]
    last = [i for i, total in enumerate(marked) if total][:rows]
    chosen = [*plain, *last]
    return list(zip(answer.table.take(chosen).to_pylist(), (marked[i] for i in chosen), strict=True)) if chosen else []


def shown_columns(answer: Answer) -> tuple[AnswerColumn, ...]:
    """The columns a person needs: the marker only where no group can hold its word."""
    grouped = any(c.role == "dimension" for c in answer.columns)
    return tuple(c for c in answer.columns if c.role not in ("total", "mark") or not grouped)


def words(answer: Answer, total: str) -> dict[str, str]:
    """What a row of totals shows for its columns instead of no value: the word once, then blanks."""
    if not total:
        return {}
    kept = total.removeprefix(f"{WORD} by ")
    summed = [c.name for c in answer.columns if c.role == "dimension" and c.name != kept]
    marker = {c.name: total for c in answer.columns if c.role == "total"}
    return marker | {name: "" if index else WORD for index, name in enumerate(summed)}
