"""A workspace against its warehouse: missing tables and columns, type errors, and declared keys that are not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from workbench.declare.declared import Declared
from workbench.declare.expression import Column, Expression, Name
from workbench.declare.functions import CLASSES
from workbench.declare.terms import Metric, SemanticModel
from workbench.declare.types import infer
from workbench.declare.unparse import unparse
from workbench.declare.workspace import Workspace
from workbench.errors import Place, Problem, WorkbenchError, did_you_mean
from workbench.graph.bind import HERE, field_expression
from workbench.graph.build import Graph, build
from workbench.graph.formulas import Aggregation, formula
from workbench.graph.joins import hops
from workbench.graph.paths import Field
from workbench.quality.keys import broken_key, key_fact, place_of_key
from workbench.warehouse.engine import Engine
from workbench.warehouse.stand_in import type_of

KINDS = {"boolean": "a condition or boolean", "number": "a number", "temporal": "a time"}
DECLARED = {"boolean": "boolean", "number": "number", "time": "temporal"}
"""The class of values that each type of a dimension promises; a categorical one promises nothing."""


def check_data(workspace: Workspace, engine: Engine) -> tuple[Problem, ...]:
    """Every problem that only the warehouse can show; what is wrong without it is `graph.check`'s."""
    graph = build(workspace)
    there = set(engine.tables())
    whole = replace(graph, models={n: d for n, d in graph.models.items() if d.term.table in there})
    found = [
        Problem(
            "missing-table",
            f"the warehouse has no table '{declared.term.table}'.",
            declared.place_of("table"),
            did_you_mean(declared.term.table, there),
        )
        for declared in graph.models.values()
        if declared.term.table not in there
    ]
    for model, declared in whole.models.items():
        found.extend(_dimensions(whole, model, declared, engine))
        found.extend(_keys(whole, model, declared, engine))
    for name, declared_metric in whole.metrics.items():
        found.extend(_metric(whole, name, declared_metric, engine))
    return tuple(dict.fromkeys(found))


def _dimensions(graph: Graph, model: str, declared: Declared[SemanticModel], engine: Engine) -> Iterator[Problem]:
    for name, dimension in declared.term.dimensions.items():
        place = declared.place_of("dimensions", name, "expr")
        try:
            tree = field_expression(graph, Field((), model, name))
        except WorkbenchError:
            continue  # found without the warehouse already
        yield from _typed(graph, model, tree, place, engine, DECLARED.get(dimension.type, ""))


def _metric(graph: Graph, name: str, declared: Declared[Metric], engine: Engine) -> Iterator[Problem]:
    scanned: list[Aggregation] = []
    try:
        formula(graph, name, scanned)
    except WorkbenchError:
        return  # found without the warehouse already
    for one in scanned:
        if declared.term.model is not None:  # a derived metric's aggregates are told where they are written
            yield from _typed(graph, one.model, one.aggregate, declared.place_of("expr"), engine)
        where = "filter" if declared.term.model is not None else "inputs"
        if where in declared.document.data:
            for condition in one.filters:
                yield from _typed(graph, one.model, condition, declared.place_of(where), engine, "boolean")


def _typed(
    graph: Graph,
    model: str,
    tree: Expression,
    place: Place,
    engine: Engine,
    kind: str = "",
) -> Iterator[Problem]:
    """The problems of inferring a tree's type from the warehouse's schema, and of its not being of that ``kind``."""

    def type_in(name: Name | Column) -> str:
        assert isinstance(name, Column)
        if name.name == HERE:
            return "boolean"
        at = hops(graph, model, tuple(name.relation.split(".")))[-1].model if name.relation else model
        table = graph.model(at).table
        columns = engine.types(table)
        if name.name not in columns:
            raise WorkbenchError(
                Problem(
                    "missing-column",
                    f"the table '{table}' has no column '{name.name}'.",
                    place,
                    did_you_mean(name.name, columns, f"It has {', '.join(columns)}."),
                )
            )
        return type_of(columns[name.name]) or "unknown"

    try:
        found = infer(tree, type_in, place)
    except WorkbenchError as error:
        yield from error.problems
        return
    if kind and found != "unknown" and found not in CLASSES[kind]:
        said = f"'{unparse(tree)}' gives {found}, where {KINDS[kind]} is declared."
        yield Problem("type-mismatch", said, place, "Declare what it is, or write an expression that gives it.")


def _keys(graph: Graph, model: str, declared: Declared[SemanticModel], engine: Engine) -> Iterator[Problem]:
    for key in declared.term.declared_keys():
        try:
            fact = key_fact(graph, model, key, engine)
        except WorkbenchError as error:
            place = place_of_key(declared, key)
            yield from (Problem(p.slug, p.message, p.place or place, p.hint) for p in error.problems)
            continue
        if fact.verdict == "broken":
            yield broken_key(graph, fact)
