"""A graph to the part of it that one principal may name; what is hidden is simply not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from workbench.access.restriction import Restriction
from workbench.declare.declared import Declared
from workbench.declare.expression import Column, Expression, walk
from workbench.declare.terms import SemanticModel
from workbench.errors import WorkbenchError
from workbench.graph.bind import HERE, column_of
from workbench.graph.build import Graph
from workbench.graph.formulas import SCANNED, Aggregation, formula
from workbench.graph.joins import hops

Left = Callable[[str], Restriction | None]


def narrow(graph: Graph, restriction_of: Left) -> Graph:
    """The graph without models of tables that are not granted, and without what reads them or a hidden column.

    Internal metrics stay: others are computed from them, and the catalogue leaves them out by itself. Where nothing
    is hidden, no expression is read, so that a large catalogue opens at once.
    """
    left = {name: restriction_of(declared.term.table) for name, declared in graph.models.items()}
    if all(one is not None and not one.hidden and one.columns is None for one in left.values()):
        return graph
    models = {name: _model(graph, declared, left) for name, declared in graph.models.items() if left[name]}
    metrics = {name: declared for name, declared in graph.metrics.items() if _is_visible(graph, name, left)}
    return replace(graph, models=models, metrics=metrics)


def _model(
    graph: Graph, declared: Declared[SemanticModel], left: Mapping[str, Restriction | None]
) -> Declared[SemanticModel]:
    """The model with the relationships and dimensions that may be followed."""
    model = declared.term
    relationships = {role: one for role, one in model.relationships.items() if left.get(one.to)}
    dimensions = {
        name: one
        for name, one in model.dimensions.items()
        if _reads_only_visible(graph, model.semantic_model, _dimension(graph, model.semantic_model, name), left)
    }
    axis = model.time_dimension if model.time_dimension in dimensions else None
    changed = {"relationships": relationships, "dimensions": dimensions, "time_dimension": axis}
    return replace(declared, term=model.model_copy(update=changed))


def _dimension(graph: Graph, model: str, name: str) -> Expression | None:
    """What a dimension reads; None where its declaration is broken, which makes it as good as missing."""
    try:
        return column_of(graph, model, name)
    except WorkbenchError:
        return None


def _is_visible(graph: Graph, name: str, left: Mapping[str, Restriction | None]) -> bool:
    scanned: list[Aggregation] = []
    try:
        formula(graph, name, scanned)
    except WorkbenchError:
        return False
    return all(_aggregation_is_visible(graph, one, left) for one in scanned)


def _aggregation_is_visible(graph: Graph, one: Aggregation, left: Mapping[str, Restriction | None]) -> bool:
    trees = (one.aggregate, *one.filters)
    return left.get(one.model) is not None and all(_reads_only_visible(graph, one.model, t, left) for t in trees)


def _reads_only_visible(
    graph: Graph, base: str, tree: Expression | None, left: Mapping[str, Restriction | None]
) -> bool:
    return tree is not None and all(
        _shows(graph, base, part, left) for part in walk(tree) if isinstance(part, Column) and part.relation != SCANNED
    )


def _shows(graph: Graph, base: str, column: Column, left: Mapping[str, Restriction | None]) -> bool:
    """Whether every model on the way to the column is granted, and the column itself is not hidden."""
    roles = tuple(column.relation.split(".")) if column.relation else ()
    way = [base, *(hop.model for hop in hops(graph, base, roles))]
    last = left.get(way[-1])
    shown = last is not None and (column.name == HERE or last.shows(column.name))
    return shown and all(left.get(model) is not None for model in way)
