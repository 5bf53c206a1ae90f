"""Questions beside the question (compare, share_of, totals, fill) against brute force, each at its own grain."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plan import shop
from tests.plan.shop_time import Asked, Looks, Part
from tests.plan.test_oracle import assert_same, plain, session
from tests.plan.test_oracle_time import CONDITIONS, OTHERS, days, shops
from workbench.declare.question import Question
from workbench.declare.workspace import Workspace, load
from workbench.errors import Unanswerable

pytestmark = pytest.mark.slow

costly = settings.get_profile("costly")

Groups = dict[tuple[Any, ...], Any]
TIMES = ["metric_time.day", "metric_time.week", "metric_time.month", "metric_time.quarter", "placed.month"]
SPANS = {"1 month": (1, "month"), "1 week": (1, "week"), "7 days": (7, "day")}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The declared shop."""
    return load(shop.declare(tmp_path_factory.mktemp("shop"))).require()


@st.composite
def questions(draw: st.DrawFn, timed: bool = False) -> tuple[list[str], Asked]:
    """Metrics, groups, conditions and maybe a time range."""
    metrics = draw(st.lists(st.sampled_from(sorted(shop.METRICS)), min_size=1, max_size=3, unique=True))
    by = draw(st.lists(st.sampled_from([p for p in OTHERS if reachable_by(metrics, p)]), max_size=2, unique=True))
    times = [p for p in TIMES[: 4 if timed else 5] if reachable_by(metrics, p)]
    by += draw(st.lists(st.sampled_from(times), min_size=int(timed), max_size=1))
    legal = [one for one in CONDITIONS if all(reachable_by(metrics, path) for path in one.paths)]
    where = draw(st.lists(st.sampled_from(legal), max_size=1))
    time = draw(st.none() | st.tuples(days, days).map(lambda ends: (min(ends), max(ends))))
    return metrics, Asked(tuple(by), tuple(where), time)


def reachable_by(metrics: list[str], path: str) -> bool:
    models = {base.model for name in metrics for base in shop.METRICS[name][0]}
    if path in ("customer.tier", "customer.region.name", "customer.joined.month") or path.startswith("metric_time"):
        return True
    return models == {"orders"}


def meaning(metrics: list[str], asked: Asked, tables: shop.Tables, looks: Looks | None, spine: bool) -> Groups:
    """Metrics as they are at a moment, or as another moment has them."""
    out: Groups = {}
    values: dict[str, Groups] = {}
    nothing = {}
    for name in metrics:
        bases, combine = shop.METRICS[name]
        found = [Part(base, looks, spine).groups(tables, asked) for base in bases]
        nothing[name] = combine(*(base.empty for base in bases))
        values[name] = {
            key: combine(*(groups.get(key, base.empty) for groups, base in zip(found, bases, strict=True)))
            for key in {key for groups in found for key in groups}
        }
    for key in {key for groups in values.values() for key in groups}:
        out[key] = {name: values[name].get(key, nothing[name]) for name in metrics}
    return out


def at_level(tables: shop.Tables, metrics: list[str], asked: Asked, path: tuple[str, ...], fill: bool) -> Groups:
    """The groups by fewer columns, of the very rows and periods that the whole question covers."""
    return meaning(metrics, Asked(path, asked.where, asked.time, asked), tables, None, fill)


def answer(workspace: Workspace, tables: shop.Tables, question: Question) -> list[shop.Row]:
    with session(workspace, tables) as asking:
        return [{name: plain(value) for name, value in row.items()} for row in asking.ask(question).rows()]


def grouped(rows: list[shop.Row], by: tuple[str, ...], names: list[str]) -> Groups:
    out = {tuple(row[path] for path in by): {name: row[name] for name in names} for row in rows}
    assert len(out) == len(rows), "a group came twice"
    return out


HAVING: dict[str, Callable[[Any], bool]] = {
    "{} > 1": lambda v: v is not None and v > 1,
    "{} is not null": lambda v: v is not None,
    "{} = 1 or {} is null": lambda v: v is None or v == 1,
}


