"""Passes change how an answer is computed and never the answer: with them and without, on random shops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.plan import shop
from tests.plan.test_oracle import (
    CONDITIONS,
    assert_same,
    days,
    moments,
    plain,
    rows,
    session,
    shops,
    small,
    states,
    tiers,
)
from workbench.access.guard import issue
from workbench.access.principal import identify
from workbench.declare.expression import Column
from workbench.declare.question import Question
from workbench.declare.workspace import Workspace, load
from workbench.errors import QuestionError, Unanswerable
from workbench.graph.resolve import resolve
from workbench.plan.build import build
from workbench.plan.lower import to_sql
from workbench.plan.passes.facts import IsMet
from workbench.plan.steps import Plan
from workbench.quality.keys import verify_keys
from workbench.session.session import Session
from workbench.warehouse.duckdb_engine import DuckDBEngine
from workbench.warehouse.ledger import Ledger
from workbench.warehouse.stand_in import type_of

pytestmark = pytest.mark.slow

BY_TIME = """
{metric: mean_trailing, model: orders, expr: avg(amount), window: 40 days}
---
{metric: revenue_so_far, model: orders, expr: sum(amount), to_date: month}
---
{metric: all_revenue, model: orders, expr: sum(amount), running: true}
---
{metric: before, model: orders, expr: count(*), offset: 1 month}
---
{metric: orders_before, expr: orders - before}
---
{metric: gold_share, model: orders, expr: "sum(case when customer.tier = 'gold' then amount end) / sum(amount)"}
"""

METRICS = [
    "orders", "revenue", "open_revenue", "gold_orders", "buyers", "mean_amount", "least", "most", "amount_per_order",
    "open_share", "refunded", "refund_rate",
]  # fmt: skip
PATHS = ["status", "placed.month", "customer.tier", "customer.region.name", "ship_region.name", "customer.joined.month"]
LARGE = {"shop.orders": 10**9, "shop.refunds": 10**9, "shop.customers": 1000, "shop.regions": 10}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The shop, with metrics that look at other times."""
    root = shop.declare(tmp_path_factory.mktemp("shop"))
    (root / "metrics" / "shop" / "by_time.yml").write_text(BY_TIME, encoding="utf-8")
    return load(root).require()


def planned(
    asking: Session,
    question: Question,
    size_of: Callable[[str], int | None],
    is_met: IsMet = lambda model, role: False,
) -> Plan:
    """The plan of a question where tables have these sizes."""
    granted = issue(resolve(asking._graph, question), asking.principal, asking._restriction)
    types = lambda table: {c: type_of(t) for c, t in asking._engine.types(table).items()}  # noqa: E731
    return build(granted, types, "salt", size_of, is_met)


def unimproved(asking: Session, question: Question) -> Plan:
    """The plan of a question before any pass."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workbench.plan.build.improve", lambda plan, facts: plan)
        return planned(asking, question, lambda table: None)


def partners(tables: shop.Tables) -> IsMet:
    """Which relationships find a partner for every row, and which columns tell rows apart, told from the rows."""
    ends = {"region": ("region_id", "regions"), "customer": ("customer_id", "customers")}
    ends["ship_region"] = ("ship_region_id", "regions")

    def is_met(model: str, role: str | tuple[str, ...]) -> bool:
        if not isinstance(role, str):
            found = [tuple(row[name] for name in role) for row in tables.get(model, [])]
            return len(set(found)) == len(found) and all(None not in one for one in found)
        column, target = ends[role]
        keys = {row["region_id" if target == "regions" else "customer_id"] for row in tables.get(target, [])}
        return all(row[column] in keys for row in tables.get(model, []))

    return is_met


def answer(asking: Session, question: Question, plan: Plan) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The groups of a plan's answer."""
    engine = asking._engine
    rows = engine.run(to_sql(plan, engine.schema, engine.dialect, engine.catalog)).to_pylist()
    keys, names = [one.alias for one in question.by], [one.alias for one in question.metrics]
    names += [f"{name}.share" for name in names if question.share_of]
    keys += ["total"] if question.totals else []
    found = {tuple(row[k] for k in keys): {n: plain(row[n]) for n in names} for row in rows}
    assert len(found) == len(rows), "a group came twice"
    return found


