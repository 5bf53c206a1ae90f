"""Turns the calendar of a question into ibis: time zones, periods, parts of a date, intervals and differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis

from workbench.declare.grains import GRAINS

if TYPE_CHECKING:
    import ibis.expr.types as ir

_UNITS = {
    "year": "Y", "quarter": "Q", "month": "M", "week": "W", "day": "D", "hour": "h", "minute": "m", "second": "s",
    "millisecond": "ms", "microsecond": "us", "nanosecond": "ns",
}  # fmt: skip
_DAY = GRAINS.index("day")
_PARTS = {
    "year_of_era": "year", "quarter_of_year": "quarter", "month_of_year": "month", "week_of_year": "week_of_year",
    "day_of_month": "day", "day_of_year": "day_of_year", "hour_of_day": "hour", "minute_of_hour": "minute",
    "year": "year", "quarter": "quarter", "month": "month", "week": "week_of_year", "day": "day", "hour": "hour",
    "minute": "minute", "second": "second",
}  # fmt: skip


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", "timestamp('UTC')"), "timestamp"))
def _zone_to_local(zone, moment): ...  # type: ignore[no-untyped-def]  # the engine's own function


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", "timestamp"), "timestamp('UTC')"))
def _local_to_zone(zone, moment): ...  # type: ignore[no-untyped-def]  # the engine's own function


@ibis.udf.scalar.builtin(name="epoch_ns", signature=(("timestamp(9)",), "int64"))
def _nanoseconds(moment): ...  # type: ignore[no-untyped-def]  # the engine's own function


@ibis.udf.scalar.builtin(name="divide", signature=(("int64", "int64"), "int64"))
def _over(number, divisor): ...  # type: ignore[no-untyped-def]  # the engine's own function


@ibis.udf.scalar.builtin(name="make_timestamp", signature=(("int64",), "timestamp"))
def _after_epoch(microseconds): ...  # type: ignore[no-untyped-def]  # the engine's own function


def to_microsecond(value: ir.Value) -> ir.Value:
    """The microsecond that a moment in nanoseconds lies in; an engine's own cast may round, and into the next day."""
    kind = value.type()
    if not kind.is_timestamp() or kind.scale != 9:
        return value
    since = _nanoseconds(value)
    return _after_epoch(_over(since - (since % 1000 + 1000) % 1000, 1000))


def local_time(value: ir.Value, zone: str) -> ir.TimestampValue:
    """The wall clock of a zone at a moment; a value without a zone is on some wall clock already and stays."""
    kind = value.type()
    return _zone_to_local(zone, value) if kind.is_timestamp() and kind.timezone is not None else to_microsecond(value)


def moment_of(value: ir.Value, zone: str) -> ir.Value:
    """The moment at which the wall clock of a zone shows a time, the later one where it shows it twice; others stay."""
    kind = value.type()
    return _local_to_zone(zone, to_microsecond(value)) if kind.is_timestamp() and kind.timezone is None else value


def moment_in_utc(value: ir.Value) -> ir.TimestampValue:
    """The moment at which a date or a wall clock without a zone stands in UTC."""
    kind = value.type()
    zoned = kind.is_timestamp() and kind.timezone is not None
    return value if zoned else _local_to_zone("UTC", to_microsecond(value).cast("timestamp"))


def truncate(value: ir.Value, grain: str) -> ir.Value:
    """The start of the period a date or timestamp lies in: a date from day up, else a timestamp.

    A moment with a zone is read in UTC, never in the zone of the session; `local_time` first chooses another.
    """
    if grain == "nanosecond" and value.type().is_timestamp() and value.type().scale == 9:
        return value
    local = local_time(value, "UTC")
    dated = local.type().is_date()
    if GRAINS.index(grain) < _DAY:
        local = local.cast("timestamp")
        return local if grain in ("nanosecond", "microsecond") else local.truncate(_UNITS[grain])
    if grain == "day":
        return local if dated else local.date()
    # An engine's date_trunc of a date gives a timestamp, which ibis takes for a date: so go by way of timestamps.
    return local.cast("timestamp").truncate(_UNITS[grain]).date()


def date_part(value: ir.Value, part: str) -> ir.IntegerValue:
    """A part of a date as a number; of a moment with a zone, in UTC. Monday is day 1 of the week."""
    local = local_time(value, "UTC")
    if part == "day_of_week":
        return local.day_of_week.index().cast("int64") + 1
    return getattr(local, _PARTS[part])().cast("int64")


def add_interval(value: ir.Value, count: int, unit: str) -> ir.Value:
    """A date or timestamp moved by whole units; a date stays a date where the units are days or coarser."""
    value = to_microsecond(value)
    kind = value.type()
    if unit == "nanosecond":
        count, unit = count // 1000, "microsecond"
    step = ibis.interval(count, unit=_UNITS[unit])
    if kind.is_date():
        moved = value.cast("timestamp") + step
        return moved.date() if GRAINS.index(unit) >= _DAY else moved
    if kind.is_timestamp() and kind.timezone is not None:
        return moment_in_utc(local_time(value, "UTC") + step)
    return value + step


def date_diff(unit: str, start: ir.Value, end: ir.Value) -> ir.IntegerValue:
    """How many starts of the unit lie after the start, up to the end; engines' own functions disagree on that."""
    if unit in ("year", "quarter", "month"):
        return _months(end, unit) - _months(start, unit)
    first, last = truncate(start, unit), truncate(end, unit)
    if unit == "week":
        return (last.delta(first, unit="day") / 7).cast("int64")
    return last.delta(first, unit="microsecond" if unit == "nanosecond" else unit).cast("int64")


def _months(value: ir.Value, unit: str) -> ir.IntegerValue:
    """Units since the year zero."""
    year = date_part(value, "year")
    if unit == "year":
        return year
    return year * (4 if unit == "quarter" else 12) + date_part(value, unit)
