"""Whole periods: a moment belongs to one, and the next one starts where it ends."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.graph.period import after, floor

GRAINS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))


@given(MOMENTS, st.sampled_from(GRAINS))
def test_a_moment_lies_in_its_period(moment: datetime, grain: str) -> None:
    start, end = floor(moment, grain), after(moment, grain)
    assert start <= moment < end
    assert floor(start, grain) == start
    assert floor(end, grain) == end
    assert floor(end - timedelta(microseconds=1), grain) == start


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)), st.sampled_from(GRAINS))
def test_a_date_means_its_whole_day(day: date, grain: str) -> None:
    assert after(day, grain) >= datetime(day.year, day.month, day.day) + timedelta(days=1)
    assert floor(day, grain) <= datetime(day.year, day.month, day.day)


@pytest.mark.parametrize(
    ("grain", "end"),
    [
        ("hour", datetime(2013, 12, 31)),
        ("day", datetime(2013, 12, 31)),
        ("week", datetime(2014, 1, 6)),
        ("month", datetime(2014, 1, 1)),
        ("quarter", datetime(2014, 1, 1)),
        ("year", datetime(2014, 1, 1)),
    ],
)
def test_where_the_period_of_a_day_ends(grain: str, end: datetime) -> None:
    assert after(date(2013, 12, 30), grain) == end
