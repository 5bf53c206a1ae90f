"""The words of %metric."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from workbench.declare.question import Question
from workbench.errors import QuestionError
from workbench.show.grammar import parse, parse_time

CASES: list[tuple[str, dict[str, Any]]] = [
    ("flights", {"metrics": ["flights"]}),
    (
        "flights, cancellation_rate by airline.name where origin.name like 'New%' having flights > 100 "
        "order by flights desc limit 5 time 2013-01 to 2013-06",
        {
            "metrics": ["flights", "cancellation_rate"], "by": ["airline.name"], "where": "origin.name like 'New%'",
            "having": "flights > 100", "order_by": ["flights desc"], "limit": 5,
            "time": (date(2013, 1, 1), date(2013, 6, 30)),
        },
    ),
    ("flights limit 5 by airline.name", {"metrics": ["flights"], "by": ["airline.name"], "limit": 5}),
    ("flights\n  by a.b,\n  c.d\n", {"metrics": ["flights"], "by": ["a.b", "c.d"]}),
    ("by airline.name", {"by": ["airline.name"]}),
    ("FLIGHTS BY x ORDER BY x, y desc", {"metrics": ["FLIGHTS"], "by": ["x"], "order_by": ["x", "y desc"]}),
    ("flights as f by airline.name as who", {"metrics": [{"f": "flights"}], "by": [{"who": "airline.name"}]}),
    ("flights where name = 'stand by me, limit' by x", {"metrics": ["flights"], "where": "name = 'stand by me, limit'",
                                                        "by": ["x"]}),
    ("flights where name = 'it''s by' by x", {"metrics": ["flights"], "where": "name = 'it''s by'", "by": ["x"]}),
    ("flights where a in ('x', 'y') and (limit > 2 or by = 1) limit 3",
     {"metrics": ["flights"], "where": "a in ('x', 'y') and (limit > 2 or by = 1)", "limit": 3}),
    ("flights where time > 3 and limit = 4 limit 2",
     {"metrics": ["flights"], "where": "time > 3 and limit = 4", "limit": 2}),
    ("flights by time", {"metrics": ["flights"], "by": ["time"]}),
    ("flights by origin.time limit 1", {"metrics": ["flights"], "by": ["origin.time"], "limit": 1}),
    ("flights by m compare 1 month share of total totals fill",
     {"metrics": ["flights"], "by": ["m"], "compare": "1 month", "share_of": ["total"], "totals": ["total"],
      "fill": True}),
    ("flights by a, b totals a, total share of a limit 3",
     {"metrics": ["flights"], "by": ["a", "b"], "totals": ["a", "total"], "share_of": ["a"], "limit": 3}),
    ("flights by m, carrier top 5 least of carrier using rate alone limit 3",
     {"metrics": ["flights"], "by": ["m", "carrier"], "limit": 3,
      "top": {"n": 5, "of": "carrier", "by": "rate", "least": True, "other": False}}),
    ("by carrier extremes", {"by": ["carrier"], "extremes": True}),
    ("by carrier every row limit 2", {"by": ["carrier"], "every_row": True, "limit": 2}),
    ("flights by totals where fill = 1", {"metrics": ["flights"], "by": ["totals"], "where": "fill = 1"}),
    ("", {}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "parts"), CASES)
def test_words_become_a_question(line: str, parts: dict[str, Any]) -> None:
    assert parse(line) == Question(**parts)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("2013", (date(2013, 1, 1), date(2013, 12, 31))),
        ("2013-02", (date(2013, 2, 1), date(2013, 2, 28))),
        ("2013-q2", (date(2013, 4, 1), date(2013, 6, 30))),
        ("2013-02-03", (date(2013, 2, 3), date(2013, 2, 3))),
        ("2012-11 to 2013-Q1", (date(2012, 11, 1), date(2013, 3, 31))),
        ("from 2013-03 to 2013-04", (date(2013, 3, 1), date(2013, 4, 30))),
        ("since 2013-03", (date(2013, 3, 1), None)),
        ("until 2013-03", (None, date(2013, 3, 31))),
        ("2013-02-03T05:00 to 2013-02-04", (datetime(2013, 2, 3, 5), date(2013, 2, 4))),
    ],
)
def test_spans_cover_whole_periods(text: str, span: tuple[Any, Any]) -> None:
    assert parse_time(text) == span


@pytest.mark.parametrize(
    ("line", "slug", "said"),
    [
        ("flights airline", "bad-list", "'flights airline' is not one name."),
        ("flights wher x > 1", "bad-list", "Did you mean 'where'?"),
        ("flights group by x", "bad-list", "Leave out 'group'"),
        ("flights,", "bad-list", "missing beside a comma"),
        ("flights by", "empty-clause", "by airline.name"),
        ("flights limit x", "bad-limit", "'x' is no number of rows"),
        ("flights time soon", "bad-date", "'soon' is no date"),
        ("flights time 2013-13", "bad-date", "'2013-13' is no date"),
        ("flights time 2013 2014 2015", "bad-time", "no span of time"),
        ("flights by a by b", "repeated-clause", "'by' is said twice"),
    ],
)
def test_what_is_not_understood_is_quoted(line: str, slug: str, said: str) -> None:
    with pytest.raises(QuestionError) as caught:
        parse(line)
    assert caught.value.slug == slug
    assert said in str(caught.value)
