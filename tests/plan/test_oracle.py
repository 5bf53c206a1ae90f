"""Answers against brute force over rows: every invariant that can be stated of single answers, on random shops."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plan import shop
from tests.plan.large import Large
from workbench.access.principal import identify
from workbench.declare.question import Question
from workbench.declare.workspace import Workspace, load
from workbench.session.session import Session
from workbench.warehouse.duckdb_engine import DuckDBEngine

pytestmark = pytest.mark.slow

PATHS = [
    "status", "size", "placed.month", "refunded.month", "tier", "joined.month", "customer.tier", "customer.region.name",
    "ship_region.name", "metric_time.month", "metric_time.week", "customer.joined.month", "customer.region.tax.title",
    "ship_region.tax.title",
]  # fmt: skip

maybe = st.none()
days = st.dates(date(2023, 12, 20), date(2024, 3, 10))
moments = st.datetimes(datetime(2023, 12, 20), datetime(2024, 3, 10)).map(lambda d: d.replace(microsecond=0))
small = st.integers(1, 4)
tiers = st.sampled_from(["gold", "basic", None])
states = st.sampled_from(["open", "paid", None])


def rows(key: str, most: int, **columns: st.SearchStrategy[Any]) -> st.SearchStrategy[list[shop.Row]]:
    """Rows of a table with a unique key counted up from one."""
    return st.lists(st.fixed_dictionaries(columns), max_size=most).map(
        lambda found: [{key: i, **row} for i, row in enumerate(found, 1)]
    )


shops = st.fixed_dictionaries(
    {
        "regions": rows("region_id", 3, name=st.sampled_from(["east", "west", None]), tax=maybe | small),
        "taxes": rows("code", 3, tax_id=maybe, title=st.sampled_from(["low", None])),
        "customers": rows(
            "customer_id", 4, region_id=maybe | small, tier=tiers, joined=maybe | days
        ),
        "orders": rows(
            "order_id", 12, customer_id=maybe | small, ship_region_id=maybe | small,
            status=states, amount=maybe | st.integers(-20, 120), placed=maybe | moments,
        ),
        "refunds": rows(
            "refund_id", 6, customer_id=maybe | small, amount=maybe | st.integers(0, 50), refunded=maybe | days
        ),
    }
)  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """A condition in words, and as a function of a row of a model."""

    text: str
    path: str
    holds: Callable[[Any], bool]


CONDITIONS = [
    Condition("customer.tier = 'gold'", "customer.tier", lambda v: v == "gold"),
    Condition("customer.tier <> 'gold'", "customer.tier", lambda v: v is not None and v != "gold"),
    Condition("customer.region.name is null", "customer.region.name", lambda v: v is None),
    Condition("customer.region.name in ('east', 'north')", "customer.region.name", lambda v: v == "east"),
    Condition("not (customer.region.name = 'east')", "customer.region.name", lambda v: v is not None and v != "east"),
    Condition("status = 'open' or status is null", "status", lambda v: v in ("open", None)),
    Condition("size like '%l%'", "size", lambda v: v is not None and "l" in v),
    Condition(
        "metric_time.month = '2024-01-01'", "metric_time.month", lambda v: v is not None and v == date(2024, 1, 1)
    ),
]


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[str], list[str], Condition | None]:
    """Metrics, dimensions they share, and maybe a condition."""
    metrics = draw(st.lists(st.sampled_from(sorted(shop.METRICS)), min_size=1, max_size=4, unique=True))
    paths = list(shop.reachable(metrics, PATHS))
    by = draw(st.lists(st.sampled_from(paths), max_size=3, unique=True))
    legal = [c for c in CONDITIONS if c.path in set(shop.reachable(metrics, PATHS))]
    condition = draw(st.none() | st.sampled_from(legal)) if legal else None
    return metrics, by, condition


def where_of(condition: Condition | None) -> Callable[[shop.Tables, str, shop.Row], bool]:
    """The condition as a function of a row."""
    if condition is None:
        return lambda tables, model, row: True
    return lambda tables, model, row: condition.holds(shop.value_of(tables, model, row, condition.path))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The declared shop."""
    return load(shop.declare(tmp_path_factory.mktemp("shop"))).require()


def session(
    workspace: Workspace, tables: shop.Tables, who: str = "steward", engine: type[DuckDBEngine] = DuckDBEngine
) -> Session:
    """A session of someone over these rows."""
    over = engine(shop.held(tables))
    return Session(workspace, identify(workspace.roles, workspace.groups, who, "dev"), over, None)


def plain(value: Any) -> Any:
    """A value as the oracle writes it."""
    return float(value) if hasattr(value, "as_tuple") else value


