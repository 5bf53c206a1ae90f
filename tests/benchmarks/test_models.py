"""The models the benchmark asks are right, and every question of it that we claim to answer resolves on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.adapter import MODELS, QUESTIONS
from workbench.declare.question import Question
from workbench.declare.workspace import load
from workbench.graph.build import build
from workbench.graph.check import check
from workbench.graph.resolve import resolve


@pytest.mark.parametrize("folder", sorted(MODELS.iterdir()), ids=lambda path: str(path.name))
def test_models_are_without_a_problem(folder: Path) -> None:
    workspace = load(folder)
    assert (*workspace.problems, *check(build(workspace), workspace)) == ()


@pytest.mark.parametrize("query_id", sorted(QUESTIONS))
def test_questions_resolve(query_id: str) -> None:
    workspace = load(MODELS / ("flights" if query_id.startswith("f") else "tpch"))
    resolved = resolve(build(workspace), Question.model_validate(QUESTIONS[query_id]))
    assert resolved.numbers
