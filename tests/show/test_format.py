"""Values, units and dates in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.show.answers import AIRLINE, FLIGHTS, MONTH, WEEKDAY
from workbench.show.dates import date_text, span_text
from workbench.show.format import cell_text, change_text, digits_for, labels_of, metric_text, number_text, unit_text

NUMBERS: list[tuple[Any, str, str, bool, str]] = [
    (336776, "flights", "integer", False, "336 776 flights"),
    (336776, "flights", "integer", True, "337k flights"),
    (12345, "", "integer", True, "12.3k"),
    (9999, "", "integer", True, "9 999"),
    (1234567, "EUR", "currency", True, "€1.2M"),
    (1234567.891, "EUR", "currency", False, "€1 234 567.89"),
    (-5, "EUR", "currency", False, "−€5.00"),
    (12, "CHF", "currency", False, "CHF 12.00"),
    (999_960, "", "integer", True, "1M"),
    (1_000_000, "", "integer", True, "1M"),
    (3.4e9, "", "", True, "3.4B"),
    (0.0257, "", "percent", False, "2.6%"),
    (0.0257, "", "percent:2", False, "2.57%"),
    (0.00042, "", "percent", False, "0.042%"),
    (0, "", "percent", False, "0.0%"),
    (1, "", "percent", False, "100.0%"),
    (97.3, "%", "", False, "97.3%"),
    (12.639, "minutes", "decimal:1", False, "12.6 min"),
    (12.639, "", "", False, "12.6"),
    (0.052349, "", "", False, "0.0523"),
    (3.14159, "", "", False, "3.14"),
    (123.456, "", "", False, "123.5"),
    (1234.56, "", "", False, "1 235"),
    (-0.0001, "", "decimal:1", False, "0.0"),
    (125, "minutes", "duration", False, "2 h 05 min"),
    (45, "minutes", "duration", False, "45 min"),
    (1.5, "hours", "duration", False, "1 h 30 min"),
    (-125, "minutes", "duration", False, "−2 h 05 min"),
    (0, "seats", "integer", False, "0 seats"),
    (None, "seats", "integer", False, "–"),
    (float("nan"), "", "", False, "–"),
    (float("inf"), "", "", False, "–"),
    (Decimal("1234.50"), "USD", "currency", False, "$1 234.50"),
    (timedelta(minutes=2), "seconds", "integer", False, "120 s"),
]


@pytest.mark.parametrize(("value", "unit", "format", "compact", "text"), NUMBERS)
def test_numbers_read_as_people_write_them(value: Any, unit: str, format: str, compact: bool, text: str) -> None:
    assert number_text(value, unit, format, compact=compact).replace("\u202f", " ") == text


@pytest.mark.parametrize(
    ("value", "grain", "text"),
    [
        (date(2013, 1, 1), "year", "2013"),
        (date(2013, 10, 1), "quarter", "Q4 2013"),
        (date(2013, 1, 1), "month", "Jan 2013"),
        (date(2013, 1, 7), "week", "week of 7 Jan 2013"),
        (date(2013, 1, 7), "day", "7 Jan 2013"),
        (date(2013, 1, 7), "", "7 Jan 2013"),
        (datetime(2013, 1, 7, 5), "hour", "7 Jan 2013 05:00"),
        (datetime(2013, 1, 7, 5, 8, 9), "", "7 Jan 2013 05:08:09"),
        (datetime(2013, 1, 7, 5, 8, 9, 120000), "", "7 Jan 2013 05:08:09.120"),
    ],
)
def test_periods_are_named_by_their_grain(value: date, grain: str, text: str) -> None:
    assert date_text(value, grain) == text


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (date(2013, 1, 1), date(2013, 12, 31), "2013"),
        (date(2012, 1, 1), date(2013, 12, 31), "2012 – 2013"),
        (date(2013, 1, 1), date(2013, 6, 30), "Jan – Jun 2013"),
        (date(2012, 11, 1), date(2013, 2, 28), "Nov 2012 – Feb 2013"),
        (date(2013, 2, 1), date(2013, 2, 28), "Feb 2013"),
        (date(2013, 2, 3), date(2013, 2, 3), "3 Feb 2013"),
        (date(2013, 2, 3), date(2013, 2, 9), "3 Feb 2013 – 9 Feb 2013"),
        (date(2013, 2, 1), date(2013, 2, 27), "1 Feb 2013 – 27 Feb 2013"),
    ],
)
def test_spans_are_as_short_as_they_can_be(start: date, end: date, text: str) -> None:
    assert span_text(start, end) == text


def test_a_missing_group_and_a_missing_value_look_different() -> None:
    assert cell_text(None, AIRLINE) == "(none)"
    assert cell_text(None, FLIGHTS) == "–"


def test_cells_of_dimensions_are_words() -> None:
    assert cell_text(date(2013, 2, 1), MONTH) == "Feb 2013"
    assert cell_text(1, WEEKDAY) == "Mon"
    assert cell_text("<b>", AIRLINE) == "<b>"
    assert cell_text(True, AIRLINE) == "yes"


@pytest.mark.parametrize(
    ("now", "before", "format", "text"),
    [
        (110, 100, "integer", "+10.0%"),
        (90, 100, "integer", "−10.0%"),
        (100, 100, "integer", "±0.0%"),
        (300, 100, "integer", "+200%"),
        (0.03, 0.02, "percent", "+1.0 pp"),
        (0.02, 0.03, "percent", "−1.0 pp"),
        (5, 0, "integer", "–"),
        (5, None, "integer", "–"),
        (None, 5, "integer", "–"),
        (-5, -10, "decimal", "+50.0%"),
    ],
)
def test_changes_are_relative_except_between_shares(now: Any, before: Any, format: str, text: str) -> None:
    assert change_text(now, before, "", format) == text


def test_a_column_has_one_number_of_decimals() -> None:
    assert digits_for([1.5, 220.25, None]) == 1
    assert digits_for([1.0, 2.0]) == 0
    assert digits_for([0.5, 0.002], "percent") == 1
    assert digits_for([1.0], "decimal:3") == 3
    assert digits_for([]) is None


def test_a_unit_is_said_once() -> None:
    assert metric_text(5, FLIGHTS) == "5"
    assert unit_text("minutes") == "min"
    assert unit_text("EUR", "currency") == ""
    assert unit_text("", "percent") == ""


def test_headings_call_periods_by_their_grain_and_tell_roles_apart() -> None:
    origin, destination = (replace(AIRLINE, name=f"{role}.name", label="Airport") for role in ("origin", "dest_place"))
    time = replace(MONTH, label="Metric time month")
    assert labels_of([time, origin, FLIGHTS]) == ["Month", "Airport", "Flights"]
    assert labels_of([origin, destination]) == ["Origin name", "Dest place name"]
