"""Histories (``valid:``) against brute force: each row meets the version of its own moment, over several hops."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plan.rows import hold
from workbench.access.principal import identify
from workbench.declare.question import Question
from workbench.declare.workspace import Workspace, load
from workbench.session.session import Session
from workbench.warehouse.duckdb_engine import DuckDBEngine

pytestmark = pytest.mark.slow

Row = dict[str, Any]
Tables = dict[str, list[Row]]

DECLARATIONS = {
    "metrics/models/shop.yml": """
semantic_model: zones
table: shop.zones
primary_key: [zone_id, since]
dimensions: {name: {}}
---
semantic_model: customers
table: shop.customers
primary_key: [customer_id, since]
relationships:
  zone: {to: zones, on: zone_id, valid: {from: since, to: until}}
dimensions: {tier: {}}
---
semantic_model: orders
table: shop.orders
primary_key: order_id
time_dimension: placed
relationships:
  customer: {to: customers, on: customer_id, valid: {from: since, to: until}}
dimensions:
  placed: {type: time, grain: second}
  paid: {type: time, grain: day}
""",
    "metrics/shop/metrics.yml": """
{metric: orders, model: orders, expr: count(*)}
---
{metric: amount, model: orders, expr: sum(amount)}
---
{metric: gold_amount, model: orders, expr: sum(amount), filter: customer.tier = 'gold'}
---
{metric: paid_orders, model: orders, expr: count(*), time_dimension: paid}
---
{metric: paid_gold, model: orders, expr: count(*), time_dimension: paid, filter: customer.tier = 'gold'}
""",
    "access/people.yml": """
