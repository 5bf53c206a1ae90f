"""A page's state, in the address and as conditions."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.declare.dashboard import Dashboard
from workbench.show.periods import Span
from workbench.show.state import GRAINS, PageState, condition, from_address, opening, to_address, unheard

FILTERS = ("airline.name", "origin.name")
YEAR = PageState(Span(date(2013, 1, 1), date(2013, 12, 31)), "month")
STATES = st.builds(
    lambda start, days, grain, one, two: (
        PageState(Span(start, date.fromordinal(start.toordinal() + days)), grain)
        .choosing(FILTERS[0], one)
        .choosing(FILTERS[1], two)
    ),
    st.dates(date(2000, 1, 1), date(2030, 1, 1)),
    st.integers(0, 800),
    st.sampled_from(GRAINS),
    st.lists(st.text(st.characters(blacklist_categories=["Cs"]), min_size=1), max_size=3),
    st.lists(st.sampled_from(["Newark", "(none)", "O'Hare & co?=;"]), max_size=2, unique=True),
)


@given(STATES)
def test_a_state_survives_its_address(state: PageState) -> None:
    address = to_address(state, YEAR)
    assert from_address(address, YEAR, FILTERS) == state
    assert unheard(address, state) == ()


def test_the_opening_needs_no_address() -> None:
    assert to_address(YEAR, YEAR) == ""
    assert from_address("", YEAR, FILTERS) == YEAR


def test_what_others_put_into_the_address_stays() -> None:
    state = YEAR.choosing("airline.name", ["Delta"])
    assert to_address(state, YEAR, "?theme=dark&f.origin.name=old&v=1") == "?theme=dark&v=1&f.airline.name=Delta"
    assert to_address(YEAR, YEAR, "?theme=dark&f.origin.name=old&v=1") == "?theme=dark"


@pytest.mark.parametrize(
    "search",
    [
        "?junk=1",
        "?from=soon&to=later",
        "?grain=decade",
        "?f.tailnum=N1",
        "?v=99&grain=day",
        "?from=2014-01-01",
    ],
)
def test_what_is_unknown_or_wrong_is_told_and_changes_nothing(search: str) -> None:
    assert from_address(search, YEAR, FILTERS) == YEAR
    assert unheard(f"{search}&theme=dark&grain=month", YEAR) == tuple(search.lstrip("?").split("&"))


@pytest.mark.parametrize(
    ("values", "kind", "text"),
    [
        (["Delta"], "categorical", "x in ('Delta')"),
        (["O'Hare", "B"], "categorical", "x in ('O''Hare', 'B')"),
        (["(none)"], "categorical", "x is null"),
        (["A", "(none)"], "categorical", "x in ('A') or x is null"),
        (["1", "-2.5"], "number", "x in (1, -2.5)"),
        (["1) or (1=1"], "number", "x in ('1) or (1=1')"),
        (["yes", "no"], "boolean", "x in (true, false)"),
        ([], "categorical", ""),
    ],
)
def test_a_filter_is_a_condition(values: list[str], kind: str, text: str) -> None:
    assert condition("x", values, kind) == text


def test_filters_mean_all_and_one_can_be_left_out() -> None:
    state = YEAR.choosing("a", ["1"]).choosing("b", ["2", "(none)"])
    assert state.where({}) == "(a in ('1')) and (b in ('2') or b is null)"
    assert state.where({}, without="b", extra="c > 1") == "(a in ('1')) and (c > 1)"
    assert YEAR.where({}) is None


def test_a_dashboard_opens_with_its_range_or_with_all_there_is() -> None:
    declared = {"dashboard": "d", "title": "D", "rows": [[{"text": "x"}]]}
    held = Span(date(2012, 1, 1), date(2012, 5, 1))
    ranged = Dashboard.model_validate({**declared, "time": {"start": date(2013, 1, 1), "end": date(2013, 12, 31)}})
    assert opening(ranged, held) == YEAR
    assert opening(Dashboard.model_validate(declared), held).span == held
    assert opening(Dashboard.model_validate(declared), None).span is None
