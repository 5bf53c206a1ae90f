"""Dates to whole periods: where the period of a moment starts, and where it ends."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, timedelta
from typing import overload

from workbench.declare.lifted import Lifted

_STEPS = {
    "microsecond": timedelta(microseconds=1),
    "millisecond": timedelta(milliseconds=1),
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@overload
def floor(moment: date | datetime, grain: str) -> datetime: ...
@overload
def floor(moment: Lifted, grain: str) -> Lifted: ...
def floor(moment: date | datetime | Lifted, grain: str) -> datetime | Lifted:
    """The start of the period of ``grain`` that holds ``moment``; weeks start on Monday."""
    if isinstance(moment, Lifted):
        return moment.then("floor", 1, grain)
    when = moment if isinstance(moment, datetime) else datetime(moment.year, moment.month, moment.day)
    when = when.replace(tzinfo=None)
    if grain in ("nanosecond", "microsecond"):
        return when
    if grain == "millisecond":
        return when.replace(microsecond=when.microsecond // 1000 * 1000)
    if grain in ("second", "minute", "hour"):
        parts: dict[str, int] = {"microsecond": 0}
        if grain != "second":
            parts["second"] = 0
        if grain == "hour":
            parts["minute"] = 0
        return when.replace(**parts)  # type: ignore[arg-type]
    day = datetime(when.year, when.month, when.day)
    if grain == "week":
        return day - timedelta(days=day.weekday())
    if grain in _MONTHS:
        months = _MONTHS[grain]
        return datetime(day.year, (day.month - 1) // months * months + 1, 1)
    return day


@overload
def after(moment: date | datetime, grain: str) -> datetime: ...
@overload
def after(moment: Lifted, grain: str) -> Lifted: ...
def after(moment: date | datetime | Lifted, grain: str) -> datetime | Lifted:
    """The start of the period that follows the one of ``moment``; a date without a clock names its whole day."""
    if isinstance(moment, Lifted):
        return moment.then("after", 1, grain)
    if not isinstance(moment, datetime) and grain not in ("day", "week", *_MONTHS):
        grain = "day"
    start = floor(moment, grain)
    if grain in _MONTHS:
        month = start.month - 1 + _MONTHS[grain]
        return datetime(start.year + month // 12, month % 12 + 1, 1)
    return start + _STEPS.get(grain, timedelta(microseconds=1))


@overload
def earlier(moment: datetime, count: int, grain: str) -> datetime: ...
@overload
def earlier(moment: Lifted, count: int, grain: str) -> Lifted: ...
def earlier(moment: datetime | Lifted, count: int, grain: str) -> datetime | Lifted:
    """The moment so many periods of ``grain`` before; a day that a month does not have is its last."""
    if isinstance(moment, Lifted):
        return moment.then("earlier", count, grain)
    if grain not in _MONTHS:
        return moment - count * _STEPS.get(grain, timedelta(microseconds=1))
    month = moment.year * 12 + moment.month - 1 - count * _MONTHS[grain]
    year, month = month // 12, month % 12 + 1
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))
