"""Answers that count periods of a calendar against brute force: windows, to-date and offsets on random calendars."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plan import shop, shop_calendar
from tests.plan.shop_calendar import METRICS, Asked, Calendar
from tests.plan.test_oracle import assert_same, maybe, plain, rows, session, small, states
from workbench.declare.question import Question
from workbench.declare.workspace import Workspace, load
from workbench.errors import QuestionError, Unanswerable
from workbench.session.session import Session

pytestmark = pytest.mark.slow

START = date(2024, 1, 22)


@st.composite
def calendars(draw: st.DrawFn) -> list[shop.Row]:
    """About fifty days: lots of some days, seasons of some lots, and rounds that care for neither."""
    lots = draw(st.lists(st.integers(1, 8), min_size=6, max_size=12))
    seasons = draw(st.lists(st.integers(1, 3), min_size=12, max_size=12))
    rounds = draw(st.lists(st.integers(1, 11), min_size=96, max_size=96))
    of_lots = [i for i, count in enumerate(seasons) for _ in range(count)]
    out: list[shop.Row] = []
    for lot, length in enumerate(lots):
        for _ in range(length):
            out.append({"day": START + timedelta(days=len(out)), "lot": lot, "season": of_lots[lot]})
    of_days = [i for i, count in enumerate(rounds) for _ in range(count)]
    for grain in ("lot", "season"):
        first = {row[grain]: row["day"] for row in reversed(out)}
        out = [{**row, grain: first[row[grain]]} for row in out]
    return [{**row, "round": 2000 + of_days[i]} for i, row in enumerate(out)]


days = st.dates(date(2024, 1, 20), date(2024, 3, 20))
moments = st.builds(lambda d, h: datetime(d.year, d.month, d.day, h), days, st.integers(0, 23))
shops = st.fixed_dictionaries(
    {
        "days": calendars(),
        "orders": rows(
            "order_id", 14, customer_id=maybe | small, ship_region_id=maybe, status=states,
            amount=maybe | st.integers(-20, 120), placed=moments | moments | moments | maybe,
        ),
    }
)  # fmt: skip
TIMES = [f"metric_time.{grain}" for grain in ("day", "week", "month", "lot", "lot", "season", "season", "round")]


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[str], Asked]:
    metrics = draw(st.lists(st.sampled_from(sorted(METRICS)), min_size=1, max_size=2, unique=True))
    by = draw(st.lists(st.sampled_from(TIMES), max_size=2, unique=True))
    by += draw(st.lists(st.just("status"), max_size=1))
    time = draw(st.none() | st.tuples(days, days).map(sorted).map(tuple))
    if not time and not any(path in TIMES for path in by):
        time = (date(2024, 2, 1), date(2024, 2, 20))
    where = draw(st.sampled_from([None, None, "lot"]))
    if where is None:
        return metrics, Asked(tuple(by), time)
    text = "metric_time.lot >= '2024-02-05' or status = 'open'"

    def holds(get: Any, row: shop.Row) -> bool:
        return (get("lot") is not None and get("lot") >= date(2024, 2, 5)) or row["status"] == "open"

    return metrics, Asked(tuple(by), time, text, holds, ("lot",))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The shop with a calendar of its own."""
    root = shop.declare(tmp_path_factory.mktemp("shop"))
    (root / "metrics/shop/own.yml").write_text(shop_calendar.DECLARATIONS, encoding="utf-8")
    (root / "access/days.yml").write_text(json.dumps(shop_calendar.ACCESS), encoding="utf-8")
    return load(root).require()


def answered(asking: Session, metrics: list[str], asked: Asked, **more: Any) -> dict[tuple[Any, ...], Any]:
    """The answer, by group."""
    answer = asking.ask(Question(metrics=metrics, by=asked.by, time=asked.time, where=asked.where, **more))
    numbers = [name for name in answer.table.column_names if name not in asked.by]
    out = {tuple(row[path] for path in asked.by): {m: plain(row[m]) for m in numbers} for row in answer.rows()}
    assert len(out) == len(answer.rows()), "a group came twice"
    return out


