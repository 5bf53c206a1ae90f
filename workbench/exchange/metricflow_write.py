"""Metrics of ours to MetricFlow's: one measure for each aggregate, and metrics of its kinds over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.declare.expression import Aggregate, Call, Expression, Literal, Name, rebuild, walk
from workbench.declare.parser import parse
from workbench.declare.terms import Back, Input, Metric
from workbench.declare.unparse import quoted
from workbench.errors import WorkbenchError
from workbench.exchange.metricflow_flat import flattened
from workbench.exchange.metricflow_models import written
from workbench.exchange.metricflow_words import Words
from workbench.exchange.osi_ansi import ansi, filtered, refused
from workbench.exchange.unsaid import Unsaid

AGGREGATES: Mapping[str, str] = {
    "sum": "sum",
    "min": "min",
    "max": "max",
    "avg": "average",
    "median": "median",
    "percentile": "percentile",
    "percentile_disc": "percentile",
    "approx_percentile": "percentile",
    "count": "count",
}
COUNTS = ("count", "count_distinct")


@dataclass(slots=True)
class Measures:
    """Measures by model, and metrics by name, as far as they are written."""

    words: Words
    measures: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)


def write_metrics(words: Words) -> tuple[Measures, list[Unsaid]]:
    """MetricFlow's metrics and measures, and those of ours that it cannot say."""
    work = Measures(words)
    for name in words.graph.metrics:
        _write(work, name, ())
    losses = [Unsaid("metric", name, words.graph.metrics[name].place, reason) for name, reason in work.lost.items()]
    return work, losses


def _write(work: Measures, name: str, chain: tuple[str, ...]) -> None:
    """Write a metric and those it uses, once."""
    if name in work.metrics or name in work.lost:
        return
    try:
        if name in chain:
            raise refused("it is defined by itself")
        metric = work.words.graph.metric(name)
        if metric.conversion:
            raise refused("conversions are not written")
        tree = parse(metric.expr)
        if any(isinstance(part, Aggregate) for part in walk(tree)):
            measures, metrics = _simple(work, metric, tree)
            work.measures.setdefault(str(metric.model), []).extend(measures)
        else:
            metric, tree = flattened(work.words.graph, metric)
            if metric.model is None:
                metrics = [_derived(work, metric, tree, (*chain, name))]
            else:
                measures, metrics = _simple(work, metric, tree)
                work.measures.setdefault(metric.model, []).extend(measures)
        work.metrics.update({one["name"]: one for one in metrics})
    except WorkbenchError as error:
        work.lost.setdefault(name, error.problems[0].message.rstrip("."))


