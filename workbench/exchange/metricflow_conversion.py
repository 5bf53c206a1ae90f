"""Conversions of a MetricFlow project to ours: the events of two measures become metrics, one following the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from workbench.declare.expression import Aggregate
from workbench.declare.parser import parse
from workbench.exchange.metricflow_models import written
from workbench.exchange.metricflow_project import MeasureUse, MetricInput, MfConversion, MfMetric, Project
from workbench.exchange.metricflow_timing import length, refused

CALCULATIONS = {"conversion_rate": "rate", "conversions": "count"}


def named_events(metrics: dict[str, MfMetric]) -> None:
    """Give each conversion metrics for its events: declared ones over the measures alone, or else hidden ones."""
    for name, metric in list(metrics.items()):
        conversion = metric.conversion
        if conversion is None:
            continue
        base, converted = conversion.base, conversion.converted
        first = _event(metrics, metric, replace(base, fill=None, spine=False), "first")
        then = _event(metrics, metric, replace(converted, fill=None, spine=False), "then")
        named = replace(metric, conversion=replace(conversion, first=first, then=then))
        if CALCULATIONS.get(conversion.calculation) == "count":
            metrics[name] = replace(named, fill=converted.fill, spine=base.spine or converted.spine)
        elif any(use.spine or use.fill is not None for use in (base, converted)):
            metrics[name] = _by_parts(metrics, named, first)
        else:
            metrics[name] = named


def _by_parts(metrics: dict[str, MfMetric], metric: MfMetric, first: str) -> MfMetric:
    """A rate whose parts are filled or padded one by one: of two hidden metrics, each with what is said of its part."""
    conversion = metric.conversion
    assert conversion is not None
    base, converted = conversion.base, conversion.converted
    part = replace(metric, label="", conditions=(), later=(), grain=None, hidden=True)
    followed = replace(
        part,
        name=f"{metric.name}_followed",
        description=f"Events of '{metric.name}' that others follow.",
        conversion=replace(conversion, calculation="conversions"),
        fill=converted.fill,
        spine=converted.spine,
    )
    events = replace(
        metrics[first],
        name=f"{metric.name}_events",
        description=f"Events of '{metric.name}'.",
        fill=base.fill,
        spine=base.spine,
        hidden=True,
    )
    metrics |= {one.name: one for one in (followed, events)}
    inputs = tuple(MetricInput(one.name, one.name, (), metric.place) for one in (followed, events))
    return replace(metric, kind="ratio", conversion=None, inputs=inputs)


def _event(metrics: dict[str, MfMetric], metric: MfMetric, use: MeasureUse, which: str) -> str:
    if not use.conditions:
        for name, other in metrics.items():
            plain = not other.conditions and other.fill is None and not other.spine and not other.grain
            if other.kind == "simple" and other.measure == use.measure and plain and not other.refusal:
                return name
    name = use.measure if use.measure not in metrics and not use.conditions else f"{metric.name}_{which}"
    if name not in metrics:
        hidden = f"Events that '{metric.name}' counts."
        metrics[name] = MfMetric(
            name, "simple", "", hidden, use.measure, "", (), use.conditions, None, None, "", metric.place, hidden=True
        )
    return name


def conversion_term(
    project: Project,
    conversion: MfConversion,
    dimensions: Sequence[Mapping[str, Any]],
    events: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The keys of a conversion, given the dimensions of both models and the metrics of both events."""
    if conversion.calculation not in CALCULATIONS:
        raise refused(f"its calculation '{conversion.calculation}' is unknown")
    calculate = CALCULATIONS[conversion.calculation]
    for event in events:
        if not isinstance(parse(event["expr"]), Aggregate):
            raise refused(f"'{event['metric']}' is no single count of events")
    for names in ((conversion.entity, conversion.entity), *conversion.constant):
        for name, own in zip(names, dimensions, strict=True):
            if name not in own:
                raise refused(f"'{name}', by which events belong together, is not taken over")
    body = {
        "from": conversion.first,
        "to": conversion.then,
        "entity": conversion.entity,
        **written(
            within=length(project, conversion.window),
            constant=[{"from": ours, "to": theirs} for ours, theirs in conversion.constant],
            calculate="count" if calculate == "count" else None,
        ),
    }
    return {"conversion": body}
