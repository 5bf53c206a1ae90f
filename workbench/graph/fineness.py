"""Conditions on the moment asked for to the grains by which moments must be told apart to decide them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from workbench.declare.expression import Call, Expression, Literal, children
from workbench.declare.grains import GRAINS
from workbench.declare.lifted import Lifted
from workbench.graph.period import floor
from workbench.graph.timing import NOW

PARTS = {
    "year_of_era": "year",
    "quarter_of_year": "quarter",
    "month_of_year": "month",
    "week_of_year": "week",
    "hour_of_day": "hour",
    "minute_of_hour": "minute",
}
"""The grain that a part of a date can be told from; a day for every other."""


def fineness(tree: Expression, guess: str | None = "day") -> Iterator[str]:
    """The grains that a condition needs of the moment asked for.

    A bound that was taken out starts a period of ``guess``; it may start a longer one, which nobody can see.
    """
    if tree == NOW:
        yield "day"
    elif isinstance(tree, Call) and tree.function == "truncate" and tree.arguments[0] == NOW:
        yield _text(tree.arguments[1])
    elif isinstance(tree, Call) and tree.function == "date_part" and tree.arguments[0] == NOW:
        yield PARTS.get(_text(tree.arguments[1]), "day")
    elif isinstance(tree, Call) and tree.function in ("<", ">=") and tree.arguments[0] == NOW:
        bound = tree.arguments[1]
        grain = guess if _is_unseen(bound) else _starting(bound)
        yield from (grain,) if grain else ()
    else:
        for child in children(tree):
            yield from fineness(child, guess)


def _is_unseen(bound: Expression) -> bool:
    value = bound.value if isinstance(bound, Literal) else None
    return isinstance(value, Lifted) and not value.steps and _of_any(value) == "day"


def _text(tree: Expression) -> str:
    assert isinstance(tree, Literal)
    return str(tree.value)


def _starting(bound: Expression) -> str:
    """The coarsest grain with a period that starts at a bound: it parts no such period."""
    value = bound.value if isinstance(bound, Literal) else None
    if isinstance(value, Lifted):
        return _of_any(value)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return "day"
    if not isinstance(value, date):
        return "day"
    start = floor(value, "microsecond")
    grains = ("year", "quarter", "month", "day", "hour", "minute", "second")
    return next((grain for grain in grains if floor(start, grain) == start), "microsecond")


def _of_any(value: Lifted) -> str:
    """A grain at which every value of this kind starts a period, whichever it is."""
    if not value.steps:
        return value.detail if value.kind in ("timestamp", "moment") else "day"
    grain = min((grain for _, _, grain in value.steps), key=GRAINS.index)
    return _NO_PERIOD.get(grain, grain)


_NO_PERIOD = {"week": "day", "millisecond": "microsecond", "nanosecond": "microsecond"}
