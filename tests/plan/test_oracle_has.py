"""Conditions on the metrics of an entity (``customer has orders >= 3``) against brute force, on random shops."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plan import shop, shop_time
from tests.plan.large import Large
from tests.plan.shop import METRICS, Base, counted, total
from tests.plan.test_oracle import PATHS, answered, assert_same, plain, session, shops
from workbench.declare.question import Question
from workbench.declare.workspace import Workspace, load
from workbench.errors import Unanswerable
from workbench.warehouse.duckdb_engine import DuckDBEngine

pytestmark = pytest.mark.slow

DECLARATIONS = """
{metric: loyal_revenue, model: orders, expr: sum(amount), filter: customer has orders >= 2}
---
{metric: odd_refunds, model: refunds, expr: count(*), filter: customer has revenue > 50 or customer has refunds >= 2}
---
{metric: idle_customers, model: customers, expr: count(*), filter: customer has orders = 0}
---
{metric: orders_of_loyal, model: orders, expr: count(*), filter: customer has loyal_revenue > 30}
---
metric: share_of_loyal
expr: loyal / everything
inputs: {loyal: {metric: orders, filter: customer has orders >= 2}, everything: {metric: orders}}
"""

# Where each model's rows belong to an entity: by the path written from there, the model it leads to.
ENTITIES = {
    "orders": {"customer": "customers", "customer.region": "regions", "ship_region": "ship", "order": "orders"},
    "refunds": {"customer": "customers", "customer.region": "regions"},
    "customers": {"customer": "customers", "region": "regions", "customer.region": "regions"},
}
OF = {
    "customers": ["orders", "revenue", "open_revenue", "refunds", "net", "refund_rate", "customers"],
    "regions": ["customers", "refunds"],
    "ship": ["orders", "mean_amount", "gold_orders"],
    "orders": ["revenue", "orders", "gold_orders"],
}  # fmt: skip
OPS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge, "=": operator.eq, "<": operator.lt, "<>": operator.ne
}  # fmt: skip


def entity(tables: shop.Tables, model: str, row: shop.Row, target: str) -> Any:
    """The key of the entity that a row belongs to."""
    if target == "orders":
        return row["order_id"]
    if target == "ship":
        return row["ship_region_id"]
    if target == "customers":
        return row["customer_id"]
    return shop.found(tables["customers"], "customer_id", row["customer_id"]).get("region_id")


def number(tables: shop.Tables, metric: str, target: str, key: Any) -> Any:
    """A metric of one entity; of no entity it is what a metric is over nothing."""
    bases, combine = EVERY[metric]

    def value(base: Base) -> Any:
        rows = [r for r in tables[base.model] if key is not None and entity(tables, base.model, r, target) == key]
        return base.aggregate([r[base.column] if base.column else 1 for r in rows if base.keep(tables, r)])

    return combine(*map(value, bases))


Three = bool | None


def both(a: Three, b: Three) -> Three:
    """AND with NULLs."""
    return False if a is False or b is False else None if a is None or b is None else True


def negated(a: Three) -> Three:
    """NOT with NULLs."""
    return None if a is None else not a


def either(a: Three, b: Three) -> Three:
    """OR with NULLs."""
    return negated(both(negated(a), negated(b)))


@dataclass(frozen=True)
class Term:
    """A comparison of a metric, or whether it is NULL."""

    metric: str
    op: str
    than: int = 0

    @property
    def text(self) -> str:
        return f"{self.metric} is null" if self.op == "null" else f"{self.metric} {self.op} {self.than}"

    def holds(self, value: Any) -> Three:
        if self.op == "null":
            return value is None
        return None if value is None else OPS[self.op](value, self.than)


@dataclass(frozen=True)
class Has:
    """Terms on one entity, joined by a word, maybe denied as a whole."""

    path: str
    terms: tuple[Term, ...]
    word: str
    denied: bool

    @property
    def text(self) -> str:
        inner = f" {self.word} ".join(term.text for term in self.terms)
        has = f"{self.path} has ({inner})" if len(self.terms) > 1 else f"{self.path} has {inner}"
        return f"not ({has})" if self.denied else has

    def holds(self, tables: shop.Tables, model: str, row: shop.Row) -> Three:
        target = ENTITIES[model][self.path]
        key = entity(tables, model, row, target)
        out = [term.holds(number(tables, term.metric, target, key)) for term in self.terms]
        found = out[0]
        for one in out[1:]:
            found = both(found, one) if self.word == "and" else either(found, one)
        return negated(found) if self.denied else found


def keeps(path: str, metric: str, op: str, than: int) -> Callable[[shop.Tables, shop.Row, str], bool]:
    """One condition of a metric's filter."""
    return lambda tables, row, model: (
        Has(path, (Term(metric, op, than),), "and", False).holds(tables, model, row) is True
    )


