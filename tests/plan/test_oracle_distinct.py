"""Questions without metrics against brute force: the values there are, and no row of any model left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plan import shop
from tests.plan.shop import found, value_of
from tests.plan.test_oracle import days, session, shops
from workbench.access.principal import identify
from workbench.declare.question import Question
from workbench.declare.workspace import Workspace, load
from workbench.session.session import Session
from workbench.warehouse.duckdb_engine import DuckDBEngine

pytestmark = pytest.mark.slow

Rows = list[tuple[Any, ...]]

PATHS = ["status", "placed.month", "customer.tier", "ship_region.name", "customer.region.name"]
WHERE: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "status = 'open'": ("status", lambda v: v == "open"),
    "status is null": ("status", lambda v: v is None),
    "customer.tier = 'gold'": ("customer.tier", lambda v: v == "gold"),
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The declared shop."""
    return load(shop.declare(tmp_path_factory.mktemp("shop"))).require()


One = dict[str, shop.Row]
"""A row of orders, and those of its partners; some of them may be missing."""


def joined(tables: shop.Tables, paths: list[str]) -> Iterator[Any]:
    """Values of orders, and of partners that no order leads to: customers, their regions, regions of shipment."""
    needs_customer = any(path.startswith("customer") for path in paths)
    needs_region = any(path.startswith("customer.region") for path in paths)
    needs_shipment = any(path.startswith("ship_region") for path in paths)
    alone: list[One] = [{"": row} for row in tables["orders"]]
    if needs_customer:
        alone = outer(alone, "customer", tables["customers"], "customer_id", key_of("", "customer_id"))
    if needs_shipment:
        alone = outer(alone, "ship", tables["regions"], "region_id", key_of("", "ship_region_id"))
    if needs_region:
        alone = outer(alone, "region", tables["regions"], "region_id", key_of("customer", "region_id"))
    for one in alone:
        yield tuple(value(one, path) for path in paths)


def key_of(name: str, column: str) -> Callable[[One], Any]:
    return lambda one: one.get(name, {}).get(column)


def outer(left: list[One], name: str, right: list[shop.Row], key: str, of: Callable[[One], Any]) -> list[One]:
    met = [{**one, name: found(right, key, of(one))} for one in left]
    seen = {one[name].get(key) for one in met}
    return met + [{name: row} for row in right if row[key] not in seen]


def value(one: One, path: str) -> Any:
    if path == "customer.tier":
        return one.get("customer", {}).get("tier")
    if path == "customer.region.name":
        return one.get("region", {}).get("name")
    if path == "ship_region.name":
        return one.get("ship", {}).get("name")
    row = one.get("", {})
    return value_of({}, "orders", row, path) if row else None


def asked(workspace: Workspace, tables: shop.Tables, **question: Any) -> Rows:
    with session(workspace, tables) as asking:
        return [tuple(row.values()) for row in asking.ask(Question(**question)).rows()]


@given(
    tables=shops,
    by=st.lists(st.sampled_from(PATHS), min_size=1, max_size=3, unique=True).filter(
        lambda by: any("." not in path or path.startswith("placed") for path in by)
    ),
    where=st.none() | st.sampled_from(sorted(WHERE)),
)
def test_values_of_several_models_leave_no_row_out(
    workspace: Workspace, tables: shop.Tables, by: list[str], where: str | None
) -> None:
    path, holds = WHERE[where] if where else ("", lambda v: True)
    every = set(joined(tables, [*by, *([path] if where else [])]))
    wanted = {row[: len(by)] for row in every if not where or holds(row[-1])}
    got = asked(workspace, tables, by=by, where=where)
    assert len(got) == len(set(got)), "a row came twice"
    assert set(got) == wanted


