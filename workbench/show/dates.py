"""Dates, grains and date parts to the words a reader sees."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def date_text(value: date, grain: str = "") -> str:
    """One period of a grain in words.

    >>> date_text(date(2013, 1, 7), "week")
    'week of 7 Jan 2013'
    """
    day = f"{value.day} {MONTHS[value.month - 1]} {value.year}"
    if grain in _COARSE:
        return _COARSE[grain](value, day)
    if not isinstance(value, datetime) or grain == "day":
        return day
    return f"{day} {_clock(value, grain)}".rstrip()


def short_date(value: date, grain: str = "") -> str:
    """The same where space is scarce: a week by its Monday, a day without its year."""
    return date_text(value, "day") if grain == "week" else date_text(value, grain)


def part_text(value: int, part: str) -> str | None:
    """The name of a month, weekday or quarter; None for parts that are plain numbers.

    >>> part_text(1, "day_of_week")
    'Mon'
    """
    names = {"month_of_year": MONTHS, "day_of_week": WEEKDAYS, "quarter_of_year": ("Q1", "Q2", "Q3", "Q4")}.get(part)
    if names is not None:
        return names[value - 1] if 1 <= value <= len(names) else None
    return f"{value:02d}:00" if part == "hour_of_day" else str(value)


def span_text(start: date, end: date) -> str:
    """A range of days, both ends included, as short as it can be said.

    >>> span_text(date(2013, 1, 1), date(2013, 12, 31))
    '2013'
    """
    if (start.month, start.day, end.month, end.day) == (1, 1, 12, 31):
        return str(start.year) if start.year == end.year else f"{start.year} – {end.year}"
    if start.day == 1 and _is_month_end(end):
        first, last = date_text(start, "month"), date_text(end, "month")
        if start.year == end.year:
            first = MONTHS[start.month - 1] if start.month != end.month else ""
        return f"{first} – {last}" if first else last
    return date_text(start, "day") if start == end else f"{date_text(start, 'day')} – {date_text(end, 'day')}"


def _is_month_end(day: date) -> bool:
    return date.fromordinal(day.toordinal() + 1).day == 1


def _quarter(value: date, _: str) -> str:
    return f"Q{(value.month + 2) // 3} {value.year}"


_COARSE: dict[str, Callable[[date, str], str]] = {
    "year": lambda value, _: str(value.year),
    "quarter": _quarter,
    "month": lambda value, _: f"{MONTHS[value.month - 1]} {value.year}",
    "week": lambda _, day: f"week of {day}",
}


def _clock(value: datetime, grain: str) -> str:
    """As much of the clock as the grain, or the value itself, asks for."""
    if grain in ("hour", "minute"):
        return f"{value:%H:%M}"
    if value.microsecond or grain in ("millisecond", "microsecond", "nanosecond"):
        return value.isoformat(sep=" ", timespec="milliseconds" if value.microsecond % 1000 == 0 else "microseconds")[
            11:
        ]
    return f"{value:%H:%M:%S}" if grain or value.second else f"{value:%H:%M}"
