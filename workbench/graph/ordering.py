"""A word of ``order_by`` to what it names and whether it descends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workbench.declare.question import Question
from workbench.errors import Problem, QuestionError, did_you_mean


def ordering(text: str, names: Sequence[str], question: Question) -> tuple[str, bool]:
    """A column of the answer or what else is named, and whether it descends; raises `QuestionError`."""
    for name, descending in _readings(text.strip()):
        if name in names:
            return name, descending
    if not name or " " in name:
        raise QuestionError(unordered(text, names))
    paths = {a.path: a.alias for a in (*question.by, *question.metrics)}
    return (name if name in names else paths.get(name, name)), descending


def _readings(text: str) -> Iterator[tuple[str, bool]]:
    """What a text may name and whether it descends then; a name that says something else than it reads goes first."""
    name, _, way = text.rpartition(" ")
    said = [(name.strip(), way.lower() == "desc")] if way.lower() in ("asc", "desc") else []
    for one, descending in [(text, False), *said]:
        yield one, descending
        if one.startswith("-"):
            yield one[1:], True


def unordered(text: str, names: Sequence[str]) -> Problem:
    """The problem of an order by what is not there."""
    return Problem(
        "unknown-column",
        f"cannot order by '{text}': the answer has no such column, and nothing else is called so.",
        hint=did_you_mean(text, names, f"Its columns: {', '.join(names)}. Any metric or dimension may order as well."),
    )
