"""Conversions against brute force: each later event counts once, with the last earlier one of the same entity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plan import shop
from tests.plan.shop import is_open, value_of
from tests.plan.shop_time import moved
from tests.plan.test_oracle import maybe, plain, rows, session, states, tiers
from workbench.declare.question import Question
from workbench.declare.workspace import Workspace, load

pytestmark = pytest.mark.slow

DECLARATIONS = """
{metric: returned, conversion: {from: orders, to: refunds, entity: customer_id}}
---
{metric: returned_n, conversion: {from: orders, to: refunds, entity: customer_id, calculate: count}}
---
{metric: returned_soon, conversion: {from: orders, to: refunds, entity: customer_id, within: 3 days}}
---
{metric: returned_soon_n, conversion: {from: orders, to: refunds, entity: customer_id, within: 3 days, calculate: count}}
---
metric: returned_month_n
conversion: {from: open_orders, to: big_refunds, entity: customer_id, within: 1 month, calculate: count}
---
metric: returned_same_n
conversion: {from: orders, to: refunds, entity: customer_id, constant: [{from: amount, to: amount}], calculate: count}
---
metric: returned_same
conversion: {from: orders, to: refunds, entity: customer_id, constant: [{from: amount, to: amount}]}
---
{metric: returned_sum, conversion: {from: orders, to: refunded, entity: customer_id, calculate: count}}
---
{metric: reordered_n, conversion: {from: open_orders, to: gold_orders, entity: customer_id, calculate: count}}
---
{metric: open_orders, model: orders, expr: count(*), filter: status = 'open'}
---
{metric: big_refunds, model: refunds, expr: count(*), filter: amount > 20 and customer.tier = 'gold'}
---
{metric: returns_of_open, expr: 2 * chosen, inputs: {chosen: {metric: returned_n, filter: status = 'open'}}}
"""  # noqa: E501

Keep = Callable[[shop.Tables, shop.Row], bool]


def every(tables: shop.Tables, row: shop.Row) -> bool:
    return True


def is_big(tables: shop.Tables, row: shop.Row) -> bool:
    gold = value_of(tables, "refunds", row, "customer.tier") == "gold"
    return row["amount"] is not None and row["amount"] > 20 and gold


@dataclass(frozen=True)
class Conversion:
    """First events that are kept, those that may follow, and how they meet."""

    first: Keep = every
    then: Keep = every
    model: str = "refunds"
    within: tuple[int, str] | None = None
    same: tuple[str, ...] = ()
    rate: bool = False
    total: bool = False
    times: int = 1

    def groups(self, tables: shop.Tables, by: list[str], where: Callable[..., bool]) -> dict[Any, Any]:
        """The value of each group that has first events."""
        firsts = [r for r in tables["orders"] if self.first(tables, r) and where(tables, "orders", r)]
        events: dict[Any, int] = {} if by else {(): 0}
        met: dict[Any, list[Any]] = {} if by else {(): []}

        def group(row: shop.Row) -> tuple[Any, ...]:
            return tuple(value_of(tables, "orders", row, path) for path in by)

        for row in firsts:
            events[group(row)] = events.get(group(row), 0) + 1
        for then in tables[self.model]:
            if self.then(tables, then) and (row := self.before(firsts, then)):
                met.setdefault(group(row), []).append(then["amount"] if self.total else 1)
        out: dict[Any, Any] = {}
        for key, number in events.items():
            found = met.get(key, [])
            value = shop.total(found) if self.total else len(found)
            out[key] = shop.ratio(value, number) if self.rate else None if value is None else self.times * value
        return out

    def before(self, firsts: list[shop.Row], then: shop.Row) -> shop.Row:
        """The last first event before another; an empty one where there is none. Refunds are known by the day."""
        daily = self.model == "refunds"
        at = instant(then["refunded"] if daily else then["placed"])
        placed = [(row, instant(row["placed"].date()) if daily else row["placed"]) for row in firsts if row["placed"]]
        fitting = [
            row
            for row, moment in placed
            if at is not None and moment <= at
            and all(row[c] is not None and row[c] == then[c] for c in ("customer_id", *self.same))
            and (self.within is None or moment > moved(at, -self.within[0], self.within[1]))
        ]  # fmt: skip
        return max(fitting, key=lambda row: row["placed"], default={})


def instant(value: date | None) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    return datetime(value.year, value.month, value.day)


CONVERSIONS = {
    "returned": Conversion(rate=True),
    "returned_n": Conversion(),
    "returned_soon": Conversion(within=(3, "day"), rate=True),
    "returned_soon_n": Conversion(within=(3, "day")),
    "returned_month_n": Conversion(is_open, is_big, within=(1, "month")),
    "returned_same_n": Conversion(same=("amount",)),
    "returned_same": Conversion(same=("amount",), rate=True),
    "returned_sum": Conversion(total=True),
    "reordered_n": Conversion(is_open, shop.is_gold, "orders"),
    "returns_of_open": Conversion(is_open, times=2),
}

days = st.dates(date(2024, 1, 29), date(2024, 3, 4))
unique_moments = st.lists(
    st.datetimes(datetime(2024, 1, 28), datetime(2024, 3, 4)).map(lambda d: d.replace(microsecond=0))
    | days.map(instant),
    unique=True, max_size=12,
)  # fmt: skip
few = st.sampled_from([1, 1, 2, 3])


@st.composite
def events(draw: st.DrawFn) -> shop.Tables:
    """Shops where no two orders happen at one moment, for which of them comes last would be undecided."""
    placed = draw(unique_moments)
    orders = [
        {
            "order_id": i, "customer_id": draw(few | maybe), "ship_region_id": draw(few | maybe),
            "status": draw(states), "amount": draw(st.sampled_from([None, 10, 30, 60])),
            "placed": draw(st.just(at) | maybe),
        }
        for i, at in enumerate(placed, 1)
    ]  # fmt: skip
    return {
        "regions": draw(rows("region_id", 2, name=st.sampled_from(["east", "west", None]))),
        "customers": draw(rows("customer_id", 3, region_id=maybe | few, tier=tiers, joined=maybe | days)),
        "orders": orders,
        "refunds": draw(
            rows(
                "refund_id", 8, customer_id=few | maybe, refunded=days | days | maybe,
                amount=st.sampled_from([None, 10, 30, 60]),
            )
        ),
    }  # fmt: skip


WHERE: dict[str, Callable[..., bool]] = {
    "status = 'open'": lambda t, m, r: r["status"] == "open",
    "customer.tier = 'gold'": lambda t, m, r: value_of(t, m, r, "customer.tier") == "gold",
    "metric_time.month = '2024-02-01'": lambda t, m, r: value_of(t, m, r, "metric_time.month") == date(2024, 2, 1),
    "customer has orders >= 2": lambda t, m, r: (
        sum(o["customer_id"] == r["customer_id"] is not None for o in t["orders"]) >= 2
    ),
}  # fmt: skip
BY = [
    "status",
    "size",
    "customer.tier",
    "customer.region.name",
    "ship_region.name",
    "metric_time.month",
    "metric_time.week",
]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The declared shop, with conversions."""
    root = shop.declare(tmp_path_factory.mktemp("shop"))
    (root / "metrics/shop/conversions.yml").write_text(DECLARATIONS, encoding="utf-8")
    return load(root).require()


