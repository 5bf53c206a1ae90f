"""Hundreds of small changes to the reference metrics: the value report tells of each whether it moves a number.

Whether it does is decided by another way: both definitions by every day, airport, carrier and status at once, and by
each alone, compared row by row in Python, where the report groups by many axes and merges in the engine.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.nightly import is_nightly
from workbench.declare.declared import Declared
from workbench.declare.expression import Aggregate, Call, Expression, Literal, Name, rebuild, walk
from workbench.declare.parser import parse
from workbench.declare.question import Question
from workbench.declare.terms import Length, Metric
from workbench.declare.unparse import unparse
from workbench.declare.workspace import load
from workbench.errors import WorkbenchError
from workbench.graph.build import Graph, build
from workbench.graph.formulas import base_models
from workbench.quality.asking import ask, keys_of
from workbench.review.values import compare
from workbench.warehouse.duckdb_engine import DuckDBEngine

ROOT = Path(__file__).parents[2]
SWAPS = {
    "+": "-",
    "-": "+",
    "*": "/",
    "/": "*",
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "=": "<>",
    "and": "or",
    "or": "and",
}
AGGREGATES = {"sum": "avg", "avg": "median", "max": "min", "min": "max", "median": "avg", "stddev": "max"}
COLUMNS = {
    "dep_delay_minutes": "arr_delay_minutes", "arr_delay_minutes": "dep_delay_minutes", "origin_code": "carrier",
    "carrier": "origin_code", "tailnum": "carrier", "distance_miles": "air_time_minutes", "seats": "engines",
}  # fmt: skip
FINEST = ("metric_time.day", "origin_code", "carrier", "status")


@dataclass(frozen=True)
class Mutant:
    """A metric and one small change of it."""

    name: str
    what: str
    term: Metric


def mutants(graph: Graph) -> Iterator[Mutant]:
    """Every small change of every metric: operators, numbers, columns, aggregates, filters, windows, units, layout."""
    for name, declared in sorted(graph.metrics.items()):
        term = declared.term
        for key in ("expr", "filter"):
            text = getattr(term, key)
            if text:
                for what, tree in _changed(parse(text)):
                    yield Mutant(name, f"{key}: {what}", term.model_copy(update={key: unparse(tree)}))
        if term.filter:
            yield Mutant(name, "filter: gone", term.model_copy(update={"filter": None}))
            yield Mutant(name, "filter: turned round", term.model_copy(update={"filter": f"not ({term.filter})"}))
            yield Mutant(
                name, "filter: twice", term.model_copy(update={"filter": f"({term.filter}) and {term.filter}"})
            )
        if term.window:
            longer = Length(count=term.window.count + 1, grain=term.window.grain)
            yield Mutant(name, "window: one longer", term.model_copy(update={"window": longer}))
        if term.to_date:
            yield Mutant(name, "to date: of the year", term.model_copy(update={"to_date": "year"}))
        yield Mutant(name, "unit", term.model_copy(update={"unit": "apples"}))
        yield Mutant(name, "expr: in brackets", term.model_copy(update={"expr": f"({term.expr}) * 1"}))


def _changed(tree: Expression) -> Iterator[tuple[str, Expression]]:
    for at, part in enumerate(walk(tree)):
        for what, new in _other(part):
            yield what, _put(tree, at, new)


def _other(part: Expression) -> Iterator[tuple[str, Expression]]:
    if isinstance(part, Call) and part.function in SWAPS:
        yield f"{part.function} to {SWAPS[part.function]}", replace(part, function=SWAPS[part.function])
    if isinstance(part, Call) and part.function in ("+", "*", "and", "or", "="):
        yield f"{part.function} turned round", replace(part, arguments=part.arguments[::-1])
    if isinstance(part, Literal) and type(part.value) in (int, float, Decimal):
        yield f"{part.value} plus one", Literal(part.value + 1)  # type: ignore[operator]
    if isinstance(part, Aggregate) and part.function in AGGREGATES:
        yield f"{part.function} to {AGGREGATES[part.function]}", replace(part, function=AGGREGATES[part.function])
    if isinstance(part, Name) and len(part.path) == 1 and part.path[0] in COLUMNS:
        yield f"{part} to {COLUMNS[part.path[0]]}", Name((COLUMNS[part.path[0]],))


def _put(tree: Expression, at: int, new: Expression) -> Expression:
    """The tree with its part number ``at`` replaced."""
    count = iter(range(10_000))

    def change(part: Expression) -> Expression:
        return new if next(count) == at else rebuild(part, change)

    return change(tree)


@pytest.fixture(scope="module")
def engine(flights_file: Path) -> Iterator[DuckDBEngine]:
    engine = DuckDBEngine(flights_file)
    yield engine
    engine.close()


Answers = list[Any]
"""The values of a metric by nothing, by everything at once, and by each path alone; refusals by their slug."""


def _finely(graph: Graph, name: str, engine: DuckDBEngine) -> Answers:
    """Distinct values and medians need all of these: what moves in one may cancel out in another."""
    try:
        models = base_models(graph, name)
    except WorkbenchError as error:
        return [error.slug]
    by = FINEST if models == ("flights",) else FINEST[:1] if _timed(graph, models) else ()
    counters = {f"n{at}": EVERY_ROW[model] for at, model in enumerate(models)}
    return [
        _values(graph, name, counters if paths else {}, paths, engine)
        for paths in dict.fromkeys([(), by, *((path,) for path in by)])
    ]


EVERY_ROW = {
    "flights": "flights", "weather": "weather_observations", "planes": "aircraft_registered",
    "airports": "airports_listed",
}  # fmt: skip
"""What counts all rows of a model: beside it every group is there, also where the metric has nothing to say."""


def _values(
    graph: Graph, name: str, counters: dict[str, str], by: tuple[str, ...], engine: DuckDBEngine
) -> dict[tuple[str, ...], Any] | str:
    """The values by some paths; the refusal where there are none."""
    try:
        rows = ask(graph, Question(metrics={"v": name} | counters, by=by), engine, keys_of(engine)).to_pylist()
    except WorkbenchError as error:
        return error.slug
    return {tuple(str(row[path]) for path in by): row["v"] for row in rows}


def _timed(graph: Graph, models: tuple[str, ...]) -> bool:
    return all(graph.model(model).time_dimension for model in models)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        both = one.keys() & other.keys()
        alone = [(one if key in one else other)[key] for key in one.keys() ^ other.keys()]
        return not any(alone) and all(_same(one[key], other[key]) for key in both)
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9)
    return bool(one == other)


def judged(
    graph: Graph, chosen: list[Mutant], engine: DuckDBEngine, seconds: float
) -> Iterator[tuple[Mutant, bool, bool]]:
    """Of each mutant whether the report says that values moved, and whether they did."""
    metrics, names = dict(graph.metrics), []
    for at, mutant in enumerate(chosen):
        names.append((mutant.name, f"mutant_{at}"))
        metrics[names[-1][1]] = Declared(mutant.term, graph.metrics[mutant.name].document)
    changed = replace(graph, metrics=metrics)
    report = compare(graph, changed, names, engine, keys_of(engine), frozenset(FINEST[1:]), seconds)
    was = {name: _finely(graph, name, engine) for name in {mutant.name for mutant in chosen}}
    for mutant, (old, new), told in zip(chosen, names, report, strict=True):
        yield mutant, told.moved, not _same(was[old], _finely(changed, new, engine))


@pytest.mark.slow
@pytest.mark.nightly
def test_the_report_tells_which_changes_move_values(engine: DuckDBEngine, request: pytest.FixtureRequest) -> None:
    some, seconds = (10_000, 3_600.0) if is_nightly(request) else (8, 3.0)
    graph = build(load(ROOT).require())
    every = list(mutants(graph))
    assert len(every) >= 200, len(every)
    chosen = random.Random(some).sample(every, min(some, len(every)))
    told = list(judged(graph, chosen, engine, seconds))
    wrong = [f"{m.name}, {m.what}: told {said}, is {true}" for m, said, true in told if said != true]
    assert not wrong, "\n".join(wrong)
    assert {True, False} == {true for _, _, true in told}
