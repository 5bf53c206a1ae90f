"""The spellings of a question that must mean the same, and those that must not."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from workbench.declare.question import Question, TimeRange


@pytest.mark.parametrize("written", ["2013-07-10", " 2013-07-10 ", date(2013, 7, 10)])
def test_text_without_a_clock_is_a_day(written: Any) -> None:
    asked = Question(time=(written, written)).time
    assert asked is not None
    assert asked.end == date(2013, 7, 10)
    assert not isinstance(asked.end, datetime)


@pytest.mark.parametrize("written", ["2013-07-10 00:00", "2013-07-10T00:00:00", datetime(2013, 7, 10)])
def test_midnight_is_a_moment(written: Any) -> None:
    assert TimeRange(end=written).end == datetime(2013, 7, 10)


@pytest.mark.parametrize("written", ["2013-02-30", "yesterday", "2013", ""])
def test_what_is_no_date_is_told_once(written: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Question(time=(written, None))
    assert refusal.value.error_count() == 1
    assert f"'{written}' is not a date" in str(refusal.value)


def test_several_conditions_mean_all_of_them() -> None:
    assert Question(where=["a = 1 or b = 2", "c"]).where == "(a = 1 or b = 2) and (c)"
    assert Question(where=[]).where is None


def test_an_alias_renames() -> None:
    (asked, plain) = Question(metrics=[{"n": "flights"}, "late"]).metrics
    assert (asked.path, asked.alias, asked.renamed) == ("flights", "n", True)
    assert (plain.path, plain.alias, plain.renamed) == ("late", "late", False)


def test_one_condition_stays_as_typed_and_several_mean_all() -> None:
    assert Question(metrics=["flights"], where=["carrier ="]).where == "carrier ="
    both = Question(metrics=["flights"], where=["a = 1 or b = 2", "c = 3"])
    assert both.where == "(a = 1 or b = 2) and (c = 3)"