def answered(asking: Session, metrics: list[str], by: list[str], where: str | None) -> dict[tuple[Any, ...], Any]:
    """The answer, by group."""
    found = asking.ask(Question(metrics=metrics, by=by, where=where)).rows()
    out = {tuple(row[path] for path in by): {m: plain(row[m]) for m in metrics} for row in found}
    assert len(out) == len(found), "a group came twice"
    return out


def assert_same(got: dict[tuple[Any, ...], Any], wanted: dict[tuple[Any, ...], Any]) -> None:
    """Equal groups and values, numbers to a relative 1e-9."""
    assert set(got) == set(wanted)
    for key, values in wanted.items():
        for name, value in values.items():
            mine = got[key][name]
            if isinstance(value, float) and mine is not None:
                assert math.isclose(mine, value, rel_tol=1e-9, abs_tol=1e-9), (key, name, mine, value)
            else:
                assert mine == value, (key, name, mine, value)


@given(tables=shops, question=questions(), engine=st.sampled_from([DuckDBEngine, Large]))
def test_answers_are_what_rows_say_in_any_company(
    workspace: Workspace, tables: shop.Tables, question: Any, engine: type[DuckDBEngine]
) -> None:
    metrics, by, condition = question
    text = condition.text if condition else None
    with session(workspace, tables, engine=engine) as asking:
        together = answered(asking, metrics, by, text)
        backwards = answered(asking, metrics[::-1], by, text)
        for name in metrics:
            for key, values in answered(asking, [name], by, text).items():
                assert_same({key: {name: together[key][name]}}, {key: values})
    assert_same(backwards, together)
    assert_same(together, shop.expected(tables, metrics, by, where_of(condition)))


@given(tables=shops, question=questions())
def test_a_restricted_answer_is_the_stewards_over_permitted_rows(
    workspace: Workspace, tables: shop.Tables, question: Any
) -> None:
    metrics, by, condition = question
    permitted = {
        **tables,
        "orders": [row for row in tables["orders"] if row["ship_region_id"] == 1],
        "customers": [row for row in tables["customers"] if row["region_id"] == 1],
    }
    with session(workspace, tables, "eve") as asking:
        got = answered(asking, metrics, by, condition.text if condition else None)
    assert_same(got, shop.expected(permitted, metrics, by, where_of(condition)))


@given(tables=shops, path=st.sampled_from(["customer.tier", "customer.region.name", "status", "placed.month"]))
def test_groups_of_a_to_one_dimension_sum_to_the_total(workspace: Workspace, tables: shop.Tables, path: str) -> None:
    with session(workspace, tables) as asking:
        groups = answered(asking, ["orders", "revenue"], [path], None).values()
        total = answered(asking, ["orders", "revenue"], [], None)[()]
    assert sum(g["orders"] for g in groups) == total["orders"]
    assert shop.total(g["revenue"] for g in groups) == total["revenue"]


# Inside, across and outside of the data.
SPANS = [
    (date(2024, 1, 1), date(2024, 1, 31)),
    (date(2024, 1, 10), date(2024, 1, 10)),
    (date(2023, 12, 31), date(2024, 2, 1)),
    (date(2030, 1, 1), date(2030, 12, 31)),
]


@given(
    tables=shops,
    span=st.sampled_from(SPANS) | st.tuples(days, days).map(sorted),
    by=st.sampled_from([[], ["metric_time.month"], ["metric_time.day"]]),
)
def test_time_covers_whole_periods(workspace: Workspace, span: Any, by: list[str], tables: shop.Tables) -> None:
    low, high = span

    def within(tables: shop.Tables, model: str, row: shop.Row) -> bool:
        moment = row["placed"]
        if moment is None:
            return False
        day = moment.date()
        if by == ["metric_time.month"]:
            return (low.year, low.month) <= (day.year, day.month) <= (high.year, high.month)
        return low <= day <= high

    def day_of(tables: shop.Tables) -> dict[tuple[Any, ...], Any]:
        kept: dict[tuple[Any, ...], int] = {} if by else {(): 0}
        for row in tables["orders"]:
            if within(tables, "orders", row):
                day = row["placed"].date()
                key = () if not by else (shop.month(day),) if "month" in by[0] else (day,)
                kept[key] = kept.get(key, 0) + 1
        return {key: {"orders": n} for key, n in kept.items()}

    with session(workspace, tables) as asking:
        found = asking.ask(Question(metrics="orders", by=by, time=(low, high))).rows()
    assert_same({tuple(r[p] for p in by): {"orders": r["orders"]} for r in found}, day_of(tables))


def test_the_shop_has_a_case_for_each_metric(workspace: Workspace, tmp_path: Path) -> None:
    assert set(workspace.metrics) == set(shop.METRICS)
