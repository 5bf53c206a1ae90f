"""The tests that metrics declare to their outcomes, on the warehouse or on the few rows they give."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from workbench.declare.question import Question
from workbench.declare.terms import MetricTest
from workbench.declare.workspace import Workspace
from workbench.errors import Place, Problem, WorkbenchError
from workbench.graph.build import Graph, build
from workbench.quality.asking import ask, keys_of
from workbench.warehouse.duckdb_engine import DuckDBEngine
from workbench.warehouse.engine import Engine
from workbench.warehouse.given import write_given
from workbench.warehouse.keys import Keys


@dataclass(frozen=True, slots=True)
class Outcome:
    """One declared test: what it expected and what came."""

    metric: str
    number: int
    kind: str
    passed: bool
    expected: float | int | None
    got: Any
    place: Place
    problems: tuple[Problem, ...] = ()

    @property
    def message(self) -> str:
        """What happened, in a sentence."""
        if self.problems:
            return str(self.problems[0])
        return f"expected {self.expected}, got {self.got}"


def prove(workspace: Workspace, engine: Engine, names: Iterable[str] = ()) -> Iterator[Outcome]:
    """Run the tests of the named metrics, of all where none is named."""
    graph = build(workspace)
    keys = keys_of(engine)
    for name in names or sorted(graph.metrics):
        for number, test in enumerate(graph.metric(name).tests, 1):
            place = graph.metrics[name].place_of("tests", number - 1)
            kind = "warehouse" if test.given is None else "given rows"
            try:
                got = _value(graph, name, test, engine, keys, place)
            except WorkbenchError as error:
                yield Outcome(name, number, kind, False, test.expect, None, place, error.problems)
                continue
            yield Outcome(name, number, kind, _close(test, got), test.expect, got, place)


def _value(graph: Graph, name: str, test: MetricTest, engine: Engine, keys: Keys, place: Place) -> Any:
    if test.given is None:
        return _ask(graph, name, test, engine, keys)
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        path = Path(folder) / "given.duckdb"
        tables = {graph.model(model).table: rows for model, rows in test.given.items()}
        types = {graph.model(model).table: engine.types(graph.model(model).table) for model in graph.models}
        write_given(path, types, tables, place)
        small = DuckDBEngine(path)
        try:
            return _ask(graph, name, test, small, keys_of(small))
        finally:
            small.close()


def _ask(graph: Graph, name: str, test: MetricTest, engine: Engine, keys: Keys) -> Any:
    """The one value of a test's question; several groups are an error of the test."""
    question = Question(metrics=name, by=test.by, where=test.where)
    table = ask(graph, question, engine, keys)
    if table.num_rows > 1:
        raise WorkbenchError(
            Problem(
                "several-groups",
                f"the test gives {table.num_rows} groups, and a test is about one value.",
                hint="Narrow it with 'where'.",
            )
        )
    return table.column(name)[0].as_py() if table.num_rows else None


def _close(test: MetricTest, got: Any) -> bool:
    if test.expect is None or got is None:
        return test.expect is None and got is None
    value = float(got) if isinstance(got, Decimal) else got
    return math.isclose(value, test.expect, rel_tol=1e-12, abs_tol=test.tolerance)
