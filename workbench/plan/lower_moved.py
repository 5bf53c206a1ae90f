"""Legs whose rows count at other moments than their own, or that show moments without rows: spine, windows, offsets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import ibis

from workbench.declare.expression import Aggregate, Call, Column, Expression, Literal
from workbench.declare.grains import GRAINS
from workbench.graph.timing import NOW, TIME, Offset, Pick, Timing
from workbench.plan.lower_calendar import END, FROM, aimed, period_points
from workbench.plan.lower_first import Names, first_groups, folded, numbers, regrouped
from workbench.plan.lower_scalar import add_interval, lower, lower_aggregate, lower_condition, truncate
from workbench.plan.parts import needed, whole
from workbench.plan.steps import CalendarSource, Latest, Leg, Moments, Source

if TYPE_CHECKING:
    import ibis.expr.types as ir

ReadSource = Callable[[Source, Any], Any]
T = NOW.name
_WHOLE_MONTHS = ("month", "quarter", "year")
_OF_SETS = frozenset({"min", "max", "approx_distinct"})


def moments(leg: Leg, table: ir.Table, names: Names, read: ReadSource, find: Any) -> ir.Table:
    """The spine of a leg: one row a moment, with the groups that hang on it, those kept that are asked for."""
    spine = leg.moments
    assert spine is not None
    if spine.periods and spine.calendar is not None:
        points = period_points(spine, spine.calendar, read(spine.calendar.source, find))
    else:
        points = _points(spine, table, names, read, find)
        for calendar in spine.joined:
            points = _with_calendar(points, calendar, read, find)

    def column(of: Column) -> ir.Value:
        return points[of.name]

    if spine.keep is not None:
        points = points.filter(lower_condition(spine.keep, column))
    own = [name for name in points.columns if name != T]  # periods of calendars, which a later condition may read
    return points.select(T, *own, **{name: lower(tree, column) for name, tree in spine.shows})


def _points(spine: Moments, table: ir.Table, names: Names, read: ReadSource, find: Any) -> ir.Table:
    """Every moment at the spine's grain: those of its calendar, or from the first to the last of the data."""
    if spine.calendar is not None:
        calendar = read(spine.calendar.source, find)
        return calendar.select(**{T: truncate(calendar[spine.calendar.column], spine.grain)}).distinct()

    def column(of: Column) -> ir.Value:
        return table[names[of.relation, of.name]]

    at = lower(spine.at, column)
    ends = (at.min(), at.max())
    if isinstance(spine.at, Call) and spine.at.function == "truncate":
        # The period of the first moment is the first period, so one moment is truncated and not every row's.
        moment, grain = lower(spine.at.arguments[0], column), spine.grain
        ends = (truncate(moment.min(), grain), truncate(moment.max(), grain))
    bounds = table.aggregate(low=ends[0], high=ends[1])
    low, high = bounds.low.cast("timestamp"), bounds.high.cast("timestamp")
    step = ibis.interval(1, unit=_UNITS[spine.grain])
    return bounds.select(**{T: ibis.range(low, high + step, step).unnest().cast(at.type())})


def _with_calendar(points: ir.Table, calendar: CalendarSource, read: ReadSource, find: Any) -> ir.Table:
    """The moments with the periods of a calendar's own grains."""
    table = read(calendar.source, find)
    own = {f"{calendar.name}.{column}": table[column] for column in calendar.own}
    periods = table.select(__at=truncate(table[calendar.column], calendar.grain), **own)
    return points.left_join(periods, truncate(points[T], calendar.grain) == periods["__at"]).drop("__at")


