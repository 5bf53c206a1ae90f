"""Values of parameters in a parsed tree: whatever they hold, they stay one constant of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.declare.trees import texts
from workbench.declare.expression import Call, Has, Literal, Name
from workbench.declare.parameters import filled
from workbench.declare.parser import parse
from workbench.declare.question import SavedQuery
from workbench.errors import DeclarationError, QuestionError

ROUTES = {
    "saved_query": "routes",
    "metrics": "flights",
    "where": "carrier = :carrier and cancelled = :gone",
    "having": "flights > :least",
    "limit": ":most",
    "time": {"start": ":from", "end": "2013-12-31"},
    "parameters": {
        "carrier": {"values": ["UA", "DL"]},
        "gone": {"type": "boolean", "default": False},
        "least": {"type": "number", "default": 10},
        "most": {"type": "number", "default": 3},
        "from": {"type": "date", "default": "2013-01-01"},
    },
}


@given(value=texts | st.integers(-(10**9), 10**9) | st.booleans() | st.decimals(-1000, 1000, places=2))
def test_a_value_is_one_constant_whatever_it_holds(value: Any) -> None:
    text = filled("a = :x or entity has orders >= :x", {"x": value})
    first, second = parse(text).arguments  # type: ignore[union-attr]
    assert first == Call("=", (Name(("a",)), Literal(value)))
    assert isinstance(second, Has)
    assert second.condition == Call(">=", (Name(("orders",)), Literal(value)))


def test_values_become_a_question() -> None:
    query = SavedQuery(**ROUTES)
    asked = query.question({"carrier": "DL", "least": "2.5", "most": "7", "gone": "true", "from": "2013-02-01"})
    assert asked.where == "carrier = 'DL' and cancelled = true"
    assert asked.having == "flights > 2.5"
    assert asked.limit == 7
    assert asked.time is not None
    assert (asked.time.start, asked.time.end) == (date(2013, 2, 1), date(2013, 12, 31))
    assert query.question({"carrier": "UA"}).having == "flights > 10"
    assert query.question({"carrier": "UA", "least": Decimal("1e1")}).having == "flights > 10"
    assert set(query.named_parameters()) == set(query.parameters)


@pytest.mark.parametrize(
    ("given_values", "slug", "says"),
    [
        ({}, "missing-parameter", "'carrier'"),
        ({"carrier": "AA"}, "bad-value", "UA, DL"),
        ({"carrier": "UA", "carier": "UA"}, "unknown-parameter", "Did you mean 'carrier'"),
        ({"carrier": "UA", "least": "ten"}, "bad-value", "'ten' is not a number"),
        ({"carrier": "UA", "least": True}, "bad-value", "not a number"),
        ({"carrier": "UA", "gone": "maybe"}, "bad-value", "true or false"),
        ({"carrier": "UA", "from": "2013"}, "bad-value", "a date such as"),
        ({"carrier": "UA", "most": -1}, "bad-value", "limit"),
        ({"carrier": 3}, "bad-value", "not text"),
    ],
)
def test_what_is_given_wrongly_is_told(given_values: dict[str, Any], slug: str, says: str) -> None:
    with pytest.raises(QuestionError) as refused:
        SavedQuery(**ROUTES).question(given_values)
    assert slug in {problem.slug for problem in refused.value.problems}
    assert says in str(refused.value)


def test_parameters_belong_to_saved_queries() -> None:
    with pytest.raises(DeclarationError, match="belong to saved queries"):
        parse("carrier = :carrier")
    with pytest.raises(ValidationError, match="none of its values"):
        SavedQuery(saved_query="one", parameters={"a": {"values": ["x"], "default": "y"}})
