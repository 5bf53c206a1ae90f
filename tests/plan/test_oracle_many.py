"""Questions without metrics that lead to many rows, against brute force: each is a line, and no number goes there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plan.rows import hold
from tests.plan.test_oracle import plain
from workbench.access.principal import identify
from workbench.declare.question import Question
from workbench.declare.workspace import Workspace, load
from workbench.errors import Unanswerable, WorkbenchError
from workbench.graph.build import build
from workbench.graph.check import check
from workbench.session.answer import Answer
from workbench.session.session import Session
from workbench.warehouse.duckdb_engine import DuckDBEngine

pytestmark = pytest.mark.slow

MODELS = """
semantic_model: places
table: stock.places
primary_key: place_id
dimensions: {city: {}}
---
semantic_model: items
table: stock.items
entity: item
primary_key: item_id
relationships: {place: {to: places, on: place_id}}
bridges:
  label: {to: labels, through: item_labels, allocate: equally}
  tag: {to: labels, through: item_labels, allocate: whole}
many: {daily: {to: item_days, on: item_id}}
dimensions: {kind: {}}
---
semantic_model: item_days
table: stock.item_days
primary_key: [item_id, day]
relationships: {shelf: {to: places, on: {shelf_id: place_id}}}
dimensions: {day: {}, mood: {}}
---
semantic_model: item_labels
table: stock.item_labels
unique_keys: [[item_id, label_id]]
relationships: {item: {to: items, on: item_id}, label: {to: labels, on: label_id}}
---
semantic_model: labels
table: stock.labels
primary_key: label_id
dimensions: {text: {}}
---
semantic_model: sales
table: stock.sales
primary_key: sale_id
relationships: {item: {to: items, on: item_id}}
dimensions: {sort: {}}
"""
METRICS = """
{metric: items, model: items, expr: count(*)}
---
{metric: sold, model: sales, expr: count(*)}
"""
ACCESS = """
roles:
  analyst: {can: [query:adhoc, read:metric]}
---
groups:
  all: {role: analyst, members: [ana, bo]}
