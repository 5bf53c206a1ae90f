"""What changed between two workspaces is told by meaning, and classed as the table labelled by hand says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from workbench.declare.reader import dump
from workbench.declare.workspace import Workspace, load
from workbench.review.changes import Change, changes

SMALLEST: dict[str, dict[str, Any]] = {
    "metric": {"metric": "revenue", "model": "orders", "expr": "sum(amount)"},
    "semantic_model": {"semantic_model": "orders", "table": "gold.orders", "primary_key": ["id"]},
    "calendar": {"calendar": "ours", "table": "gold.days", "column": "day"},
    "saved_query": {"saved_query": "weekly", "metrics": ["revenue"]},
    "dashboard": {"dashboard": "page", "title": "Page", "rows": [[{"number": "revenue"}]]},
}
TABLE = yaml.safe_load((Path(__file__).parent / "classes.yml").read_text(encoding="utf-8"))


def workspace(folder: Path, *documents: dict[str, Any] | str) -> Workspace:
    """A workspace of these documents; unlike names in them may lead nowhere."""
    for number, document in enumerate(documents):
        text = document if isinstance(document, str) else dump(document)
        home = "notebooks/dashboards" if text.startswith("dashboard:") else "metrics"
        (folder / home).mkdir(parents=True, exist_ok=True)
        (folder / home / f"{number}.yml").write_text(text, encoding="utf-8", newline="")
    loaded = load(folder)
    assert not [p for p in loaded.problems if p.slug != "empty-workspace"], loaded.problems
    return loaded


def compared(folder: Path, before: list[dict[str, Any] | str], after: list[dict[str, Any] | str]) -> tuple[Change, ...]:
    return changes(workspace(folder / "before", *before), workspace(folder / "after", *after))


@pytest.mark.parametrize(("kind", "before", "after", "risk"), TABLE, ids=[f"{k}: {a} to {b}" for k, a, b, _ in TABLE])
def test_each_change_has_the_class_a_person_gave_it(
    kind: str, before: dict[str, Any], after: dict[str, Any], risk: str, tmp_path: Path
) -> None:
    (change,) = compared(tmp_path, [SMALLEST[kind] | before], [SMALLEST[kind] | after])
    assert (change.kind, change.how, change.risk) == (kind, "changed", risk)
    assert change.reason
    assert change.parts


@pytest.mark.parametrize(
    "after",
    [
        "metric: revenue\nexpr: SUM( amount )\nmodel: orders\n",
        "# a word\nmetric: 'revenue'\nmodel: orders\nexpr: >\n  sum(\n    amount)\nvisibility: public\n",
        "metric: revenue\r\nmodel: orders\r\nexpr: sum(amount)\r\nfilter: null\r\n",
    ],
)
def test_another_layout_is_no_change(after: str, tmp_path: Path) -> None:
    assert compared(tmp_path, [SMALLEST["metric"]], [after]) == ()


def test_the_order_of_tags_is_no_change_but_that_of_dimensions_asked_is(tmp_path: Path) -> None:
    metric, saved = SMALLEST["metric"], SMALLEST["saved_query"]
    assert compared(tmp_path / "a", [metric | {"tags": ["a", "b"]}], [metric | {"tags": ["b", "a"]}]) == ()
    assert compared(tmp_path / "b", [saved | {"by": ["a", "b"]}], [saved | {"by": ["b", "a"]}]) != ()


def test_added_removed_and_renamed(tmp_path: Path) -> None:
    metric = SMALLEST["metric"]
    other = {"metric": "cost", "model": "orders", "expr": "sum(cost)"}
    internal = {"metric": "part", "model": "orders", "expr": "max(cost)", "visibility": "internal"}
    told = {
        (c.how, c.was, c.name, c.risk)
        for c in compared(tmp_path, [metric, other, internal], [metric | {"metric": "turnover", "label": "Turnover"}])
    }
    assert told == {
        ("renamed", "revenue", "turnover", "breaking"),
        ("removed", "cost", "cost", "breaking"),
        ("removed", "part", "part", "risky"),
    }
    (added,) = compared(tmp_path / "again", [metric], [metric, other])
    assert (added.how, added.name, added.risk) == ("added", "cost", "safe")


def test_the_same_declared_under_two_new_names_is_one_rename(tmp_path: Path) -> None:
    metric = SMALLEST["metric"]
    told = compared(tmp_path, [metric], [metric | {"metric": "a"}, metric | {"metric": "b"}])
    assert sorted((c.how, c.name) for c in told) == [("added", "b"), ("renamed", "a")]


def test_the_most_dangerous_part_decides_and_comes_first(tmp_path: Path) -> None:
    metric, saved = SMALLEST["metric"], SMALLEST["saved_query"]
    told = compared(
        tmp_path,
        [metric, saved],
        [metric | {"label": "Money", "unit": "EUR", "spine": True}, saved | {"description": "Weekly."}],
    )
    assert [(c.name, c.risk) for c in told] == [("revenue", "breaking"), ("weekly", "safe")]
    assert {part.path: part.risk for part in told[0].parts} == {
        ("label",): "safe",
        ("unit",): "breaking",
        ("spine",): "risky",
    }


@given(st.permutations(["metric", "label", "model", "expr", "unit", "tags"]))
def test_the_order_of_keys_after_the_first_is_no_change(order: list[str]) -> None:
    from workbench.declare.declared import declared
    from workbench.declare.reader import read_documents
    from workbench.review.normal import fingerprint

    whole = SMALLEST["metric"] | {"label": "Revenue", "unit": "EUR", "tags": ["a"]}
    shuffled = {"metric": "revenue"} | {key: whole[key] for key in order}
    prints = [fingerprint(declared(read_documents(dump(one), "x")[0]).term) for one in (whole, shuffled)]
    assert prints[0] == prints[1]
