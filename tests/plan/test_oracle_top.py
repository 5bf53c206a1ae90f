"""The groups with the most by name and the others together, against brute force over rows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plan import shop
from tests.plan.shop_time import Asked, Condition
from tests.plan.test_oracle import assert_same
from tests.plan.test_oracle_beside import answer, at_level, grouped, meaning, questions
from tests.plan.test_oracle_time import OTHERS, shops
from workbench.declare.question import Question
from workbench.declare.workspace import Workspace, load

pytestmark = pytest.mark.slow

OTHER, TOP = "the rest", "top"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The declared shop."""
    return load(shop.declare(tmp_path_factory.mktemp("shop"))).require()


def first(groups: dict[Any, Any], name: str, n: int, least: bool) -> list[Any]:
    """The keys of the groups with the most, NULL values last and equal ones by their key, NULL last there too."""

    def rank(key: Any) -> Any:
        value = groups[key][name]
        return value is None, (value or 0) * (1 if least else -1), key[0] is None, str(key[0])

    return [key[0] for key in sorted(groups, key=rank)[:n]]


@given(
    tables=shops, drawn=questions(), pick=st.data(), n=st.integers(1, 3), least=st.booleans(), alone=st.booleans(),
    fill=st.booleans(), totals=st.booleans(),
)  # fmt: skip
def test_top_and_the_rest_are_groups_of_rows(
    workspace: Workspace, tables: shop.Tables, drawn: Any, pick: Any, n: int, least: bool, alone: bool, fill: bool,
    totals: bool,
) -> None:  # fmt: skip
    metrics, asked = drawn
    of = pick.draw(
        st.sampled_from([path for path in OTHERS if not path.startswith(("placed", "joined", "customer.j"))])
    )
    if not all(base.model == "orders" for m in metrics for base in shop.METRICS[m][0]) and "customer" not in of:
        of = "customer.tier"
    by = (of, *(path for path in asked.by if path != of))
    by_metric = pick.draw(st.sampled_from(metrics))
    question = Question(
        metrics=metrics, by=by, where=asked.text, time=asked.time, fill=fill, totals=of if totals else (),
        top={"n": n, "of": of, "by": by_metric, "least": least, "other": not alone, "label": OTHER},
    )  # fmt: skip
    groups = at_level_of(tables, [by_metric], Asked((of,), asked.where, asked.time), by)
    shown = first(groups, by_metric, n, least)

    def regrouped(tables: shop.Tables, model: str, row: shop.Row) -> Any:
        value = shop.value_of(tables, model, row, of)
        return value if value in shown else OTHER

    shop.REGROUPED[TOP] = regrouped
    rows = answer(workspace, tables, question)
    where = (*asked.where, *([Condition("", (TOP,), lambda get: get(TOP) != OTHER)] if alone else []))
    wanted = meaning(metrics, Asked((TOP, *by[1:]), where, asked.time), tables, None, fill)
    plain_rows = [row for row in rows if row.get("total") is None]
    got = grouped(plain_rows, by, metrics)
    if fill:  # metrics that are scanned together add a period where none of them has rows
        wanted = {key: row for key, row in wanted.items() if key in got or any(row.values())}
    assert_same(got, wanted)
    if not alone:
        assert all(row["other"] == (row[of] == OTHER) for row in plain_rows)
    if totals:
        of_it = [row for row in rows if row["total"] is not None]
        level = at_level_of(tables, metrics, Asked((TOP,), where, asked.time), (TOP, *by[1:]))
        assert_same(grouped(of_it, (of,), metrics), level)


def at_level_of(tables: shop.Tables, metrics: list[str], asked: Asked, by: tuple[str, ...]) -> Any:
    """The groups by one column, of the rows that the whole question covers."""
    return at_level(tables, metrics, Asked(by, asked.where, asked.time), asked.by, False)


@given(
    tables=shops, drawn=questions(), hidden=st.sampled_from(sorted(shop.METRICS)), descending=st.booleans(),
    of=st.sampled_from(["customer.tier", "customer.region.name"]),
)  # fmt: skip
def test_what_only_orders_adds_no_group(
    workspace: Workspace, tables: shop.Tables, drawn: Any, hidden: str, descending: bool, of: str
) -> None:
    metrics, asked = drawn
    sign = "-" if descending else ""
    question = Question(metrics=metrics, by=asked.by, where=asked.text, time=asked.time)
    ordered = question.model_copy(update={"order_by": (f"{sign}{hidden}", f"{sign}{of}")})
    if any(not path.startswith(("customer.", "metric_time")) for one in asked.where for path in one.paths) or any(
        not path.startswith(("customer.", "metric_time")) for path in asked.by
    ):
        return  # the metric that orders may be of another model, and means nothing there
    rows = answer(workspace, tables, ordered)
    groups = meaning(metrics, asked, tables, None, False)
    assert_same(grouped(rows, asked.by, metrics), groups)
    others = meaning([hidden], asked, tables, None, False)
    bases, combine = shop.METRICS[hidden]
    nothing = combine(*(base.empty for base in bases))
    values = [others.get(tuple(row[path] for path in asked.by), {hidden: nothing})[hidden] for row in rows]
    known = [value for value in values if value is not None]
    assert values[: len(known)] == known, "empty ones come last"
    assert known == pytest.approx(sorted(known, reverse=descending))
