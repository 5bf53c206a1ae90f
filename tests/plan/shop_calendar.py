"""A calendar of one's own for the shop, metrics that count its periods, and what they mean over rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from tests.plan import shop, shop_time
from tests.plan.shop import Row

DECLARATIONS = """
calendar: own
table: shop.days
column: day
grains: {lot: lot, season: season, round: round}
within: {lot: season}
---
{metric: orders_2_lots, model: orders, expr: count(*), window: 2 lots}
---
{metric: revenue_season, model: orders, expr: sum(amount), window: 1 season}
---
{metric: buyers_3_rounds, model: orders, expr: count(distinct customer_id), window: 3 rounds}
---
{metric: orders_season_to_date, model: orders, expr: count(*), to_date: season}
---
{metric: revenue_round_to_date, model: orders, expr: sum(amount), to_date: round}
---
{metric: orders_lot_ago, model: orders, expr: count(*), offset: 1 lot}
---
{metric: revenue_season_ago, model: orders, expr: sum(amount), offset: 1 season}
---
{metric: buyers_2_rounds_ago, model: orders, expr: count(distinct customer_id), offset: 2 rounds}
---
{metric: orders_season_ago_daily, model: orders, expr: count(*), offset: {by: 1 season, each: day}}
---
{metric: orders_season_start, model: orders, expr: count(*), offset_to: season}
---
{metric: orders_7d_lot_ago, model: orders, expr: count(*), window: 7 days, offset: 1 lot}
---
{metric: open_lot_and_week_ago, expr: orders_lot_ago, filter: status = 'open', offset: 1 week}
---
{metric: orders_2_lots_first, model: orders, expr: count(*), window: 2 lots, period: first}
"""
ACCESS = {"resource": "shop.days", "grant": [{"to": ["analyst"]}]}
OWN = ("lot", "season", "round")
Step = tuple[int, str]


@dataclass(frozen=True)
class Meaning:
    """What is aggregated, and when it looks; a step of no count goes to the start of the period."""

    base: shop.Base
    steps: tuple[Step, ...] = ()
    window: Step | None = None
    to_date: str | None = None
    each: bool = False
    period: str | None = None

    @property
    def spans(self) -> bool:
        return bool(self.window or self.to_date)

    @property
    def looks_back(self) -> bool:
        return bool(self.steps) and not self.spans and all(count for count, _ in self.steps)


BUYERS = shop.Base("orders", "customer_id", shop.distinct, 0)
METRICS: dict[str, Meaning] = {
    "orders_2_lots": Meaning(shop.ORDERS, window=(2, "lot")),
    "revenue_season": Meaning(shop.REVENUE, window=(1, "season")),
    "buyers_3_rounds": Meaning(BUYERS, window=(3, "round")),
    "orders_season_to_date": Meaning(shop.ORDERS, to_date="season"),
    "revenue_round_to_date": Meaning(shop.REVENUE, to_date="round"),
    "orders_lot_ago": Meaning(shop.ORDERS, ((1, "lot"),)),
    "revenue_season_ago": Meaning(shop.REVENUE, ((1, "season"),)),
    "buyers_2_rounds_ago": Meaning(BUYERS, ((2, "round"),)),
    "orders_season_ago_daily": Meaning(shop.ORDERS, ((1, "season"),), each=True),
    "orders_season_start": Meaning(shop.ORDERS, ((0, "season"),)),
    "orders_7d_lot_ago": Meaning(shop.ORDERS, ((1, "lot"),), window=(7, "day")),
    "open_lot_and_week_ago": Meaning(shop.OPEN_ORDERS, ((1, "week"), (1, "lot"))),
    "orders_2_lots_first": Meaning(shop.ORDERS, window=(2, "lot"), period="first"),
}


@dataclass(frozen=True)
class Asked:
    """A question: groups, an optional condition on moment and row, and a range of days."""

    by: tuple[str, ...] = ()
    time: tuple[date, date] | None = None
    where: str | None = None
    holds: Callable[[Any, Row], bool] = field(default=lambda get, row: True)
    reads: tuple[str, ...] = ()

    @property
    def grains(self) -> list[str]:
        """The grains of metric_time it groups by."""
        return [path.removeprefix("metric_time.") for path in self.by if path.startswith("metric_time.")]


@dataclass
class Calendar:
    """The days there are, each with its periods."""

    days: list[Row]

    def label(self, day: date, grain: str) -> Any:
        if grain in OWN:
            return next((row[grain] for row in self.days if row["day"] == day), None)
        return shop_time.shown(datetime(day.year, day.month, day.day), grain)

    def base(self, one: Meaning, asked: Asked) -> str:
        """What the moments are: periods of one's own where these make up all that matters, else days."""
        steps = [grain for count, grain in one.steps if count]
        wanted = {*steps, *(g for g in ((one.window or (0, ""))[1], one.to_date) if g), *asked.grains, *asked.reads}
        apart = one.each and set(asked.grains) != set(steps)
        wanted |= {"day"} if apart or one.period or any(not count for count, _ in one.steps) else set()
        if asked.time:
            wanted.add(self.covering(asked))
        for finest, around in (("lot", {"lot", "season"}), ("season", {"season"}), ("round", {"round"})):
            if finest in wanted and wanted <= around:
                return finest
        return "day"

    def covering(self, asked: Asked) -> str:
        """The grain whose whole periods a range covers."""
        grains = set(asked.grains)
        for finest, around in (("lot", {"lot", "season"}), ("season", {"season"}), ("round", {"round"})):
            if finest in grains and grains <= around:
                return finest
        steps = ["day" if grain in OWN else grain for grain in grains]
        return min(steps, key=shop_time.GRAINS.index, default="day")

    def covers(self, asked: Asked, day: date) -> bool:
        """Whether a range, in whole periods, holds a day."""
        if asked.time is None:
            return True
        low, high = asked.time
        grain = self.covering(asked)
        if grain in OWN:
            label = self.label(day, grain)
            same = [row["day"] for row in self.days if row[grain] == label]
            return (
                label is not None
                and any(low <= one <= high for one in (same[0], same[-1]))
                or (bool(same) and same[0] <= low and high <= same[-1])
            )
        return self.label(low, grain) <= self.label(day, grain) <= self.label(high, grain)

    def moments(self, base: str) -> list[Any]:
        return list(dict.fromkeys(row["day" if base == "day" else base] for row in self.days))

    def periods(self, base: str, grain: str) -> list[list[Any]]:
        """The moments of each period, in order."""
        out: dict[Any, list[Any]] = {}
        for row in self.days:
            held = out.setdefault(row[grain], [])
            if row[base] not in held:
                held.append(row[base])
        return list(out.values())

    def back(self, base: str, moment: Any, step: Step) -> Any:
        """The moment that many periods earlier, None before the first."""
        count, grain = step
        if grain not in OWN:
            start = datetime(moment.year, moment.month, moment.day)
            return (shop_time.moved(start, -count, grain) if count else shop_time.floor(start, grain)).date()
        periods = self.periods(base, grain)
        at = next((i for i, held in enumerate(periods) if moment in held), None)
        if at is None or at < count:
            return None
        target = periods[at - count]
        return target[min(periods[at].index(moment), len(target) - 1)] if count else target[0]

    def seen(self, base: str, one: Meaning, moment: Any) -> tuple[Any, Any] | None:
        """The first and last moment whose rows count."""
        end = moment
        for step in one.steps:
            end = self.back(base, end, step)
            if end is None:
                return None
        if one.to_date:
            start = self.back(base, end, (0, one.to_date))
            return None if start is None else (start, end)
        if one.window is None:
            return end, end
        if one.window[1] not in OWN:
            return self.back(base, end, one.window) + timedelta(days=1), end
        moments = self.moments(base)
        if end not in moments:
            return None
        before = self.back(base, end, one.window)
        return (moments[0] if before is None else moments[moments.index(before) + 1]), end