METRICS_BY_TIME = [*METRICS, "mean_trailing", "revenue_so_far", "orders_before", "all_revenue", "gold_share"]
PATHS_BY_TIME = [*PATHS, "metric_time.month", "metric_time.day", "refunded.month"]

# Half of the keys are whole, so that joins are met as often as not; and half of the names are told apart.
whole = st.fixed_dictionaries(
    {
        "regions": st.sampled_from([["east", "west", None, "east"], ["north", "south", "east", "west"]]).map(
            lambda names: [{"region_id": i, "name": name} for i, name in enumerate(names, 1)]
        ),
        "customers": st.lists(
            st.fixed_dictionaries({"region_id": small, "tier": tiers, "joined": st.none() | days}),
            min_size=4,
            max_size=4,
        ).flatmap(
            lambda found: st.sampled_from([{}, {"tier": "t"}]).map(
                lambda own: [
                    {"customer_id": i, **row, **{name: f"{text}{i}" for name, text in own.items()}}
                    for i, row in enumerate(found, 1)
                ]
            )
        ),
        "orders": rows(
            "order_id", 12, customer_id=small, ship_region_id=small,
            status=states, amount=st.none() | st.integers(-20, 120), placed=st.none() | moments,
        ),
        "refunds": rows(
            "refund_id", 6, customer_id=st.none() | small, amount=st.integers(0, 50), refunded=st.none() | days
        ),
    }
)  # fmt: skip


@given(data=st.data(), tables=shops | whole, who=st.sampled_from(["steward", "eve"]))
def test_answers_are_those_of_the_plan_without_passes(
    workspace: Workspace, data: Any, tables: shop.Tables, who: str
) -> None:
    metrics = data.draw(st.lists(st.sampled_from(METRICS_BY_TIME), min_size=1, max_size=3, unique=True))
    by = data.draw(st.lists(st.sampled_from(PATHS_BY_TIME), max_size=3, unique=True))
    question = Question(
        metrics=metrics,
        by=by,
        where=data.draw(st.none() | st.sampled_from([c.text for c in CONDITIONS])),
        share_of=data.draw(st.just(()) | st.sampled_from(["total", *by])),
        totals=data.draw(st.just(()) | st.sampled_from(["total", *by])),
        having=data.draw(st.none() | st.just(f"{metrics[0]} >= 1")),
        order_by=data.draw(st.just(()) | st.sampled_from([metrics[-1:], [f"-{metrics[0]}"]])),
        limit=data.draw(st.none() | st.integers(1, 3)),
    )
    with session(workspace, tables, who) as asking:
        try:
            slow = unimproved(asking, question)
        except (QuestionError, Unanswerable):
            assume(False)  # not every metric has every dimension
        assert all(leg.first is None for leg in slow.legs)
        fast = planned(asking, question, LARGE.get, partners(tables))
        assert_same(answer(asking, question, fast), answer(asking, question, slow))


# Names that no two customers share, and numbers of which many are equal or missing.
named = st.fixed_dictionaries(
    {
        "regions": st.just([{"region_id": i, "name": name} for i, name in enumerate("dcba", 1)]),
        "customers": st.just(
            [{"customer_id": i, "region_id": i % 2 + 1, "tier": f"t{-i % 5}", "joined": None} for i in range(1, 5)]
        ),
        "orders": rows(
            "order_id", 12, customer_id=small, ship_region_id=small,
            status=states, amount=st.none() | st.integers(-1, 2), placed=st.none() | moments,
        ),
    }
)  # fmt: skip


@given(data=st.data(), tables=named)
def test_the_first_groups_are_those_of_all_that_have_names(
    workspace: Workspace, data: Any, tables: shop.Tables
) -> None:
    first, other = data.draw(st.permutations(["revenue", "orders", "mean_amount", "least"]))[:2]
    more = data.draw(st.just([]) | st.sampled_from([["status"], ["placed.month"], ["ship_region.name"]]))
    question = Question(
        metrics=[first, other],
        by=["customer.tier", *more],
        having=data.draw(st.none() | st.just(f"{other} >= 1")),
        order_by=data.draw(st.sampled_from([first, f"-{first}"])),
        limit=data.draw(st.integers(1, 3)),
    )
    with session(workspace, tables) as asking:
        fast = planned(asking, question, LARGE.get, partners(tables))
        slow = unimproved(asking, question)
        assert fast.legs[0].top is not None
        assert_same(answer(asking, question, fast), answer(asking, question, slow))


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


