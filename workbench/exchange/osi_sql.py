"""A metric of ours to one expression over columns of datasets: inputs and filters inlined, names qualified."""

from __future__ import annotations

from workbench.declare.expression import (
    Aggregate,
    Call,
    Column,
    Expression,
    Has,
    Literal,
    Name,
    rebuild,
    walk,
)
from workbench.declare.grains import GRAINS
from workbench.declare.parser import parse
from workbench.declare.terms import Input, Metric
from workbench.exchange.osi_ansi import filtered, refused
from workbench.graph.bind import column_of, is_moment
from workbench.graph.build import Graph
from workbench.graph.days import by_day
from workbench.graph.joins import route_to
from workbench.graph.paths import METRIC_TIME, find

PARTS = {
    "year_of_era": "year",
    "quarter_of_year": "quarter",
    "month_of_year": "month",
    "week_of_year": "week",
    "day_of_month": "day",
    "day_of_week": "day_of_week",
    "day_of_year": "day_of_year",
    "hour_of_day": "hour",
    "minute_of_hour": "minute",
}
TIMED = ("window", "to_date", "running", "offset", "offset_to", "non_additive", "conversion", "spine")


def field_tree(graph: Graph, model: str, dimension: str) -> Expression:
    """What a dimension is over the columns of its own table; raises `Unanswerable` where that does not do."""
    tree = column_of(graph, model, dimension)

    def bare(part: Expression) -> Expression:
        if isinstance(part, Column):
            if part.relation:
                raise refused("it reads columns of another dataset, which no field can")
            return Name((part.name,))
        if isinstance(part, Call) and part.function in ("local_time", "truncate", "date_part"):
            raise refused("it reads another dimension at a grain or in a time zone")
        return rebuild(part, bare)

    return bare(tree)


def metric_tree(graph: Graph, name: str, filters: tuple[str, ...] = (), chain: tuple[str, ...] = ()) -> Expression:
    """The expression of a metric, its names being (dataset, field); raises what makes it unsayable."""
    metric = graph.metric(name)
    if name in chain:
        raise refused("it is defined by itself")
    for key in TIMED:
        if getattr(metric, key):
            raise refused(f"'{key}' of '{name}' has no counterpart" if chain else f"'{key}' has no counterpart")
    if metric.filter is not None:
        filters = (*filters, metric.filter)
    tree = parse(metric.expr)
    if any(isinstance(part, Aggregate) for part in walk(tree)):
        out = _simple(graph, metric, tree, filters)
    else:
        out = _derived(graph, metric, tree, filters, (*chain, name))
    return out if metric.fill_nulls_with is None else Call("coalesce", (out, Literal(metric.fill_nulls_with)))


def _simple(graph: Graph, metric: Metric, tree: Expression, filters: tuple[str, ...]) -> Expression:
    model = str(metric.model)
    axis = metric.time_dimension or graph.model(model).time_dimension
    conditions = [_qualified(graph, model, axis, parse(text)) for text in filters]

    def change(part: Expression) -> Expression:
        if isinstance(part, Aggregate):
            inner = _qualified(graph, model, axis, part)
            assert isinstance(inner, Aggregate)
            return _of_rows(graph, model, inner, conditions)
        return rebuild(part, change)

    return change(tree)


def _of_rows(graph: Graph, model: str, aggregate: Aggregate, conditions: list[Expression]) -> Aggregate:
    """An aggregate that says whose rows it is about, by a key where it reads no other column of them."""
    key = graph.model(model).primary_key
    if aggregate.function == "count" and not aggregate.arguments and key:
        return filtered(Aggregate("count", (Name((model, key[0])),), condition=aggregate.condition), *conditions)
    done = filtered(aggregate, *conditions)
    if any(isinstance(part, Name) and part.path[0] == model for part in walk(done)):
        return done
    if not key:
        raise refused(f"it reads no column of '{model}', which has no primary key, so it could be about other rows")
    there = Call("not", (Call("is_null", (Name((model, key[0])),)),))
    return filtered(done, there)


def _derived(
    graph: Graph, metric: Metric, tree: Expression, filters: tuple[str, ...], chain: tuple[str, ...]
) -> Expression:
    def change(part: Expression) -> Expression:
        if not isinstance(part, Name):
            return rebuild(part, change)
        used = metric.inputs.get(str(part), None) or Input(metric=str(part))
        if used.offset or used.offset_to:
            raise refused(f"the offset of its input '{part}' has no counterpart")
        inner = filters if used.filter is None else (*filters, used.filter)
        return metric_tree(graph, used.metric, inner, chain)

    return change(tree)


def _qualified(graph: Graph, model: str, axis: str | None, tree: Expression) -> Expression:
    if isinstance(tree, Has):
        raise refused("a condition on metrics of an entity ('has') has no counterpart")
    if isinstance(tree, Call):
        tree = by_day(tree, lambda name: is_moment(graph, model, name, axis))
    if not isinstance(tree, Name):
        return rebuild(tree, lambda part: _qualified(graph, model, axis, part))
    single = tree.path[0] if len(tree.path) == 1 else None
    if single and single != METRIC_TIME and single not in graph.model(model).dimensions:
        return Name((model, single))
    field = find(graph, model, tree.path, axis=axis)
    if graph.dimension(field.model, field.dimension).timezone:
        raise refused(f"'{tree}' is read in a time zone")
    if field.roles and route_to(graph, model, field.model) != field.roles:
        raise refused(f"'{tree}' goes one of several ways to '{field.model}', and a name cannot say which")
    field_tree(graph, field.model, field.dimension)  # raises where there is no such field
    out: Expression = Name((field.model, field.dimension))
    if field.grain and field.grain not in GRAINS:
        raise refused(f"'{tree}' has a grain of one's own")
    if field.grain:
        out = Call("date_trunc", (Literal(field.grain), out))
    return Call(PARTS[field.part], (out,)) if field.part else out
