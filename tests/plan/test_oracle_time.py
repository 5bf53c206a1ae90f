"""Answers over time against brute force: windows, to-date, running, offsets, levels and spines on random shops."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plan import shop, shop_time
from tests.plan.shop_time import Asked, Condition
from tests.plan.test_oracle import assert_same, maybe, plain, rows, session, small, states, tiers
from workbench.declare.question import Question
from workbench.declare.workspace import Workspace, load
from workbench.errors import Unanswerable
from workbench.session.session import Session

pytestmark = pytest.mark.slow

costly = settings.get_profile("costly")

# Around the ends of months of 31 and 29 days, where months are hardest to count.
days = st.dates(date(2024, 1, 26), date(2024, 4, 3)) | st.sampled_from(
    [date(2024, 1, 31), date(2024, 2, 1), date(2024, 2, 29), date(2024, 3, 31), date(2023, 12, 31)]
)
moments = st.builds(lambda d, h, m: datetime(d.year, d.month, d.day, h, m), days, st.integers(0, 23), st.integers(0, 1))

shops = st.fixed_dictionaries(
    {
        "regions": rows("region_id", 2, name=st.sampled_from(["east", None])),
        "customers": rows("customer_id", 3, region_id=maybe | small, tier=tiers, joined=maybe | days),
        "orders": rows(
            "order_id", 12, customer_id=maybe | small, ship_region_id=maybe | small,
            status=states, amount=maybe | st.integers(-20, 120) | st.sampled_from([7, 7, 30]),
            placed=moments | moments | maybe,
        ),
        "refunds": rows(
            "refund_id", 6, customer_id=maybe | small, amount=maybe | st.integers(0, 50), refunded=maybe | days
        ),
    }
)  # fmt: skip

TIMES = [
    "metric_time.hour", "metric_time.day", "metric_time.week", "metric_time.month", "metric_time.quarter",
    "metric_time.month_of_year", "placed.month",
]  # fmt: skip
OTHERS = ["customer.tier", "customer.region.name", "status", "size", "customer.joined.month"]
CONDITIONS = [
    Condition(
        "metric_time.month = '2024-02-01'", ("metric_time.month",),
        lambda get: get("metric_time.month") == date(2024, 2, 1),
    ),
    Condition(
        "metric_time.day > '2024-02-10'", ("metric_time.day",),
        lambda get: get("metric_time.day") is not None and get("metric_time.day") > date(2024, 2, 10),
    ),
    Condition(
        "metric_time.week < '2024-03-04'", ("metric_time.week",),
        lambda get: get("metric_time.week") is not None and get("metric_time.week") < date(2024, 3, 4),
    ),
    Condition(
        "metric_time.day_of_week > 3", ("metric_time.day_of_week",),
        lambda get: (get("metric_time.day_of_week") or 0) > 3,
    ),
    Condition(
        "metric_time >= '2024-02-10'", ("metric_time.day",),
        lambda get: get("metric_time.day") is not None and get("metric_time.day") >= date(2024, 2, 10),
    ),
    Condition(
        "metric_time < '2024-03-01'", ("metric_time.month",),
        lambda get: get("metric_time.month") is not None and get("metric_time.month") < date(2024, 3, 1),
    ),
    Condition("customer.tier = 'gold'", ("customer.tier",), lambda get: get("customer.tier") == "gold"),
    Condition("customer.tier is null", ("customer.tier",), lambda get: get("customer.tier") is None),
    Condition("status = 'open'", ("status",), lambda get: get("status") == "open"),
    Condition(
        "metric_time.month = '2024-02-01' or customer.tier = 'gold'", ("metric_time.month", "customer.tier"),
        lambda get: get("metric_time.month") == date(2024, 2, 1) or get("customer.tier") == "gold",
    ),
]  # fmt: skip
OF_ORDERS = {"status", "size", "placed.month", "metric_time.hour"}


def reachable(metrics: list[str], path: str) -> bool:
    return path not in OF_ORDERS or shop_time.models(metrics) == {"orders"}


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[str], Asked]:
    """Metrics over time, maybe in plain company; groups, conditions and a time range."""
    metrics = draw(st.lists(st.sampled_from(sorted(shop_time.METRICS)), min_size=1, max_size=3, unique=True))
    metrics += draw(st.lists(st.sampled_from(sorted(shop_time.PLAIN)), max_size=1))
    by = draw(st.lists(st.sampled_from([p for p in TIMES if reachable(metrics, p)]), max_size=2, unique=True))
    by += draw(st.lists(st.sampled_from([p for p in OTHERS if reachable(metrics, p)]), max_size=1))
    legal = [one for one in CONDITIONS if all(reachable(metrics, path) for path in one.paths)]
    where = draw(st.lists(st.sampled_from(legal), max_size=2, unique_by=lambda one: one.text))
    time = draw(st.none() | st.tuples(days, days).map(sorted).map(tuple))
    return metrics, Asked(tuple(by), tuple(where), time)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The declared shop, with metrics over time."""
    root = shop.declare(tmp_path_factory.mktemp("shop"))
    (root / "metrics/shop/time.yml").write_text(shop_time.DECLARATIONS, encoding="utf-8")
    return load(root).require()


def question(metrics: list[str], asked: Asked) -> Question:
    return Question(metrics=metrics, by=asked.by, where=asked.text, time=asked.time)


def answered(asking: Session, metrics: list[str], asked: Asked) -> dict[tuple[Any, ...], Any]:
    """The answer, by group."""
    found = asking.ask(question(metrics, asked)).rows()
    out = {tuple(row[path] for path in asked.by): {m: plain(row[m]) for m in metrics} for row in found}
    assert len(out) == len(found), "a group came twice"
    return out


