"""A metric over metrics that looks at another time to one over aggregates, which is all that MetricFlow lets do so."""

from __future__ import annotations

from dataclasses import replace

from workbench.declare.expression import Aggregate, Call, Expression, Literal, Name, conjunction, rebuild, walk
from workbench.declare.parser import parse
from workbench.declare.terms import Input, Metric
from workbench.declare.unparse import unparse
from workbench.exchange.osi_ansi import refused
from workbench.graph.build import Graph

TIMED = ("window", "to_date", "running", "offset", "offset_to", "spine")


def flattened(graph: Graph, metric: Metric) -> tuple[Metric, Expression]:
    """The metric and its expression; where it looks at another time, over the aggregates of those it names."""
    tree = parse(metric.expr)
    if not any(getattr(metric, key) for key in TIMED):
        return metric, tree
    homes: dict[tuple[str, str | None], None] = {}
    flat = _flat(graph, metric, tree, (), homes, (metric.metric,))
    if len(homes) != 1:
        raise refused("it looks at another time, at rows of several models")
    (model, axis), *_ = homes
    conditions = {part.condition for part in walk(flat) if isinstance(part, Aggregate)}
    own = parse(metric.filter) if metric.filter is not None else None
    if len(conditions) == 1:
        own = conjunction(own, conditions.pop())
        flat = _bare(flat)
    text = None if own is None else unparse(own)
    return metric.model_copy(update={"model": model, "time_dimension": axis, "filter": text}), flat


def _flat(
    graph: Graph,
    metric: Metric,
    tree: Expression,
    filters: tuple[Expression, ...],
    homes: dict[tuple[str, str | None], None],
    chain: tuple[str, ...],
) -> Expression:
    def change(part: Expression) -> Expression:
        if isinstance(part, Aggregate):
            return replace(part, condition=conjunction(part.condition, *filters))
        if not isinstance(part, Name):
            return rebuild(part, change)
        used = metric.inputs.get(str(part)) or Input(metric=str(part))
        inner = graph.metric(used.metric)
        if used.metric in chain:
            raise refused("it is defined by itself")
        if used.offset or used.offset_to or any(getattr(inner, key) for key in (*TIMED, "non_additive", "conversion")):
            raise refused(f"'{part}' looks at another time itself")
        if inner.model:
            homes.setdefault((inner.model, inner.time_dimension))
        texts = [text for text in (used.filter, inner.filter) if text is not None]
        inside = (*filters, *(parse(text) for text in texts))
        out = _flat(graph, inner, parse(inner.expr), inside, homes, (*chain, used.metric))
        return out if inner.fill_nulls_with is None else Call("coalesce", (out, Literal(inner.fill_nulls_with)))

    # Names inside an aggregate are columns, and stay as they are.
    return change(tree)


def _bare(tree: Expression) -> Expression:
    """The tree with its aggregates' conditions taken off."""
    if isinstance(tree, Aggregate):
        return replace(tree, condition=None)
    return rebuild(tree, _bare)
