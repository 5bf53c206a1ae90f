"""Metrics of a MetricFlow project to ours: measures become expressions, template calls become paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.declare.expression import Name, walk
from workbench.declare.parser import parse
from workbench.errors import WorkbenchError
from workbench.exchange.metricflow_conversion import conversion_term
from workbench.exchange.metricflow_filters import references
from workbench.exchange.metricflow_models import hidden_column, written
from workbench.exchange.metricflow_names import Names, quoted
from workbench.exchange.metricflow_project import (
    BAD_NAME,
    NAME,
    Condition,
    Measure,
    MetricInput,
    MfConversion,
    MfMetric,
    Project,
)
from workbench.exchange.metricflow_timing import input_timing, level_term, metric_timing, refused

SHARED = "shared"
"""The domain of metrics over several models."""

# MetricFlow sums ones where we would count, so a group without rows is NULL there and 0 here. These forms keep its
# values, also where a metric stands beside others that do have rows in the group.
FORMS: Mapping[str, str] = {
    "sum": "sum({0})",
    "min": "min({0})",
    "max": "max({0})",
    "avg": "avg({0})",
    "average": "avg({0})",
    "median": "median({0})",
    "sum_boolean": "sum(case when {0} then 1 else 0 end)",
    "count": "sum(case when {0} is not null then 1 else 0 end)",
    "count_distinct": "case when count(*) > 0 then count(distinct {0}) end",
}


@dataclass(slots=True)
class _Work:
    """What has been converted so far: each metric a term, or the reason why not."""

    project: Project
    names: Names
    dimensions: Mapping[str, Mapping[str, Any]]
    terms: dict[str, dict[str, Any]] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)


def convert_metrics(
    project: Project, models: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Our metrics by name, as they are written in YAML, and the reason for each that was left out."""
    work = _Work(project, Names(project), {name: term.get("dimensions", {}) for name, term in models.items()})
    for name in project.metrics:
        _convert(work, name, ())
    return work.terms, work.lost


def _convert(work: _Work, name: str, chain: tuple[str, ...]) -> None:
    """Convert a metric and those it uses, once."""
    if name in work.terms or name in work.lost:
        return
    try:
        if name in chain:
            raise refused("it is defined by itself")
        work.terms[name] = _term(work, work.project.metrics[name], (*chain, name))
    except WorkbenchError as error:
        work.lost[name] = error.problems[0].message.rstrip(".")


def _term(work: _Work, metric: MfMetric, chain: tuple[str, ...]) -> dict[str, Any]:
    if metric.refusal:
        raise refused(metric.refusal)
    if not NAME.fullmatch(metric.name):
        raise refused(BAD_NAME)
    if metric.conversion:
        body = {**_conversion(work, metric.conversion, chain), **written(spine=metric.spine or None)}
    else:
        body = _simple(work, metric) if metric.measure else _derived(work, metric, chain)
    bases = work.project.bases(metric.name)
    term = written(
        metric=metric.name,
        label=metric.label,
        description=metric.description,
        domain=bases[0] if len(bases) == 1 else SHARED,
        **body,
        filter=_filter(work, metric.conditions, metric.name, chain),
        grain=metric.grain,
        visibility="internal" if metric.hidden else None,
    )
    return term if metric.fill is None else {**term, "fill_nulls_with": metric.fill}


def _conversion(work: _Work, conversion: MfConversion, chain: tuple[str, ...]) -> dict[str, Any]:
    for event in (conversion.first, conversion.then):
        _use(work, event, chain)
    terms = work.terms[conversion.first], work.terms[conversion.then]
    return conversion_term(work.project, conversion, [work.dimensions[term["model"]] for term in terms], terms)


def _simple(work: _Work, metric: MfMetric) -> dict[str, Any]:
    measure = work.project.measures.get(metric.measure or "")
    if measure is None:
        raise refused(f"its measure '{metric.measure}' is not declared")
    if measure.refusal:
        raise refused(measure.refusal)
    model = work.project.models[measure.model]
    if reason := hidden_column(model, measure.expr):
        raise refused(reason)
    if measure.axis and measure.axis not in work.dimensions[model.name]:
        raise refused(f"its time dimension '{measure.axis}' is not taken over")
    axis = measure.axis if measure.axis != model.axis else None
    return written(
        model=model.name,
        expr=_aggregate(measure),
        time_dimension=axis,
        non_additive=level_term(measure.level, work.dimensions[model.name]),
        **metric_timing(work.project, metric, work.names.finest(metric.name)),
    )


def _aggregate(measure: Measure) -> str:
    if measure.agg == "percentile":
        about = "approx_" if measure.approximate else ""
        return f"{about}percentile{'_disc' if measure.discrete else ''}({measure.expr}, {measure.percentile})"
    if measure.agg == "count" and isinstance(_constant(measure.expr), int | float):
        return "sum(1)"
    plain = isinstance(parse(measure.expr), Name) or measure.agg not in ("count",)
    return FORMS[measure.agg].format(measure.expr if plain else f"({measure.expr})")


def _constant(expr: str) -> object:
    return getattr(parse(expr), "value", None)


def _derived(work: _Work, metric: MfMetric, chain: tuple[str, ...]) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    for one in metric.inputs:
        _check_input(work, one, chain)
        condition = _filter(work, one.conditions, one.metric, chain)
        term = written(metric=one.metric, filter=condition, **input_timing(work.project, one))
        if inputs.setdefault(one.alias, term) != term:
            raise refused(f"it has two inputs called '{one.alias}'")
    expr = metric.expr if metric.kind == "derived" else " / ".join(quoted(one.alias) for one in metric.inputs)
    for part in walk(parse(expr)):
        if isinstance(part, Name) and str(part) not in inputs:
            raise refused(f"its expr names '{part}', which is none of its inputs")
    return written(expr=expr, inputs={a: t for a, t in inputs.items() if t != {"metric": a}})


def _check_input(work: _Work, one: MetricInput, chain: tuple[str, ...]) -> None:
    if not NAME.fullmatch(one.alias):
        raise refused(f"it uses the name '{one.alias}', but {BAD_NAME}")
    _use(work, one.metric, chain)


def _use(work: _Work, metric: str, chain: tuple[str, ...]) -> None:
    """Convert a metric that another needs; raises `Unanswerable` (not-imported)."""
    if metric not in work.project.metrics:
        raise refused(f"it uses '{metric}', which is not declared")
    if metric in chain:
        raise refused(f"it is defined by itself ({' -> '.join((*chain, metric))})")
    _convert(work, metric, chain)
    if metric in work.lost:
        raise refused(f"it uses '{metric}', which is not taken over")


def _filter(work: _Work, conditions: Sequence[Condition], metric: str, chain: tuple[str, ...]) -> str | None:
    """The conditions as one, as the rows of a metric see it."""
    for used in (one for condition in conditions for one in references(condition.text) if one.kind == "Metric"):
        _use(work, used.name, chain)
    bases, grain = work.project.bases(metric), work.names.grain([metric])
    texts = [work.names.condition(one.text, bases, grain) for one in conditions]
    for text in texts:
        parse(text)
    return " and ".join(f"({text})" if len(texts) > 1 else text for text in texts) or None
