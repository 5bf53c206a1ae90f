"""SQL with places for values to SQL with the values in, written as literals; the one way that values get there."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

from workbench.declare.lifted import Step
from workbench.declare.temporal import FORMS, as_temporal
from workbench.errors import InternalError, Problem, QuestionError
from workbench.graph.period import after, earlier, floor

Form = Literal["text", "integer", "number", "double", "decimal", "date", "timestamp", "timestamptz"]
"""How a value is written; a ``number`` stands bare where a ``double`` is cast."""

DIALECTS = frozenset({"duckdb", "postgres"})
"""Where literals are written as `literal` writes them: a quote in a text is doubled, and nothing else is special."""

MARK = f"place_{secrets.token_hex(8)}"
"""The function that stands for a value in compiled SQL; nobody outside of this process can know it."""

_PLACES = re.compile(rf"\b{MARK}\(\s*'([^']*)'\s*\)", re.IGNORECASE)
_LISTS, _ENDS = re.compile(r"\bIN \(\s*$", re.IGNORECASE), re.compile(r"\s*\)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the value ``index``, or each of ``many``, is written, after which steps, and how."""

    index: int
    form: Form
    steps: tuple[Step, ...] = ()
    many: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """SQL in pieces: text, and places for values."""

    pieces: tuple[str | Place, ...]

    def filled(self, values: Sequence[Any]) -> str:
        """The SQL for these values."""
        return "".join(one if isinstance(one, str) else literal(one, values[one.index]) for one in self.pieces)


def written(place: Place) -> str:
    """A place as text; `template_of` reads it."""
    steps = (f"{name}.{count}.{grain}" for name, count, grain in place.steps)
    return ":".join((f"{place.index}{'+' if place.many else ''}", place.form, *steps))


def read(text: str) -> Place:
    """The place that a text stands for."""
    index, form, *steps = text.split(":")
    parts = (step.split(".") for step in steps)
    made = tuple((name, int(count), grain) for name, count, grain in parts)
    return Place(int(index.rstrip("+")), form, made, index.endswith("+"))  # type: ignore[arg-type]


def template_of(sql: str) -> Template:
    """The pieces of compiled SQL; raises `InternalError` (not-lowered) where a list would stand anywhere but in IN."""
    texts = _PLACES.split(sql)
    pieces = tuple(read(text) if at % 2 else text for at, text in enumerate(texts))
    for at, piece in enumerate(pieces):
        if (
            isinstance(piece, Place)
            and piece.many
            and not (_LISTS.search(texts[at - 1]) and _ENDS.match(texts[at + 1]))
        ):
            raise InternalError(Problem("not-lowered", "a list of values has no place here."))
    return Template(pieces)


def stepped(value: Any, steps: Sequence[Step]) -> Any:
    """What the steps make of a moment; raises `QuestionError` (bad-date) where no calendar has it."""
    try:
        for name, count, grain in steps:
            match name:
                case "floor":
                    value = floor(value, grain)
                case "after":
                    value = after(value, grain)
                case _:
                    value = earlier(value, count, grain)
    except (ValueError, OverflowError):
        raise QuestionError(
            Problem("bad-date", f"the time asked for reaches out of the calendar, at '{value}'.", hint=FORMS["date"])
        ) from None
    return value


def literal(place: Place, value: Any) -> str:
    """A value as SQL; several with commas between."""
    if place.many:
        return ", ".join(_written(place.form, one) for one in value)
    return _written(place.form, stepped(value, place.steps))


def _written(form: Form, value: Any) -> str:
    match form:
        case "text":
            return quoted(str(value))
        case "integer":
            return str(int(value))
        case "number":
            return repr(float(value))
        case "double":
            return f"CAST('{Decimal(value)}' AS DOUBLE PRECISION)"
        case "decimal":
            return format(Decimal(value), "f")
    return _moment(form, value)


def quoted(text: str) -> str:
    """A text in quotes."""
    return "'" + text.replace("'", "''") + "'"


def _moment(form: Form, value: Any) -> str:
    found = as_temporal(value, form) if isinstance(value, str) else value
    if not isinstance(found, date):
        raise TypeError(f"{value!r} is no {form}")
    if form == "date" and not isinstance(found, datetime):
        return f"DATE '{found.isoformat()}'"
    moment = found if isinstance(found, datetime) else datetime(found.year, found.month, found.day)
    if form != "timestamptz":
        return f"TIMESTAMP '{moment.isoformat(' ')}'"
    zoned = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return f"CAST('{zoned.isoformat(' ')}' AS TIMESTAMP WITH TIME ZONE)"
