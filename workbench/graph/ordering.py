"""A word of ``order_by`` to what it names and whether it descends."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.declare.question import Question
from workbench.errors import Problem, QuestionError, did_you_mean


def ordering(text: str, names: Sequence[str], question: Question) -> tuple[str, bool]:
    """A column of the answer or what else is named, and whether it descends; raises `QuestionError`."""
    words = text.strip().split()
    descending = len(words) == 2 and words[1].lower() == "desc"
    name = words[0] if words else ""
    if name.startswith("-"):
        name, descending = name[1:], True
    if not name or len(words) > 2 or (len(words) == 2 and words[1].lower() not in ("asc", "desc")):
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