def moved(leg: Leg, rows: ir.Table, names: Names, spine: ir.Table, read: ReadSource, find: Any) -> ir.Table:
    """The groups of a leg whose rows count at other moments: rows meet the moments that look at them.

    What can be added up is first aggregated by moment, so that a long window reads sums and not facts.
    """
    assert leg.move is not None
    assert leg.moments is not None
    timing, shows = leg.move.timing, [name for name, _ in leg.moments.shows]
    keys = {name: tree for name, tree in leg.keys if name not in shows}
    moments = _moments_of(leg, rows, names, keys)
    finest: Expression = Call("truncate", (NOW, Literal(leg.moments.grain)))
    if leg.moments.periods and leg.moments.calendar is not None:
        finest = Column(TIME, f"{leg.moments.calendar.name}.{leg.moments.periods}")
    pick = timing.shown(bool(shows))
    picks = pick in ("first", "last") and all(tree != finest for _, tree in leg.moments.shows)
    if picks and not timing.among_rows(bool(shows)):
        spine = _picked(spine, shows, pick)
    once = _counts_once(leg.moments, timing) and leg.latest is None
    inside = leg.moments.inside
    if leg.moments.counted or leg.moments.whole or once or inside is not None:
        spine = aimed(leg.moments, timing, spine, lambda calendar: read(calendar.source, find))
        if inside is not None:
            looking = spine
            spine = looking.filter(lower_condition(inside, lambda of: looking[of.name]))
        spine = spine.select(*shows, END).distinct() if once and leg.move.later is None else spine
        looks = _looks_between(timing, spine, moments["__at"])
    else:
        looks = _looks_at(timing, spine[T], moments["__at"])
    met = spine.inner_join(moments, looks)
    if leg.move.later is not None:
        met = met.filter(lower_condition(leg.move.later, lambda of: met[of.name]))
        if once:
            apart = {name for name in spine.columns if name not in shows}
            met = met.select(*(name for name in met.columns if name not in apart)).distinct()
    if leg.latest is not None:
        met = _levelled(leg, leg.latest, met)
    by = [*shows, *keys]
    if picks and timing.among_rows(bool(shows)):
        return _picked(_finished(leg, met, [T, *by]), by, pick).drop(T)
    if pick == "average":
        daily = _finished(leg, met, [T, *by])
        means = {one.name: Aggregate("avg", (Column("", one.name),)) for one in leg.summaries}
        return _aggregated(daily, by, means)
    return _finished(leg, met, by)


def _moments_of(leg: Leg, rows: ir.Table, names: Names, keys: Mapping[str, Expression]) -> ir.Table:
    """Rows by moment, added up where they can be, else the values that are aggregated of them."""
    assert leg.move is not None
    assert leg.moments is not None
    by = {"__at": leg.moments.at, **keys, **dict(leg.move.carried)}
    if leg.first is not None:
        return regrouped(first_groups(leg.first, rows, names), by, needed(leg.summaries, leg.first))

    def column(of: Column) -> ir.Value:
        return rows[names[of.relation, of.name]]

    values = {name: lower(tree, column) for name, tree in by.items()}
    if leg.latest is not None:
        values |= {"__of": lower(leg.latest.of, column)}
        values |= {name: lower(tree, column) for name, tree in _within(leg, leg.latest).items() if name[:2] == "__"}
    aggregates = {one.name: whole(one) for one in leg.summaries}
    for name, one in aggregates.items():
        values |= {f"{name}_{i}": lower(tree, column) for i, tree in enumerate(one.arguments)}
        values |= {} if one.condition is None else {f"{name}_if": lower(one.condition, column)}
    as_set = all(one.distinct or one.function in _OF_SETS for one in aggregates.values())
    if leg.move.later is not None and not as_set:
        values["__row"] = ibis.row_number().over(
            ibis.window()
        )  # rows stay apart where those that several moments meet count once
    raw = rows.select(**values)
    return raw.distinct() if as_set and leg.latest is None else raw


def _finished(leg: Leg, met: ir.Table, by: list[str]) -> ir.Table:
    """What was asked for, of all that the moments meet which share these values."""
    if leg.first is not None:
        parts = folded(met, leg.first, {name: met[name] for name in by}, needed(leg.summaries, leg.first))
        return numbers(parts, leg.first, by, leg.summaries)
    found = {}
    for summary in leg.summaries:
        name, one = summary.name, whole(summary)
        # A fraction is part of what is asked for, and no value of a row.
        held = enumerate(one.arguments)
        arguments = tuple(tree if isinstance(tree, Literal) else Column("", f"{name}_{i}") for i, tree in held)
        condition = None if one.condition is None else Column("", f"{name}_if")
        found[name] = Aggregate(one.function, arguments, one.distinct, condition)
    return _aggregated(met, by, found)