def expected(tables: shop.Tables, metrics: list[str], asked: Asked) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The whole answer by brute force."""
    found = {m: shop_calendar.groups(Calendar(tables["days"]), tables["orders"], METRICS[m], asked) for m in metrics}
    keys = {key for groups in found.values() for key in groups}
    return {key: {m: found[m].get(key, METRICS[m].base.empty) for m in metrics} for key in keys}


@given(tables=shops, drawn=questions())
def test_answers_that_count_periods_are_what_rows_say(
    workspace: Workspace, tables: shop.Tables, drawn: tuple[list[str], Asked]
) -> None:
    metrics, asked = drawn
    with session(workspace, tables) as asking:
        got = answered(asking, metrics, asked)
    assert_same(got, expected(tables, metrics, asked))


@pytest.mark.parametrize(
    ("spoil", "names"),
    [
        (lambda days: days[:9] + days[10:], "each day should follow"),
        (lambda days: [*days, days[-1]], "each day should follow"),
        (lambda days: [{**row, "round": -row["round"]} for row in days], "(round) cannot be counted"),
        (lambda days: [{**row, "round": None if i == 5 else row["round"]} for i, row in enumerate(days)], "round"),
        (lambda days: [{**days[0], "lot": days[0]["lot"] - timedelta(days=1)}, *days[1:]], "(lot, season)"),
        (lambda days: [{**row, "season": row["day"]} for row in days], "(lot, season)"),
    ],
    ids=["a gap", "a day twice", "no order", "no period", "begun before", "not within"],
)
def test_a_calendar_whose_periods_cannot_be_counted_is_refused(workspace: Workspace, spoil: Any, names: str) -> None:
    days = [
        {"day": START + timedelta(days=i), "lot": START + timedelta(days=i // 7 * 7), "season": START, "round": i // 5}
        for i in range(28)
    ]
    order = {"order_id": 1, "placed": datetime(2024, 2, 1), "amount": 3}
    asked = ["orders_2_lots", "orders_season_to_date", "buyers_3_rounds"]
    with session(workspace, {"days": days, "orders": [order]}) as asking:
        assert asking.query(*asked, by="metric_time.day").rows()
    spoilt = {"days": spoil(days), "orders": [order]}
    with session(workspace, spoilt) as asking, pytest.raises(Unanswerable, match="broken-calendar") as refusal:
        asking.query(*asked, by="metric_time.day")
    assert names in str(refusal.value)


def test_a_length_in_periods_that_nobody_has_is_refused(workspace: Workspace) -> None:
    with session(workspace, {}) as asking, pytest.raises(QuestionError, match="'season'.*unknown-grain"):
        asking.query("orders", by="metric_time.day", compare="1 saeson")


@pytest.mark.parametrize("grain", ["lot", "season"])
def test_totals_compare_what_their_groups_compare(workspace: Workspace, grain: str) -> None:
    """I2: without a range, what groups compare with adds up to what the total compares with."""
    days = [
        {"day": START + timedelta(days=i), "lot": START + timedelta(days=i // 7 * 7), "season": START, "round": i}
        for i in range(42)
    ]
    days = [{**row, "season": START + timedelta(days=i // 14 * 14)} for i, row in enumerate(days)]
    orders = [{"order_id": i, "placed": datetime(2024, 1, 22) + timedelta(days=2 * i), "amount": i} for i in range(20)]
    with session(workspace, {"days": days, "orders": orders}) as asking:
        found = asking.query("revenue", by=f"metric_time.{grain}", compare=f"1 {grain}", totals="total").rows()
    priors = [row["revenue.prior"] for row in found if row["total"] is None and row["revenue.prior"] is not None]
    assert len(priors) > 1
    assert next(row for row in found if row["total"])["revenue.prior"] == sum(priors)