@costly
@given(
    tables=shops, drawn=questions(), pick=st.data(), having=st.none() | st.sampled_from(sorted(HAVING)),
    limit=st.none() | st.integers(1, 3), descending=st.booleans(), fill=st.booleans(),
)  # fmt: skip
def test_shares_and_totals_are_of_everything(
    workspace: Workspace, tables: shop.Tables, drawn: Any, pick: Any, having: str | None, limit: int | None,
    descending: bool, fill: bool,
) -> None:  # fmt: skip
    metrics, asked = drawn
    within = pick.draw(st.lists(st.sampled_from(asked.by), unique=True) if asked.by else st.just([]), "share within")
    totals = pick.draw(st.lists(st.sampled_from(["total", *asked.by]), unique=True), "totals")
    first = metrics[0]
    question = Question(
        metrics=metrics, by=asked.by, where=asked.text, time=asked.time, share_of=within or "total", totals=totals,
        having=having.replace("{}", first) if having else None, limit=limit, fill=fill,
        order_by=f"-{first}" if descending else (),
    )  # fmt: skip
    rows = answer(workspace, tables, question)
    groups = meaning(metrics, asked, tables, None, fill)
    at = [asked.by.index(path) for path in within]
    wholes = at_level(tables, metrics, asked, tuple(p for p in asked.by if p in within), fill)
    shown = {key: values for key, values in groups.items() if not having or HAVING[having](values[first])}
    plain_rows = [row for row in rows if row.get("total") is None]
    got = grouped(plain_rows, asked.by, metrics)
    assert len(got) == min(len(shown), limit if limit is not None else len(shown))
    assert_same(got, {key: shown[key] for key in got})
    for row in plain_rows:
        key = tuple(row[path] for path in asked.by)
        whole = wholes.get(tuple(key[i] for i in sorted(at)))
        assert whole is not None or fill, "only a period that was added has no whole to be a share of"
        for name in metrics:
            wanted = shop.ratio(groups[key][name], whole[name]) if whole else None
            assert row[f"{name}.share"] == (None if wanted is None else pytest.approx(wanted)), (key, name)
    for word in totals:
        path = () if word == "total" else (word,)
        of = [row for row in rows if row.get("total") == ("total" if not path else f"total by {word}")]
        meant = at_level(tables, metrics, asked, path, fill)
        assert_same(grouped(of, path, metrics), meant)
        assert all(row[other] is None for row in of for other in asked.by if other not in path)
        for row in of:
            key = tuple(row[one] for one in path)
            whole = wholes.get(key if within else ()) if set(within) <= set(path) else None
            for name in metrics:
                wanted = shop.ratio(meant[key][name], whole[name]) if whole else None
                assert row[f"{name}.share"] == (None if wanted is None else pytest.approx(wanted)), (word, name)


@costly
@given(
    tables=shops, drawn=questions(timed=True), span=st.sampled_from(sorted(SPANS)), fill=st.booleans(),
    totals=st.booleans(),
)  # fmt: skip
def test_what_is_compared_is_what_it_was(
    workspace: Workspace, tables: shop.Tables, drawn: Any, span: str, fill: bool, totals: bool
) -> None:
    metrics, asked = drawn
    time = [p for p in asked.by if p.startswith("metric_time")]
    question = Question(
        metrics=metrics, by=asked.by, where=asked.text, time=asked.time, compare=span, fill=fill,
        totals=time if totals else (),
    )  # fmt: skip
    rows = answer(workspace, tables, question)
    check(metrics, asked, tables, [row for row in rows if row.get("total") is None], span, fill)
    if totals:
        one = Asked(tuple(time), asked.where, asked.time)
        check(metrics, one, tables, [row for row in rows if row["total"] is not None], span, fill)


def check(metrics: list[str], asked: Asked, tables: shop.Tables, rows: list[shop.Row], span: str, fill: bool) -> None:
    now = meaning(metrics, asked, tables, None, fill)
    before = meaning(metrics, asked, tables, Looks((SPANS[span],)), fill)
    names = [n for m in metrics for n in (m, f"{m}.prior", f"{m}.change", f"{m}.ratio")]
    wanted: Groups = {}
    for key in now.keys() | before.keys():
        wanted[key] = {}
        for name in metrics:
            none = shop.METRICS[name][1](*(base.empty for base in shop.METRICS[name][0]))
            value, prior = (groups.get(key, {}).get(name, none) for groups in (now, before))
            change = None if value is None or prior is None else value - prior
            wanted[key] |= {name: value, f"{name}.prior": prior, f"{name}.change": change}
            wanted[key][f"{name}.ratio"] = shop.ratio(value, prior)
    got = grouped(rows, asked.by, names)
    if fill:  # metrics that are scanned together add a period where none of them has rows
        times = [i for i, path in enumerate(asked.by) if path.startswith("metric_time")]
        assert {tuple(key[i] for i in times) for key in got} == {tuple(key[i] for i in times) for key in wanted}
        wanted = {key: row for key, row in wanted.items() if key in got or any(row.values())}
    assert_same(got, wanted)


def test_to_compare_without_time_is_refused(workspace: Workspace) -> None:
    with pytest.raises(Unanswerable, match="needs-time"):
        answer(workspace, {}, Question(metrics="orders", by="customer.tier", compare="1 year"))


def test_a_bound_that_starts_a_month_tells_months_apart_and_no_days(workspace: Workspace) -> None:
    orders = [
        {"order_id": i, "customer_id": None, "ship_region_id": None, "status": None, "amount": 1, "placed": day}
        for i, day in enumerate([date(2024, 1, 31), date(2024, 3, 31)], 1)
    ]
    for where, prior in (("metric_time < '2024-03-01'", 1), ("metric_time < '2024-02-29'", 0)):
        asked = Question(metrics="orders", by="metric_time.quarter", where=where, compare="1 month")
        for _ in range(2):  # compiled anew, and found compiled
            (row,) = answer(workspace, {"orders": orders}, asked)
            assert (row["orders"], row["orders.prior"]) == (1, prior)


def test_a_year_ago_in_february(workspace: Workspace) -> None:
    orders = [
        {"order_id": i, "customer_id": None, "ship_region_id": None, "status": None, "amount": 1, "placed": day}
        for i, day in enumerate([date(2023, 2, 28), date(2024, 2, 28), date(2024, 2, 29)], 1)
    ]
    question = Question(metrics="orders", by="metric_time.month", compare="1 year", time=("2024-02-01", "2024-02-29"))
    (row,) = answer(workspace, {"orders": orders}, question)
    assert (row["orders"], row["orders.prior"]) == (2, 1)