@pytest.fixture
def kept(workspace: Workspace, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger of its own."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield ledger
    ledger.close()


COMPLETE: shop.Tables = {
    "regions": [{"region_id": 1, "name": "east"}],
    "customers": [{"customer_id": 1, "region_id": 1, "tier": "gold", "joined": None}],
    "orders": [
        {"order_id": 1, "customer_id": 1, "ship_region_id": 1, "status": "open", "amount": 5, "placed": None},
        {"order_id": 2, "customer_id": 1, "ship_region_id": 1, "status": "paid", "amount": 7, "placed": None},
    ],
}  # fmt: skip
ORPHANED: shop.Tables = {**COMPLETE, "customers": []}


def put(path: Path, tables: shop.Tables) -> None:
    """Replace the data at once, as a new version of it arrives."""
    shop.fill(path.with_name("next.duckdb"), tables).replace(path)


def with_ledger(workspace: Workspace, ledger: Ledger, who: str = "steward") -> Session:
    """A session of someone that knows what is recorded of the data."""
    engine = DuckDBEngine(workspace.root / "data.duckdb")
    return Session(workspace, identify(workspace.roles, workspace.groups, who, "dev"), engine, ledger)


def test_partners_are_taken_for_granted_only_where_the_data_was_checked(workspace: Workspace, kept: Ledger) -> None:
    question = Question(metrics="revenue", by="customer.tier")
    put(workspace.root / "data.duckdb", COMPLETE)
    with with_ledger(workspace, kept) as asking:
        assert "INNER JOIN" not in asking.ask(question).sql, "nobody has looked at the data yet"
        verify_keys(workspace, asking._engine, kept)
        kept.flush()
    with with_ledger(workspace, kept) as asking:
        assert "INNER JOIN" in asking.ask(question).sql
        assert asking.ask(question).rows() == [{"customer.tier": "gold", "revenue": 12}]
        put(workspace.root / "data.duckdb", ORPHANED)  # under an open session, with all that it has compiled
        assert asking.ask(question).rows() == [{"customer.tier": None, "revenue": 12}]
        assert "INNER JOIN" not in asking.ask(question).sql
    with with_ledger(workspace, kept) as asking:
        assert asking.ask(question).rows() == [{"customer.tier": None, "revenue": 12}]


def test_a_partner_that_is_hidden_is_none(workspace: Workspace, kept: Ledger) -> None:
    question = Question(metrics="revenue", by=["customer.tier", "ship_region.name"])
    away = {**COMPLETE, "customers": [{"customer_id": 1, "region_id": 2, "tier": "gold", "joined": None}]}
    put(workspace.root / "data.duckdb", away)
    with with_ledger(workspace, kept) as asking:
        verify_keys(workspace, asking._engine, kept)
        kept.flush()
    with with_ledger(workspace, kept, "eve") as asking:
        answered = asking.ask(question)
        assert answered.rows() == [{"customer.tier": None, "ship_region.name": "east", "revenue": 12}]
        assert answered.sql.count("INNER JOIN") == 1, "regions are not restricted, customers are"


def test_data_replaced_between_compiling_and_running_is_asked_again(
    workspace: Workspace, kept: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = workspace.root / "data.duckdb"
    put(path, COMPLETE)
    with with_ledger(workspace, kept) as asking:
        verify_keys(workspace, asking._engine, kept)
        kept.flush()
    with with_ledger(workspace, kept) as asking:
        run, left = asking._engine.run, [ORPHANED]

        def late(sql: str) -> Any:
            if "INNER JOIN" in sql and left:
                put(path, left.pop())
            return run(sql)

        monkeypatch.setattr(asking._engine, "run", late)
        answered = asking.ask(Question(metrics="revenue", by="customer.tier"))
    assert not left
    assert answered.rows() == [{"customer.tier": None, "revenue": 12}]


def test_a_table_that_only_leads_on_is_looked_up_and_not_grouped_by(workspace: Workspace) -> None:
    question = Question(metrics="revenue", by="customer.region.name")
    with session(workspace, {}) as asking:
        plan = planned(asking, question, LARGE.get, lambda model, role: True)
    assert late(plan) == [{"customer.region"}]
    assert all(a.met for a in plan.legs[0].attached)


def test_a_share_is_told_from_groups_and_not_from_rows_again(workspace: Workspace) -> None:
    with session(workspace, {}) as asking:
        plan = planned(asking, Question(metrics="mean_amount", by="status", share_of="total"), LARGE.get)
        sql = to_sql(plan, asking._engine.schema, "duckdb")
        median = planned(asking, Question(metrics="median_amount", by="status", share_of="total"), LARGE.get)
    assert plan.legs[0].first == plan.levels[0].plan.legs[0].first != None  # noqa: E711
    assert sql.count('"shop"."orders"') == 1
    assert median.legs[0].first is None


def test_whoever_is_kept_from_rows_reads_the_others_once_too(workspace: Workspace) -> None:
    for question in (
        Question(metrics="mean_amount", by="status", share_of="total"),
        Question(
            metrics=["revenue", "orders_before"], by=["metric_time.month", "status"], share_of="metric_time.month"
        ),
    ):
        reads = {}
        for who in ("steward", "eve"):
            with session(workspace, {}, who) as asking:
                answered = asking.ask(question)
            reads[who] = answered.sql.count('"shop"."orders"')
        assert answered.restrictions
        assert reads["eve"] <= reads["steward"]


def test_groups_are_named_last_where_names_tell_them_apart(workspace: Workspace) -> None:
    def plans(told: set[str], **parts: Any) -> Plan:
        known = lambda model, role: isinstance(role, str) or (model, set(role)) in [("customers", told)]  # noqa: E731
        question = Question(metrics="revenue", by=["customer.tier"], **parts)
        return planned(asking, question, lambda table: LARGE.get(table), known)

    first = {"order_by": "-revenue", "limit": 3}
    with session(workspace, {}) as asking:
        told, shared = plans({"tier"}, **first), plans(set(), **first)
        by_name, all_of_them = plans({"tier"}, order_by="customer.tier", limit=3), plans({"tier"})
        sql = to_sql(told, asking._engine.schema, "duckdb")
    assert told.legs[0].final
    assert told.met() == {("orders", "customer"), ("customers", ("tier",))}
    assert told.legs[0].top is not None
    assert sql.count("GROUP BY") == 1
    assert not shared.legs[0].final
    assert shared.met() == {("orders", "customer")}
    assert shared.legs[0].top is None
    assert by_name.legs[0].final
    assert by_name.legs[0].top is None, "names decide which are the first"
    assert all_of_them.legs[0].top is None


def test_names_are_taken_for_told_apart_only_where_the_data_was_checked(tmp_path: Path, kept: Ledger) -> None:
    root = shop.declare(tmp_path / "shop")
    declared = next(path for path in root.rglob("*.yml") if "semantic_model: customers" in path.read_text())
    text = declared.read_text()
    at = text.index("primary_key", text.index("semantic_model: customers"))
    declared.write_text(text[:at] + "unique_keys: [[tier]]\n" + text[at:])
    workspace = load(root).require()
    customers = [{"customer_id": i, "region_id": 1, "tier": t, "joined": None} for i, t in enumerate("ab", 1)]
    orders = [{**COMPLETE["orders"][0], "order_id": i, "customer_id": i % 2 + 1} for i in range(200)]
    told: shop.Tables = {**COMPLETE, "customers": customers, "orders": orders}
    same: shop.Tables = {**told, "customers": [{**row, "tier": "a"} for row in customers]}
    question = Question(metrics="revenue", by="customer.tier")
    put(root / "data.duckdb", told)
    with with_ledger(workspace, kept) as asking:
        verify_keys(workspace, asking._engine, kept)
        kept.flush()
    with with_ledger(workspace, kept) as asking:
        assert asking.ask(question).sql.count("GROUP BY") == 1
        assert [row["revenue"] for row in asking.ask(question).rows()] == [500, 500]
        put(root / "data.duckdb", same)  # under an open session, with all that it has compiled
        assert asking.ask(question).rows() == [{"customer.tier": "a", "revenue": 1000}]
        assert asking.ask(question).sql.count("GROUP BY") == 2
