"""Questions over a bridge against brute force: parts that add up to the row, or the whole once in each group."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plan.large import Large
from tests.plan.rows import hold
from tests.plan.test_oracle import plain
from workbench.access.principal import identify
from workbench.declare.question import Question
from workbench.declare.workspace import Workspace, load
from workbench.errors import Unanswerable
from workbench.session.session import Session
from workbench.warehouse.duckdb_engine import DuckDBEngine

pytestmark = pytest.mark.slow

costly = settings.get_profile("costly")

WAYS = {"equally": "equally", "by": "{by: share}", "whole": "whole"}
MODELS = """
semantic_model: people
table: bank.people
entity: person
primary_key: person_id
dimensions: {city: {}, name: {}}
---
semantic_model: owners
table: bank.owners
unique_keys: [[account_id, person_id]]
relationships:
  account: {to: accounts, on: account_id}
  person: {to: people, on: person_id}
---
semantic_model: accounts
table: bank.accounts
primary_key: account_id
bridges:
  equally: {to: people, through: owners, allocate: equally}
  by: {to: people, through: owners, allocate: {by: share}}
  whole: {to: people, through: owners, allocate: whole}
dimensions: {kind: {}}
---
semantic_model: payments
table: bank.payments
primary_key: payment_id
time_dimension: paid
relationships:
  account: {to: accounts, on: account_id}
dimensions: {paid: {type: time, grain: day}, sort: {}}
"""
METRICS = """
{metric: payments, model: payments, expr: count(*)}
---
{metric: paid_sum, model: payments, expr: sum(amount)}
---
{metric: big, model: payments, expr: count(amount), filter: amount > 2}
---
{metric: mean, model: payments, expr: avg(amount)}
---
{metric: most, model: payments, expr: max(amount)}
---
{metric: middle, model: payments, expr: median(amount)}
---
{metric: kinds, model: payments, expr: count(distinct amount)}
"""
ACCESS = """
roles:
  analyst: {can: [query:adhoc, read:metric]}
---
groups:
  all: {role: analyst, members: [ana]}
"""
SCHEMA = """
CREATE SCHEMA bank;
CREATE TABLE bank.people (person_id INTEGER, city VARCHAR, name VARCHAR);
CREATE TABLE bank.owners (account_id INTEGER, person_id INTEGER, share INTEGER);
CREATE TABLE bank.accounts (account_id INTEGER, kind VARCHAR);
CREATE TABLE bank.payments (payment_id INTEGER, account_id INTEGER, amount INTEGER, sort VARCHAR, paid DATE);
"""

small = st.integers(1, 4)
maybe = st.none()


def keyed(key: str, most: int, **columns: Any) -> Any:
    row = st.fixed_dictionaries(columns)
    return st.lists(row, max_size=most).map(lambda rows: [{key: i, **row} for i, row in enumerate(rows, 1)])


banks = st.fixed_dictionaries({
    "people": keyed("person_id", 4, city=st.sampled_from(["x", "y", None]), name=st.sampled_from(["a", "b"])),
    "owners": st.lists(
        st.fixed_dictionaries(
            {"account_id": maybe | small, "person_id": maybe | small, "share": maybe | st.integers(-1, 3)}
        ),
        max_size=8, unique_by=lambda row: (row["account_id"], row["person_id"]),
    ),
    "accounts": keyed("account_id", 4, kind=st.sampled_from(["k", "l", None])),
    "payments": keyed("payment_id", 8, account_id=maybe | small, amount=maybe | st.integers(0, 5),
                      sort=st.sampled_from(["s", "t", None])),
})  # fmt: skip


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A bank whose accounts have several owners."""
    return make_workspace(tmp_path_factory.mktemp("bank"))


def make_workspace(root: Path) -> Workspace:
    files = {"metrics/models/bank.yml": MODELS, "metrics/bank/metrics.yml": METRICS, "access/roles.yml": ACCESS}
    for table in ("people", "owners", "accounts", "payments"):
        files[f"access/{table}.yml"] = f"resource: bank.{table}\ngrant: [{{to: [analyst]}}]\n"
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return load(root).require()


def answer(workspace: Workspace, tables: Any, engine: Any = DuckDBEngine, **question: Any) -> list[dict[str, Any]]:
    who = identify(workspace.roles, workspace.groups, "ana", "dev")
    with Session(workspace, who, engine(hold(SCHEMA, "bank", tables)), None) as asking:
        return [{k: plain(v) for k, v in row.items()} for row in asking.ask(Question(**question)).rows()]


def partners(tables: Any, way: str, row: Any) -> list[tuple[Any, float]]:
    """Whom a payment falls to, and which part; nobody gets the whole of what has no partner."""
    account = next((a for a in tables["accounts"] if a["account_id"] == row["account_id"]), None)
    pairs = [p for p in tables["owners"] if account and p["account_id"] == account["account_id"]]
    if way == "by":
        pairs = [p for p in pairs if (p["share"] or 0) > 0]
    people = {p["person_id"]: p for p in tables["people"]}
    total = sum(p["share"] for p in pairs) if way == "by" else len(pairs)
    parts = [(people.get(p["person_id"], {}), (p["share"] if way == "by" else 1) / total) for p in pairs]
    return parts or [({}, 1.0)]


