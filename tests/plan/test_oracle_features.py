"""Every kind of metric with every part of a question: what is asked beside it is told from plain answers alone.

Plain answers are held to rows elsewhere; here the parts of a question are held to plain answers of other questions.
"""

from __future__ import annotations

import calendar
import json
import math
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.plan import shop, shop_calendar, shop_time, test_oracle_conversion
from tests.plan.large import Large
from tests.plan.rows import hold
from tests.plan.test_oracle import maybe, plain, rows, small, states, tiers
from workbench.access.principal import identify
from workbench.declare.question import Question
from workbench.declare.workspace import Workspace, load
from workbench.errors import QuestionError, Unanswerable
from workbench.session.session import Session
from workbench.warehouse.duckdb_engine import DuckDBEngine

pytestmark = pytest.mark.slow

costly = settings.get_profile("costly")

TAGS = """
semantic_model: tags
table: shop.tags
primary_key: tag_id
dimensions: {word: {}}
---
semantic_model: order_tags
table: shop.order_tags
unique_keys: [[order_id, tag_id]]
relationships: {order: {to: orders, on: order_id}, tag: {to: tags, on: tag_id}}
"""
BRIDGES = """bridges:
  tag: {to: tags, through: order_tags, allocate: equally}
  mark: {to: tags, through: order_tags, allocate: whole}
dimensions:
  status: {}
  placed:"""
MORE = """
{metric: amount_p80, model: orders, expr: "percentile(amount, 0.8)"}
---
{metric: amount_p80_8d, model: orders, expr: "percentile(amount, 0.8)", window: 8 days}
---
{metric: middle_of_open, model: orders, expr: median(amount), filter: status = 'open'}
---
{metric: buyers_who_return, model: orders, expr: count(*), filter: customer has refunds >= 1}
---
metric: open_less_refunded
expr: open - refunded
inputs: {open: {metric: revenue, filter: status = 'open'}}
---
{metric: level_a_month_ago, expr: levels, offset: 1 month}
---
{metric: rate_of_open, expr: returned_soon, filter: status = 'open'}
"""
PEOPLE = """
roles:
  analyst: {can: [query:adhoc, read:metric]}
  seer: {extends: analyst, can: ["unmask:secret"]}
---
groups:
  stewards: {role: seer, members: [steward]}
  east: {role: seer, members: [eve], attributes: {region: [1]}}
  others: {role: analyst, members: [mia]}
"""
VEILED = "resource: shop.regions\ngrant: [{to: [analyst]}]\nmask: [{tag: secret, with: hash}]\n"
EXTRA = """
CREATE TABLE shop.tags (tag_id INTEGER, word VARCHAR);
CREATE TABLE shop.order_tags (order_id INTEGER, tag_id INTEGER);
"""

