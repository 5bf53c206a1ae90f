"""What moved is found wherever it moved, and nothing else is told to have moved; brute force over rows decides."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.declare.workspace import load
from workbench.graph.build import Graph, build
from workbench.quality.asking import keys_of
from workbench.review.values import Values, compare
from workbench.warehouse.duckdb_engine import DuckDBEngine

MODEL = """
semantic_model: orders
table: gold.orders
primary_key: id
time_dimension: day
dimensions:
  day: {type: time}
  status: {}
  country: {}
  size: {expr: "case when amount > 2 then 'big' else 'small' end"}
"""
ROWS = [
    (n, f"2026-0{1 + n % 3}-01", status, country, amount)
    for n, (status, country, amount) in enumerate(
        (s, c, a) for s in ("paid", "open", None) for c in ("AT", "FR", None) for a in (1, 2, 3, None)
    )
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> DuckDBEngine:
    path = tmp_path_factory.mktemp("values") / "orders.duckdb"
    with duckdb.connect(str(path)) as made:
        made.execute("CREATE SCHEMA gold")
        made.execute("CREATE TABLE gold.orders (id INT, day DATE, status TEXT, country TEXT, amount INT)")
        made.executemany("INSERT INTO gold.orders VALUES (?, ?, ?, ?, ?)", ROWS)
    return DuckDBEngine(path)


def graph(folder: Path, metric: str, model: str = MODEL) -> Graph:
    (folder / "metrics").mkdir(parents=True, exist_ok=True)
    (folder / "metrics/m.yml").write_text(f"{model}---\nmetric: m\nmodel: orders\n{metric}\n", encoding="utf-8")
    return build(load(folder).require())


def moved(engine: DuckDBEngine, folder: Path, old: str, new: str, models: tuple[str, str] = (MODEL, MODEL)) -> Values:
    one, other = graph(folder / "old", old, models[0]), graph(folder / "new", new, models[1])
    (found,) = compare(one, other, [("m", "m")], engine, keys_of(engine), frozenset(), 60)
    return found


def test_a_filter_moves_totals_groups_and_rows(engine: DuckDBEngine, tmp_path: Path) -> None:
    found = moved(engine, tmp_path, "expr: sum(amount)", "expr: sum(amount)\nfilter: country <> 'AT'")
    amount = [(row[3], row[4] or 0) for row in ROWS]
    kept = [(c, a) for c, a in amount if c is not None and c != "AT"]
    assert (found.before, found.after) == (sum(a for _, a in amount), sum(a for _, a in kept))
    by = {axis.by: axis for axis in found.axes}
    assert set(by) == {"metric_time.month", "day.month", "status", "country", "size"}
    told = {(m.group, m.before, m.after) for m in by["country"].most}
    assert told == {("AT", sum(a for c, a in amount if c == "AT"), None), (None, 18, None)}
    assert found.rows is not None
    assert (found.rows.before, found.rows.after, found.rows.won) == (36, 12, 0)
    assert found.rows.lost == 24, "a NULL country is not told to be other than AT"


def test_what_moves_between_groups_alone_is_found(engine: DuckDBEngine, tmp_path: Path) -> None:
    other = MODEL.replace("amount > 2", "amount > 1")
    found = moved(engine, tmp_path, "expr: count(*)", "expr: count(*)", (MODEL, other))
    assert found.before == found.after == 36
    assert [axis.by for axis in found.axes] == ["size"]
    assert found.moved


def test_sums_that_cancel_out_are_found_in_their_groups(engine: DuckDBEngine, tmp_path: Path) -> None:
    swap = "expr: sum(case when status = 'paid' then amount + 1 when status = 'open' then amount - 1 else amount end)"
    found = moved(engine, tmp_path, "expr: sum(amount)", swap)
    assert found.before == found.after
    assert {m.group for axis in found.axes if axis.by == "status" for m in axis.most} == {"paid", "open"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("expr: sum(amount)", "expr: SUM(amount * 1)"),
        ("expr: sum(amount) / count(*)", "expr: sum(amount) / sum(1)"),
        ("expr: count(*)\nfilter: amount > 1", "expr: count(*)\nfilter: not amount <= 1"),
        ("expr: sum(amount) * 0.1", "expr: sum(amount * 0.1)"),
        ("expr: max(country)", "expr: max(coalesce(country, country))"),
        ("expr: count(*)", "expr: count(*)\nunit: orders"),
    ],
)
def test_what_computes_the_same_has_not_moved(engine: DuckDBEngine, tmp_path: Path, old: str, new: str) -> None:
    found = moved(engine, tmp_path, old, new)
    assert not found.moved
    assert found.certain
    assert found.axes == ()


def test_what_can_be_answered_no_more_is_told_and_counts_as_moved(engine: DuckDBEngine, tmp_path: Path) -> None:
    found = moved(engine, tmp_path, "expr: sum(amount)", "expr: sum(gone)")
    assert found.moved
    assert not found.certain
    assert "gone" in str(found.problems[0])


@pytest.mark.slow
@pytest.mark.parametrize("late", ["window: 2 months", "offset: 1 month", "to_date: year"])
def test_what_has_values_at_moments_alone_is_looked_at_month_by_month(
    engine: DuckDBEngine, tmp_path: Path, late: str
) -> None:
    same = moved(engine, tmp_path / "same", f"expr: sum(amount)\n{late}", f"expr: sum(amount) * 1\n{late}")
    assert (same.moved, same.certain) == (False, True)
    found = moved(engine, tmp_path, f"expr: sum(amount)\n{late}", f"expr: sum(amount) * 2\n{late}")
    assert found.moved
    assert {axis.by for axis in found.axes} == {"metric_time.month", "day.month", "status", "country", "size"}
    assert all(", 2026-" in str(m.group) for axis in found.axes if axis.by == "status" for m in axis.most)


def test_without_time_it_says_what_it_has_not_looked_at(engine: DuckDBEngine, tmp_path: Path) -> None:
    one = graph(tmp_path, "expr: sum(amount)")
    (found,) = compare(one, one, [("m", "m")], engine, keys_of(engine), frozenset({"country"}), 0)
    assert set(found.unlooked) == {"metric_time.month", "day.month", "status", "size"}, "what was touched goes first"
    assert not found.certain


CONDITIONS = st.sampled_from(
    ["true", "amount > 1", "amount >= 2", "status = 'paid'", "status <> 'open'", "country is null", "country = 'AT'"]
)


@pytest.mark.slow
@given(CONDITIONS, CONDITIONS)
def test_moved_groups_are_those_that_brute_force_finds(
    engine: DuckDBEngine, tmp_path_factory: pytest.TempPathFactory, old: str, new: str
) -> None:
    def holds(condition: str, row: tuple[Any, ...]) -> bool:
        _, _, status, country, amount = row
        return {
            "true": True,
            "amount > 1": amount is not None and amount > 1,
            "amount >= 2": amount is not None and amount >= 2,
            "status = 'paid'": status == "paid",
            "status <> 'open'": status not in (None, "open"),
            "country is null": country is None,
            "country = 'AT'": country == "AT",
        }[condition]

    folder = tmp_path_factory.mktemp("brute")
    found = moved(engine, folder, *(f'expr: count(*)\nfilter: "{text}"' for text in (old, new)))
    for axis, column in (("status", 2), ("country", 3)):
        one, other = (Counter(row[column] for row in ROWS if holds(text, row)) for text in (old, new))
        expected = {(group, one[group], other[group]) for group in one | other if one[group] != other[group]}
        told = {(m.group, m.before or 0, m.after or 0) for a in found.axes if a.by == axis for m in a.most}
        assert told == expected
    assert found.rows is not None
    assert found.rows.lost == sum(holds(old, row) and not holds(new, row) for row in ROWS)
    assert found.rows.won == sum(holds(new, row) and not holds(old, row) for row in ROWS)
