"""What the reference workspace says of itself: its own tests hold, and nothing in it lacks a word of explanation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from workbench.declare.question import Question
from workbench.declare.terms import MetricTest
from workbench.declare.workspace import Workspace, load
from workbench.graph.build import build
from workbench.graph.check import check
from workbench.quality.proof import prove
from workbench.warehouse.duckdb_engine import DuckDBEngine

if TYPE_CHECKING:
    from tests.cases.conftest import Desk

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[2]


@cache
def reference() -> Workspace:
    return load(REPOSITORY).require()


METRICS = sorted(reference().metrics)


@pytest.fixture(scope="module")
def engine(flights_file: Path) -> Iterator[DuckDBEngine]:
    engine = DuckDBEngine(flights_file)
    yield engine
    engine.close()


def test_nothing_is_wrong_with_it() -> None:
    workspace = reference()
    assert check(build(workspace), workspace) == ()


@pytest.mark.parametrize("metric", METRICS)
def test_metric_keeps_its_own_promises(metric: str, engine: DuckDBEngine) -> None:
    outcomes = list(prove(reference(), engine, [metric]))
    assert [one.kind for one in outcomes].count("warehouse") >= 2, "a golden value in total and a narrowed one"
    assert [str(one.place) + " " + one.message for one in outcomes if not one.passed] == []


def test_a_broken_promise_is_told(engine: DuckDBEngine) -> None:
    workspace = reference()
    declared = workspace.metrics["flights"]
    wrong = declared.term.model_copy(update={"tests": (MetricTest(expect=336775),)})
    broken = replace(workspace, metrics={"flights": replace(declared, term=wrong)})
    (outcome,) = prove(broken, engine)
    assert not outcome.passed
    assert "336775" in outcome.message
    assert "336776" in outcome.message


@pytest.mark.parametrize("metric", METRICS)
def test_metric_explains_itself(metric: str) -> None:
    workspace = reference()
    declared = workspace.metrics[metric]
    term = declared.term
    assert term.label
    assert term.format
    assert len(term.description) >= 40
    assert term.description.endswith(".")
    assert term.owner in workspace.groups
    # One metric, one owner, one file, one diff.
    assert declared.place.file == f"metrics/{term.domain}/{metric}.yml"


def test_models_and_dimensions_explain_themselves() -> None:
    workspace = reference()
    for name, declared in workspace.models.items():
        assert declared.term.description
        assert declared.term.owner in workspace.groups
        for dimension, term in declared.term.dimensions.items():
            assert term.description.endswith("."), f"{name}.{dimension}"
        for role, relationship in declared.term.relationships.items():
            assert relationship.description, f"{name}.{role}"


def test_a_synonym_leads_to_few_metrics() -> None:
    leads: dict[str, list[str]] = {}
    for name, declared in reference().metrics.items():
        for synonym in declared.term.synonyms:
            leads.setdefault(synonym.lower(), []).append(name)
            assert not re.fullmatch(r"[a-z_]+", synonym) or synonym not in reference().metrics
    assert {synonym: names for synonym, names in leads.items() if len(names) > 2} == {}


@pytest.mark.parametrize("name", sorted(reference().saved_queries))
def test_saved_query_answers(name: str, desks: dict[str, Desk]) -> None:
    declared = reference().saved_queries[name].term
    assert declared.label
    assert declared.description.endswith(".")
    assert declared.owner in reference().groups
    assert len(desks["flights"].session("ana@skyways.example").saved(name)) > 0


@pytest.mark.parametrize("name", sorted(reference().dashboards))
def test_every_tile_answers(name: str, desks: dict[str, Desk]) -> None:
    page = desks["flights"].session("ana@skyways.example").dashboards[name]
    for tile in (tile for row in page.rows for tile in row if tile.kind != "text"):
        by = tile.by or ((f"metric_time.{page.grain}",) if tile.kind == "line" else ())
        asked = Question(metrics=tile.metrics(), by=by, where=tile.where, time=page.time)
        assert len(desks["flights"].session("ana@skyways.example").ask(asked)) >= (2 if by else 1)
