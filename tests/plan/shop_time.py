"""Metrics of the shop that look at other moments than their rows' own, and what they mean in plain Python over rows."""

from __future__ import annotations

import statistics
from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from tests.plan import shop
from tests.plan.shop import Row, Tables

DECLARATIONS = """
{metric: orders_7d, model: orders, expr: count(*), window: 7 days}
---
{metric: revenue_2m, model: orders, expr: sum(amount), window: 2 months}
---
{metric: orders_30h, model: orders, expr: count(*), window: 30 hours}
---
{metric: buyers_10d, model: orders, expr: count(distinct customer_id), window: 10 days}
---
{metric: median_2w, model: orders, expr: median(amount), window: 2 weeks}
---
{metric: mean_7d, model: orders, expr: avg(amount), window: 7 days}
---
{metric: open_7d, model: orders, expr: count(*), filter: status = 'open', window: 7 days}
---
{metric: gold_3w, model: orders, expr: sum(amount), filter: customer.tier = 'gold', window: 3 weeks}
---
{metric: orders_7d_first, model: orders, expr: count(*), window: 7 days, period: first}
---
{metric: open_7d_last, model: orders, expr: count(*), filter: status = 'open', window: 7 days, period: last}
---
{metric: open_7d_average, model: orders, expr: count(*), filter: status = 'open', window: 7 days, period: average}
---
{metric: buyers_10d_first, model: orders, expr: count(distinct customer_id), window: 10 days, period: first}
---
{metric: revenue_7d_average, model: orders, expr: sum(amount), window: 7 days, period: average}
---
{metric: orders_7d_month_ago, model: orders, expr: count(*), window: 7 days, offset: 1 month}
---
{metric: orders_mtd, model: orders, expr: count(*), to_date: month}
---
{metric: most_wtd, model: orders, expr: max(amount), to_date: week}
---
{metric: refunded_ytd, model: refunds, expr: sum(amount), to_date: year}
---
{metric: orders_ever, model: orders, expr: count(*), running: true}
---
{metric: buyers_ever, model: orders, expr: count(distinct customer_id), running: true}
---
{metric: refunded_ever, model: refunds, expr: sum(amount), running: true}
---
{metric: orders_week_ago, model: orders, expr: count(*), offset: 7 days}
---
{metric: revenue_month_ago, expr: revenue, offset: 1 month}
---
{metric: revenue_year_ago, expr: revenue, offset: 1 year}
---
{metric: orders_month_ago_daily, model: orders, expr: count(*), offset: {by: 1 month, each: day}}
---
{metric: median_month_ago, model: orders, expr: median(amount), offset: 1 month}
---
metric: orders_week_ago_7d
expr: week_ago
inputs: {week_ago: {metric: orders, offset: 1 week}}
window: 7 days
---
{metric: buyers_week_ago, expr: buyers, offset: 1 week}
---
{metric: orders_month_start, model: orders, expr: count(*), offset_to: month}
---
{metric: orders_hour_start, model: orders, expr: count(*), offset_to: hour}
---
{metric: refunds_week_start, expr: refunds, offset_to: week}
---
metric: revenue_growth
expr: revenue / before
inputs: {before: {metric: revenue, offset: 1 month}}
---
metric: orders_7d_change
expr: orders_7d - before
inputs: {before: {metric: orders_7d, offset: 7 days}}
---
metric: open_week_ago_share
expr: open / orders_week_ago
inputs: {open: {metric: orders, filter: status = 'open', offset: 1 week}}
---
{metric: open_share_14d, expr: open_share, window: 14 days}
---
{metric: refund_rate_28d, expr: refund_rate, window: 28 days}
---
{metric: orders_every, model: orders, expr: count(*), spine: true}
---
{metric: refunded_every, model: refunds, expr: sum(amount), spine: true, fill_nulls_with: 0}
---
{metric: orders_3d_every, model: orders, expr: count(*), window: 3 days, spine: true}
---
{metric: level, model: orders, expr: sum(amount), non_additive: {over: placed}}
---
{metric: open_level, model: orders, expr: sum(amount), filter: status = 'open', non_additive: {over: placed}}
---
{metric: first_level, model: orders, expr: count(*), non_additive: {over: placed, take: first}}
---
{metric: levels, model: orders, expr: sum(amount), non_additive: {over: placed, by: customer_id}}
---
metric: levels_change
expr: levels - before
inputs: {before: {metric: levels, offset: 1 month}}
---
{metric: refund_levels, model: refunds, expr: sum(amount), non_additive: {over: refunded, by: customer_id}}
"""

