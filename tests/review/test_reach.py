"""A change reaches all that is computed from it, by any way, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.review.play import WORKSPACE
from workbench.declare.workspace import Workspace, load
from workbench.review.changes import changes
from workbench.review.reach import Reach, reach
from workbench.warehouse.ledger import Run

MORE = {
    "metrics/models/people.yml": "semantic_model: people\ntable: gold.people\nprimary_key: id\n"
    "dimensions:\n  town: {}\n",
    "metrics/models/orders.yml": WORKSPACE["metrics/models/orders.yml"].replace(
        "dimensions:", "relationships: {buyer: {to: people, 'on': {buyer_id: id}}}\ndimensions:"
    ),
    "metrics/sales/local.yml": "metric: local\nmodel: orders\nexpr: count(*)\nfilter: buyer.town = 'Graz'\n",
    "metrics/people.yml": "metric: people\nmodel: people\nexpr: count(*)\n",
    "metrics/sales/loyal.yml": "metric: loyal\nmodel: people\nexpr: count(*)\nfilter: people has orders_placed > 3\n",
    "metrics/saved_queries/towns.yml": "saved_query: towns\nmetrics: [orders_placed]\nby: [buyer.town]\n",
    "metrics/saved_queries/where.yml": "saved_query: filtered\nmetrics: [revenue]\nwhere: buyer.town = 'Graz'\n",
}
NOTEBOOK = json.dumps(
    {
        "cells": [
            {"cell_type": "code", "source": ["wb.query('average',\n", " by='country')"]},
            {"cell_type": "markdown", "source": "revenue is in the prose alone"},
        ]
    }
).encode()


def workspace(folder: Path, **changed: str | None) -> Workspace:
    named = {key.replace("__", "/") + ".yml": text for key, text in changed.items()}
    for name, text in (WORKSPACE | MORE | named).items():
        if text is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    return load(folder).require()


def reached(tmp_path: Path, runs: tuple[Run, ...] = (), **changed: str | None) -> Reach:
    base, head = workspace(tmp_path / "base"), workspace(tmp_path / "head", **changed)
    return reach(changes(base, head), base, {"notebooks/a.ipynb": NOTEBOOK, "notebooks/b.ipynb": b"\xff{"}, runs)


def names(found: Reach) -> set[str]:
    return {one.name for one in found.consumers}


def test_a_metric_reaches_all_computed_from_it(tmp_path: Path) -> None:
    found = reached(tmp_path, metrics__sales__revenue="metric: revenue\nowner: sales\nmodel: orders\nexpr: sum(net)\n")
    assert set(found.metrics) == {"revenue", "average"}
    assert names(found) == {"average", "weekly", "filtered", "page", "notebooks/a.ipynb"}
    weekly = next(one for one in found.consumers if one.name == "weekly")
    assert weekly.through == ("average",)


def test_words_alone_reach_nothing(tmp_path: Path) -> None:
    text = WORKSPACE["metrics/sales/revenue.yml"] + "label: Money\n"
    assert reached(tmp_path, metrics__sales__revenue=text) == Reach((), ())


def test_a_condition_on_an_entity_is_a_way(tmp_path: Path) -> None:
    text = WORKSPACE["metrics/sales/orders.yml"] + "filter: country = 'AT'\n"
    assert {"orders_placed", "average", "loyal"} == set(reached(tmp_path, metrics__sales__orders=text).metrics)


def test_a_dimension_reaches_who_names_it_through_any_role(tmp_path: Path) -> None:
    text = MORE["metrics/models/people.yml"].replace("town: {}", "town: {expr: upper(town)}")
    found = reached(tmp_path, metrics__models__people=text)
    assert set(found.metrics) == {"local"}
    assert names(found) == {"local", "towns", "filtered"}


def test_a_model_reaches_all_that_count_or_join_its_rows(tmp_path: Path) -> None:
    text = MORE["metrics/models/people.yml"].replace("gold.people", "gold.persons")
    assert set(reached(tmp_path, metrics__models__people=text).metrics) == {"people", "local", "loyal"}
    text = MORE["metrics/models/orders.yml"].replace("gold.orders", "gold.sales")
    everything = {"revenue", "orders_placed", "average", "local", "loyal"}
    assert set(reached(tmp_path / "two", metrics__models__orders=text).metrics) == everything


def test_a_removed_metric_reaches_its_consumers(tmp_path: Path) -> None:
    found = reached(tmp_path, metrics__people=None)
    assert set(found.metrics) == {"people"}


@pytest.mark.parametrize(
    ("asked", "told"), [(("revenue",), {"ana"}), (("average", "people"), {"ana"}), (("people",), set())]
)
def test_who_asked_of_late_is_reached(tmp_path: Path, asked: tuple[str, ...], told: set[str]) -> None:
    run = Run("ana", "metric", asked, "f", 1, 0.1, "answered")
    text = "metric: revenue\nowner: sales\nmodel: orders\nexpr: sum(net)\n"
    found = reached(tmp_path, (run,), metrics__sales__revenue=text)
    assert {one.name for one in found.consumers if one.kind == "person"} == told