def groups(calendar: Calendar, rows: Sequence[Row], one: Meaning, asked: Asked) -> dict[tuple[Any, ...], Any]:
    """The value of each group, by brute force."""
    pairs: dict[tuple[Any, ...], list[Row]] = {} if asked.by else {(): []}
    last: dict[tuple[Any, ...], Any] = {}
    kept = [row for row in rows if one.base.keep({}, row)]
    for base, now, row in _pairs(calendar, kept, one, asked):
        if asked.where and not asked.holds(_get(calendar, base, now), row):
            continue
        key = tuple(row["status"] if path == "status" else _get(calendar, base, now)(path) for path in asked.by)
        if one.period and asked.grains and last.setdefault(key, now) != now:  # the first of its days that has rows
            continue
        seen = pairs.setdefault(key, [])
        if not (one.looks_back and not one.each and any(row is other for other in seen)):
            seen.append(row)
    column = one.base.column
    return {key: one.base.aggregate([r[column] if column else 1 for r in found]) for key, found in pairs.items()}


def _pairs(calendar: Calendar, rows: list[Row], one: Meaning, asked: Asked) -> Iterator[tuple[str, Any, Row]]:
    """Rows that count, each with the moment asked for."""
    base = calendar.base(one, asked)
    shown = [
        now for now in calendar.moments(base) if all(calendar.covers(asked, d) for d in _days(calendar, base, now))
    ]
    if one.looks_back and not one.each and asked.time and not asked.grains and not asked.reads:
        yield from ((base, shown[0], row) for row in rows if shown and _in_span(calendar, base, shown, one, row))
        return
    if one.spans or any(not count for count, _ in one.steps):
        shown = shown if one.period and asked.grains else _picked(calendar, base, shown, one, asked)
    for now in shown:
        span = calendar.seen(base, one, now)
        for row in rows:
            at = _at(calendar, base, row)
            if span and at is not None and span[0] <= at <= span[1]:
                yield base, now, row


