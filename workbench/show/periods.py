"""A range of days to the range before it, to its complete part, and to the periods it holds."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True)
class Span:
    """Days from ``start`` to ``end``, both included."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """How many days it holds."""
        return (self.end - self.start).days + 1

    def whole_months(self) -> bool:
        """Whether it starts on a first and ends on a last day of a month."""
        return self.start.day == 1 and self.end.day == monthrange(self.end.year, self.end.month)[1]


def before(span: Span) -> Span:
    """The span of equal length that ends the day before: months before whole months, else as many days.

    >>> before(Span(date(2013, 3, 1), date(2013, 3, 31)))
    Span(start=datetime.date(2013, 2, 1), end=datetime.date(2013, 2, 28))
    """
    last = span.start - timedelta(days=1)
    if span.whole_months():
        count = (span.end.year - span.start.year) * 12 + span.end.month - span.start.month + 1
        return Span(_shift(span.start, -count), last)
    return Span(span.start - timedelta(days=span.days), last)


def complete(span: Span, grain: str, data_until: date | None) -> Span | None:
    """The part of a span whose periods have all their data; None where not one of them is complete."""
    if data_until is None or data_until >= span.end:
        return span
    if data_until < span.start:
        return None
    following = period_start(data_until + timedelta(days=1), grain)
    end = following - timedelta(days=1)
    return Span(span.start, end) if end >= span.start else None


def period_start(day: date, grain: str) -> date:
    """The first day of the period a day lies in; weeks start on Monday, as ISO 8601 has it."""
    if grain == "week":
        return day - timedelta(days=day.weekday())
    if grain not in _MONTHS:
        return day
    size = _MONTHS[grain]
    return date(day.year, (day.month - 1) // size * size + 1, 1)


def period_end(day: date, grain: str) -> date:
    """The last day of the period a day lies in."""
    start = period_start(day, grain)
    if grain == "week":
        return start + timedelta(days=6)
    return _shift(start, _MONTHS[grain]) - timedelta(days=1) if grain in _MONTHS else day


def _shift(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, day.day)
