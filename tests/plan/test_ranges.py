"""Ranges of plain columns leave out no row that counts: with them and without, in zones and where clocks change."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plan.test_oracle_zone import CHANGES, ZONES, calls, declared, opened
from tests.plan.test_passes import planned
from workbench.declare.question import Question
from workbench.declare.workspace import Workspace
from workbench.errors import Unanswerable
from workbench.session.session import Session

pytestmark = pytest.mark.slow

METRICS = """
---
{metric: seconds_of_week, model: calls, expr: sum(seconds), to_date: week}
---
{metric: seconds_6h, model: calls, expr: avg(seconds), window: 6 hours}
---
{metric: callers_quarter, model: calls, expr: count(distinct seconds), window: 1 quarter, offset: 1 month}
---
{metric: calls_month_start, model: calls, expr: count(*), offset_to: month}
---
{metric: calls_year_ago, model: calls, expr: count(*), offset: 1 year}
---
{metric: calls_ever, model: calls, expr: count(*), running: true, offset: 2 days}
---
{metric: due_2w, model: calls, expr: sum(seconds), window: 2 weeks, time_dimension: due}
---
{metric: wall_mtd, model: calls, expr: count(*), to_date: month, time_dimension: on_wall}
"""
NAMES = [line.split(",")[0].removeprefix("{metric: ") for line in METRICS.splitlines() if line.startswith("{")]
NAMES += ["calls", "calls_2d", "calls_mtd"]
GRAINS = ["hour", "day", "week", "month", "year"]
moments = st.builds(
    lambda at, off: (at + timedelta(hours=off)).replace(tzinfo=None), st.sampled_from(CHANGES), st.integers(-60, 60)
)
texts = moments.map(str) | moments.map(lambda at: str(at.date()))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return declared(tmp_path_factory.mktemp("desk"), METRICS.removeprefix("\n---\n"))


@st.composite
def conditions(draw: st.DrawFn) -> str:
    """A condition on a moment or on its period."""
    axis = draw(st.sampled_from(["metric_time", "rung", "on_wall", "bare"]))
    path = f"{axis}.{draw(st.sampled_from(GRAINS))}" if draw(st.booleans()) else axis
    if draw(st.booleans()):
        low, high = sorted([draw(texts), draw(texts)])
        return f"{path} between '{low}' and '{high}'"
    return f"{path} {draw(st.sampled_from(['=', '<', '<=', '>', '>=']))} '{draw(texts)}'"


def answer(asking: Session, question: Question) -> Any:
    """The rows of a question, or why there are none."""
    try:
        return sorted(map(repr, asking.ask(question).rows()))
    except Unanswerable as error:
        return str(error)


@given(data=st.data(), rows=calls)
def test_answers_are_those_of_all_rows(desk: Workspace, data: Any, rows: list[dict[str, Any]]) -> None:
    start = data.draw(st.none() | moments | moments.map(datetime.date))
    end = data.draw(st.none() | st.integers(0, 800))
    time = {"start": start, "end": start + timedelta(days=end) if end is not None else None} if start else None
    question = Question(
        metrics=data.draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)),
        by=data.draw(st.lists(st.sampled_from([f"metric_time.{grain}" for grain in GRAINS]), max_size=2, unique=True)),
        where=" and ".join(data.draw(st.lists(conditions(), max_size=2))) or None,
        time=time,  # type: ignore[arg-type]
        timezone=data.draw(st.just("") | st.sampled_from(ZONES)),
    )
    with opened(desk, rows) as asking:
        narrow = answer(asking, question)
    with pytest.MonkeyPatch.context() as patch, opened(desk, rows) as asking:
        patch.setattr("workbench.plan.passes.order.ranges", lambda plan, facts: plan)
        assert narrow == answer(asking, question)


def implied(asking: Session, question: Question) -> list[bool]:
    """Whether each leg reads only a range."""
    return [leg.keep.implied is not None for leg in planned(asking, question, lambda table: None).legs]


@pytest.mark.parametrize(
    ("metric", "where", "wanted"),
    [
        ("calls_mtd", "metric_time.day >= '2024-02-10'", True),
        ("calls_ever", "metric_time.day >= '2024-02-10'", False),  # it looks at all that was before
        ("calls_ever", "metric_time.day < '2024-02-10'", True),
        ("calls_mtd", "metric_time.day >= '2024-02-10' or metric_time.day < '2024-01-01'", False),
        ("calls", "bare.month = '2024-02-01'", True),
        ("calls", "bare.day <> '2024-02-01'", False),
        ("calls", "bare >= '2024-02-01'", False),  # it is a range already
    ],
)
def test_ranges_follow_from_what_is_asked(desk: Workspace, metric: str, where: str, wanted: bool) -> None:
    with opened(desk, []) as asking:
        assert implied(asking, Question(metrics=metric, by="metric_time.day", where=where)) == [wanted]


def test_legs_that_share_a_scan_read_what_any_of_them_needs(desk: Workspace) -> None:
    time = {"start": date(2024, 2, 10), "end": date(2024, 2, 20)}
    question = Question(metrics=["calls_2d", "calls_mtd"], by="metric_time.day", time=time)  # type: ignore[arg-type]
    with opened(desk, []) as asking:
        one, other = planned(asking, question, lambda table: None).legs
    assert one.keep.implied == other.keep.implied is not None
    assert one.first == other.first is not None
