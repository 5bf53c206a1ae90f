"""A metric to arithmetic over base aggregates: what must be scanned, and what is computed from it."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.declare.expression import Aggregate, Call, Column, Expression, Literal, Name, rebuild, walk
from workbench.errors import DeclarationError, Problem, did_you_mean
from workbench.graph.bind import Text, bind, bind_filter
from workbench.graph.build import Graph

SCANNED = "#"
"""The relation of base aggregates in a formula: ``Column('#', '3')`` is the fourth."""


@dataclass(frozen=True, slots=True)
class Aggregation:
    """One base aggregate of one model: rows that meet all filters, on that time axis."""

    model: str
    axis: str | None
    aggregate: Aggregate
    filters: tuple[Expression, ...] = ()


def formula(
    graph: Graph,
    name: str,
    scanned: list[Aggregation],
    filters: tuple[Text, ...] = (),
    chain: tuple[str, ...] = (),
) -> Expression:
    """The arithmetic of metric ``name`` over base aggregates, which are added to ``scanned`` once each.

    ``filters`` come from the metrics around it and act on its rows. Raises `DeclarationError` (cycle,
    mixed-expression, not-aggregated, no-model, unknown-metric) and what names in it raise.
    """
    if name in chain:
        raise DeclarationError(
            Problem(
                "cycle",
                f"metrics define each other: {' -> '.join((*chain, name))}.",
                graph.metrics[name].place_of("expr"),
            )
        )
    metric = graph.metric(name)
    declared = graph.metrics[name]
    text = Text(metric.expr, declared.place_of("expr"))
    tree = text.tree()
    if metric.filter is not None:
        filters = (*filters, Text(metric.filter, declared.place_of("filter")))
    if any(isinstance(part, Aggregate) for part in walk(tree)):
        out = _simple(graph, name, tree, text, scanned, filters)
    else:
        out = _derived(graph, name, tree, text, scanned, filters, (*chain, name))
    if metric.fill_nulls_with is not None:
        out = Call("coalesce", (out, Literal(metric.fill_nulls_with)))
    return out


def _simple(
    graph: Graph, name: str, tree: Expression, text: Text, scanned: list[Aggregation], filters: tuple[Text, ...]
) -> Expression:
    metric, declared = graph.metric(name), graph.metrics[name]
    if metric.model is None:
        raise DeclarationError(
            Problem(
                "no-model",
                f"the metric '{name}' aggregates columns but names no model.",
                declared.place_of("expr"),
                "Add 'model: <semantic model>'.",
            )
        )
    if metric.model not in graph.models:
        raise DeclarationError(
            Problem(
                "unknown-model",
                f"no semantic model '{metric.model}'.",
                declared.place_of("model"),
                did_you_mean(metric.model, graph.models),
            )
        )
    axis = metric.time_dimension or graph.model(metric.model).time_dimension
    bound = tuple(dict.fromkeys(bind_filter(graph, metric.model, one, axis=axis, columns=True) for one in filters))

    def change(part: Expression) -> Expression:
        if isinstance(part, Aggregate):
            _refuse_nested(part, text)
            aggregate = bind(graph, str(metric.model), part, text, axis=axis)
            assert isinstance(aggregate, Aggregate)
            return _scan(Aggregation(str(metric.model), axis, aggregate, bound), scanned)
        if isinstance(part, Name):
            raise DeclarationError(_outside(graph, name, part, text))
        return rebuild(part, change)

    return change(tree)


def _derived(
    graph: Graph,
    name: str,
    tree: Expression,
    text: Text,
    scanned: list[Aggregation],
    filters: tuple[Text, ...],
    chain: tuple[str, ...],
) -> Expression:
    metric, declared = graph.metric(name), graph.metrics[name]

    def change(part: Expression) -> Expression:
        if not isinstance(part, Name):
            return rebuild(part, change)
        used = str(part)
        source, inner = used, filters
        if used in metric.inputs:
            source = metric.inputs[used].metric
            condition = metric.inputs[used].filter
            if condition is not None:
                inner = (*filters, Text(condition, declared.place_of("inputs", used, "filter")))
        if source not in graph.metrics:
            hint = did_you_mean(source, graph.metrics, "An expr without aggregates names metrics only.")
            raise DeclarationError(Problem("unknown-metric", f"no metric '{source}'.", text.at(part.at), hint))
        return formula(graph, source, scanned, inner, chain)

    if not any(isinstance(part, Name) for part in walk(tree)):
        raise DeclarationError(
            Problem(
                "not-aggregated",
                f"the metric '{name}' is a constant.",
                text.place,
                "Aggregate columns, such as sum(amount), or name other metrics.",
            )
        )
    return change(tree)


def _scan(aggregation: Aggregation, scanned: list[Aggregation]) -> Column:
    if aggregation not in scanned:
        scanned.append(aggregation)
    return Column(SCANNED, str(scanned.index(aggregation)))


def _refuse_nested(aggregate: Aggregate, text: Text) -> None:
    for part in walk(aggregate):
        if isinstance(part, Aggregate) and part is not aggregate:
            raise DeclarationError(
                Problem(
                    "nested-aggregate",
                    f"'{part.function}' stands inside '{aggregate.function}'.",
                    text.at(part.at),
                    "Declare the inner one as a metric of its own.",
                )
            )


def _outside(graph: Graph, metric: str, name: Name, text: Text) -> Problem:
    if str(name) in graph.metrics:
        return Problem(
            "mixed-expression",
            f"'{metric}' mixes aggregates with the metric '{name}'.",
            text.at(name.at),
            "Declare the aggregate as a metric of its own and name both.",
        )
    return Problem(
        "not-aggregated",
        f"'{name}' stands outside any aggregate.",
        text.at(name.at),
        f"Write sum({name}), max({name}) or another aggregate.",
    )


def base_models(graph: Graph, name: str) -> tuple[str, ...]:
    """The models whose rows a metric counts."""
    scanned: list[Aggregation] = []
    formula(graph, name, scanned)
    return tuple(dict.fromkeys(one.model for one in scanned))