AXES = {"orders": "placed", "refunds": "refunded", "customers": "joined"}
GRAINS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
PARTS: dict[str, tuple[str, Callable[[datetime], int]]] = {
    "month_of_year": ("month", lambda moment: moment.month),
    "day_of_week": ("day", lambda moment: moment.isoweekday()),
}
"""Parts of a date: the grain they are told from, and how."""


def floor(moment: datetime, grain: str) -> datetime:
    """The start of the period that holds a moment."""
    day = datetime(moment.year, moment.month, moment.day)
    match grain:
        case "second":
            return moment
        case "minute":
            return moment.replace(second=0)
        case "hour":
            return moment.replace(minute=0, second=0)
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return datetime(day.year, (day.month - 1) // 3 * 3 + 1, 1)
        case _:
            return datetime(day.year, 1, 1)


def moved(moment: datetime, count: int, grain: str) -> datetime:
    """A moment some periods later; where the month is too short, its last day."""
    if grain in ("second", "minute", "hour", "day", "week"):
        return moment + timedelta(**{f"{grain}s": count})
    months = {"month": 1, "quarter": 3, "year": 12}[grain] * count
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))


def shown(moment: datetime | None, grain: str) -> Any:
    """A period, or a part of a date, as answers show it."""
    if moment is None:
        return None
    if grain in PARTS:
        return PARTS[grain][1](moment)
    start = floor(moment, grain)
    return start if GRAINS.index(grain) < GRAINS.index("day") else start.date()


def on_axis(model: str, path: str) -> str | None:
    """The grain, or the part of a date, of a path that is the model's own time axis."""
    path = path.removeprefix("customer.") if model == "customers" else path
    head, _, rest = path.partition(".")
    return rest if head in ("metric_time", AXES[model]) and rest in (*GRAINS, *PARTS) else None


def moment_of(model: str, row: Row) -> datetime | None:
    """When a row happened."""
    value = row[AXES[model]]
    return value if value is None or isinstance(value, datetime) else datetime(value.year, value.month, value.day)


Get = Callable[[str], Any]


@dataclass(frozen=True)
class Condition:
    """A condition in words, the paths it reads, and as a function of their values."""

    text: str
    paths: tuple[str, ...]
    holds: Callable[[Get], bool]


@dataclass(frozen=True)
class Asked:
    """A question: groups, conditions that all hold, and the first and last day of a time range.

    A level of a ``whole`` question covers the very periods that the whole one does.
    """

    by: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()
    time: tuple[date, date] | None = None
    whole: Asked | None = None

    @property
    def text(self) -> str | None:
        """The conditions as a person writes them."""
        return " and ".join(f"({one.text})" for one in self.where) or None

    def grains(self, model: str) -> list[str]:
        """The grains and parts of the axis by which it groups."""
        return [grain for path in self.by if (grain := on_axis(model, path))]

    def covers(self, model: str, moment: datetime | None) -> bool:
        """Whether the time range, in whole periods, holds a moment."""
        if self.time is None:
            return True
        start, end = self.span(model)
        return moment is not None and start <= moment < end

    def span(self, model: str) -> tuple[datetime, datetime]:
        """The time range in whole periods: its start, and the first moment after it."""
        assert self.time is not None
        grain = self.covering(model)
        return floor(_midnight(self.time[0]), grain), moved(floor(self.last(grain), grain), 1, grain)

    def on_time(self, model: str) -> bool:
        """Whether groups or conditions are about the model's own time."""
        read = [path for one in self.where for path in one.paths]
        return any(on_axis(model, path) for path in (*self.by, *read))

    def covering(self, model: str) -> str:
        """The grain whose whole periods the range covers."""
        grains = (self.whole or self).grains(model)
        return min((one if one in GRAINS else "day" for one in grains), key=GRAINS.index, default="day")

    def last(self, grain: str) -> datetime:
        """The last period of the range starts at or before this; a day below the day is meant whole."""
        assert self.time is not None
        below = GRAINS.index(grain) < GRAINS.index("day")
        return _midnight(self.time[1]) + (timedelta(days=1, seconds=-1) if below else timedelta())


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)


