"""A question to its shape and the values in it, so that what is compiled for the shape serves all of its questions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from workbench.declare.expression import Call, Expression, Literal, rebuild
from workbench.declare.lifted import Kind, Lifted, LiftedText
from workbench.declare.parser import parse
from workbench.declare.question import Question, TimeRange
from workbench.declare.temporal import as_date, as_timestamp
from workbench.declare.unparse import unparse
from workbench.errors import DeclarationError

COMPARING = frozenset(
    {"=", "<>", "<", "<=", ">", ">=", "in", "between", "like", "ilike", "starts_with", "ends_with", "contains"}
)
"""What values are taken out of: only here nothing but their kind decides how they are written."""

MOST = 1_000
"""Values of a list that are taken out; a longer one is part of the shape, as its size matters by itself."""

SHORT = 12
"""Digits of a number with a point that may stand bare."""

_LEAST, _LARGEST = -(2**63), 2**63 - 1


def lift(question: Question) -> tuple[Question, tuple[Any, ...]]:
    """The question with places instead of values, and the values; what can't be taken out stays where it is."""
    values: list[Any] = []
    changed: dict[str, Any] = {}
    try:
        for part in ("where", "having"):
            text = getattr(question, part)
            if text:
                found = len(values)
                tree = _without(parse(text), values)
                changed |= {part: LiftedText(unparse(tree), tree)} if len(values) > found else {}
    except DeclarationError:
        return question, ()  # said where the names are followed, after what is wrong with those
    if question.time is not None:
        changed |= _without_span(question.time, values)
    return (question.model_copy(update=changed), tuple(values)) if values else (question, ())


def kind_of(value: Any) -> tuple[Kind, str] | None:
    """All that compiling may know of a value; None for one that is part of the shape."""
    match value:
        case bool() | None | Lifted():
            return None
        case str():
            return _kind_of_text(value)
        case int():
            return ("integer", "") if _LEAST <= value <= _LARGEST else None
        case Decimal():
            return _kind_of_decimal(value)
        case datetime():
            return ("moment", _fineness(value)) if value.tzinfo is None else None
        case date():
            return "day", ""
    return None


def _kind_of_text(text: str) -> tuple[Kind, str] | None:
    if "\0" in text:
        return None
    if as_date(text) is not None:
        return "date", ""
    moment = as_timestamp(text)
    if moment is not None:
        return "timestamp", _fineness(moment)
    return ("zoned" if as_timestamp(text, zoned=True) is not None else "text"), ""


def _kind_of_decimal(value: Decimal) -> tuple[Kind, str] | None:
    if not value.is_finite() or abs(value.adjusted()) > 30:
        return None
    _, digits, exponent = value.as_tuple()
    scale = max(-int(exponent), 0)
    whole = max(len(digits) + max(int(exponent), 0), scale + 1)
    if whole > 38:
        return None
    return "decimal", f"{whole},{scale}" + (",short" if len(str(value)) <= SHORT else "")


def _fineness(moment: datetime) -> str:
    """The grain at which a moment starts a period, a day at most: it decides how finely moments are told apart."""
    parts = {"microsecond": moment.microsecond, "second": moment.second, "minute": moment.minute, "hour": moment.hour}
    return next((grain for grain, count in parts.items() if count), "day")


def _without(tree: Expression, values: list[Any]) -> Expression:
    """The tree with places instead of the constants that are compared with something."""
    if not (isinstance(tree, Call) and tree.function in COMPARING):
        return rebuild(tree, lambda part: _without(part, values))
    first, *others = tree.arguments
    if tree.function == "in" and not isinstance(first, Literal):
        listed = _listed(others, values)
        if listed is not None:
            return Call("in", (_without(first, values), listed), tree.at)
    if all(isinstance(part, Literal) for part in tree.arguments):
        return tree
    return Call(tree.function, tuple(_taken(part, values) for part in tree.arguments), tree.at)


def _taken(part: Expression, values: list[Any]) -> Expression:
    if not isinstance(part, Literal):
        return _without(part, values)
    kind = kind_of(part.value)
    if kind is None:
        return part
    values.append(part.value)
    return Literal(Lifted(len(values) - 1, *kind), part.at)


def _listed(parts: Sequence[Expression], values: list[Any]) -> Expression | None:
    """One place for a list of values of one kind, however many."""
    listed = [part.value for part in parts if isinstance(part, Literal)]
    kinds = {kind_of(value) for value in listed}
    kind = kinds.pop() if len(kinds) == 1 else None
    if kind is None or not len(parts) == len(listed) <= MOST:
        return None
    values.append(tuple(listed))
    return Literal(Lifted(len(values) - 1, *kind, many=True), parts[0].at)


def _without_span(time: TimeRange, values: list[Any]) -> dict[str, TimeRange]:
    """The span with places for its ends, where it is plain that it is none that ends before it starts."""
    start, end = time.start, time.end
    ends = {name: value for name, value in (("start", start), ("end", end)) if value is not None}
    kinds = {name: kind_of(value) for name, value in ends.items()}
    if not ends or None in kinds.values() or (start is not None and end is not None and not _in_order(start, end)):
        return {}
    places = {}
    for name, value in ends.items():
        kind = kinds[name]
        assert kind is not None
        values.append(value)
        places[name] = Lifted(len(values) - 1, kind[0])  # widened to whole periods, it is as fine as these
    return {"time": time.model_copy(update=places)}


def _in_order(start: date | datetime, end: date | datetime) -> bool:
    if isinstance(start, datetime) and isinstance(end, datetime):
        return start <= end
    return _day(start) <= _day(end)


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment
