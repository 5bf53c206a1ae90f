"""Moments asked for to those they look at, where periods of a declared calendar are counted in their order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ibis

from workbench.graph.calendars import BOUND
from workbench.graph.timing import NOW, Offset, Timing
from workbench.plan.lower_scalar import add_interval, truncate
from workbench.plan.steps import CalendarSource, Counted, Moments

if TYPE_CHECKING:
    import ibis.expr.types as ir

Read = Callable[[CalendarSource], "ir.Table"]
T = NOW.name
FROM, END = "__from", "__end"
"""The columns of a spine between which rows count, both ends included; without the first, at the end alone."""


def with_bounds(table: ir.Table, columns: tuple[str, ...]) -> ir.Table:
    """A calendar with the first and last moment of the periods its rows lie in, where these are among its columns."""
    bounds = {}
    for name in columns:
        if BOUND in name:
            label, moment, which = name.split(BOUND)
            ends = {"first": table[moment].min(), "last": table[moment].max()}
            bounds[name] = ends[which].over(ibis.window(group_by=label))
    return table.mutate(**bounds) if bounds else table


def period_points(spine: Moments, calendar: CalendarSource, table: ir.Table) -> ir.Table:
    """A row for each period of a calendar's own grain, with the other periods it lies in."""
    own = {f"{calendar.name}.{column}": table[column].min() for column in calendar.own}
    return table.group_by(**{T: table[spine.periods]}).aggregate(**own)


def aimed(spine: Moments, timing: Timing, points: ir.Table, read: Read) -> ir.Table:
    """The moments with what they look at; those that look before the calendar's first period are left out."""
    counted = {one.grain: _Places(spine, one, read(one.calendar)) for one in spine.counted}
    if spine.whole:
        return _whole(spine, timing, points, counted)
    ends = points.mutate(**{END: points[T]})
    for anchor in timing.anchors:
        if isinstance(anchor, Offset):
            places = counted.get(anchor.by.grain)
            ends = _back(ends, anchor, places)
        elif anchor.grain in counted:
            ends = counted[anchor.grain].joined(ends, END, lambda found: {END: found["first"]})
        else:
            ends = ends.mutate(**{END: truncate(ends[END], anchor.grain)})
    if timing.window and timing.window.grain in counted:
        return counted[timing.window.grain].since(ends, timing.window.count)
    if timing.to_date and timing.to_date in counted:
        return counted[timing.to_date].joined(ends, END, lambda found: {FROM: found["first"]})
    if timing.window:
        start = add_interval(ends[END], -timing.window.count, timing.window.grain)
        return ends.mutate(**{FROM: add_interval(start, 1, spine.grain)})
    return ends.mutate(**{FROM: truncate(ends[END], timing.to_date)}) if timing.to_date else ends


def _back(ends: ir.Table, anchor: Offset, places: _Places | None, end: str = END) -> ir.Table:
    if places is None:
        return ends.mutate(**{end: add_interval(ends[end], -anchor.by.count, anchor.by.grain)})
    return places.moved(ends, end, anchor.by.count)


def _whole(spine: Moments, timing: Timing, points: ir.Table, counted: dict[str, _Places]) -> ir.Table:
    """One span for all moments: each of its ends is moved, and a period's last moment to the last of the other."""
    ends = points.aggregate(**{FROM: points[T].min(), END: points[T].max()})
    ends = ends.mutate(**{T: ends[END]})
    for anchor in timing.anchors:
        assert isinstance(anchor, Offset)
        places = counted.get(anchor.by.grain)
        if places is not None:
            ends = places.moved(ends, END, anchor.by.count, to_last=True)
            ends = places.moved(ends, FROM, anchor.by.count, or_first=True)
        else:
            following = add_interval(ends[END], 1, spine.grain)
            last = add_interval(following, -anchor.by.count, anchor.by.grain)
            start = add_interval(ends[FROM], -anchor.by.count, anchor.by.grain)
            ends = ends.mutate(**{END: add_interval(last, -1, spine.grain), FROM: start})
    return ends


