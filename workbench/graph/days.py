"""Comparisons of moments with dates to comparisons of the days that they lie in: a date means its whole day."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime

from workbench.declare.expression import Call, Expression, Literal, Name
from workbench.declare.lifted import Lifted
from workbench.declare.temporal import as_date

IsMoment = Callable[[Name], bool]
"""Whether a name is a time dimension as it stands, at no grain and no part."""

_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_APART = frozenset({"=", "<>", "<=", ">", "is_distinct"})
"""Where a day decides otherwise than its midnight; ``>=`` and ``<`` say the same of both."""


def by_day(call: Call, is_moment: IsMoment) -> Expression:
    """The comparison, its names as days where they stand beside dates; moments with a clock stay moments."""
    match call.arguments:
        case (Name() as moment, Literal() as value) if call.function in _APART:
            return Call(call.function, (_day(moment), value), call.at) if _fits(moment, value, is_moment) else call
        case (Literal() as value, Name() as moment) if _TURNED.get(call.function, call.function) in _APART:
            return Call(call.function, (value, _day(moment)), call.at) if _fits(moment, value, is_moment) else call
        case (Name() as moment, low, Literal() as high) if call.function == "between":
            return _between(call, moment, low, high) if _fits(moment, high, is_moment) else call
        case (Name() as moment, *listed) if call.function == "in":
            return _among(call, moment, listed) if any(map(_is_date, listed)) and is_moment(moment) else call
    return call


def _between(call: Call, moment: Name, low: Expression, high: Expression) -> Expression:
    if _is_date(low):
        return Call("between", (_day(moment), low, high), call.at)
    return Call("and", (Call(">=", (moment, low), call.at), Call("<=", (_day(moment), high), call.at)), call.at)


def _among(call: Call, moment: Name, listed: Iterable[Expression]) -> Expression:
    listed = tuple(listed)
    clocks = tuple(one for one in listed if not _is_date(one) and one != Literal(None))
    days = Call("in", (_day(moment), *(one for one in listed if one not in clocks)), call.at)
    return Call("or", (days, Call("in", (moment, *clocks), call.at)), call.at) if clocks else days


def _day(moment: Name) -> Name:
    return Name((*moment.path, "day"), moment.at)


def _fits(moment: Name, value: Literal, is_moment: IsMoment) -> bool:
    return _is_date(value) and is_moment(moment)


def _is_date(tree: Expression) -> bool:
    value = tree.value if isinstance(tree, Literal) else None
    if isinstance(value, Lifted):
        return value.kind in ("date", "day")
    if isinstance(value, str):
        return as_date(value) is not None
    return isinstance(value, date) and not isinstance(value, datetime)
