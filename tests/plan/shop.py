"""A small shop, declared once and filled at random, and what its metrics mean in plain Python over rows."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.plan.rows import hold, write
from workbench.warehouse.duckdb_file import WarehouseFile

Row = dict[str, Any]
Tables = dict[str, list[Row]]

DECLARATIONS = {
    "metrics/models/shop.yml": """
semantic_model: regions
table: shop.regions
entity: region
primary_key: region_id
relationships:
  tax: {to: taxes, on: {tax_key: code}}
dimensions:
  name: {}
  tax_key: {type: number, expr: "coalesce(tax, 1)"}
---
semantic_model: taxes
table: shop.taxes
primary_key: tax_id
unique_keys: [[code]]
dimensions:
  title: {expr: "coalesce(title, 'none')"}
---
semantic_model: customers
table: shop.customers
entity: customer
primary_key: customer_id
time_dimension: joined
relationships:
  region: {to: regions, on: region_id}
dimensions:
  tier: {}
  joined: {type: time, grain: day}
---
semantic_model: orders
table: shop.orders
entity: order
primary_key: order_id
time_dimension: placed
relationships:
  customer: {to: customers, on: customer_id}
  ship_region: {to: regions, on: {ship_region_id: region_id}}
dimensions:
  status: {}
  placed: {type: time, grain: second}
  size: {expr: "case when amount < 0 then 'credit' when amount < 50 then 'small' else 'large' end"}
---
semantic_model: refunds
table: shop.refunds
entity: refund
primary_key: refund_id
time_dimension: refunded
relationships:
  customer: {to: customers, on: customer_id}
dimensions:
  refunded: {type: time, grain: day}
""",
    "metrics/shop/metrics.yml": """
{metric: orders, model: orders, expr: count(*)}
---
{metric: revenue, model: orders, expr: sum(amount)}
---
{metric: open_revenue, model: orders, expr: sum(amount), filter: status = 'open'}
---
{metric: gold_orders, model: orders, expr: count(*), filter: customer.tier = 'gold'}
---
{metric: buyers, model: orders, expr: count(distinct customer_id)}
---
{metric: mean_amount, model: orders, expr: avg(amount)}
---
{metric: median_amount, model: orders, expr: median(amount)}
---
{metric: least, model: orders, expr: min(amount)}
---
{metric: most, model: orders, expr: max(amount)}
---
{metric: amount_per_order, model: orders, expr: sum(amount) / count(*)}
---
{metric: refunded, model: refunds, expr: sum(amount)}
---
{metric: refunds, model: refunds, expr: count(*)}
---
{metric: customers, model: customers, expr: count(*)}
---
{metric: net, expr: revenue - refunded}
---
{metric: refund_rate, expr: refunds / orders}
---
metric: open_share
expr: open / everything
inputs: {open: {metric: orders, filter: status = 'open'}, everything: {metric: orders}}
---
{metric: refunded_or_zero, model: refunds, expr: sum(amount), fill_nulls_with: 0}
""",
    "access/people.yml": """
roles:
  analyst: {can: [query:adhoc, read:metric]}
  steward: {extends: analyst, can: ["unmask:secret"]}
---
groups:
  stewards: {role: steward, members: [steward]}
  east: {role: analyst, members: [eve], attributes: {region: [1]}}
""",
    "access/shop.yml": """
resource: shop.orders
grant: [{to: [analyst]}]
restrict:
  - {name: own_region, to: ["group:east"], rows: {column: ship_region_id, op: in, attribute: region}}
---
resource: shop.customers
grant: [{to: [analyst]}]
restrict:
  - {name: own_customers, to: ["group:east"], rows: {column: region_id, op: in, attribute: region}}
---
resource: shop.refunds
grant: [{to: [analyst]}]
---
resource: shop.regions
grant: [{to: [analyst]}]
---
resource: shop.taxes
grant: [{to: [analyst]}]
""",
}

SCHEMA = """
CREATE SCHEMA shop;
CREATE TABLE shop.regions (region_id INTEGER, name VARCHAR, tax INTEGER);
CREATE TABLE shop.taxes (code INTEGER, tax_id INTEGER, title VARCHAR);
CREATE TABLE shop.customers (customer_id INTEGER, region_id INTEGER, tier VARCHAR, joined DATE);
CREATE TABLE shop.orders (
  order_id INTEGER, customer_id INTEGER, ship_region_id INTEGER, status VARCHAR, amount INTEGER, placed TIMESTAMP
);
CREATE TABLE shop.refunds (refund_id INTEGER, customer_id INTEGER, amount INTEGER, refunded DATE);
CREATE TABLE shop.days (day DATE, lot DATE, season DATE, round INTEGER);
"""


def declare(root: Path) -> Path:
    """Write the shop's workspace."""
    for name, text in DECLARATIONS.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return root