"""
SCHEMA = """
CREATE SCHEMA stock;
CREATE TABLE stock.places (place_id INTEGER, city VARCHAR);
CREATE TABLE stock.items (item_id INTEGER, place_id INTEGER, kind VARCHAR);
CREATE TABLE stock.item_days (item_id INTEGER, day INTEGER, mood VARCHAR, shelf_id INTEGER);
CREATE TABLE stock.item_labels (item_id INTEGER, label_id INTEGER);
CREATE TABLE stock.labels (label_id INTEGER, text VARCHAR);
CREATE TABLE stock.sales (sale_id INTEGER, item_id INTEGER, sort VARCHAR);
"""
TABLES = ("places", "items", "item_days", "item_labels", "labels", "sales")

Row = dict[str, Any]
Line = dict[str, Row]
"""The rows that stand in a line together, by the way to them; some may be missing."""

small = st.none() | st.integers(1, 3)


def keyed(key: str, most: int, **columns: Any) -> Any:
    row = st.fixed_dictionaries(columns)
    return st.lists(row, max_size=most).map(lambda rows: [{key: i, **row} for i, row in enumerate(rows, 1)])


def told_apart(key: tuple[str, str], most: int, **columns: Any) -> Any:
    return st.lists(st.fixed_dictionaries(columns), max_size=most, unique_by=lambda row: (row[key[0]], row[key[1]]))


stocks = st.fixed_dictionaries({
    "places": keyed("place_id", 3, city=st.sampled_from(["x", "y", None])),
    "items": keyed("item_id", 3, place_id=small, kind=st.sampled_from(["a", "b", None])),
    "item_days": told_apart(
        ("item_id", "day"), 6, item_id=st.integers(1, 4), day=st.integers(1, 3), mood=st.sampled_from(["u", "v", None]),
        shelf_id=small,
    ),
    "item_labels": told_apart(("item_id", "label_id"), 5, item_id=small, label_id=small),
    "labels": keyed("label_id", 3, text=st.sampled_from(["s", "t", None])),
    "sales": keyed("sale_id", 4, item_id=small, sort=st.sampled_from(["n", "o"])),
})  # fmt: skip

WAYS: dict[str, tuple[str, str, str, str, str]] = {
    # the way: from where, our column, the table, its column
    "item": ("", "item_id", "items", "item_id", ""),
    "place": ("item", "place_id", "places", "place_id", "item"),
    "daily": ("item", "item_id", "item_days", "item_id", "item"),
    "shelf": ("daily", "shelf_id", "places", "place_id", "daily"),
    "pair": ("item", "item_id", "item_labels", "item_id", "item"),
    "label": ("pair", "label_id", "labels", "label_id", "pair"),
}
PATHS = {
    "kind": ("item", "kind"), "place.city": ("place", "city"), "daily.mood": ("daily", "mood"),
    "daily.shelf.city": ("shelf", "city"), "label.text": ("label", "text"), "tag.text": ("label", "text"),
}  # fmt: skip
WHERE: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "kind = 'a'": ("kind", lambda v: v == "a"),
    "daily.mood = 'u'": ("daily.mood", lambda v: v == "u"),
    "daily.shelf.city is null": ("daily.shelf.city", lambda v: v is None),
}


def lines(tables: dict[str, list[Row]], base: str, paths: list[str]) -> Iterator[tuple[Any, ...]]:
    """Every row with each of its partners, and partners that no row leads to."""
    start = "sale" if base == "sales" else "item"
    met: list[Line] = [{start: row} for row in tables[base]]
    wanted = {PATHS[path][0] for path in paths if path != "sort"}
    wanted |= {WAYS[way][0] for way in [*wanted, *(WAYS[way][0] for way in wanted if WAYS[way][0])]} - {""}
    for way in (way for way in WAYS if way in wanted and way != start):
        parent, ours, table, theirs, _ = WAYS[way]
        met = outer(met, way, tables[table], theirs, parent or start, ours)
    for line in met:
        at = [("sale", "sort") if path == "sort" else PATHS[path] for path in paths]
        yield tuple(line.get(way, {}).get(column) for way, column in at)


def outer(left: list[Line], way: str, right: list[Row], key: str, parent: str, ours: str) -> list[Line]:
    out: list[Line] = []
    seen: set[int] = set()
    for line in left:
        value = line.get(parent, {}).get(ours)
        partners = [(i, row) for i, row in enumerate(right) if value is not None and row[key] == value]
        seen |= {i for i, _ in partners}
        out += [{**line, way: row} for _, row in partners] or [line]
    return out + [{way: row} for i, row in enumerate(right) if i not in seen]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Items with their place, a row for each of their days, and their labels."""
    return make_workspace(tmp_path_factory.mktemp("stock"), {})


def make_workspace(root: Path, policies: dict[str, str]) -> Workspace:
    files = {"metrics/models/stock.yml": MODELS, "metrics/stock/metrics.yml": METRICS, "access/roles.yml": ACCESS}
    for table in TABLES:
        granted = f"resource: stock.{table}\ngrant: [{{to: [analyst]}}]\n"
        files[f"access/{table}.yml"] = granted + policies.get(table, "")
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return load(root).require()


def ask(workspace: Workspace, tables: dict[str, list[Row]], **question: Any) -> Answer:
    who = identify(workspace.roles, workspace.groups, "ana", "dev")
    with Session(workspace, who, DuckDBEngine(hold(SCHEMA, "stock", tables)), None) as asking:
        return asking.ask(Question(**question))


def values(answer: Answer) -> list[tuple[Any, ...]]:
    return [tuple(map(plain, row.values())) for row in answer.rows()]


@given(
    tables=stocks, base=st.sampled_from(["items", "sales"]), where=st.none() | st.sampled_from(sorted(WHERE)),
    by=st.lists(st.sampled_from(sorted(PATHS)), min_size=1, max_size=3, unique=True),
)  # fmt: skip
def test_each_partner_is_a_line(
    workspace: Workspace, tables: dict[str, list[Row]], base: str, where: str | None, by: list[str]
) -> None:
    by = [path for path in by if path != "tag.text" or "label.text" not in by]  # one set of pairs joined twice
    path, holds = WHERE[where] if where else ("", lambda v: True)
    own = ["kind"] if base == "items" else ["sort"]
    by = [*own, *(one for one in by if one not in own)]
    every = list(lines(tables, base, [*by, *([path] if where else [])]))
    wanted = [row[: len(by)] for row in every if not where or holds(row[-1])]
    way = "items" if base == "items" else "sales.item"
    spelled = [{one: f"sales.{one}" if one == "sort" else f"{way}.{one}"} for one in by]
    condition = f"{way}.{where}" if where else None
    listed = ask(workspace, tables, by=spelled, where=condition, every_row=True)
    assert Counter(values(listed)) == Counter(wanted)
    read = {PATHS[one][0] for one in [*by, *([path] if where else [])] if one != "sort"}
    told = " ".join(listed.warnings)
    assert ("'item_days' (stock.item_days, met by item_id)" in told) == bool(read & {"daily", "shelf"})
    assert ("'item_labels' (stock.item_labels, met by item_id)" in told) == ("label" in read)
    apart = ask(workspace, tables, by=spelled, where=condition)
    got = values(apart)
    assert len(got) == len(set(got))
    assert set(got) == set(wanted)
    assert apart.warnings == ()