asked = st.tuples(
    st.lists(st.sampled_from(sorted(CONVERSIONS)), min_size=1, max_size=2, unique=True),
    st.lists(st.sampled_from(BY), max_size=2, unique=True),
    st.none() | st.sampled_from(sorted(WHERE)),
    st.booleans(),
)


def check(workspace: Workspace, tables: shop.Tables, seen: shop.Tables, drawn: Any, who: str) -> None:
    metrics, by, condition, beside = drawn
    named = [*metrics, *(["orders"] if beside else [])]
    with session(workspace, tables, who) as asking:
        found = asking.ask(Question(metrics=named, by=by, where=condition)).rows()
    got = {tuple(row[path] for path in by): row for row in found}
    assert len(got) == len(found), "a group came twice"
    where = WHERE[condition] if condition else lambda *_: True
    wanted = {name: CONVERSIONS[name].groups(seen, by, where) for name in metrics}
    if beside:
        wanted["orders"] = shop.ORDERS.groups(seen, by, where)
    assert set(got) == {key for groups in wanted.values() for key in groups}
    for name, groups in wanted.items():
        for key in got:
            none = 0 if name.endswith("_n") or name in ("orders", "returns_of_open") else None
            expected = groups.get(key, none)
            value = plain(got[key][name])
            assert value == (pytest.approx(expected) if expected is not None else None), (name, key)


