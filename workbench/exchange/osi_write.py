"""A workspace to a document of the Ossie format: what its own words can say, and what they cannot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from workbench.declare.declared import Declared
from workbench.declare.expression import Expression, Name, walk
from workbench.declare.terms import Dimension, Metric, SemanticModel
from workbench.declare.types import infer
from workbench.errors import Place, WorkbenchError
from workbench.exchange.metricflow_models import written
from workbench.exchange.osi_ansi import ansi
from workbench.exchange.osi_dialects import translate
from workbench.exchange.osi_format import ANSI, DATATYPES, DRAFT
from workbench.exchange.osi_sql import field_tree, metric_tree
from workbench.exchange.unsaid import Unsaid
from workbench.graph.build import Graph

SUB_DAY = ("nanosecond", "microsecond", "millisecond", "second", "minute", "hour")


@dataclass(slots=True)
class Writing:
    """A document in the making: its version and dialect, and all that had to be left out."""

    graph: Graph
    version: str
    dialect: str
    losses: list[Unsaid] = field(default_factory=list)


def semantic_model(work: Writing, name: str) -> dict[str, Any]:
    """The one semantic model of a document: datasets, relationships and metrics."""
    metrics = list(_metrics(work))
    facts: dict[str, dict[str, None]] = {}
    for _, tree in metrics:
        for part in walk(tree):
            if isinstance(part, Name):
                facts.setdefault(part.path[0], {}).setdefault(part.path[1])
    for relation in _relationships(work):
        facts.setdefault(relation["from"], {}).update(dict.fromkeys(relation["from_columns"]))
        facts.setdefault(relation["to"], {}).update(dict.fromkeys(relation["to_columns"]))
    return written(
        name=name,
        datasets=[_dataset(work, one, tuple(facts.get(model, ()))) for model, one in work.graph.models.items()],
        relationships=list(_relationships(work)),
        metrics=[_metric(work, work.graph.metrics[metric], tree) for metric, tree in metrics],
    )


def _dataset(work: Writing, declared: Declared[SemanticModel], facts: tuple[str, ...]) -> dict[str, Any]:
    model = declared.term
    keys = [column for key in model.declared_keys() for column in key]
    columns = [c for c in dict.fromkeys((*keys, *facts)) if c not in model.dimensions]
    plain = [{"name": column, "expression": _expression(work, Name((column,)))} for column in columns]
    return written(
        name=model.semantic_model,
        source=model.table,
        primary_key=list(model.primary_key),
        unique_keys=[list(key) for key in model.unique_keys],
        description=model.description,
        ai_context=_context(model.synonyms),
        fields=[*_fields(work, declared), *plain],
    )


def _fields(work: Writing, declared: Declared[SemanticModel]) -> Iterator[dict[str, Any]]:
    model = declared.term
    for name, dimension in model.dimensions.items():
        place = declared.place_of("dimensions", name)
        try:
            tree = field_tree(work.graph, model.semantic_model, name)
            expression = _expression(work, tree)
        except WorkbenchError as error:
            work.losses.append(_loss("dimension", f"{model.semantic_model}.{name}", place, error))
            continue
        if dimension.timezone:
            reason = f"its time zone '{dimension.timezone}' cannot be said, so other tools see the bare value"
            work.losses.append(Unsaid("time zone", f"{model.semantic_model}.{name}", place, reason))
        yield written(
            name=name,
            expression=expression,
            dimension={"is_time": dimension.type == "time"},
            label=dimension.label,
            description=dimension.description,
            datatype=_datatype(tree, dimension) if work.version == DRAFT else None,
            ai_context=_context(dimension.synonyms),
        )


def _relationships(work: Writing) -> Iterator[dict[str, Any]]:
    """Every relationship that the format can say, its name unique in the document."""
    roles = Counter(role for one in work.graph.models.values() for role in one.term.relationships)
    for name, declared in work.graph.models.items():
        for role, relationship in declared.term.relationships.items():
            if relationship.valid is None and relationship.to in work.graph.models:
                yield {
                    "name": role if roles[role] == 1 else f"{name}__{role}",
                    "from": name,
                    "to": relationship.to,
                    "from_columns": [ours for ours, _ in relationship.pairs()],
                    "to_columns": [theirs for _, theirs in relationship.pairs()],
                }


def lost_relationships(graph: Graph) -> Iterator[Unsaid]:
    """Relationships that stay out of the document."""
    for name, declared in graph.models.items():
        for role, relationship in declared.term.relationships.items():
            if relationship.valid is not None:
                place = declared.place_of("relationships", role)
                yield Unsaid("relationship", f"{name}.{role}", place, "a join by validity has no counterpart")


def _metrics(work: Writing) -> Iterator[tuple[str, Expression]]:
    for name, declared in work.graph.metrics.items():
        try:
            tree = metric_tree(work.graph, name)
            ansi(tree)
        except WorkbenchError as error:
            work.losses.append(_loss("metric", name, declared.place, error))
            continue
        if declared.term.visibility == "internal":
            reason = "it is internal; metrics that use it have it inlined"
            work.losses.append(Unsaid("metric", name, declared.place, reason))
        else:
            yield name, tree


def _metric(work: Writing, declared: Declared[Metric], tree: Expression) -> dict[str, Any]:
    metric = declared.term
    return written(
        name=metric.metric,
        expression=_expression(work, tree, declared),
        description=metric.description,
        datatype=DATATYPES.get(_inferred(tree)) if work.version == DRAFT else None,
        ai_context=_context(metric.synonyms),
    )


def _expression(work: Writing, tree: Expression, declared: Declared[Metric] | None = None) -> dict[str, Any]:
    """In standard SQL, and in the dialect that was asked for beside it."""
    text = ansi(tree)
    dialects = [{"dialect": ANSI, "expression": text}]
    if work.dialect != ANSI:
        try:
            dialects.append({"dialect": work.dialect, "expression": translate(text, work.dialect)})
        except WorkbenchError as error:
            place = declared.place if declared else Place("")
            work.losses.append(_loss("expression", text, place, error))
    return {"dialects": dialects}


def _context(synonyms: tuple[str, ...]) -> dict[str, Any] | None:
    return {"synonyms": list(synonyms)} if synonyms else None


def _datatype(tree: Expression, dimension: Dimension) -> str | None:
    """The type of a dimension's values, where it is known."""
    if dimension.type == "time":
        return "DateTime" if dimension.grain in SUB_DAY else "Date"
    return "Boolean" if dimension.type == "boolean" else DATATYPES.get(_inferred(tree))


def _inferred(tree: Expression) -> str:
    try:
        return infer(tree, lambda _: "unknown")
    except WorkbenchError:
        return "unknown"


def _loss(kind: str, name: str, place: Place, error: WorkbenchError) -> Unsaid:
    return Unsaid(kind, name, place, error.problems[0].message.rstrip("."))