roles: {analyst: {can: [query:adhoc, read:metric]}}
---
groups: {analysts: {role: analyst, members: [ann]}}
""",
    "access/shop.yml": "\n---\n".join(
        f"resource: shop.{name}\ngrant: [{{to: [analyst]}}]" for name in ("zones", "customers", "orders")
    ),
}
SCHEMA = """
CREATE SCHEMA shop;
CREATE TABLE shop.zones (zone_id INTEGER, name VARCHAR, since DATE, until DATE);
CREATE TABLE shop.customers (customer_id INTEGER, zone_id INTEGER, tier VARCHAR, since TIMESTAMP, until TIMESTAMP);
CREATE TABLE shop.orders (order_id INTEGER, customer_id INTEGER, amount INTEGER, placed TIMESTAMP, paid DATE);
"""
METRICS: dict[str, tuple[str, bool, str | None]] = {
    "orders": ("placed", False, None), "amount": ("placed", False, "amount"),
    "gold_amount": ("placed", True, "amount"), "paid_orders": ("paid", False, None), "paid_gold": ("paid", True, None),
}  # fmt: skip
PATHS = ["customer.tier", "customer.zone.name", "metric_time.month"]

days = st.dates(date(2024, 1, 28), date(2024, 2, 12))
keys = st.sampled_from([None, 1, 1, 2, 3])


@st.composite
def histories(draw: st.DrawFn, /, key: str, moments: bool, **columns: st.SearchStrategy[Any]) -> list[Row]:
    """Versions of two keys that never overlap, with gaps between some and maybe no end to the last."""
    out = []
    for value in (1, 2):
        bounds = sorted(draw(st.lists(days, unique=True, max_size=5)))
        ends_at: list[date | None] = [*bounds[1:], None]
        for i, (since, until) in enumerate(zip(bounds, ends_at[: len(bounds)], strict=True)):
            if draw(st.integers(0, 4)):  # or a gap
                ends = until or draw(st.none() | st.just(since + timedelta(days=2)))
                row = {key: value, "since": since, "until": ends, **{c: draw(s) for c, s in columns.items()}}
                if moments:
                    row |= {
                        c: row[c] and datetime(row[c].year, row[c].month, row[c].day, i) for c in ("since", "until")
                    }
                    row["until"] = row["until"] and row["until"].replace(hour=i + 1)
                out.append(row)
    return out


shops = st.fixed_dictionaries(
    {
        "zones": histories("zone_id", False, name=st.sampled_from(["east", "west", None])),
        "customers": histories("customer_id", True, zone_id=keys, tier=st.sampled_from(["gold", "basic", None])),
        "orders": st.lists(
            st.fixed_dictionaries(
                {
                    "customer_id": keys,
                    "amount": st.none() | st.integers(-5, 50),
                    "placed": st.none()
                    | st.builds(lambda d, h: datetime(d.year, d.month, d.day, h), days, st.integers(0, 5)),
                    "paid": st.none() | days,
                }
            ),
            max_size=12,
        ).map(lambda found: [{"order_id": i, **row} for i, row in enumerate(found, 1)]),
    }
)  # fmt: skip


def instant(value: date) -> datetime:
    return value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)


def version(rows: list[Row], key: str, value: Any, at: date | None) -> Row:
    """The version of that moment: from its start on, and before its end where it has one."""
    if value is None or at is None:
        return {}
    found = [
        row for row in rows
        if row[key] == value and instant(row["since"]) <= instant(at)
        and (row["until"] is None or instant(at) < instant(row["until"]))
    ]  # fmt: skip
    assert len(found) <= 1
    return found[0] if found else {}


def value_of(tables: Tables, row: Row, path: str, axis: str) -> Any:
    at = row[axis]
    if path == "metric_time.month":
        return at and date(at.year, at.month, 1)
    customer = version(tables["customers"], "customer_id", row["customer_id"], at)
    if path == "customer.tier":
        return customer.get("tier")
    return version(tables["zones"], "zone_id", customer.get("zone_id"), at).get("name")


WHERE: dict[str, Callable[[Callable[[str], Any]], bool]] = {
    "customer.tier is null": lambda get: get("customer.tier") is None,
    "customer.zone.name = 'east'": lambda get: get("customer.zone.name") == "east",
    "metric_time.month = '2024-02-01' or customer.zone.name = 'west'": lambda get: (
        get("metric_time.month") == date(2024, 2, 1) or get("customer.zone.name") == "west"
    ),
}


def expected(tables: Tables, metrics: list[str], by: list[str], where: str | None) -> dict[tuple[Any, ...], Row]:
    values: dict[str, dict[tuple[Any, ...], list[Any]]] = {}
    for name in metrics:
        axis, gold, column = METRICS[name]
        groups: dict[tuple[Any, ...], list[Any]] = {} if by else {(): []}
        for row in tables["orders"]:

            def get(path: str, row: Row = row, axis: str = axis) -> Any:
                return value_of(tables, row, path, axis)

            if (not gold or get("customer.tier") == "gold") and (where is None or WHERE[where](get)):
                groups.setdefault(tuple(map(get, by)), []).append(row[column] if column else 1)
        values[name] = groups
    out: dict[tuple[Any, ...], Row] = {}
    for key in {key for groups in values.values() for key in groups}:
        out[key] = {}
        for name in metrics:
            kept = [v for v in values[name].get(key, []) if v is not None]
            out[key][name] = len(kept) if METRICS[name][2] is None else sum(kept) if kept else None
    return out


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A shop whose customers and zones change."""
    root = tmp_path_factory.mktemp("history")
    for name, text in DECLARATIONS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return load(root).require()


@given(
    tables=shops,
    metrics=st.lists(st.sampled_from(sorted(METRICS)), min_size=1, max_size=3, unique=True),
    by=st.lists(st.sampled_from(PATHS), max_size=3, unique=True),
    where=st.none() | st.sampled_from(sorted(WHERE)),
)
def test_a_row_meets_the_version_of_its_moment(
    workspace: Workspace, tables: Tables, metrics: list[str], by: list[str], where: str | None
) -> None:
    engine = DuckDBEngine(hold(SCHEMA, "shop", tables))
    with Session(workspace, identify(workspace.roles, workspace.groups, "ann", "dev"), engine, None) as asking:
        found = asking.ask(Question(metrics=metrics, by=by, where=where)).rows()
    got = {tuple(row[path] for path in by): {m: row[m] for m in metrics} for row in found}
    assert len(got) == len(found), "a group came twice"
    assert got == expected(tables, metrics, by, where)
