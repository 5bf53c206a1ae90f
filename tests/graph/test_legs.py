"""Questions about times at the ends of the calendar are refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.declare.question import Question
from workbench.declare.workspace import load
from workbench.errors import QuestionError
from workbench.graph.build import build
from workbench.graph.resolve import resolve

_GRAPH = build(load(Path(__file__).parents[2]).require())


@pytest.mark.parametrize("compare", [None, "1 year"])
@pytest.mark.parametrize("grain", ["day", "week", "month", "year"])
@pytest.mark.parametrize("time", [("0001-01-01", "9999-12-31"), (None, "9999-12-31")])
def test_a_time_out_of_the_calendar_is_a_mistake_of_the_question(
    time: tuple[str | None, str], grain: str, compare: str | None
) -> None:
    question = Question(metrics=["flights"], by=[f"metric_time.{grain}"], time=time, compare=compare)
    with pytest.raises(QuestionError) as caught:
        resolve(_GRAPH, question)
    assert caught.value.slug == "bad-date"