def is_loyal(tables: shop.Tables, row: shop.Row) -> bool:
    return keeps("customer", "orders", ">=", 2)(tables, row, "orders")


LOYAL = Base("orders", None, counted, 0, is_loyal)
HELD: dict[str, tuple[tuple[Base, ...], Callable[..., Any]]] = {
    "loyal_revenue": ((Base("orders", "amount", total, None, is_loyal),), lambda v: v),
    "odd_refunds": (
        (
            Base(
                "refunds", None, counted, 0,
                lambda t, r: keeps("customer", "revenue", ">=", 51)(t, r, "refunds")
                or keeps("customer", "refunds", ">=", 2)(t, r, "refunds"),
            ),
        ),
        lambda v: v,
    ),
    "idle_customers": (
        (Base("customers", None, counted, 0, lambda t, r: keeps("customer", "orders", "=", 0)(t, r, "customers")),),
        lambda v: v,
    ),
    "orders_of_loyal": (
        (Base("orders", None, counted, 0, lambda t, r: keeps("customer", "loyal_revenue", ">=", 31)(t, r, "orders")),),
        lambda v: v,
    ),
    "share_of_loyal": ((LOYAL, shop.ORDERS), shop.ratio),
}  # fmt: skip
EVERY = {**METRICS, **HELD}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The declared shop, with metrics that hang on what entities have."""
    root = shop.declare(tmp_path_factory.mktemp("shop"))
    (root / "metrics/shop/held.yml").write_text(DECLARATIONS, encoding="utf-8")
    (root / "metrics/shop/time.yml").write_text(shop_time.DECLARATIONS, encoding="utf-8")
    models = root / "metrics/models/shop.yml"
    text = models.read_text(encoding="utf-8").replace("  status: {}\n", "  status: {}\n  buyer: {expr: customer_id}\n")
    models.write_text(text, encoding="utf-8")
    return load(root).require()


@pytest.fixture(scope="module", autouse=True)
def held() -> Any:
    """The shop's oracle knows the metrics of this file as well."""
    METRICS.update(HELD)
    yield
    for name in HELD:
        del METRICS[name]


@st.composite
def conditions(draw: st.DrawFn, models: set[str]) -> Has:
    """A condition that every model's rows can be asked."""
    paths = sorted(set.intersection(*(set(ENTITIES[m]) for m in models)))
    path = draw(st.sampled_from(paths))
    (target,) = {ENTITIES[m][path] for m in models}
    of = OF[target] + (["loyal_revenue", "orders_of_loyal", "idle_customers"] if target == "customers" else [])
    term = st.builds(Term, st.sampled_from(of), st.sampled_from([*OPS, "null"]), st.sampled_from([0, 0, 1, 2, 3, 20]))
    terms = draw(st.lists(term, min_size=1, max_size=3).map(tuple))
    return Has(path, terms, draw(st.sampled_from(["and", "or"])), draw(st.booleans()))


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[str], list[str], tuple[Has, ...], str]:
    """Metrics, groups, and up to two conditions joined by a word."""
    every = {**METRICS, **HELD}
    metrics = draw(st.lists(st.sampled_from(sorted(every)), min_size=1, max_size=3, unique=True))
    models = {base.model for name in metrics for base in every[name][0]}
    by = draw(st.lists(st.sampled_from([p for p in PATHS if allowed(models, p)]), max_size=2, unique=True))
    where = draw(st.lists(conditions(models), max_size=2).map(tuple))
    return metrics, by, where, draw(st.sampled_from(["and", "or"]))