@dataclass(frozen=True)
class Looks:
    """When a metric looks: where from each moment it goes, and how far back rows count from there."""

    steps: tuple[tuple[int, str], ...] = ()
    window: tuple[int, str] | None = None
    to_date: str | None = None
    running: bool = False
    period: str | None = None
    each: str | None = None

    @property
    def once(self) -> bool:
        """Whether rows that several moments look at count once where these are shown together."""
        return bool(self.steps) and all(count for count, _ in self.steps) and not self.spans and not self.each

    @property
    def spans(self) -> bool:
        return bool(self.window or self.to_date or self.running)

    def pick(self, grains: Sequence[str]) -> str | None:
        """Which moment of a period is shown; a span that is asked for without a period is that of the last moment."""
        if self.spans:
            return (self.period if grains else None) or "last"
        return "first" if any(count == 0 for count, _ in self.steps) else None

    def asks_for_a_span(self, model: str, asked: Asked) -> bool:
        """Whether it just asks for an earlier span of time."""
        offsets = bool(self.steps) and all(count for count, _ in self.steps)
        alike = offsets and not self.spans and not self.each
        return alike and asked.time is not None and not asked.on_time(model)

    def whole(self, shown: Sequence[str]) -> bool:
        """Whether the periods shown are moved as a whole: months by months, quarters or years."""
        months = ["month", "quarter", "year"]
        (_, by), *_ = self.steps
        finest = min(("day" if one in PARTS else one for one in shown), key=GRAINS.index, default="day")
        return by in months and finest in months[: months.index(by) + 1]

    def at(self, now: datetime, row: datetime) -> bool:
        """Whether it sees, at ``now``, a row of that moment."""
        for count, grain in self.steps:  # no count: to the start of the period
            now = moved(now, -count, grain) if count else floor(now, grain)
        if self.window:
            return moved(now, -self.window[0], self.window[1]) < row <= now
        if self.to_date:
            return floor(now, self.to_date) <= row <= now
        return row <= now if self.running else row == now

    def grain(self, model: str, asked: Asked) -> str:
        """How finely moments are told apart."""
        read = [grain for one in asked.where for path in one.paths if (grain := on_axis(model, path))]
        units = [grain for count, grain in self.steps if count] + [g for g in (self.to_date,) if g]
        units += [self.window[1]] if self.window else []
        units += [self.each] if self.each and not self.whole(asked.grains(model)) else []
        wanted = {PARTS[one][0] if one in PARTS else one for one in (*units, *asked.grains(model), *read)}
        wanted |= {grain for count, grain in self.steps if not count and grain == "hour"}
        if asked.time:
            wanted.add(asked.covering(model))
        if self.period or any(count == 0 for count, _ in self.steps) or not wanted:
            wanted.add("day")
        if "week" in wanted and wanted & {"month", "quarter", "year"}:
            wanted.add("day")
        finest = "second" if model == "orders" else "day"
        return max(finest, min(wanted, key=GRAINS.index), key=GRAINS.index)


@dataclass(frozen=True)
class Level:
    """One moment's rows stand for the period: the first or last, for each value of a column."""

    take: Callable[[Iterable[Any]], Any] = max
    by: str | None = None


