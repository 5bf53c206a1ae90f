"""Consumers move to a successor by name and by meaning: what a name alone does not tell is left to a person."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.review.play import WORKSPACE
from workbench.declare.workspace import Workspace, load
from workbench.errors import ReviewError
from workbench.review.migration import apply, edits, migrations, notebooks_of, status

REVENUE = "metrics/sales/revenue.yml"
MOVING = {
    REVENUE: WORKSPACE[REVENUE] + "deprecated: {since: 2026-01-01, until: 2027-01-01, replaced_by: net}\n",
    "metrics/sales/net.yml": "metric: net\nowner: sales\nmodel: orders\nexpr: sum(amount) - sum(tax)\n",
}
NOTEBOOK = {
    "cells": [
        {"cell_type": "code", "source": ["revenue = wb.query('revenue', by='country')\n", "revenue.plot()\n"]},
        {"cell_type": "code", "source": ["%%metric\n", "revenue by country\n"]},
        {"cell_type": "code", "source": "%metric revenue by country where country = 'ü'"},
        {"cell_type": "code", "source": "%%sql\nselect revenue from gold.orders where name = 'revenue'"},
        {"cell_type": "markdown", "source": ["About revenue.\n"]},
    ],
    "metadata": {},
    "nbformat": 4,
}


def workspace(folder: Path, **files: str) -> Workspace:
    more = {name.replace("__", "/") + ".yml": text for name, text in files.items()}
    for name, text in (WORKSPACE | MOVING | more).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())
    return load(folder).require()


def moved(folder: Path, text: str, name: str = "metrics__user") -> tuple[str, bool]:
    """The text of a file after the migration, and whether a person must look at it."""
    made = workspace(folder, **{name: text})
    found, by_hand = edits(made, "revenue", {})
    apply(made.root, found)
    file = name.replace("__", "/") + ".yml"
    load(folder).require()
    return (folder / file).read_bytes().decode(), file in by_hand


def test_status_tells_who_still_has_to_move(tmp_path: Path) -> None:
    made = workspace(
        tmp_path,
        metrics__both="metric: change\nexpr: revenue - net\n",
        metrics__saved_queries__new="saved_query: new\nmetrics: [net]\n",
    )
    assert [(one.old, one.new) for one in migrations(made)] == [("revenue", "net")]
    found = {(one.kind, one.name): one.state for one in status(made, {"n.ipynb": json.dumps(NOTEBOOK).encode()})}
    assert found == {
        ("metric", "average"): "to move",
        ("metric", "change"): "both",
        ("dashboard", "page"): "to move",
        ("saved query", "new"): "moved",
        ("notebook", "n.ipynb"): "to move",
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("metric: a\nexpr: revenue / 2 # of revenue\n", "metric: a\nexpr: net / 2 # of revenue\n"),
        ("metric: a\ndescription: Twice\n  the revenue\nexpr: >-\n  2 *\n  revenue\n",
         "metric: a\ndescription: Twice\n  the revenue\nexpr: >-\n  2 *\n  net\n"),
        ("metric: a\r\nexpr: 'revenue'\r\nlabel: revenue\r\n", "metric: a\r\nexpr: 'net'\r\nlabel: revenue\r\n"),
        ("metric: a\nexpr: b - 1\ninputs:\n  b:\n    metric: revenue\n    offset: 1 month\n",
         "metric: a\nexpr: b - 1\ninputs:\n  b:\n    metric: net\n    offset: 1 month\n"),
        ("metric: a\nexpr: revenue_all + revenue\n---\nmetric: revenue_all\nmodel: orders\nexpr: sum(revenue)\n", None),
        ("metric: a\nmodel: orders\nexpr: sum(revenue)\n", "metric: a\nmodel: orders\nexpr: sum(revenue)\n"),
        ("saved_query: a\nmetrics: [revenue, orders_placed]\norder_by: -revenue\nhaving: revenue > 1\n",
         "saved_query: a\nmetrics: [net, orders_placed]\norder_by: -net\nhaving: net > 1\n"),
    ],
)  # fmt: skip
def test_names_move_and_nothing_else(tmp_path: Path, before: str, after: str | None) -> None:
    text, by_hand = moved(tmp_path, before)
    assert (text, by_hand) == ((before, True) if after is None else (after, False))


@pytest.mark.parametrize(
    "text",
    [
        # The alias is the metric's own name: to rename both would lose the offset.
        "metric: a\nexpr: revenue - orders_placed\ninputs: {revenue: {metric: revenue, offset: 1 month}}\n",
        "saved_query: a\nmetrics: [orders_placed]\nwhere: country = 'revenue'\nhaving: revenue > 1\n",
    ],
)
def test_what_a_name_alone_does_not_tell_is_left_to_a_person(tmp_path: Path, text: str) -> None:
    assert moved(tmp_path, text) == (text, True)


def test_the_successor_may_be_defined_by_the_old_one(tmp_path: Path) -> None:
    text = "metric: net\nexpr: revenue * 2\n"
    assert moved(tmp_path, text, "metrics__sales__net") == (text, False)


def test_pages_move(tmp_path: Path) -> None:
    page = "dashboard: p\ntitle: revenue\nrows:\n  - [{number: revenue}, {line: [revenue], title: revenue}]\n"
    text, by_hand = moved(tmp_path, page, "notebooks__dashboards__p")
    assert text == page.replace("number: revenue", "number: net").replace("[revenue]", "[net]") or by_hand


def test_code_in_notebooks_moves_where_it_asks(tmp_path: Path) -> None:
    made = workspace(tmp_path)
    (tmp_path / "notebooks/n.ipynb").write_text(json.dumps(NOTEBOOK, indent=1, ensure_ascii=False), encoding="utf-8")
    found, by_hand = edits(made, "revenue", notebooks_of(tmp_path))
    apply(tmp_path, found)
    cells = json.loads((tmp_path / "notebooks/n.ipynb").read_text(encoding="utf-8"))["cells"]
    assert cells[0]["source"] == ["revenue = wb.query('net', by='country')\n", "revenue.plot()\n"]
    assert "".join(cells[1]["source"]) == "%%metric\nnet by country\n"
    assert cells[2]["source"] == "%metric net by country where country = 'ü'"
    assert [cells[at] for at in (3, 4)] == NOTEBOOK["cells"][3:]  # type: ignore[index]
    assert by_hand == ()
    assert not {one.name for one in status(load(tmp_path), notebooks_of(tmp_path)) if one.state == "to move"}


def test_a_metric_that_is_not_leaving(tmp_path: Path) -> None:
    with pytest.raises(ReviewError, match="There is: revenue"):
        edits(workspace(tmp_path), "orders_placed", {})
