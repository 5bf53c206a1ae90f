"""A question that finds its SQL compiled gets what it would have got cold, and that is what its plain text means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.session.typed_shop import PEOPLE, SALT, quoted, salt, session, workspace
from workbench.declare.expression import Literal
from workbench.declare.question import Question
from workbench.declare.workspace import Workspace
from workbench.errors import WorkbenchError
from workbench.plan.build import build
from workbench.plan.lower import to_sql
from workbench.plan.passes.levels import with_legs
from workbench.plan.steps import Plan
from workbench.session.cache import Templates
from workbench.session.session import Session
from workbench.warehouse.stand_in import type_of

pytestmark = pytest.mark.slow

costly = settings.get_profile("costly")

__all__ = ["salt", "workspace"]

texts = st.text("a'\"\\%_$0(é\n;-", max_size=6) | st.sampled_from(
    ["open", "paid", "it's", "", "2024-01-31", "2024-01-31 10:30", "2024-01-31T10:30:00+02:00", "$1", "gold"]
)
days = st.dates().filter(lambda d: 1900 < d.year < 2100).map(str) | st.sampled_from(["2024-01-01", "2024-02-01"])
clocks = st.sampled_from(["2024-01-31 10:30", "2024-01-20T00:00:00", "2024-01-05 10:30:00.25", "2023-12-31 23:59:59"])
zoned = st.sampled_from(["2024-01-31 10:30+02:00", "2024-01-31T10:30:00Z", "2024-02-01"])
whole = st.integers(-5, 60) | st.sampled_from([2**31, 2**63 - 1, -(2**63), 2**70])
pointed = st.decimals(-5, 60, places=2).map(str) | st.sampled_from(["0.5", "1e3", "1234567890.123", "1.0", "7"])


words, dates = texts.map(quoted), days.map(quoted)
moments = (
    (days | clocks).map(quoted) | days.map(lambda d: f"date {quoted(d)}") | st.just("timestamp '2024-01-31 10:30'")
)
numbers = whole.map(str) | pointed


def listed(one: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Several, now and then with a NULL among them."""
    return st.lists(one | one | one | st.just("null"), min_size=1, max_size=5).map(", ".join)


SLOTS: list[tuple[str, st.SearchStrategy[str]]] = [
    ("status = {}", words), ("customer.tier <> {}", words), ("status in ({})", listed(words)),
    ("not customer.tier in ({})", listed(words)), ("status like {}", words.filter(lambda w: "\\" not in w)),
    ("contains(status, {})", words), ("status > {} or status is null", words), ("status = {}", st.just("true")),
    ("units = {}", whole.map(str)), ("units in ({})", listed(whole.map(str))), ("amount > {}", numbers),
    ("amount in ({})", listed(pointed)), ("weight <= {}", numbers), ("weight between {} and 9.5", numbers),
    ("{} < units", numbers), ("day = {}", moments), ("day in ({})", listed(dates)), ("day >= {}", words),
    ("placed >= {}", moments), ("placed.month = {}", dates), ("placed between {} and '2024-02-10'", moments),
    ("shipped < {}", (days | zoned).map(quoted)), ("metric_time.day in ({})", listed(dates)),
    ("metric_time >= {}", moments), ("metric_time.month < {}", dates), ("customer has orders >= {}", whole.map(str)),
    ("case when units > {} then status else 'x' end = 'open'", whole.map(str)), ("units + {} > 4", whole.map(str)),
]  # fmt: skip
HAVINGS = ["{metric} > {}", "{metric} between -1 and {}", "{metric} in ({}, 4)"]
METRICS = ["orders", "revenue", "mean_weight", "buyers", "orders_of_3_days", "orders_so_far", "orders_month_before"]
MOVED = {"orders_of_3_days", "orders_so_far", "orders_month_before"}
PATHS = ["status", "customer.tier", "placed.month", "metric_time.day", "metric_time.month", "metric_time.year"]
spans = st.tuples(st.none() | days | clocks, st.none() | days | clocks)