@dataclass(frozen=True)
class Part:
    """A base aggregate that looks at other moments, shows moments without rows, or is a level."""

    base: shop.Base
    looks: Looks | None = None
    spine: bool = False
    level: Level | None = None

    @property
    def needs_time(self) -> bool:
        """Whether it means nothing to a question without any time of its rows."""
        return self.looks is not None and not self.looks.running

    def groups(self, tables: Tables, asked: Asked) -> dict[tuple[Any, ...], Any]:
        """The value of each group that has rows, and with a spine of each period that has none."""
        pairs: dict[tuple[Any, ...], list[tuple[datetime | None, Row]]] = {} if asked.by else {(): []}
        for now, row in self._pairs(tables, asked):
            key = tuple(_value(tables, self.base.model, row, now, path) for path in asked.by)
            seen = pairs.setdefault(key, [])
            if not (self.looks and self.looks.once and self.level is None and any(row is one for _, one in seen)):
                seen.append((now, row))
        if self.level is not None:
            pairs = self._levelled(pairs, asked)
        if self._among_rows(asked):
            take = min if self.looks and self.looks.period == "first" else max
            days = {key: take(now for now, _ in found if now) for key, found in pairs.items() if found}
            pairs = {
                key: [(now, row) for now, row in found if now == days[key]] for key, found in pairs.items() if found
            }
        out = {key: self._number(found, asked) for key, found in pairs.items()}
        if self.spine and asked.grains(self.base.model):
            self._pad(tables, asked, out)
        return out

    def _among_rows(self, asked: Asked) -> bool:
        """Whether the day shown is the first or last that has rows."""
        said = self.looks is not None and self.looks.spans and self.looks.period in ("first", "last")
        return said and not self.spine and bool(asked.grains(self.base.model))

    def _number(self, found: list[tuple[datetime | None, Row]], asked: Asked) -> Any:
        def number(rows: list[Row]) -> Any:
            return self.base.aggregate([r[self.base.column] if self.base.column else 1 for r in rows])

        if self.looks is None or self.looks.pick(asked.grains(self.base.model)) != "average":
            return number([row for _, row in found])
        days: dict[Any, list[Row]] = {}
        for now, row in found:
            days.setdefault(now, []).append(row)
        return shop.over(statistics.fmean)(number(rows) for rows in days.values())

    def _pairs(self, tables: Tables, asked: Asked) -> Iterator[tuple[datetime | None, Row]]:
        """Rows that count, each with the moment that is asked for."""
        model, looks = self.base.model, self.looks
        rows = [row for row in tables[model] if self.base.keep(tables, row)]
        if looks is None or looks.asks_for_a_span(model, asked):
            for row in rows:
                at = moment_of(model, row)
                if _within(looks, model, asked, at) and _holds(tables, model, row, at, asked):
                    yield at, row
            return
        grain = looks.grain(model, asked)
        moments = list(self._moments(tables, asked, grain))
        pick = looks.pick(asked.grains(model))
        if pick in ("first", "last") and grain not in asked.grains(model) and not self._among_rows(asked):
            moments = _picked(moments, asked.grains(model), pick)
        for now in moments:
            for row in rows:
                at = moment_of(model, row)
                if at is not None and looks.at(now, floor(at, grain)) and _holds(tables, model, row, now, asked):
                    yield now, row

    def _moments(self, tables: Tables, asked: Asked, grain: str) -> Iterator[datetime]:
        """Every moment from the first row to the last that is asked for."""
        model = self.base.model
        known = [at for row in tables[model] if (at := moment_of(model, row))]
        now = floor(min(known), grain) if known else None
        while now is not None and now <= max(known):
            # Conditions on moments alone; the others come when a row is there.
            alone = [one for one in asked.where if all(on_axis(model, path) for path in one.paths)]
            if asked.covers(model, now) and all(one.holds(_at(model, now)) for one in alone):
                yield now
            now = moved(now, 1, grain)

    def _levelled(self, pairs: dict[Any, list[Any]], asked: Asked) -> dict[Any, list[Any]]:
        assert self.level is not None
        model, level = self.base.model, self.level
        times = [i for i, path in enumerate(asked.by) if on_axis(model, path)]

        def within(key: tuple[Any, ...], row: Row) -> tuple[Any, ...]:
            return (*(key[i] for i in times), row[level.by] if level.by else None)

        seen: dict[Any, list[Any]] = {}
        for key, found in pairs.items():
            for now, row in found:
                if (at := moment_of(model, row)) is not None:
                    seen.setdefault(within(key, row), []).append((at, now))
        chosen = {one: level.take(moments) for one, moments in seen.items()}
        kept = {
            key: [(n, r) for n, r in found if chosen.get(within(key, r)) == (moment_of(model, r), n)]
            for key, found in pairs.items()
        }
        return {key: found for key, found in kept.items() if found or not asked.by}

    def _pad(self, tables: Tables, asked: Asked, out: dict[tuple[Any, ...], Any]) -> None:
        model = self.base.model
        grain = (self.looks or Looks()).grain(model, asked)
        times = [i for i, path in enumerate(asked.by) if on_axis(model, path)]
        has_rows = {tuple(key[i] for i in times) for key in out}
        for now in self._moments(tables, asked, grain):
            key = tuple(shown(now, g) if (g := on_axis(model, path)) else None for path in asked.by)
            shows = dict(zip(asked.by, key, strict=True))
            told = [c for c in asked.where if set(c.paths) <= set(asked.by)]
            if tuple(key[i] for i in times) not in has_rows and all(c.holds(shows.__getitem__) for c in told):
                out[key] = self.base.empty


