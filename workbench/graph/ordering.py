"""A word of ``order_by`` to what it names and whether it descends."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.declare.question import Question
from workbench.errors import Problem, QuestionError, did_you_mean


def ordering(text: str, names: Sequence[str], question: Question) -> tuple[str, bool]:
    """A column of the answer or what else is named, and whether it descends; raises `QuestionError`."""
    if text in names:
        return text, False
    *before, last = text.split() or [""]
    said = last.lower() if before and last.lower() in ("asc", "desc") else ""
    name = text.strip()[: -len(said)].rstrip() if said else text.strip()
    descending = said == "desc"
    if name.startswith("-") and name not in names:
        name, descending = name[1:], True
    if not name or (" " in name and name not in names):
        raise QuestionError(unordered(text, names))
    paths = {a.path: a.alias for a in (*question.by, *question.metrics)}
    return (name if name in names else paths.get(name, name)), descending


def unordered(text: str, names: Sequence[str]) -> Problem:
    """The problem of an order by what is not there."""
    return Problem(
        "unknown-column",
        f"cannot order by '{text}': the answer has no such column, and nothing else is called so.",
        hint=did_you_mean(text, names, f"Its columns: {', '.join(names)}. Any metric or dimension may order as well."),
    )