def test_no_number_goes_to_many_rows(workspace: Workspace) -> None:
    for metric, path, holder in (("items", "daily.mood", "items"), ("sold", "item.daily.mood", "items")):
        for part in ({"by": path}, {"where": f"{path} = 'u'"}, {"by": path, "top": 1}, {"order_by": path, "by": []}):
            with pytest.raises(WorkbenchError) as raised:
                ask(workspace, {}, metrics=metric, **part)
            if "order_by" not in part:
                assert raised.value.slug == "fan-out"
                assert f"the join through '{holder}.daily' would multiply its rows" in str(raised.value)
    with pytest.raises(WorkbenchError, match="'every_row' is about values"):
        ask(workspace, {}, metrics="items", by="daily.mood", every_row=True)
    with pytest.raises(WorkbenchError):  # nor to an entity's numbers
        ask(workspace, {}, metrics="sold", where="item.daily has (sold > 1)")


def test_what_is_declared_of_one_row_reads_one_row(tmp_path: Path) -> None:
    def problems(more: str) -> list[str]:
        make_workspace(tmp_path, {})
        (tmp_path / "metrics/models/more.yml").write_text(more, encoding="utf-8")
        workspace = load(tmp_path)
        return [problem.slug for problem in (*workspace.problems, *check(build(workspace), workspace))]

    model = "semantic_model: more\ntable: stock.items\nprimary_key: item_id\n"
    assert problems(model + "many: {daily: {to: item_days, on: item_id}}\ndimensions: {kind: {}}\n") == []
    assert problems(model + "many: {daily: {to: item_weeks, on: item_id}}\n") == ["unknown-model"]
    both = "relationships: {place: {to: places, on: place_id}}\nmany: {place: {to: item_days, on: item_id}}\n"
    assert problems(model + both) == ["duplicate-name"]
    reads = "many: {daily: {to: item_days, on: item_id}}\ndimensions: {mood: {expr: daily.mood}}\n"
    assert problems(model + reads) == ["fan-out"]
    assert problems("{metric: moods, model: items, expr: count(daily.mood)}") == ["fan-out"]
    assert problems("{metric: moods, model: items, expr: count(*), filter: daily.mood = 'u'}") == ["fan-out"]


def test_rows_that_stand_there_twice_are_a_broken_key(workspace: Workspace) -> None:
    day = {"item_id": 1, "day": 1, "mood": "u", "shelf_id": None}
    item = {"item_id": 1, "place_id": None, "kind": "a"}
    for part in ({"every_row": True}, {}):
        with pytest.raises(Unanswerable, match="'daily'.*broken-key"):
            ask(workspace, {"items": [item], "item_days": [day, day]}, by=["items.kind", "items.daily.mood"], **part)


def test_hidden_rows_are_no_lines(tmp_path: Path) -> None:
    rule = "restrict: [{name: odd, to: [analyst], rows: {column: day, op: in, values: [1, 3]}}]\n"
    workspace = make_workspace(tmp_path, {"item_days": rule})
    days = [{"item_id": 1, "day": n, "mood": mood, "shelf_id": None} for n, mood in enumerate("uvu", 1)]
    items = [{"item_id": n, "place_id": None, "kind": kind} for n, kind in enumerate("ab", 1)]
    by = ["items.kind", "items.daily.mood"]
    answer = ask(workspace, {"items": items, "item_days": days}, by=by, every_row=True, order_by=["items.kind"])
    assert values(answer) == [("a", "u"), ("a", "u"), ("b", None)]
