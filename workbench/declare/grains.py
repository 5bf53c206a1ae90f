"""Time grains, finest first, and the parts of a date."""

from __future__ import annotations

from typing import Literal, get_args

Grain = Literal[
    "nanosecond", "microsecond", "millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"
]
GRAINS: tuple[str, ...] = get_args(Grain)

DatePart = Literal[
    "year_of_era",
    "quarter_of_year",
    "month_of_year",
    "week_of_year",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "hour_of_day",
    "minute_of_hour",
]
DATE_PARTS: tuple[str, ...] = get_args(DatePart)
"""``day_of_week`` counts from Monday = 1 to Sunday = 7, as ISO 8601 does."""


def coarser(one: str, other: str) -> str:
    """The coarser of two grains."""
    return max(one, other, key=GRAINS.index)