@st.composite
def families(draw: st.DrawFn) -> list[Question]:
    """Two questions that differ in their values alone: the second finds what the first has compiled."""
    metrics = draw(st.lists(st.sampled_from(METRICS), min_size=1, max_size=2, unique=True))
    by = draw(st.lists(st.sampled_from(PATHS), max_size=2, unique=True))
    if MOVED & {*metrics} and not any(path.startswith("metric_time") for path in by):
        by = [*by, "metric_time.month"]
    slots = draw(st.lists(st.sampled_from(SLOTS), max_size=3))
    having = draw(st.none() | st.sampled_from(HAVINGS))
    timed = draw(st.booleans())
    zone = draw(st.sampled_from(["", "", "America/New_York", "Asia/Kolkata"]))
    joint = draw(st.sampled_from([" and ", " or "]))

    def question() -> Question:
        where = joint.join(f"({text.format(draw(values))})" for text, values in slots) or None
        time = draw(spans) if timed else None
        more = {"timezone": zone, **({"compare": "1 month"} if timed and len(metrics) == 1 else {})}
        said = having.format(draw(numbers), metric=metrics[0]) if having else None
        return Question(metrics=metrics, by=by, where=where, having=said, time=time, **more)  # type: ignore[arg-type]

    return [question() for _ in range(2)]


def outcome(work: Callable[[], Any]) -> Any:
    """What work gives, or what it says is wrong."""
    try:
        return work()
    except WorkbenchError as error:
        return tuple((problem.slug, problem.message) for problem in error.problems)


def rows_of(asking: Session, sql: str) -> Any:
    """The rows in the one order that the question leaves to chance."""
    table = asking._engine.run(sql)
    return table.schema, sorted(table.to_pylist(), key=repr)


def as_it_stands(asking: Session, question: Question) -> tuple[Plan, str]:
    """The plan and SQL of a question of which nothing is taken out and nothing kept."""
    engine = asking._engine
    types: Callable[[str], Any] = lambda table: {c: type_of(t) for c, t in engine.types(table).items()}  # noqa: E731
    plan = build(asking._granted(question), types, SALT, engine.size)
    return plan, to_sql(plan, engine.schema, engine.dialect, engine.catalog)


def but_for_ranges(plan: Plan) -> Plan:
    """The plan, of which what is implied is there or not: a value that is yet to come is not known to start a month."""
    return with_legs(
        plan,
        lambda legs: (replace(leg, keep=replace(leg.keep, implied=leg.keep.implied and Literal(True))) for leg in legs),
    )


@pytest.fixture(scope="module")
def warm(workspace: Workspace) -> dict[str, Session]:
    """Sessions of several people that share what they compile, through all examples."""
    templates = Templates()
    return {who: session(workspace, who, templates) for who in PEOPLE}


@costly
@given(family=families(), who=st.sampled_from(PEOPLE))
@example([Question(metrics="orders", where=f"metric_time.month < '2024-0{n}-01'") for n in (1, 2)], "ann")
def test_a_hit_equals_cold_and_cold_the_question_as_it_stands(
    workspace: Workspace, warm: dict[str, Session], family: list[Question], who: str
) -> None:
    for question in family:
        hit = outcome(lambda: warm[who]._compile(question))  # noqa: B023
        cold = outcome(lambda: session(workspace, who, Templates())._compile(question))  # noqa: B023
        whole = outcome(lambda: as_it_stands(warm[who], question))  # noqa: B023
        if isinstance(hit, tuple):
            assert hit == cold == whole
            continue
        assert not isinstance(cold, tuple)
        assert hit.sql == cold.sql
        assert hit.plan == cold.plan
        assert (
            but_for_ranges(hit.plan) == but_for_ranges(whole[0])
            or MOVED & {asked.path for asked in question.metrics}
            or question.compare
        )
        ran, plain = (outcome(lambda: rows_of(warm[who], sql)) for sql in (hit.sql, whole[1]))  # noqa: B023
        assert ran == plain or isinstance(ran[0], tuple) and isinstance(plain[0], tuple)
