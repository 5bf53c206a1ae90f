"""Passes change how an answer is computed and never the answer: with them and without, on random shops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plan import shop
from tests.plan.test_oracle import CONDITIONS, assert_same, plain, session, shops, workspace
from workbench.access.guard import issue
from workbench.declare.expression import Column
from workbench.declare.question import Question
from workbench.declare.workspace import Workspace
from workbench.graph.resolve import resolve
from workbench.plan.build import build
from workbench.plan.lower import to_sql
from workbench.plan.steps import Plan
from workbench.session.session import Session
from workbench.warehouse.stand_in import type_of

pytestmark = pytest.mark.slow

__all__ = ["workspace"]

METRICS = [
    "orders", "revenue", "open_revenue", "gold_orders", "buyers", "mean_amount", "least", "most", "amount_per_order",
    "open_share", "refunded", "refund_rate",
]  # fmt: skip
PATHS = ["status", "placed.month", "customer.tier", "customer.region.name", "ship_region.name", "customer.joined.month"]
LARGE = {"shop.orders": 10**9, "shop.refunds": 10**9, "shop.customers": 1000, "shop.regions": 10}


def planned(asking: Session, question: Question, size_of: Callable[[str], int | None]) -> Plan:
    """The plan of a question where tables have these sizes."""
    granted = issue(resolve(asking._graph, question), asking.principal, asking._restriction)
    types = lambda table: {c: type_of(t) for c, t in asking._engine.types(table).items()}  # noqa: E731
    return build(granted, types, "salt", size_of)


def answer(asking: Session, question: Question, plan: Plan) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The groups of a plan's answer."""
    engine = asking._engine
    rows = engine.run(to_sql(plan, engine.schema, engine.dialect, engine.catalog)).to_pylist()
    keys, names = [one.alias for one in question.by], [one.alias for one in question.metrics]
    found = {tuple(row[k] for k in keys): {n: plain(row[n]) for n in names} for row in rows}
    assert len(found) == len(rows), "a group came twice"
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), tables=shops, who=st.sampled_from(["steward", "eve"]))
def test_eager_and_plain_answers_agree(workspace: Workspace, data: Any, tables: shop.Tables, who: str) -> None:
    metrics = data.draw(st.lists(st.sampled_from(METRICS), min_size=1, max_size=3, unique=True))
    by = data.draw(st.lists(st.sampled_from(list(shop.reachable(metrics, PATHS))), min_size=1, max_size=3, unique=True))
    legal = [c.text for c in CONDITIONS if c.path in set(shop.reachable(metrics, [c.path]))]
    question = Question(metrics=metrics, by=by, where=data.draw(st.none() | st.sampled_from(legal)))
    with session(workspace, tables, who) as asking:
        eager = planned(asking, question, LARGE.get)
        slow = planned(asking, question, lambda table: None)
        assert all(leg.first is None for leg in slow.legs)
        assert_same(answer(asking, question, eager), answer(asking, question, slow))


def late(plan: Plan) -> list[set[str]]:
    """Which relations each leg joins to groups."""
    return [{a.source.relation for a in leg.attached if a.late} for leg in plan.legs]


@pytest.mark.parametrize(
    ("metrics", "by", "where", "wanted"),
    [
        (["revenue"], ["customer.region.name"], None, [{"customer", "customer.region"}]),
        (["mean_amount"], ["customer.region.name", "status"], None, [{"customer", "customer.region"}]),
        (["revenue"], ["customer.region.name"], "customer.tier = 'gold'", [{"customer.region"}]),
        (["revenue"], ["ship_region.name"], "ship_region.name = 'east'", [set()]),
        (["gold_orders"], ["customer.tier"], None, [set()]),
        (["buyers", "revenue"], ["customer.region.name"], None, [set()]),
        (["median_amount"], ["customer.region.name"], None, [set()]),
        (["revenue", "refunded"], ["customer.region.name"], None, [{"customer", "customer.region"}] * 2),
    ],
)
def test_joins_move_only_where_values_stay(
    workspace: Workspace, metrics: list[str], by: list[str], where: str | None, wanted: list[set[str]]
) -> None:
    with session(workspace, {}) as asking:
        plan = planned(asking, Question(metrics=metrics, by=by, where=where), LARGE.get)
    assert late(plan) == wanted


def test_few_rows_are_aggregated_once(workspace: Workspace) -> None:
    with session(workspace, {}) as asking:
        plan = planned(asking, Question(metrics="revenue", by="customer.tier"), lambda table: 100)
    assert plan.legs[0].first is None


def test_days_are_aggregated_before_their_months(workspace: Workspace) -> None:
    with session(workspace, {}) as asking:
        days = planned(asking, Question(metrics="refunds", by="refunded.month"), LARGE.get)
        moments = planned(asking, Question(metrics="orders", by="placed.month"), LARGE.get)
    assert days.legs[0].first is not None
    assert days.legs[0].first.by == (Column("", "refunded"),)
    assert moments.legs[0].first is None


def test_a_chain_is_joined_from_its_end_where_all_rows_are_read(workspace: Workspace) -> None:
    with session(workspace, {}) as asking:
        every = planned(asking, Question(metrics="revenue", by="customer.region.name"), lambda table: None)
        few = planned(
            asking, Question(metrics="revenue", by="customer.region.name", where="status = 'open'"), LARGE.get
        )
    assert [a.nested for a in every.legs[0].attached] == [False, True]
    assert not any(a.nested for a in few.legs[0].attached)