def fill(path: Path, tables: Tables) -> Path:
    """Write a DuckDB file with these rows."""
    return write(path, SCHEMA, "shop", tables)


def held(tables: Tables) -> WarehouseFile:
    """The same in memory, instead of all that was held before."""
    return hold(SCHEMA, "shop", tables)


# ---------------------------------------------------------------------- what it means, by brute force


def month(value: date | None) -> date | None:
    """The first day of the month."""
    return None if value is None else date(value.year, value.month, 1)


def week(value: date | None) -> date | None:
    """The Monday of the week."""
    if value is None:
        return None
    day = value.date() if isinstance(value, datetime) else value
    return day - timedelta(days=day.weekday())


def found(rows: list[Row], key: str, value: Any) -> Row:
    """The row with that key, or one of NULLs."""
    return next((r for r in rows if value is not None and r[key] == value), {})


REGROUPED: dict[str, Callable[[Tables, str, Row], Any]] = {}
"""Paths that no question can name: other ways to group rows, for oracles."""


def value_of(tables: Tables, model: str, row: Row, path: str) -> Any:
    """What a path means for one row of a model: a walk along to-one relationships."""
    if path in REGROUPED:
        return REGROUPED[path](tables, model, row)
    head, _, rest = path.partition(".")
    if head == "metric_time":
        head = {"orders": "placed", "refunds": "refunded", "customers": "joined"}[model]
    if model in ("orders", "refunds") and head == "customer":
        return value_of(tables, "customers", found(tables["customers"], "customer_id", row.get("customer_id")), rest)
    if model == "customers" and head == "customer":
        return value_of(tables, "customers", row, rest)
    if model == "customers" and head == "region":
        return value_of(tables, "regions", found(tables["regions"], "region_id", row.get("region_id")), rest)
    if model == "orders" and head == "ship_region":
        return value_of(tables, "regions", found(tables["regions"], "region_id", row.get("ship_region_id")), rest)
    if model == "regions" and head == "tax":
        code = row and (1 if row.get("tax") is None else row["tax"])
        return value_of(tables, "taxes", found(tables.get("taxes", []), "code", code or None), rest)
    if model == "taxes" and row and row[head] is None:
        return "none"
    if head == "size":
        amount = row["amount"]
        if amount is None or amount >= 50:
            return "large"
        return "credit" if amount < 0 else "small"
    value = row.get(head)
    return {"month": month, "week": week, "": lambda v: v}[rest](value)


def total(values: Iterable[Any]) -> Any:
    """SUM: NULL over nothing."""
    kept = [v for v in values if v is not None]
    return sum(kept) if kept else None


def over(function: Callable[[list[Any]], Any]) -> Callable[[Iterable[Any]], Any]:
    """An aggregate that skips NULLs and is NULL over nothing."""

    def apply(values: Iterable[Any]) -> Any:
        kept = [v for v in values if v is not None]
        return function(kept) if kept else None

    return apply


@dataclass(frozen=True)
class Base:
    """A base aggregate: of which model, over which column, of which rows."""

    model: str
    column: str | None
    aggregate: Callable[[Iterable[Any]], Any]
    empty: Any = None
    keep: Callable[[Tables, Row], bool] = lambda tables, row: True

    def groups(self, tables: Tables, by: list[str], where: Callable[..., Any]) -> dict[tuple[Any, ...], Any]:
        """The value of each group that has rows."""
        grouped: dict[tuple[Any, ...], list[Any]] = {} if by else {(): []}
        for row in tables[self.model]:
            if self.keep(tables, row) and where(tables, self.model, row):
                key = tuple(value_of(tables, self.model, row, path) for path in by)
                grouped.setdefault(key, []).append(row[self.column] if self.column else 1)
        return {key: self.aggregate(values) for key, values in grouped.items()}