def allowed(models: set[str], path: str) -> bool:
    """Whether every model can be grouped by a path."""
    one = {"orders": "orders", "refunds": "refunds", "customers": "customers"}
    return all(list(shop.reachable([one[model]], [path])) for model in models)


def written(where: tuple[Has, ...], word: str) -> str | None:
    return f" {word} ".join(one.text for one in where) or None


def meant(where: tuple[Has, ...], word: str) -> Callable[[shop.Tables, str, shop.Row], bool]:
    def holds(tables: shop.Tables, model: str, row: shop.Row) -> bool:
        out = [one.holds(tables, model, row) is True for one in where]
        return not out or (all(out) if word == "and" else any(out))

    return holds


@given(tables=shops, drawn=questions(), engine=st.sampled_from([DuckDBEngine, Large]))
def test_conditions_on_entities_are_what_rows_say(
    workspace: Workspace, tables: shop.Tables, drawn: Any, engine: type[DuckDBEngine]
) -> None:
    metrics, by, where, word = drawn
    with session(workspace, tables, engine=engine) as asking:
        got = answered(asking, metrics, by, written(where, word))
    assert_same(got, shop.expected(tables, metrics, by, meant(where, word)))


@given(tables=shops, drawn=questions())
def test_a_condition_sees_permitted_rows_only(workspace: Workspace, tables: shop.Tables, drawn: Any) -> None:
    metrics, by, where, word = drawn
    permitted = {
        **tables,
        "orders": [row for row in tables["orders"] if row["ship_region_id"] == 1],
        "customers": [row for row in tables["customers"] if row["region_id"] == 1],
    }
    with session(workspace, tables, "eve") as asking:
        got = answered(asking, metrics, by, written(where, word))
    assert_same(got, shop.expected(permitted, metrics, by, meant(where, word)))


MOVED = sorted(name for name in shop_time.METRICS if shop_time.models([name]) == {"orders"})


@given(
    tables=shops,
    metrics=st.lists(st.sampled_from(MOVED), min_size=1, max_size=2, unique=True),
    by=st.sampled_from([["metric_time.month"], ["metric_time.week", "customer.tier"], ["metric_time.month", "status"]]),
    more=st.sampled_from(
        ["{}", "{} and status = 'open'", "{} or metric_time.month = '2024-01-01'", "{} or status = 'open'",
         "metric_time.week < '2024-02-01' and ({} or status is null)"]
    ),
    fill=st.booleans(),
    op=st.sampled_from(["orders >= 2", "orders = 1", "revenue > 30", "refunds = 0"]),
)  # fmt: skip
def test_a_condition_on_an_entity_is_one_on_its_key(
    workspace: Workspace, tables: shop.Tables, metrics: list[str], by: list[str], more: str, fill: bool, op: str
) -> None:
    name, sign, than = op.split()
    operators = {**OPS, ">": operator.gt}

    def kept(key: Any) -> bool:
        value = number(tables, name, "customers", key)
        return value is not None and operators[sign](value, int(than))

    keys = [key for key in (1, 2, 3, 4) if kept(key)]
    listed = f"(buyer in ({', '.join(map(str, keys or [0]))}) {'or buyer is null' if kept(None) else ''})"
    with session(workspace, tables) as asking:

        def answer(condition: str) -> dict[Any, Any]:
            asked = Question(metrics=metrics, by=by, where=more.format(condition), fill=fill)
            return {tuple(r[p] for p in by): {m: plain(r[m]) for m in metrics} for r in asking.ask(asked).rows()}

        assert_same(answer(f"customer has {op}"), answer(listed))


