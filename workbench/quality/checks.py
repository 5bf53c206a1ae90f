"""A workspace against its warehouse: missing tables and columns, type errors, and declared keys that are not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from workbench.access.guard import issue
from workbench.access.principal import Principal
from workbench.access.restriction import Restriction
from workbench.declare.declared import Declared
from workbench.declare.expression import Aggregate, Call, Column, Expression, Literal, Name, conjunction
from workbench.declare.functions import CLASSES
from workbench.declare.question import Question
from workbench.declare.terms import Metric, SemanticModel
from workbench.declare.types import infer
from workbench.declare.unparse import unparse
from workbench.declare.workspace import Workspace
from workbench.errors import Place, Problem, WorkbenchError, did_you_mean
from workbench.graph.bind import column_of, field_expression
from workbench.graph.build import Graph, build
from workbench.graph.formulas import SCANNED, Aggregation, formula
from workbench.graph.joins import hops
from workbench.graph.paths import Field
from workbench.graph.resolve import Key, Leg, Number, Resolved
from workbench.plan.build import build as build_plan
from workbench.plan.lower import to_sql
from workbench.warehouse.engine import Engine
from workbench.warehouse.stand_in import type_of

SAMPLES = 3
"""Broken keys that a problem quotes."""
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
            sql = _repeated(graph, model, key, engine)
            rows = engine.run(sql).to_pylist()
        except WorkbenchError as error:
            yield from (
                Problem(p.slug, p.message, p.place or declared.place_of("primary_key"), p.hint) for p in error.problems
            )
            continue
        if rows:
            samples = "; ".join(", ".join(f"{k} = {row[k]!r}" for k in key) + f" ({row['rows']} rows)" for row in rows)
            yield Problem(
                "broken-key",
                f"{list(key)} is declared a key of '{model}' but is not unique: {samples}.",
                declared.place_of("primary_key"),
                "Joins on it would multiply rows. Mend the data, or declare another key.",
            )


def _repeated(graph: Graph, model: str, key: tuple[str, ...], engine: Engine) -> str:
    """SQL for a few values of the key that several rows share; NULLs are no values."""
    trees = tuple(column_of(graph, model, name) for name in key)
    rows = Aggregation(model, None, Aggregate("count", ()))
    present = conjunction(*(Call("not", (Call("is_null", (tree,)),)) for tree in trees))
    leg = Leg(model, graph.model(model).table, None, (), present, trees, (0,))
    keys = tuple(Key(name, name, Field((), model, name)) for name in key)
    many = Call(">", (Column(SCANNED, "0"), Literal(1)))
    counted = (Number("rows", "rows", Column(SCANNED, "0")),)
    resolved = Resolved(Question(), keys, counted, (rows,), (leg,), many, (("rows", True),), SAMPLES)
    plan = build_plan(issue(resolved, Principal("checks"), Restriction), engine.types, "")
    return to_sql(plan, engine.schema, engine.dialect, engine.catalog)