class _Places:
    """Where each moment of a calendar stands: in which period, at which position there, out of how many."""

    def __init__(self, spine: Moments, one: Counted, table: ir.Table) -> None:
        self._spine, self._grain = spine, one.calendar.grain
        by_periods = bool(spine.periods)
        unit = table[spine.periods] if by_periods else truncate(table[one.calendar.column], self._grain)
        rows = table.select(u=unit, label=table[one.column]).distinct()
        period = ibis.window(group_by="label")
        self.rows = rows.mutate(
            p=ibis.dense_rank().over(order_by="label"),
            q=ibis.row_number().over(group_by="label", order_by="u"),
            n=rows.count().over(period),
            first=rows["u"].min().over(period),
            following=rows["u"].lead().over(order_by="u"),
        )

    def joined(self, ends: ir.Table, at: str, shows: Callable[[Any], dict[str, Any]]) -> ir.Table:
        """Moments with what is known of the place of the one in ``at``."""
        unit = self._unit(ends[at])
        found = self.rows.view()
        met = ends.inner_join(found, unit == found["u"])
        return _with(met, ends, shows(met))

    def moved(self, ends: ir.Table, at: str, count: int, *, to_last: bool = False, or_first: bool = False) -> ir.Table:
        """Moments with the one in ``at`` so many periods earlier: at its position there, or at the last there is."""
        targets = self._targets(count, to_last=to_last)
        unit = self._unit(ends[at])
        if not or_first:
            met = ends.inner_join(targets, unit == targets["u"])
            return _with(met, ends, {at: self._placed(met["to"], met[at])})
        met = ends.left_join(targets, unit == targets["u"])
        start = ibis.coalesce(self._placed(met["to"], met[at]), self._first(met[at]))
        return _with(met, ends, {at: start})

    def since(self, ends: ir.Table, count: int) -> ir.Table:
        """Moments with the start of the window that ends at them; it reaches back to the first period at most."""
        targets = self._targets(count)
        met = ends.left_join(targets, self._unit(ends[END]) == targets["u"])
        known = met["u"].notnull()
        if self._spine.periods:
            start = met["following"]
        else:
            start = add_interval(self._placed(met["to"], met[END]), 1, self._spine.grain)
        met = met.filter(known)  # what lies outside the calendar is in no period
        start = ibis.coalesce(start, self._first(met[END]))
        return _with(met, ends, {FROM: start})

    def _targets(self, count: int, *, to_last: bool = False) -> ir.Table:
        """Each moment ``u`` and the moment ``to`` so many periods earlier, NULL before the first period."""
        source, other = self.rows.view(), self.rows.view()
        sizes = other.group_by("p").aggregate(m=other["n"].max())
        sized = source.left_join(sizes, source["p"] - count == sizes["p"])
        sized = sized.select(u=source["u"], p=source["p"] - count, q=source["q"], n=source["n"], m=sizes["m"])
        position = ibis.least(sized["q"], sized["m"] - 1)
        if to_last:
            position = (sized["q"] == sized["n"] - 1).ifelse(sized["m"] - 1, position)
        sized = sized.mutate(at=position)
        target = self.rows.view()
        met = sized.left_join(target, [sized["p"] == target["p"], sized["at"] == target["q"]])
        return met.select(u=sized["u"], to=target["u"], following=target["following"])

    def _unit(self, moment: Any) -> Any:
        """The moment as the calendar's rows know it."""
        return moment if self._spine.periods else truncate(moment, self._grain)

    def _placed(self, unit: Any, moment: Any) -> Any:
        """The moment of another row of the calendar, at the time of the day that a moment has."""
        if self._spine.periods or self._spine.grain == self._grain:
            return unit
        return unit.cast("timestamp") + (moment.cast("timestamp") - truncate(moment, self._grain).cast("timestamp"))

    def _first(self, moment: Any) -> Any:
        first = self.rows["u"].min().as_scalar()
        return first if self._spine.periods else first.cast(moment.type())


def _with(met: ir.Table, ends: ir.Table, more: dict[str, Any]) -> ir.Table:
    """The columns of ``ends`` with more of them; a view, so that the next join is none of this one's chain."""
    return met.select(**{name: met[name] for name in ends.columns} | more).view()