@given(tables=events(), drawn=asked)
def test_conversions_are_what_rows_say(workspace: Workspace, tables: shop.Tables, drawn: Any) -> None:
    check(workspace, tables, tables, drawn, "steward")


@given(tables=events(), drawn=asked)
def test_conversions_hold_for_permitted_rows(workspace: Workspace, tables: shop.Tables, drawn: Any) -> None:
    seen = {
        **tables,
        "orders": [row for row in tables["orders"] if row["ship_region_id"] == 1],
        "customers": [row for row in tables["customers"] if row["region_id"] == 1],
    }
    check(workspace, tables, seen, drawn, "eve")


@given(tables=events(), by=st.lists(st.sampled_from(BY), max_size=2, unique=True))
def test_at_one_moment_one_of_the_events_counts(workspace: Workspace, tables: shop.Tables, by: list[str]) -> None:
    tables["orders"] = [{**row, "placed": row["placed"] and instant(row["placed"].date())} for row in tables["orders"]]
    total = CONVERSIONS["returned_n"].groups(tables, [], lambda *_: True)[()]
    with session(workspace, tables) as asking:
        found = asking.ask(Question(metrics="returned_n", by=by)).rows()
    assert sum(row["returned_n"] for row in found) == total


def test_what_is_known_by_the_day_follows_all_of_that_day(workspace: Workspace) -> None:
    at = [datetime(2024, 2, 2, 9), datetime(2024, 2, 2, 15), datetime(2024, 2, 3, 1)]
    order = {"customer_id": 1, "ship_region_id": None, "amount": 10}
    placed = zip(at, ("open", "closed", "open"), strict=True)
    orders = [{**order, "order_id": i, "placed": moment, "status": s} for i, (moment, s) in enumerate(placed, 1)]
    refunds = [{"refund_id": 1, "customer_id": 1, "refunded": date(2024, 2, 2), "amount": 10}]
    with session(workspace, {"orders": orders, "refunds": refunds}) as asking:
        found = asking.ask(Question(metrics=["returned_n", "returned_soon"], by=["metric_time.hour"])).rows()
    assert [(row["returned_n"], row["returned_soon"]) for row in found] == [(0, 0), (1, 1), (0, 0)]


@given(tables=events(), low=st.integers(0, 2), by=st.sampled_from([[], ["status"], ["customer.tier"]]))
def test_a_conversion_is_a_condition_as_any_metric(
    workspace: Workspace, tables: shop.Tables, low: int, by: list[str]
) -> None:
    kept = {
        key
        for key in (1, 2, 3)
        if CONVERSIONS["returned_n"].groups(tables, [], lambda t, m, r, key=key: r["customer_id"] == key)[()] >= low
    }
    wanted = shop.ORDERS.groups(
        tables, by, lambda t, m, r: r["customer_id"] in kept or r["customer_id"] is None and low == 0
    )
    with session(workspace, tables) as asking:
        found = asking.ask(Question(metrics="orders", by=by, where=f"customer has returned_n >= {low}")).rows()
    assert {tuple(row[path] for path in by): row["orders"] for row in found} == wanted
