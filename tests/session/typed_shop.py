"""A shop whose orders have a column of each type, told apart by who asks, over which questions are compiled."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from workbench.access.principal import identify
from workbench.declare.workspace import Workspace, load
from workbench.session.cache import Templates
from workbench.session.compiling import Compiler
from workbench.session.session import Session
from workbench.warehouse.duckdb_engine import DuckDBEngine

DECLARATIONS = {
    "metrics/shop.yml": """
semantic_model: customers
table: shop.customers
entity: customer
primary_key: customer_id
dimensions: {tier: {}, email: {tags: [pii]}}
---
semantic_model: orders
table: shop.orders
entity: order
primary_key: order_id
time_dimension: placed
relationships:
  customer: {to: customers, on: customer_id}
dimensions:
  status: {}
  units: {type: number}
  amount: {type: number}
  weight: {type: number}
  day: {type: time, grain: day}
  placed: {type: time, grain: second}
  shipped: {type: time, grain: second}
---
{metric: orders, model: orders, expr: count(*)}
---
{metric: revenue, model: orders, expr: sum(amount)}
---
{metric: mean_weight, model: orders, expr: avg(weight)}
---
{metric: buyers, model: orders, expr: count(distinct customer.email)}
---
{metric: orders_of_3_days, expr: orders, window: 3 days}
---
{metric: orders_so_far, expr: orders, running: true}
---
{metric: orders_month_before, expr: orders, offset: 1 month}
""",
    "access/people.yml": """
roles:
  analyst: {can: [query:adhoc, read:metric, draft:metric]}
  steward: {extends: analyst, can: ["unmask:pii"]}
---
groups:
  stewards: {role: steward, members: [steward]}
  a: {role: analyst, members: [ann], attributes: {units: [1], status: [open, secret-of-ann]}}
  b: {role: analyst, members: [bob], attributes: {units: [2], status: [paid, secret-of-bob]}}
  c: {role: analyst, members: [cid], attributes: {units: [1, 2, 3], status: [open, secret-of-cid]}}
""",
    "access/shop.yml": """
resource: shop.orders
grant: [{to: [analyst]}]
restrict:
  - {name: own_units, to: ["group:a", "group:b", "group:c"], rows: {column: units, op: in, attribute: units}}
  - {name: own_status, to: ["group:a", "group:b", "group:c"], rows: {column: status, op: in, attribute: status}}
---
resource: shop.customers
grant: [{to: [analyst]}]
mask: [{tag: pii, with: hash}]
""",
}
TABLES = """
CREATE SCHEMA shop;
CREATE TABLE shop.customers AS SELECT i AS customer_id, CASE i % 3 WHEN 0 THEN 'gold' WHEN 1 THEN '2024-01-31' END
  AS tier, 'c' || i || '@x' AS email FROM range(5) t(i);
CREATE TABLE shop.orders AS SELECT
  i::INTEGER AS order_id, CASE WHEN i % 5 > 0 THEN (i % 7)::INTEGER END AS customer_id,
  (['open', 'paid', 'it''s', NULL, ''])[1 + i % 5] AS status, (i % 6)::INTEGER AS units,
  CASE WHEN i % 9 > 0 THEN (i * 1.25)::DECIMAL(18, 2) END AS amount, i / 4.0::DOUBLE AS weight,
  DATE '2023-12-20' + (i * 2)::INTEGER AS day, TIMESTAMP '2023-12-20 10:30:00' + to_hours(i * 40) AS placed,
  TIMESTAMPTZ '2023-12-21 10:30:00+00' + to_hours(i * 40) AS shipped
FROM range(48) t(i);
"""
SALT = "the salt of this workspace, it's long"
PEOPLE = ("steward", "ann", "bob", "cid")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, salt: None) -> Workspace:
    """A shop whose orders have a column of each type."""
    root = tmp_path_factory.mktemp("shop")
    for name, text in DECLARATIONS.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    with duckdb.connect(str(root / "data.duckdb")) as con:
        con.execute(TABLES)
    return load(root).require()


@pytest.fixture(scope="module", autouse=True)
def salt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The secret of masks, and a place for the user's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_SALT", SALT)
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("home")))
        yield


def session(workspace: Workspace, who: str, templates: Templates) -> Session:
    """A session that shares compiled SQL with those of the same ``templates``."""
    engine = DuckDBEngine(workspace.root / "data.duckdb")
    opened = Session(workspace, identify(workspace.roles, workspace.groups, who, "dev"), engine, None)
    opened._compiler = Compiler(engine, lambda: SALT, templates)
    return opened


def quoted(text: str) -> str:
    """A text as people write it."""
    return "'" + text.replace("'", "''") + "'"