def _simple(work: Measures, metric: Metric, tree: Expression) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A metric over measures: one of them is the metric, several are parts of a derived one."""
    axis = metric.time_dimension or work.words.graph.model(str(metric.model)).time_dimension
    if axis is None:
        raise refused(f"'{metric.model}' has no time dimension, which every measure needs")
    aggregates = list(dict.fromkeys(part for part in walk(tree) if isinstance(part, Aggregate)))
    is_one = aggregates == [tree] and not metric.offset and not metric.offset_to
    names = [metric.metric if is_one else f"{metric.metric}_part_{at}" for at in range(1, len(aggregates) + 1)]
    for name in names:
        if not is_one and name in work.words.graph.metrics:
            raise refused(f"a part of it would be called '{name}', which is taken")
    condition, inside = _condition(work, metric, axis)
    measures = [_measure(work, metric, name, one, inside) for name, one in zip(names, aggregates, strict=True)]
    parts = [_over(metric, measure, condition, axis, is_one) for measure in measures]
    if is_one:
        return measures, [_described(metric, parts[0])]
    swapped: dict[Expression, Expression] = dict(zip(aggregates, (Name((name,)) for name in names), strict=True))
    inputs = [
        written(
            name=name,
            offset_window=_earlier(metric.offset),
            offset_to_grain=metric.offset_to,
        )
        for name in names
    ]
    expr = _filled(metric, _swapped(tree, swapped))
    derived = {"type": "derived", "type_params": {"expr": ansi(expr), "metrics": inputs}}
    return measures, [*parts, _described(metric, {"name": metric.metric, **derived})]


def _earlier(back: Back | None) -> str | None:
    """The offset as MetricFlow counts it: each day for itself, which for months says something else than ours."""
    if back is None:
        return None
    if back.each not in (None, "day") or (back.each is None and back.grain in ("month", "quarter", "year")):
        raise refused(
            f"it looks {back.count} {back.grain} back, which MetricFlow does day by day, counting the last days "
            "of short months several times; 'each: day' says that meaning"
        )
    return f"{back.count} {back.grain}"


def _condition(work: Measures, metric: Metric, axis: str) -> tuple[str | None, Expression | None]:
    """The filter of a metric: for MetricFlow to apply, or, where it reads plain columns, inside the measure."""
    if metric.filter is None:
        return None, None
    try:
        return work.words.condition(str(metric.model), metric.filter, axis), None
    except WorkbenchError as error:
        try:
            return None, work.words.row(str(metric.model), parse(metric.filter))
        except WorkbenchError:
            raise error from None


def _measure(
    work: Measures, metric: Metric, name: str, aggregate: Aggregate, inside: Expression | None
) -> dict[str, Any]:
    model = str(metric.model)
    if aggregate.function == "count_if":
        aggregate = filtered(aggregate)
    kind = AGGREGATES.get(aggregate.function, "")
    if not kind or (aggregate.distinct and kind not in (*COUNTS, "min", "max")):
        raise refused(f"there is no measure like '{aggregate.function}'")
    bound = work.words.row(model, aggregate)
    assert isinstance(bound, Aggregate)
    argument = filtered(bound, *([inside] if inside is not None else [])).arguments[:1] or (Literal(1),)
    params = None
    if kind == "percentile":
        fraction = aggregate.arguments[1]
        assert isinstance(fraction, Literal)
        params = {"percentile": float(str(fraction.value))}
        params |= {"use_discrete_percentile": True} if aggregate.function == "percentile_disc" else {}
        params |= {"use_approximate_percentile": True} if aggregate.function == "approx_percentile" else {}
    return written(
        name=name,
        agg="count_distinct" if aggregate.distinct and kind == "count" else kind,
        expr=ansi(argument[0]),
        agg_params=params,
        agg_time_dimension=metric.time_dimension,
        non_additive_dimension=_level(metric),
    )


def _level(metric: Metric) -> dict[str, Any] | None:
    level = metric.non_additive
    if level is None:
        return None
    if level.by:
        raise refused("a level for each of several things goes by entities, which is not written")
    return {"name": level.over, "window_choice": "max" if level.take == "last" else "min"}


def _over(metric: Metric, measure: dict[str, Any], condition: str | None, axis: str, is_one: bool) -> dict[str, Any]:
    """A metric over one measure: what it is the sum of, and up to when."""
    # A group without rows has a count of 0 with us, and is NULL in MetricFlow unless said.
    fill = metric.fill_nulls_with if is_one else None
    fill = 0 if fill is None and measure["agg"] in COUNTS else fill
    used = {"name": measure["name"], **({} if fill is None else {"fill_nulls_with": fill})}
    used |= {"join_to_timespine": True} if metric.spine else {}
    cumulative = metric.window or metric.to_date or metric.running
    span = written(
        window=str(metric.window) if metric.window else None,
        grain_to_date=metric.to_date,
        period_agg=metric.period or "last",
    )
    return written(
        name=measure["name"],
        type="cumulative" if cumulative else "simple",
        type_params={"measure": used, **({"cumulative_type_params": span} if cumulative else {})},
        filter=condition,
    )


def _derived(work: Measures, metric: Metric, tree: Expression, chain: tuple[str, ...]) -> dict[str, Any]:
    inputs: dict[str, dict[str, Any]] = {}
    for alias in dict.fromkeys(str(part) for part in walk(tree) if isinstance(part, Name)):
        inputs[alias] = _input(work, metric, alias, metric.inputs.get(alias) or Input(metric=alias), chain)
    filled = _filled(metric, tree)
    if filled is tree and isinstance(tree, Call) and tree.function == "/" and len(inputs) == 2:
        sides = [str(side) for side in tree.arguments if isinstance(side, Name)]
        if len(sides) == 2:
            numerator, denominator = (inputs[side] for side in sides)
            params: dict[str, Any] = {"numerator": numerator, "denominator": denominator}
            return _described(metric, {"name": metric.metric, "type": "ratio", "type_params": params})
    params = {"expr": ansi(filled), "metrics": list(inputs.values())}
    return _described(metric, {"name": metric.metric, "type": "derived", "type_params": params})


def _input(work: Measures, metric: Metric, alias: str, used: Input, chain: tuple[str, ...]) -> dict[str, Any]:
    _write(work, work.words.graph.metric(used.metric).metric, chain)
    if used.metric in work.lost:
        raise refused(f"it uses '{used.metric}', which is not written")
    conditions = [text for text in (metric.filter, used.filter) if text is not None]
    found = dict.fromkeys(bases(work, used.metric))
    if conditions and len(found) != 1:
        raise refused(f"its filter looks at '{used.metric}', which is about rows of several models")
    base, axis = next(iter(found))
    texts = [work.words.condition(base, text, axis) for text in conditions]
    return written(
        name=used.metric,
        alias=None if quoted(alias) == used.metric else alias,
        filter=texts,
        offset_window=_earlier(used.offset),
        offset_to_grain=used.offset_to,
    )


def bases(work: Measures, name: str) -> list[tuple[str, str | None]]:
    """The models, with their time axes, whose rows a written metric is about."""
    metric = work.words.graph.metric(name)
    if metric.model:
        axis = metric.time_dimension or work.words.graph.model(metric.model).time_dimension
        return [(metric.model, axis)]
    names = {str(part) for part in walk(parse(metric.expr)) if isinstance(part, Name)}
    used = [metric.inputs[one].metric if one in metric.inputs else one for one in names]
    return [base for one in used for base in bases(work, one)]


def _filled(metric: Metric, tree: Expression) -> Expression:
    return tree if metric.fill_nulls_with is None else Call("coalesce", (tree, Literal(metric.fill_nulls_with)))


def _swapped(tree: Expression, swapped: Mapping[Expression, Expression]) -> Expression:
    if tree in swapped:
        return swapped[tree]
    return rebuild(tree, lambda part: _swapped(part, swapped))


def _described(metric: Metric, body: dict[str, Any]) -> dict[str, Any]:
    return written(
        name=body["name"],
        label=metric.label,
        description=metric.description,
        type=body["type"],
        type_params=body["type_params"],
        filter=body.get("filter"),
        time_granularity=metric.grain,
    )
