"""A plan to one that reads only rows whose time can matter, by ranges of plain columns that engines skip blocks by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date

from workbench.declare.expression import Call, Cast, Column, Expression, Literal, conjunction, conjuncts
from workbench.declare.grains import GRAINS
from workbench.declare.lifted import Lifted
from workbench.declare.temporal import as_timestamp
from workbench.graph.fineness import fineness
from workbench.graph.timing import NOW, Offset, Timing
from workbench.plan.passes.facts import Facts
from workbench.plan.passes.levels import with_legs
from workbench.plan.steps import Leg, Plan

Bound = tuple[str, Expression]
"""An operator and the moment that another moment is compared with."""

APART = 2
"""Days that clocks of two zones are less apart at any moment."""

_TEMPORAL = frozenset({"date", "timestamp", "timestamptz"})
_ZONED = frozenset({"local_time", "moment"})
_TYPED = {"date": "day", "timestamp": "moment", "day": "day", "moment": "moment"}
_MOVABLE = GRAINS[GRAINS.index("second") :]
"""Grains that moments can be moved by in every engine."""


def ranges(plan: Plan, facts: Facts) -> Plan:
    """The plan with what follows for plain columns from conditions on periods, and from the moments asked for.

    A period starts at its moment or before, and ends after it; moments look at earlier ones in the same order. So what
    is left out could not have counted.
    """
    return with_legs(plan, lambda legs: _each(legs, facts))


def _each(legs: list[Leg], facts: Facts) -> Iterator[Leg]:
    """The legs; those that share a first aggregation read what any of them needs, so that it stays shared."""
    looked = [_looked_at(leg, facts) for leg in legs]
    for leg in legs:
        sharing = [one for other, one in zip(legs, looked, strict=True) if other is leg or _shares(leg, other)]
        implied = conjunction(*_of_rows(leg, facts), _any(sharing))
        yield replace(leg, keep=replace(leg.keep, implied=implied)) if implied is not None else leg


def _shares(one: Leg, other: Leg) -> bool:
    return one.first is not None and (one.source, one.attached, one.keep, one.among, one.first) == (
        other.source, other.attached, other.keep, other.among, other.first,
    )  # fmt: skip


def _any(conditions: Iterable[Expression | None]) -> Expression | None:
    out: Expression | None = None
    for condition in dict.fromkeys(conditions):
        if condition is None:
            return None
        out = condition if out is None else Call("or", (out, condition))
    return out


def _of_rows(leg: Leg, facts: Facts) -> Iterator[Expression]:
    """What follows from conditions on periods of rows."""
    for part in conjuncts(conjunction(leg.keep.asked, leg.keep.needed)):
        moment, bounds = _bounds(part)
        if isinstance(moment, Call) or not _is_said(leg, facts, part, moment):
            yield from _of_column(leg, facts, moment, bounds)


def _is_said(leg: Leg, facts: Facts, part: Expression, moment: Expression) -> bool:
    """Whether a condition is one on the moment itself already, as one on the day of a date is."""
    side = part.arguments[0] if isinstance(part, Call) else moment
    if isinstance(moment, Column) and side == Call("truncate", (moment, Literal("day"))):
        return _types(leg, facts, moment.relation).get(moment.name) == "date"
    return side == moment


def _looked_at(leg: Leg, facts: Facts) -> Expression | None:
    """What rows must meet for a moment asked for to look at them, if all it takes is their own moment."""
    spine, move = leg.moments, leg.move
    if spine is None or move is None or leg.follow is not None:
        return None
    by_own = spine.periods or spine.counted or spine.whole or move.timing.own_grains()
    match spine.at:
        case Call("truncate", (moment, Literal(value=str(grain)))) if not by_own and grain == spine.grain in _MOVABLE:
            asked = [bound for part in conjuncts(spine.keep) for bound in _bounds_of(NOW, part)]
            bounds = [one for bound in asked for one in _reached(bound, move.timing, grain)]
            return conjunction(*_of_column(leg, facts, moment, bounds))
    return None


def _reached(bound: Bound, timing: Timing, grain: str) -> Iterator[Bound]:
    """Where rows lie that moments on one side of a bound look at, in whole periods of a grain."""
    side, moment = bound
    if side == ">=":
        end = _anchored(moment, timing)
        if timing.window:
            yield ">", _moved(end, -timing.window.count, timing.window.grain)
        elif timing.to_date:
            yield ">=", Call("truncate", (end, Literal(timing.to_date)))
        elif not timing.running:
            yield ">=", end
    elif side == "<" and _starts(moment, grain):
        last = _moved(moment, -1, grain)
        yield "<", _moved(_anchored(last, timing), 1, grain) if timing.anchors else moment
    else:
        yield "<", _moved(_anchored(moment, timing), 1, grain)


def _anchored(moment: Expression, timing: Timing) -> Expression:
    """The moment that one looks at."""
    for anchor in timing.anchors:
        if isinstance(anchor, Offset):
            moment = _moved(moment, -anchor.by.count, anchor.by.grain)
        else:
            moment = Call("truncate", (moment, Literal(anchor.grain)))
    return moment


def _bounds_of(moment: Expression, part: Expression) -> Iterator[Bound]:
    of, bounds = _bounds(part)
    yield from bounds if of == moment else ()


def _bounds(part: Expression) -> tuple[Expression, tuple[Bound, ...]]:
    """A moment, and what follows for it from a condition on it or on the period that it lies in."""
    match part:
        case Call("between", (side, Literal() as low, Literal() as high)):
            moment, at_least = _bounds(Call(">=", (side, low)))
            return moment, (*at_least, *_bounds(Call("<=", (side, high)))[1])
        case Call("=" | ">=" | ">" | "<=" | "<" as operator, (side, Literal() as literal)):
            bound, grain = _moment(literal), None
            if isinstance(side, Call) and side.function == "truncate":
                side, grain = side.arguments[0], str(side.arguments[1].value)  # type: ignore[union-attr]
            if bound is None or (grain is not None and grain not in _MOVABLE):
                return part, ()
            since = ((">=", bound),) if operator in ("=", ">=", ">") else ()
            until = (_end(operator, bound, grain),) if operator in ("=", "<=", "<") else ()
            return side, (*since, *until)
    return part, ()


def _end(operator: str, bound: Expression, grain: str | None) -> Bound:
    """What a moment lies before, whose period or own value is at most a bound, or before it."""
    if grain is None:
        return ("<" if operator == "<" else "<="), bound
    return "<", bound if operator == "<" and _starts(bound, grain) else _moved(bound, 1, grain)


def _starts(moment: Expression, grain: str) -> bool:
    """Whether a moment is known to start a period."""
    known = next(fineness(Call("<", (NOW, moment))))
    return grain != "week" and GRAINS.index(known) >= GRAINS.index(grain)


def _moment(literal: Literal) -> Expression | None:
    """A constant as a moment, whatever stands beside it; None where it is none, or one of a zone."""
    match literal.value:
        case Lifted(kind=kind, many=False) as value if kind in _TYPED:
            return Literal(replace(value, kind=_TYPED[kind]))  # type: ignore[arg-type]
        case str() as text:
            found = as_timestamp(text)
            return None if found is None else Literal(found)
        case date() as value if getattr(value, "tzinfo", None) is None:
            return literal
    return None


def _of_column(leg: Leg, facts: Facts, moment: Expression, bounds: Iterable[Bound]) -> Iterator[Expression]:
    """The bounds of a moment as those of the plain column it is told from, if it is told from one."""
    shifted = isinstance(moment, Call)
    while isinstance(moment, Call) and moment.function in _ZONED:
        moment = moment.arguments[0]
    if not isinstance(moment, Column):
        return
    kind = _types(leg, facts, moment.relation).get(moment.name)
    if kind not in _TEMPORAL:
        return
    for side, bound in bounds:
        if shifted:
            bound = _moved(bound, -APART if side[0] == ">" else APART, "day")
        if kind == "date" and side == "<" and not _is_midnight(bound):
            side = "<="
        yield Call(side, (moment, bound if kind == "timestamp" else Cast(bound, kind)))


def _is_midnight(bound: Expression) -> bool:
    """Whether a moment is known to start a day."""
    match bound:
        case Call("add_interval" | "truncate", (moment, *_, Literal(value=str(grain)))):
            return GRAINS.index(grain) >= GRAINS.index("day") and _is_midnight(moment)
        case Literal():
            return _starts(bound, "day")
    return False


def _types(leg: Leg, facts: Facts, relation: str) -> Mapping[str, str]:
    sources = {source.relation: source for source in (leg.source, *(a.source for a in leg.attached if not a.late))}
    return facts.types_of(sources[relation].table) if relation in sources else {}


def _moved(moment: Expression, count: int, grain: str) -> Expression:
    return Call("add_interval", (moment, Literal(count), Literal(grain)))