def expected(tables: Any, way: str, column: str, beside: bool, city: str | None) -> dict[Any, dict[str, Any]]:
    groups: dict[Any, list[tuple[Any, float]]] = {}
    for row in tables["payments"]:
        put: dict[Any, float] = {}
        for person, part in partners(tables, way, row):
            if city is None or person.get("city") == city:
                key = (person.get(column), *([row["sort"]] if beside else []))
                put[key] = put.get(key, 0) + part
        for key, part in put.items():
            groups.setdefault(key, []).append((row["amount"], 1.0 if way == "whole" else part))
    return {key: numbers(way, rows) for key, rows in groups.items()}


def numbers(way: str, rows: list[tuple[Any, float]]) -> dict[str, Any]:
    known = [(amount, part) for amount, part in rows if amount is not None]
    weight = sum(part for _, part in known)
    out = {
        "payments": sum(part for _, part in rows),
        "paid_sum": sum(a * p for a, p in known) if known else None,
        "big": sum(p for a, p in known if a > 2),
        "mean": sum(a * p for a, p in known) / weight if known else None,
        "most": max((a for a, _ in known), default=None),
    }
    if way == "whole":
        out["middle"] = statistics.median(a for a, _ in known) if known else None
        out["kinds"] = len({a for a, _ in known})
    return out


@costly
@given(
    tables=banks, way=st.sampled_from(sorted(WAYS)), column=st.sampled_from(["city", "name"]), beside=st.booleans(),
    city=st.sampled_from([None, None, "x"]), engine=st.sampled_from([DuckDBEngine, Large]),
)  # fmt: skip
def test_what_falls_to_each_partner(
    workspace: Workspace, tables: Any, way: str, column: str, beside: bool, city: str | None, engine: Any
) -> None:
    by = [f"account.{way}.{column}", *(["sort"] if beside else [])]
    names = ["payments", "paid_sum", "big", "mean", "most", *(["middle", "kinds"] if way == "whole" else [])]
    where = f"account.{way}.city = '{city}'" if city else None
    if engine is Large:  # what is told from parts of groups
        names = ["most"] if column == "name" else ["payments", "paid_sum", "big", "most"]
    rows = answer(workspace, tables, engine, metrics=names, by=by, where=where)
    got = {tuple(row[path] for path in by): {name: row[name] for name in names} for row in rows}
    assert len(got) == len(rows), "a group came twice"
    wanted = expected(tables, way, column, beside, city)
    assert got.keys() == wanted.keys()
    for key, values in wanted.items():
        for name, value in ((name, values[name]) for name in names):
            assert got[key][name] == (None if value is None else pytest.approx(value)), (key, name)
    if way != "whole" and city is None and "payments" in names:  # parts add up to the whole
        assert sum(row["payments"] for row in rows) == pytest.approx(len(tables["payments"]))
        alone = answer(workspace, tables, metrics="payments", where="account.equally.city = 'x'")
        x = expected(tables, "equally", "city", False, "x").get(("x",), {"payments": 0})
        assert alone == [{"payments": pytest.approx(x["payments"])}]


@costly
@given(tables=banks, way=st.sampled_from(sorted(WAYS)), engine=st.sampled_from([DuckDBEngine, Large]))
def test_totals_over_a_bridge_are_of_rows(workspace: Workspace, tables: Any, way: str, engine: Any) -> None:
    metrics, by = ["payments", "most"], f"account.{way}.city"
    rows = answer(workspace, tables, engine, metrics=metrics, by=by, totals="total")
    (total,) = [row for row in rows if row["total"] == "total"]
    assert total["payments"] == len(tables["payments"])
    top = answer(workspace, tables, metrics="payments", by=f"account.{way}.name", top=1)
    others = [row for row in top if row["other"]]
    wanted = expected(tables, way, "name", False, None)
    first = min(wanted, key=lambda key: (-round(wanted[key]["payments"], 9), key[0] is None, key[0]), default=None)
    if first is not None and way != "whole" and len(wanted) > 1:
        rest = sum(values["payments"] for values in wanted.values()) - wanted[first]["payments"]
        near = [v["payments"] for v in wanted.values() if abs(v["payments"] - wanted[first]["payments"]) < 1e-9]
        if len(near) == 1:
            assert others[0]["payments"] == pytest.approx(rest)


def test_what_cannot_be_told_of_parts_is_refused(workspace: Workspace) -> None:
    with pytest.raises(Unanswerable, match="'median' can't be told of parts of rows.*allocate: whole"):
        answer(workspace, {}, metrics="middle", by="account.equally.city")
    with pytest.raises(Unanswerable, match="count\\(distinct"):
        answer(workspace, {}, metrics="kinds", where="account.by.city = 'x'")
    with pytest.raises(Unanswerable, match="shares add up to more than all"):
        answer(workspace, {}, metrics="payments", by="account.whole.city", share_of="total")
    with pytest.raises(Unanswerable, match="several bridges"):
        answer(workspace, {}, metrics="payments", by=["account.whole.city", "account.by.city"])


def test_a_pair_that_stands_there_twice_is_a_broken_key(workspace: Workspace) -> None:
    pair = {"account_id": 1, "person_id": 1, "share": 1}
    with pytest.raises(Unanswerable, match="broken-key"):
        answer(workspace, {"owners": [pair, pair]}, metrics="payments", by="account.equally.city")
