"""Metrics that name each other to one formula: what doubles at each step is refused before it has grown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from workbench.declare.declared import declared
from workbench.declare.reader import read_documents
from workbench.declare.workspace import load
from workbench.errors import DeclarationError
from workbench.graph.build import Graph, build
from workbench.graph.formulas import formula

_ROOT = Path(__file__).parents[2]


def _with(graph: Graph, *texts: str) -> Graph:
    made = (declared(read_documents(text, "made.yml")[0]) for text in texts)
    return replace(graph, metrics={**graph.metrics, **{one.term.metric: one for one in made}})


def _doubling(first: str, second: str) -> list[str]:
    """Forty metrics, each made of two before it: a trillion parts."""
    wanted = [f"metric: a0\nexpr: {first}", f"metric: b0\nexpr: {first}"]
    for n in range(40):
        wanted += [f"metric: {kind}{n + 1}\nexpr: a{n} + {second}{n}" for kind in "ab"]
    return wanted


@pytest.mark.parametrize("second", ["a", "b"])
def test_metrics_that_double_at_each_step_are_refused_at_once(second: str) -> None:
    graph = _with(build(load(_ROOT).require()), *_doubling("flights", second))
    with pytest.raises(DeclarationError, match="more than 2,000 parts") as caught:
        formula(graph, "a40", [])
    assert caught.value.slug == "too-complex"


def test_a_metric_named_twice_stands_for_the_same_scan() -> None:
    graph = _with(build(load(_ROOT).require()), *_doubling("flights", "a"))
    scanned: list = []  # type: ignore[type-arg]
    formula(graph, "a5", scanned)
    assert len(scanned) == 1