def _in_span(calendar: Calendar, base: str, shown: list[Any], one: Meaning, row: Row) -> bool:
    """Whether a row is in the span moved by its ends: a period's last day goes to the other's last."""
    low, high = shown[0], shown[-1]
    for step in one.steps:
        if step[1] not in OWN:
            low = None if low is None else calendar.back(base, low, step)
            high = None if high is None else calendar.back(base, high + timedelta(days=1), step) - timedelta(days=1)
            continue
        periods = calendar.periods(base, step[1])
        at = next((i for i, held in enumerate(periods) if high in held), None)
        ends = at is not None and periods[at][-1] == high
        low, before = calendar.back(base, low, step), calendar.back(base, high, step)
        low = calendar.moments(base)[0] if low is None else low
        high = periods[at - step[0]][-1] if ends and before is not None and at is not None else before
    at_row = _at(calendar, base, row)
    return high is not None and at_row is not None and low <= at_row <= high


def _days(calendar: Calendar, base: str, now: Any) -> list[date]:
    return [row["day"] for row in calendar.days if row[base] == now] if base != "day" else [now]


def _at(calendar: Calendar, base: str, row: Row) -> Any:
    return None if row["placed"] is None else calendar.label(row["placed"].date(), base)


def _get(calendar: Calendar, base: str, now: Any) -> Callable[[str], Any]:
    return lambda path: calendar.label(_days(calendar, base, now)[0], path.removeprefix("metric_time."))


def _picked(calendar: Calendar, base: str, shown: list[Any], one: Meaning, asked: Asked) -> list[Any]:
    """The moment that stands for each period shown: the last of a span, the first of an offset to a start."""
    if base in asked.grains:
        return shown
    chosen: dict[Any, Any] = {}
    for now in shown:
        key = tuple(_get(calendar, base, now)(grain) for grain in asked.grains)
        chosen[key] = now if one.spans else chosen.get(key, now)
    return list(chosen.values())