def _within(looks: Looks | None, model: str, asked: Asked, at: datetime | None) -> bool:
    """Whether a row is in the time range, moved by its ends."""
    if looks is None or asked.time is None:
        return asked.covers(model, at)
    start, end = asked.span(model)
    for count, grain in looks.steps:
        start, end = moved(start, -count, grain), moved(end, -count, grain)
    return at is not None and start <= at < end


def _picked(moments: list[datetime], grains: list[str], pick: str) -> list[datetime]:
    """The one moment that stands for each period shown."""
    chosen: dict[Any, datetime] = {}
    for now in moments:
        key = tuple(shown(now, grain) for grain in grains)
        chosen[key] = chosen.get(key, now) if pick == "first" else now
    return list(chosen.values())


def _at(model: str, now: datetime | None) -> Get:
    return lambda path: shown(now, on_axis(model, path) or "day")


def _value(tables: Tables, model: str, row: Row, now: datetime | None, path: str) -> Any:
    grain = on_axis(model, path)
    return shown(now, grain) if grain else shop.value_of(tables, model, row, path)


def _holds(tables: Tables, model: str, row: Row, now: datetime | None, asked: Asked) -> bool:
    return all(one.holds(lambda path: _value(tables, model, row, now, path)) for one in asked.where)


# ---------------------------------------------------------------------- what each metric is made of

Meaning = tuple[tuple[Part, ...], Callable[..., Any]]


def _same(value: Any) -> Any:
    return value


def _one(base: shop.Base, looks: Looks | None = None, **more: Any) -> Meaning:
    return (Part(base, looks, **more),), _same


def _through(metric: str, looks: Looks) -> Meaning:
    """A plain metric of the shop, looked at from elsewhere."""
    bases, combine = shop.METRICS[metric]
    return tuple(Part(base, looks) for base in bases), combine


def _minus(a: Any, b: Any) -> Any:
    return None if a is None or b is None else a - b


def _back(count: int, grain: str) -> Looks:
    return Looks(((count, grain),))


BUYERS = shop.Base("orders", "customer_id", shop.distinct, 0)
MEDIAN = shop.Base("orders", "amount", shop.over(statistics.median))
MEAN = shop.Base("orders", "amount", shop.over(statistics.fmean))
WEEK = Looks(window=(7, "day"))
LEVELS = Part(shop.REVENUE, level=Level(by="customer_id"))

