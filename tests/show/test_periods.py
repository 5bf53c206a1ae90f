"""Ranges before ranges, and their complete parts."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.show.periods import Span, before, complete, period_end, period_start

DAYS = st.dates(date(1990, 1, 1), date(2060, 12, 31))
GRAINS = st.sampled_from(["day", "week", "month", "quarter", "year"])


@pytest.mark.parametrize(
    ("span", "prior"),
    [
        (("2013-01-01", "2013-12-31"), ("2012-01-01", "2012-12-31")),
        (("2013-03-01", "2013-03-31"), ("2013-02-01", "2013-02-28")),
        (("2013-07-01", "2013-12-31"), ("2013-01-01", "2013-06-30")),
        (("2013-01-08", "2013-01-14"), ("2013-01-01", "2013-01-07")),
        (("2013-03-01", "2013-03-30"), ("2013-01-30", "2013-02-28")),
    ],
)
def test_the_prior_range_is_as_long(span: tuple[str, str], prior: tuple[str, str]) -> None:
    assert before(_span(*span)) == _span(*prior)


@given(DAYS, st.integers(0, 900))
def test_the_prior_range_ends_the_day_before(start: date, days: int) -> None:
    span = Span(start, start + timedelta(days=days))
    prior = before(span)
    assert prior.end == span.start - timedelta(days=1)
    assert prior.days == span.days or (span.whole_months() and prior.whole_months())


@given(DAYS, GRAINS)
def test_a_period_holds_its_day_and_touches_the_next(day: date, grain: str) -> None:
    start, end = period_start(day, grain), period_end(day, grain)
    assert start <= day <= end
    assert period_start(end + timedelta(days=1), grain) == end + timedelta(days=1)
    assert period_start(start, grain) == start


@pytest.mark.parametrize(
    ("grain", "until", "part"),
    [
        ("month", "2013-12-31", "2013-12-31"),
        ("month", "2014-05-01", "2013-12-31"),
        ("month", "2013-11-15", "2013-10-31"),
        ("month", "2013-11-30", "2013-11-30"),
        ("quarter", "2013-11-30", "2013-09-30"),
        ("day", "2013-11-15", "2013-11-15"),
        ("year", "2013-11-15", None),
        ("month", "2012-12-31", None),
    ],
)
def test_only_complete_periods_are_compared(grain: str, until: str, part: str | None) -> None:
    found = complete(_span("2013-01-01", "2013-12-31"), grain, date.fromisoformat(until))
    assert found == (None if part is None else _span("2013-01-01", part))


def _span(start: str, end: str) -> Span:
    return Span(date.fromisoformat(start), date.fromisoformat(end))