def is_open(tables: Tables, row: Row) -> bool:
    """The row's status is open."""
    return row["status"] == "open"


def is_gold(tables: Tables, row: Row) -> bool:
    """The row's customer is a gold one."""
    return value_of(tables, "orders", row, "customer.tier") == "gold"


def counted(values: Iterable[Any]) -> int:
    """COUNT(*)."""
    return len(list(values))


def distinct(values: Iterable[Any]) -> int:
    """COUNT(DISTINCT)."""
    return len({v for v in values if v is not None})


def ratio(a: Any, b: Any) -> Any:
    """Division: NULL with a NULL and by zero."""
    return None if a is None or not b else a / b


ORDERS = Base("orders", None, counted, 0)
REVENUE = Base("orders", "amount", total)
OPEN_ORDERS = Base("orders", None, counted, 0, is_open)
REFUNDED = Base("refunds", "amount", total)
REFUNDS = Base("refunds", None, counted, 0)

METRICS: dict[str, tuple[tuple[Base, ...], Callable[..., Any]]] = {
    "orders": ((ORDERS,), lambda v: v),
    "revenue": ((REVENUE,), lambda v: v),
    "open_revenue": ((Base("orders", "amount", total, None, is_open),), lambda v: v),
    "gold_orders": ((Base("orders", None, counted, 0, is_gold),), lambda v: v),
    "buyers": ((Base("orders", "customer_id", distinct, 0),), lambda v: v),
    "mean_amount": ((Base("orders", "amount", over(statistics.fmean)),), lambda v: v),
    "median_amount": ((Base("orders", "amount", over(statistics.median)),), lambda v: v),
    "least": ((Base("orders", "amount", over(min)),), lambda v: v),
    "most": ((Base("orders", "amount", over(max)),), lambda v: v),
    "amount_per_order": ((REVENUE, ORDERS), ratio),
    "refunded": ((REFUNDED,), lambda v: v),
    "refunds": ((REFUNDS,), lambda v: v),
    "customers": ((Base("customers", None, counted, 0),), lambda v: v),
    "net": ((REVENUE, REFUNDED), lambda a, b: None if a is None or b is None else a - b),
    "refund_rate": ((REFUNDS, ORDERS), ratio),
    "open_share": ((OPEN_ORDERS, ORDERS), ratio),
    "refunded_or_zero": ((REFUNDED,), lambda v: 0 if v is None else v),
}


def expected(
    tables: Tables, metrics: list[str], by: list[str], where: Callable[..., Any]
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The whole answer by brute force: each metric by itself, then side by side."""
    values: dict[str, dict[tuple[Any, ...], Any]] = {}
    keys: dict[tuple[Any, ...], None] = {}
    for name in metrics:
        bases, combine = METRICS[name]
        groups = [base.groups(tables, by, where) for base in bases]
        for group in groups:
            keys.update(dict.fromkeys(group))
        values[name] = {}
        for key in {k for group in groups for k in group}:
            values[name][key] = combine(*(g.get(key, b.empty) for g, b in zip(groups, bases, strict=True)))
    return {key: {name: _missing(name, values[name], key) for name in metrics} for key in keys}


def _missing(name: str, groups: dict[tuple[Any, ...], Any], key: tuple[Any, ...]) -> Any:
    if key in groups:
        return groups[key]
    bases, combine = METRICS[name]
    return combine(*(base.empty for base in bases))


def reachable(metrics: Iterable[str], paths: Iterable[str]) -> Iterator[str]:
    """The paths that every metric can be grouped by."""
    models = {base.model for name in metrics for base in METRICS[name][0]}
    legal = {
        "orders": {
            "status", "size", "placed.month", "customer.tier", "customer.region.name", "ship_region.name",
            "metric_time.month", "metric_time.week", "customer.joined.month", "customer.region.tax.title",
            "ship_region.tax.title",
        },
        "refunds": {
            "refunded.month", "customer.tier", "customer.region.name", "metric_time.month", "metric_time.week",
            "customer.joined.month", "customer.region.tax.title",
        },
        "customers": {
            "tier", "joined.month", "customer.tier", "customer.region.name", "metric_time.month", "metric_time.week",
            "customer.joined.month", "customer.region.tax.title",
        },
    }  # fmt: skip
    return (path for path in paths if all(path in legal[model] for model in models))