METRICS: dict[str, Meaning] = {
    "orders_7d": _one(shop.ORDERS, WEEK),
    "revenue_2m": _one(shop.REVENUE, Looks(window=(2, "month"))),
    "orders_30h": _one(shop.ORDERS, Looks(window=(30, "hour"))),
    "buyers_10d": _one(BUYERS, Looks(window=(10, "day"))),
    "median_2w": _one(MEDIAN, Looks(window=(2, "week"))),
    "mean_7d": _one(MEAN, WEEK),
    "open_7d": _one(shop.OPEN_ORDERS, WEEK),
    "gold_3w": _one(replace(shop.REVENUE, keep=shop.is_gold), Looks(window=(3, "week"))),
    "orders_7d_first": _one(shop.ORDERS, replace(WEEK, period="first")),
    "open_7d_last": _one(shop.OPEN_ORDERS, replace(WEEK, period="last")),
    "open_7d_average": _one(shop.OPEN_ORDERS, replace(WEEK, period="average")),
    "buyers_10d_first": _one(BUYERS, Looks(window=(10, "day"), period="first")),
    "revenue_7d_average": _one(shop.REVENUE, replace(WEEK, period="average")),
    "orders_7d_month_ago": _one(shop.ORDERS, replace(WEEK, steps=((1, "month"),))),
    "orders_mtd": _one(shop.ORDERS, Looks(to_date="month")),
    "most_wtd": _one(shop.Base("orders", "amount", shop.over(max)), Looks(to_date="week")),
    "refunded_ytd": _one(shop.REFUNDED, Looks(to_date="year")),
    "orders_ever": _one(shop.ORDERS, Looks(running=True)),
    "buyers_ever": _one(BUYERS, Looks(running=True)),
    "refunded_ever": _one(shop.REFUNDED, Looks(running=True)),
    "orders_week_ago": _one(shop.ORDERS, _back(7, "day")),
    "revenue_month_ago": _through("revenue", _back(1, "month")),
    "revenue_year_ago": _through("revenue", _back(1, "year")),
    "orders_month_ago_daily": _one(shop.ORDERS, replace(_back(1, "month"), each="day")),
    "median_month_ago": _one(MEDIAN, _back(1, "month")),
    "orders_week_ago_7d": _one(shop.ORDERS, replace(WEEK, steps=((1, "week"),))),
    "buyers_week_ago": _through("buyers", _back(1, "week")),
    "orders_month_start": _one(shop.ORDERS, _back(0, "month")),
    "orders_hour_start": _one(shop.ORDERS, _back(0, "hour")),
    "refunds_week_start": _through("refunds", _back(0, "week")),
    "revenue_growth": ((Part(shop.REVENUE), Part(shop.REVENUE, _back(1, "month"))), shop.ratio),
    "orders_7d_change": (
        (Part(shop.ORDERS, WEEK), Part(shop.ORDERS, replace(WEEK, steps=((7, "day"),)))), _minus
    ),
    "open_week_ago_share": (
        (Part(shop.OPEN_ORDERS, _back(1, "week")), Part(shop.ORDERS, _back(7, "day"))), shop.ratio
    ),
    "open_share_14d": _through("open_share", Looks(window=(14, "day"))),
    "refund_rate_28d": _through("refund_rate", Looks(window=(28, "day"))),
    "orders_every": _one(shop.ORDERS, spine=True),
    "refunded_every": ((Part(shop.REFUNDED, spine=True),), lambda v: 0 if v is None else v),
    "orders_3d_every": _one(shop.ORDERS, Looks(window=(3, "day")), spine=True),
    "level": _one(shop.REVENUE, level=Level()),
    "open_level": _one(replace(shop.REVENUE, keep=shop.is_open), level=Level()),
    "first_level": _one(shop.ORDERS, level=Level(min)),
    "levels": ((LEVELS,), _same),
    "levels_change": ((LEVELS, replace(LEVELS, looks=_back(1, "month"))), _minus),
    "refund_levels": _one(shop.REFUNDED, level=Level(by="customer_id")),
}  # fmt: skip

PLAIN: dict[str, Meaning] = {
    name: (tuple(Part(base) for base in bases), combine) for name, (bases, combine) in shop.METRICS.items()
}
EVERY: dict[str, Meaning] = {**PLAIN, **METRICS}


def models(metrics: Iterable[str]) -> set[str]:
    """The models whose rows the metrics count."""
    return {part.base.model for name in metrics for part in EVERY[name][0]}


def expected(tables: Tables, metrics: list[str], asked: Asked) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The whole answer by brute force: each metric by itself, then side by side."""
    keys: dict[tuple[Any, ...], dict[str, Any]] = {}
    found = {name: [part.groups(tables, asked) for part in EVERY[name][0]] for name in metrics}
    for groups in (group for parts in found.values() for group in parts):
        keys.update((key, {}) for key in groups)
    for name in metrics:
        parts, combine = EVERY[name]
        for key, values in keys.items():
            alone = zip(parts, found[name], strict=True)
            values[name] = combine(*(groups.get(key, part.base.empty) for part, groups in alone))
    return keys