def timeless(metrics: list[str], asked: Asked) -> bool:
    """Whether a metric over time is asked for without any."""
    paths = (*asked.by, *(path for one in asked.where for path in one.paths))
    looking = {part.base.model for name in metrics for part in shop_time.EVERY[name][0] if part.needs_time}
    return not asked.time and any(not any(shop_time.on_axis(model, path) for path in paths) for model in looking)


@st.composite
def timely(draw: st.DrawFn) -> tuple[list[str], Asked]:
    """A question that names a time."""
    return draw(questions().filter(lambda drawn: not timeless(*drawn)))


@given(drawn=questions().filter(lambda drawn: timeless(*drawn)))
def test_what_needs_time_is_refused_without(workspace: Workspace, drawn: Any) -> None:
    with session(workspace, {}) as asking, pytest.raises(Unanswerable, match="needs-time"):
        answered(asking, *drawn)


@costly
@given(tables=shops, drawn=timely())
def test_answers_over_time_are_what_rows_say_in_any_company(
    workspace: Workspace, tables: shop.Tables, drawn: Any
) -> None:
    metrics, asked = drawn
    with session(workspace, tables) as asking:
        together = answered(asking, metrics, asked)
        assert_same(answered(asking, metrics[::-1], asked), together)
        alone = {name: answered(asking, [name], asked) for name in metrics}
    assert set(together) == {key for groups in alone.values() for key in groups}
    for name, groups in alone.items():
        assert_same({key: {name: together[key][name]} for key in groups}, groups)
    assert_same(together, shop_time.expected(tables, metrics, asked))


@given(tables=shops, drawn=timely())
def test_restricted_answers_over_time_are_the_stewards_over_permitted_rows(
    workspace: Workspace, tables: shop.Tables, drawn: Any
) -> None:
    metrics, asked = drawn
    permitted = {
        **tables,
        "orders": [row for row in tables["orders"] if row["ship_region_id"] == 1],
        "customers": [row for row in tables["customers"] if row["region_id"] == 1],
    }
    with session(workspace, tables, "eve") as asking:
        got = answered(asking, metrics, asked)
    assert_same(got, shop_time.expected(permitted, metrics, asked))


@given(tables=shops, drawn=questions(), grain=st.sampled_from(["day", "week", "month"]), span=st.tuples(days, days))
def test_a_range_picks_periods_and_changes_none(
    workspace: Workspace, tables: shop.Tables, drawn: Any, grain: str, span: tuple[date, date]
) -> None:
    """I6: a range of time acts on the moments that are asked for, and never cuts a window."""
    metrics, asked = drawn
    rest = tuple(path for path in asked.by if path in OTHERS)
    where = tuple(one for one in asked.where if not any(path.startswith("metric_time") for path in one.paths))
    everything = Asked((f"metric_time.{grain}", *rest), where)
    low, high = sorted(span)
    with session(workspace, tables) as asking:
        whole = answered(asking, metrics, everything)
        part = answered(asking, metrics, replace(everything, time=(low, high)))
    start, end = (shop_time.shown(datetime(d.year, d.month, d.day), grain) for d in (low, high))
    assert_same(part, {key: values for key, values in whole.items() if key[0] and start <= key[0] <= end})


def test_a_range_leaves_weeks_weeks(workspace: Workspace) -> None:
    """The last week looks at days a week before all of its own, those after the last row among them."""
    orders = [
        {"order_id": i, "customer_id": i, "ship_region_id": None, "status": None, "amount": 1, "placed": day}
        for i, day in enumerate([datetime(2024, 3, 31), datetime(2024, 4, 1)], 1)
    ]
    with session(workspace, {"orders": orders}) as asking:
        for time in (None, ("2024-01-31", "2024-04-01"), ("2024-04-01", "2024-04-01")):
            found = asking.ask(Question(metrics="buyers_week_ago", by="metric_time.week", time=time)).rows()
            assert [tuple(row.values()) for row in found] == [(date(2024, 4, 1), 1)]


@pytest.mark.parametrize("where", [None, "metric_time.month = '2024-03-01' or status = 'open'"])
def test_equal_values_of_several_rows_count_as_often_as_they_stand_there(
    workspace: Workspace, where: str | None
) -> None:
    orders = [
        {"order_id": i, "customer_id": None, "ship_region_id": None, "status": None, "amount": amount, "placed": day}
        for i, (amount, day) in enumerate([(10, 29), (10, 29), (10, 28), (50, 29)], 1)
        for day in [datetime(2024, 2, day)]
    ]
    orders.append({**orders[0], "order_id": 9, "placed": datetime(2024, 3, 31), "amount": None})
    with session(workspace, {"orders": orders}) as asking:
        for by in ("metric_time.month", "metric_time.quarter"):
            asked = Question(metrics="median_month_ago", by=by, where=where, time=("2024-03-01", "2024-03-31"))
            assert [row["median_month_ago"] for row in asking.ask(asked).rows()][-1] == 10
        # Three days of a week look at the end of February, of which the week sees each row once.
        weeks = Question(metrics="median_month_ago", by="metric_time.week", where=where)
        seen = {str(row["metric_time.week"]): row["median_month_ago"] for row in asking.ask(weeks).rows()}
    assert seen["2024-03-25"] == 10


def test_every_metric_over_time_has_a_meaning(workspace: Workspace) -> None:
    assert set(workspace.metrics) == set(shop_time.EVERY)