@given(tables=shops, by=st.lists(st.sampled_from(PATHS[:3]), min_size=1, max_size=3, unique=True))
def test_ends_and_rows_are_those_of_the_rows(workspace: Workspace, tables: shop.Tables, by: list[str]) -> None:
    by = ["status", *(path for path in by if path != "status")]
    rows = list(joined(tables, by))
    (ends,) = asked(workspace, tables, by=by, extremes=True)
    columns = [[row[i] for row in rows if row[i] is not None] for i in range(len(by))]
    assert ends == tuple(end(column, default=None) for column in columns for end in (min, max))
    every = asked(workspace, tables, by=by, every_row=True)
    assert Counter(every) == Counter(rows)


@given(tables=shops, path=st.sampled_from(["tier", "joined.month", "customer.tier", "regions.name", "taxes.title"]))
def test_values_of_one_model_are_those_of_its_rows(workspace: Workspace, tables: shop.Tables, path: str) -> None:
    model = path.split(".")[0] if path.startswith(("regions.", "taxes.")) else "customers"
    name = path.removeprefix(f"{model}.").removeprefix("customer.")
    wanted = {(value_of(tables, model, row, name),) for row in tables[model]}
    got = asked(workspace, tables, by=path)
    assert len(got) == len(set(got))
    assert set(got) == wanted


@pytest.fixture(scope="module")
def calendar(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The shop with a calendar, over its regions' table of days."""
    root = shop.declare(tmp_path_factory.mktemp("calendar"))
    (root / "metrics/models/days.yml").write_text("{calendar: days, table: shop.days, column: day}", encoding="utf-8")
    policy = "resource: shop.days\ngrant: [{to: [analyst]}]\n"
    (root / "access/days.yml").write_text(policy, encoding="utf-8")
    return load(root).require()


@given(
    tables=shops, known=st.lists(days, unique=True, max_size=6), grain=st.sampled_from(["day", "week", "month"]),
    time=st.none() | st.tuples(days, days).map(sorted), beside=st.booleans(),
    where=st.sampled_from([None, "metric_time.month = '2024-01-01'"]),
)  # fmt: skip
def test_moments_are_those_of_the_calendar(
    calendar: Workspace, tables: shop.Tables, known: list[date], grain: str, time: Any, beside: bool, where: str | None
) -> None:
    def start(day: date) -> Any:
        return {"day": day, "week": shop.week(day), "month": shop.month(day)}[grain]

    def covered(day: date) -> bool:
        return time is None or start(time[0]) <= start(day) <= start(time[1])

    moments = {start(day) for day in known if covered(day) and (where is None or shop.month(day) == date(2024, 1, 1))}
    tiers = {row["tier"] for row in tables["customers"]}
    by = [f"metric_time.{grain}", *(["tier"] if beside else [])]
    listed = shop.held({**tables, "days": [{"day": day} for day in known]})
    who = identify(calendar.roles, calendar.groups, "steward", "dev")
    with Session(calendar, who, DuckDBEngine(listed), None) as asking:
        rows = asking.ask(Question(by=by, time=time, where=where)).rows()
    got = [tuple(row.values()) for row in rows]
    wanted = {(at, tier) for at in moments for tier in tiers} if beside else {(at,) for at in moments}
    assert len(got) == len(set(got))
    assert set(got) == wanted


def test_a_row_that_is_not_there_has_no_computed_value(workspace: Workspace) -> None:
    customer = {"customer_id": 1, "region_id": None, "tier": "gold", "joined": None}
    assert asked(workspace, {"customers": [customer]}, by=["customer.tier", "size"]) == [("gold", None)]


def test_a_row_without_a_primary_key_is_there(workspace: Workspace) -> None:
    """A row is there whichever of its keys are NULL, and one that is not there meets nobody by a computed key."""
    regions = [{"region_id": 1, "name": "east", "tax": 2}, {"region_id": None, "name": "none", "tax": None}]
    taxes = [{"code": 1, "tax_id": None, "title": None}, {"code": 3, "tax_id": None, "title": "low"}]
    tables = {"regions": regions, "taxes": taxes}
    assert asked(workspace, {"taxes": taxes}, by="taxes.title") == [("low",), ("none",)]
    wanted = [("east", None), ("none", "none"), (None, "low")]
    assert asked(workspace, tables, by=["regions.name", "regions.tax.title"]) == wanted