WITHOUT_TIME = {"orders_ever": 0, "buyers_ever": 0, "orders_every": 0, "first_level": 0, "level": None, "levels": None}
"""Metrics of orders that need no time to be told, and what they are without rows."""


@given(
    tables=shops,
    metric=st.sampled_from([*WITHOUT_TIME, "open_level"]),
    than=st.sampled_from([0, 1, 2, 20]),
    op=st.sampled_from(sorted(OPS)),
)
def test_a_metric_in_a_condition_is_what_it_is_by_the_entity(
    workspace: Workspace, tables: shop.Tables, metric: str, than: int, op: str
) -> None:
    with session(workspace, tables) as asking:
        rows = asking.ask(Question(metrics=metric, by="buyer")).rows()
        (found,) = asking.ask(Question(metrics="customers", where=f"customer has {metric} {op} {than}")).rows()
    values = {row["buyer"]: plain(row[metric]) for row in rows}
    held = [values.get(row["customer_id"], WITHOUT_TIME.get(metric)) for row in tables["customers"]]
    assert found["customers"] == sum(value is not None and OPS[op](value, than) for value in held)


def test_a_condition_has_no_time_to_look_from(workspace: Workspace) -> None:
    with session(workspace, {}) as asking, pytest.raises(Unanswerable, match="moved-condition"):
        asking.ask(Question(metrics="customers", where="customer has buyers_10d >= 1"))


@given(tables=shops, via=st.sampled_from(["customer.region", "ship_region"]), than=st.integers(0, 4))
def test_via_says_how_rows_belong_to_an_entity(workspace: Workspace, tables: shop.Tables, via: str, than: int) -> None:
    def region_of(row: shop.Row) -> Any:
        if via == "ship_region":
            return row["ship_region_id"]
        return shop.found(tables["customers"], "customer_id", row["customer_id"]).get("region_id")

    def holds(key: Any) -> bool:
        # A missing key is no entity, and has nothing.
        return sum(key is not None and region_of(row) == key for row in tables["orders"]) >= than

    wanted = sum(holds(row["region_id"]) for row in tables["customers"])
    with session(workspace, tables) as asking:
        asked = Question(metrics="customers", where=f"region via {via} has orders >= {than}")
        assert asking.ask(asked).rows() == [{"customers": wanted}]


def test_several_ways_to_an_entity_ask_for_via(workspace: Workspace) -> None:
    with session(workspace, {}) as asking:
        with pytest.raises(Unanswerable, match=r"Write the one you mean: 'region via .*ship_region has"):
            asking.ask(Question(metrics="customers", where="region has gold_orders >= 1"))
        with pytest.raises(Unanswerable, match="leads from 'orders' to 'customers', and 'region' is of 'regions'"):
            asking.ask(Question(metrics="customers", where="region via customer has orders >= 1"))


@given(tables=shops, than=st.integers(0, 3))
def test_values_of_what_an_entity_has(workspace: Workspace, tables: shop.Tables, than: int) -> None:
    def orders_of(row: shop.Row) -> int:
        return sum(one["customer_id"] == row["customer_id"] for one in tables["orders"])

    kept = [row for row in tables["customers"] if orders_of(row) >= than]
    with session(workspace, tables) as asking:
        condition = f"customer has orders >= {than}"
        asked = Question(by="tier", where=condition)
        assert {row["tier"] for row in asking.ask(asked).rows()} == {row["tier"] for row in kept}
        statuses = {row["status"] for row in tables["orders"]}
        assert {
            row["status"] for row in asking.ask(Question(by="status", where="order has orders >= 1")).rows()
        } == statuses