START = date(2024, 1, 1)
DAYS = [
    {
        "day": START + timedelta(days=i), "lot": START + timedelta(days=i // 9 * 9),
        "season": START + timedelta(days=i // 27 * 27), "round": i // 5,
    }
    for i in range(95)
]  # fmt: skip

# Equal amounts, so that it matters whether rows are made distinct.
amounts = maybe | st.sampled_from([10, 10, 30, 60])
days = st.dates(date(2024, 1, 26), date(2024, 3, 4)) | st.sampled_from([date(2024, 1, 31), date(2024, 2, 29)])
moments = st.builds(lambda d, h: shop_time._midnight(d) + timedelta(hours=h), days, st.integers(0, 23))
shops = st.fixed_dictionaries(
    {
        "days": st.just(DAYS),
        "regions": rows("region_id", 2, name=st.sampled_from(["east", "west", None])),
        "customers": rows("customer_id", 3, region_id=maybe | st.sampled_from([1, 2]), tier=tiers, joined=maybe | days),
        "orders": st.lists(moments, unique=True, max_size=12).flatmap(
            lambda placed: st.tuples(
                *(
                    st.fixed_dictionaries(
                        {
                            "order_id": st.just(i), "customer_id": maybe | small, "status": states, "amount": amounts,
                            "ship_region_id": maybe | st.sampled_from([1, 1, 2]), "placed": st.just(at) | maybe,
                        }
                    )
                    for i, at in enumerate(placed, 1)
                )
            ).map(list)
        ),
        "refunds": rows("refund_id", 6, customer_id=maybe | small, amount=amounts, refunded=days | days | maybe),
        "tags": rows("tag_id", 3, word=st.sampled_from(["a", "b", None])),
        "order_tags": st.lists(
            st.fixed_dictionaries({"order_id": st.integers(1, 8), "tag_id": st.integers(1, 4)}),
            max_size=8, unique_by=lambda row: (row["order_id"], row["tag_id"]),
        ),
    }
)  # fmt: skip

TIMES = ["metric_time.day", "metric_time.week", "metric_time.month"]
OTHERS = ["customer.tier", "customer.region.name", "status", "size", "ship_region.name", "tag.word", "mark.word"]
WHERE = [
    "status = 'open'", "customer.tier = 'gold'", "customer has orders >= 2", "mark.word = 'a'",
    "customer.tier is null or status = 'paid'",
]  # fmt: skip

REFUSED = {"not-allocated", "needs-time", "unreachable", "ambiguous-path", "nested-window"}

Rows = list[dict[str, Any]]
Groups = dict[tuple[Any, ...], dict[str, Any]]
Ask = Callable[..., Rows]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The shop with a calendar, bridges, and metrics of every kind."""
    root = shop.declare(tmp_path_factory.mktemp("shop"))
    models = (root / "metrics/models/shop.yml").read_text(encoding="utf-8")
    bridged = models.replace("dimensions:\n  status: {}\n  placed:", BRIDGES)
    tagged = bridged.replace("dimensions:\n  name: {}", "dimensions:\n  name: {tags: [secret]}")
    assert len({models, bridged, tagged}) == 3
    for name, text in {
        "models/shop": tagged, "models/tags": TAGS, "shop/time": shop_time.DECLARATIONS, "shop/more": MORE,
        "shop/own": shop_calendar.DECLARATIONS, "shop/conversions": test_oracle_conversion.DECLARATIONS,
    }.items():  # fmt: skip
        (root / f"metrics/{name}.yml").write_text(text, encoding="utf-8")
    (root / "access/people.yml").write_text(PEOPLE, encoding="utf-8")
    access = (root / "access/shop.yml").read_text(encoding="utf-8").replace(VEILED.partition("mask:")[0], VEILED)
    assert "mask:" in access
    (root / "access/shop.yml").write_text(access, encoding="utf-8")
    for table in ("days", "tags", "order_tags"):
        granted = {"resource": f"shop.{table}", "grant": [{"to": ["analyst"]}]}
        (root / f"access/{table}.yml").write_text(json.dumps(granted), encoding="utf-8")
    return load(root).require()


def opened(
    workspace: Workspace, tables: shop.Tables, who: str = "steward", engine: type[DuckDBEngine] = DuckDBEngine
) -> Session:
    over = engine(hold(shop.SCHEMA + EXTRA, "shop", tables))
    return Session(workspace, identify(workspace.roles, workspace.groups, who, "dev"), over, None)


def grouped(found: Rows, by: list[str]) -> Groups:
    out = {tuple(row[path] for path in by): row for row in found}
    assert len(out) == len(found), "a group came twice"
    return out


def is_nothing(value: Any) -> bool:
    return value is None or value == 0


def same(one: Any, other: Any) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return bool(one == other)


def share(value: Any, whole: Any) -> Any:
    return None if value is None or whole is None or whole == 0 else value / whole


@st.composite
def questions(draw: st.DrawFn, workspace: Workspace) -> dict[str, Any]:
    metrics = draw(st.lists(st.sampled_from(sorted(workspace.metrics)), min_size=1, max_size=2, unique=True))
    times = draw(st.lists(st.sampled_from([*TIMES, "metric_time.lot"]), max_size=1))
    by = [*draw(st.lists(st.sampled_from(OTHERS), max_size=1)), *times]
    time = tuple(sorted(draw(st.tuples(days, days))))
    return {"metrics": metrics, "by": by, "where": draw(st.none() | st.sampled_from(WHERE)), "time": time}


def widened(time: tuple[date, date], by: list[str]) -> tuple[date, date]:
    """The span in whole periods of what is asked by, which levels of it cover too."""
    start, end = time
    if "metric_time.week" in by:
        return start - timedelta(days=start.weekday()), end + timedelta(days=6 - end.weekday())
    if "metric_time.month" in by:
        return start.replace(day=1), end.replace(day=calendar.monthrange(end.year, end.month)[1])
    return start, end


# ---------------------------------------------------------------------- each part of a question


def having(draw: Any, ask: Ask, asked: dict[str, Any], base: Groups) -> None:
    metric = asked["metrics"][0]
    kept = {key: row for key, row in base.items() if row[metric] is not None and row[metric] > 1}
    assert_same(grouped(ask(**asked, having=f"{metric} > 1"), asked["by"]), kept, asked["metrics"])


def limit(draw: Any, ask: Ask, asked: dict[str, Any], base: Groups) -> None:
    metric = asked["metrics"][0]
    count = draw(st.integers(1, 3))
    found = ask(**asked, order_by=f"-{metric}", limit=count)
    assert len(found) == min(count, len(base))
    assert_same(grouped(found, asked["by"]), base, asked["metrics"], part=True)
    values = sorted((row[metric] for row in base.values() if row[metric] is not None), reverse=True)[:count]
    assert all(same(row[metric], value) for row, value in zip(found, values, strict=False))


def totals(draw: Any, ask: Ask, asked: dict[str, Any], base: Groups) -> None:
    word = draw(st.sampled_from(["total", *asked["by"]]))
    keys = [path for path in asked["by"] if path == word]
    found = ask(**asked, totals=word)
    assert_same(grouped([row for row in found if row["total"] is None], asked["by"]), base, asked["metrics"])
    level = ask(**asked | {"by": keys, "time": widened(asked["time"], asked["by"])})
    mine = [row for row in found if row["total"] is not None]
    assert_same(grouped(mine, keys), grouped(level, keys), asked["metrics"])


def shares(draw: Any, ask: Ask, asked: dict[str, Any], base: Groups) -> None:
    within = [path for path in asked["by"] if draw(st.booleans())]
    found = grouped(ask(**asked, share_of=within or "total"), asked["by"])
    assert_same(found, base, asked["metrics"])
    wholes = grouped(ask(**asked | {"by": within, "time": widened(asked["time"], asked["by"])}), within)
    at = [asked["by"].index(path) for path in within]
    for key, row in found.items():
        for metric in asked["metrics"]:
            whole = wholes.get(tuple(key[i] for i in at), {}).get(metric)
            assert same(row[f"{metric}.share"], share(row[metric], whole)), (key, metric)


def compare(draw: Any, ask: Ask, asked: dict[str, Any], base: Groups) -> None:
    at = next((path for path in asked["by"] if path in TIMES[:2]), None)
    back = timedelta(days=7)
    start, end = asked["time"]
    found = grouped(ask(**asked, compare="1 week"), asked["by"])
    before = grouped(ask(**asked | {"time": (start - back, end - back)}), asked["by"])
    for key, row in found.items():
        then = tuple(part - back if path == at and part else part for path, part in zip(asked["by"], key, strict=True))
        for metric in asked["metrics"]:
            now = base.get(key, {}).get(metric)
            prior = before.get(then, {}).get(metric)
            assert same(row[metric], now) or (key not in base and is_nothing(row[metric])), (key, metric)
            told = row[f"{metric}.prior"]
            assert same(told, prior) or (then not in before and is_nothing(told)), (key, metric, told, prior)
            both = row[metric] is not None and told is not None
            assert same(row[f"{metric}.change"], row[metric] - told if both else None)
            assert same(row[f"{metric}.ratio"], share(row[metric], told))
    assert base.keys() <= found.keys()


def top(draw: Any, ask: Ask, asked: dict[str, Any], base: Groups) -> None:
    of = next(path for path in asked["by"] if not path.startswith("metric_time"))
    count, rest = draw(st.integers(1, 2)), [path for path in asked["by"] if path != of]
    found = ask(**asked, top={"n": count, "of": of, "label": "all others"})
    named = [row for row in found if not row["other"]]
    assert_same(grouped(named, asked["by"]), base, asked["metrics"], part=True)
    shown = {row[of] for row in named}
    others = [row for row in found if row["other"]]
    assert all(row[of] == "all others" for row in others)
    if not others:
        assert_same(grouped(found, asked["by"]), base, asked["metrics"])
        return
    listed = ", ".join(f"'{value}'" for value in sorted(value for value in shown if value is not None))
    not_named = f"{of} not in ({listed})" if listed else "true"
    left = f"{of} is not null and {not_named}" if None in shown else f"({of} is null or {not_named})"
    where = f"({asked['where']}) and {left}" if asked["where"] else left
    assert_same(grouped(others, rest), grouped(ask(**asked | {"by": rest, "where": where}), rest), asked["metrics"])


def fill(draw: Any, ask: Ask, asked: dict[str, Any], base: Groups) -> None:
    found = grouped(ask(**asked, fill=True), asked["by"])
    assert_same(base, found, asked["metrics"], part=True)
    for key in found.keys() - base.keys():
        for metric in asked["metrics"]:
            assert is_nothing(found[key][metric]) or "metric_time" in str(asked["by"]), (key, metric)


def hidden_order(draw: Any, ask: Ask, asked: dict[str, Any], base: Groups) -> None:
    by_it = draw(st.sampled_from(["-revenue", "refunds", "returned_soon_n", "orders_7d", "median_2w"]))
    assert_same(grouped(ask(**asked, order_by=by_it), asked["by"]), base, asked["metrics"])


def company(draw: Any, ask: Ask, asked: dict[str, Any], base: Groups) -> None:
    for metric in asked["metrics"]:
        alone = grouped(ask(**asked | {"metrics": [metric]}), asked["by"])
        assert_same(alone, base, [metric], part=True)
        assert all(is_nothing(base[key][metric]) for key in base.keys() - alone.keys())


def of_no_lot(asked: dict[str, Any]) -> bool:
    return "metric_time.lot" not in asked["by"]


FEATURES: dict[Callable[..., None], Callable[[dict[str, Any]], object]] = {
    having: lambda asked: True,
    limit: lambda asked: True,
    company: lambda asked: True,
    totals: of_no_lot,
    shares: of_no_lot,
    compare: lambda asked: {*TIMES[:2]} & {*asked["by"]} or not any(p.startswith("metric_time") for p in asked["by"]),
    # A period that is added is in no group.
    top: lambda asked: {*OTHERS} & {*asked["by"]} and not any("every" in name for name in asked["metrics"]),
    # The first that is shown is another then.
    fill: lambda asked: not any(name.endswith(("_first", "_last")) for name in asked["metrics"]),
    hidden_order: lambda asked: (
        {*asked["by"]} <= {"customer.tier", "customer.region.name", *TIMES}
        and asked["where"] in (None, "customer.tier = 'gold'")
    ),
}
"""Each part, and of which questions it may be asked."""


def assert_same(got: Groups, wanted: Groups, metrics: list[str], part: bool = False) -> None:
    assert got.keys() <= wanted.keys() if part else got.keys() == wanted.keys()
    for key, row in got.items():
        for metric in metrics:
            assert same(row[metric], wanted[key][metric]), (key, metric, row[metric], wanted[key][metric])


@costly
@given(data=st.data(), tables=shops, who=st.sampled_from(["steward", "eve"]))
def test_parts_of_a_question_are_told_from_plain_answers(
    workspace: Workspace, data: Any, tables: shop.Tables, who: str
) -> None:
    """Each case is one question with three of the parts, drawn too: a part stands in a third of the cases."""
    asked = data.draw(questions(workspace))
    parts = st.sampled_from([part for part, fits in FEATURES.items() if fits(asked)])
    with opened(workspace, tables, who, data.draw(st.sampled_from([DuckDBEngine, Large]))) as asking:

        def ask(**question: Any) -> Rows:
            found = asking.ask(Question(**question)).rows()
            return [{name: plain(value) for name, value in row.items()} for row in found]

        try:
            base = grouped(ask(**asked), asked["by"])
        except (QuestionError, Unanswerable):
            assume(False)  # not every metric has every dimension
        for part in data.draw(st.lists(parts, min_size=3, max_size=3, unique=True)):
            try:
                part(data.draw, ask, asked, base)
            except Unanswerable as error:
                assert error.slug in REFUSED, error  # noqa: PT017


def test_a_percentile_looks_at_other_times_too(workspace: Workspace) -> None:
    days = [date(2024, 1, 29)] * 10 + [date(2024, 2, 5)] * 2
    orders = [{"order_id": i, "amount": i, "placed": day} for i, day in enumerate(days, 1)]
    with opened(workspace, {"orders": orders, "days": DAYS}) as asking:
        found = asking.query("amount_p80", "amount_p80_8d", by="metric_time.day", compare="7 days").rows()
    (day,) = [row for row in found if row["metric_time.day"] == date(2024, 2, 5)]
    numbers = [day["amount_p80"], day["amount_p80.prior"], day["amount_p80_8d"]]
    assert numbers == pytest.approx([11.8, 8.2, 9.8])


def test_conversions_are_compared_by_spans_alone(workspace: Workspace) -> None:
    def event(key: str, number: int, at: str, day: date) -> dict[str, Any]:
        return {key: number, "customer_id": 1, at: day}

    orders = [event("order_id", i, "placed", date(2024, 2, day)) for i, day in enumerate([1, 8, 9], 1)]
    refunds = [event("refund_id", 1, "refunded", date(2024, 2, 2))]
    tables = {"orders": orders, "refunds": refunds, "days": DAYS}
    with opened(workspace, tables) as asking:
        span = {"time": ("2024-02-08", "2024-02-14"), "compare": "7 days"}
        (row,) = asking.query("returned_soon_n", "returned_soon", **span).rows()
        assert (row["returned_soon_n"], row["returned_soon_n.prior"]) == (0, 1)
        assert (row["returned_soon"], row["returned_soon.prior"]) == (0, 1)
        with pytest.raises(Unanswerable, match="leave metric_time out of groups.*nested-window"):
            asking.query("returned_soon_n", by="metric_time.day", **span)


@costly
@given(data=st.data(), tables=shops)
def test_whoever_sees_some_rows_is_told_of_these_alone(workspace: Workspace, data: Any, tables: shop.Tables) -> None:
    asked = data.draw(questions(workspace))
    feature = data.draw(st.sampled_from([{}, {"compare": "1 week"}, {"share_of": "total"}, {"totals": "total"}]))
    permitted = {
        **tables,
        "orders": [row for row in tables["orders"] if row["ship_region_id"] == 1],
        "customers": [row for row in tables["customers"] if row["region_id"] == 1],
    }
    answers = []
    for rows_, who in ((tables, "eve"), (permitted, "steward")):
        with opened(workspace, rows_, who) as asking:
            try:
                answers.append([list(map(plain, r.values())) for r in asking.ask(Question(**asked, **feature)).rows()])
            except (QuestionError, Unanswerable) as error:
                answers.append(error.slug)
    assert answers[0] == answers[1]


@costly
@given(data=st.data(), tables=shops)
def test_a_mask_hides_names_and_changes_no_number(workspace: Workspace, data: Any, tables: shop.Tables) -> None:
    asked = data.draw(questions(workspace))
    asked |= {"by": ["customer.region.name", *asked["by"][-1:]]}
    assume(len(set(asked["by"])) == len(asked["by"]))
    feature = data.draw(st.sampled_from([{}, {"compare": "1 week"}, {"share_of": "total"}, {"totals": asked["by"][0]}]))
    answers = []
    for who in ("mia", "steward"):
        with opened(workspace, tables, who) as asking:
            try:
                found = asking.ask(Question(**asked, **feature)).rows()
            except (QuestionError, Unanswerable) as error:
                answers.append([error.slug])
                continue
        names = {row["customer.region.name"] for row in found}
        assert who == "steward" or not names & {"east", "west"}
        numbers = [[str(plain(v)) for k, v in row.items() if k != "customer.region.name"] for row in found]
        answers.append(sorted(map(str, numbers)))
    assert answers[0] == answers[1]