def _aggregated(table: ir.Table, by: list[str], found: Mapping[str, Aggregate]) -> ir.Table:
    values = {name: lower_aggregate(one, lambda of: table[of.name], table) for name, one in found.items()}
    return table.group_by(by).aggregate(**values) if by else table.aggregate(**values)


def _within(leg: Leg, latest: Latest) -> Mapping[str, Expression]:
    """What the moment of a level is found for: groups shown of the moment asked for, and values of rows."""
    assert leg.moments is not None
    shown = {tree: name for name, tree in leg.moments.shows}
    return {shown.get(tree, f"__w{i}"): tree for i, tree in enumerate(latest.within)}


def _levelled(leg: Leg, latest: Latest, met: ir.Table) -> ir.Table:
    """The rows of the first or last moment that are looked at, each of them from one moment."""
    window = ibis.window(group_by=list(_within(leg, latest)))
    for name in ("__of", T):  # ends of months make one row count in several moments
        chosen = met[name].min() if latest.take == "first" else met[name].max()
        met = met.filter(met[name] == chosen.over(window))
    return met


def _picked(moments: ir.Table, by: list[str], pick: Pick | None) -> ir.Table:
    """The one moment that stands for each period shown."""
    order = ibis.asc(T) if pick == "first" else ibis.desc(T)
    numbered = moments.mutate(__n=ibis.row_number().over(group_by=by, order_by=[order]))
    return numbered.filter(numbered["__n"] == 0).drop("__n")


def _looks_at(timing: Timing, now: Any, at: Any) -> Any:
    """Whether a moment asked for looks at the moment of a row."""
    end = now
    for anchor in timing.anchors:
        if isinstance(anchor, Offset):
            end = add_interval(end, -anchor.by.count, anchor.by.grain)
        else:
            end = truncate(end, anchor.grain)
    if timing.window:
        return (at <= end) & (at > add_interval(end, -timing.window.count, timing.window.grain))
    if timing.to_date:
        return (at <= end) & (at >= truncate(end, timing.to_date))
    return at <= end if timing.running else at == end


def _counts_once(spine: Moments, timing: Timing) -> bool:
    """Whether several moments may look at one, whose rows then count once for all of them that are shown together."""
    if not timing.looks_back or timing.each or spine.whole or spine.grain in _WHOLE_MONTHS:
        return False
    grains = [anchor.by.grain for anchor in timing.anchors if isinstance(anchor, Offset)]
    return any(grain != spine.grain and (grain in _WHOLE_MONTHS or grain not in GRAINS) for grain in grains)


def _looks_between(timing: Timing, spine: Any, at: Any) -> Any:
    """The same where what a moment looks at stands in columns of the spine."""
    if FROM in spine.columns:
        return (at >= spine[FROM]) & (at <= spine[END])
    return at <= spine[END] if timing.running else at == spine[END]


def padded(leg: Leg, groups: ir.Table, spine: ir.Table) -> ir.Table:
    """The groups of a leg, and one for each period of the spine that has none."""
    assert leg.moments is not None
    assert leg.pad is not None
    shows = [name for name, _ in leg.moments.shows]
    periods = spine.select(**{f"__{name}": spine[name] for name in shows}).distinct()
    met = periods.left_join(groups, [periods[f"__{name}"] == groups[name] for name in shows])
    out = met.select(**{c: met[f"__{c}"].cast(groups[c].type()) if c in shows else met[c] for c in groups.columns})
    timeless = groups.filter([groups[name].isnull() for name in shows])
    out = ibis.union(out, timeless)  # rows without a moment are in no period, and must not vanish
    if leg.pad.again is not None:
        out = out.filter(lower_condition(leg.pad.again, lambda of: out[of.name]))
    return out


_UNITS = {
    "year": "Y", "quarter": "Q", "month": "M", "week": "W", "day": "D", "hour": "h", "minute": "m", "second": "s",
    "millisecond": "ms", "microsecond": "us", "nanosecond": "us",
}  # fmt: skip
