"""Conversions of a MetricFlow project to ours: the events of two measures become metrics, one following the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from workbench.declare.expression import Aggregate
from workbench.declare.parser import parse
from workbench.exchange.metricflow_models import written
from workbench.exchange.metricflow_project import MeasureUse, MfConversion, MfMetric, Project
from workbench.exchange.metricflow_timing import length, refused

CALCULATIONS = {"conversion_rate": "rate", "conversions": "count"}


def named_events(metrics: dict[str, MfMetric]) -> None:
    """Give each conversion metrics for its events: declared ones over the measures alone, or else hidden ones."""
    for name, metric in list(metrics.items()):
        conversion = metric.conversion
        if conversion is None:
            continue
        first = _event(metrics, metric, conversion.base, "first")
        then = _event(metrics, metric, conversion.converted, "then")
        count = CALCULATIONS.get(conversion.calculation) == "count"
        metrics[name] = replace(
            metric,
            conversion=replace(conversion, first=first, then=then),
            fill=conversion.converted.fill if count else None,
        )


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
    if conversion.base.spine or conversion.converted.spine:
        raise refused("a conversion over a time spine (join_to_timespine) is not supported")
    calculate = CALCULATIONS[conversion.calculation]
    if conversion.base.fill is not None or (conversion.converted.fill is not None and calculate == "rate"):
        raise refused("the parts of a rate are not filled (fill_nulls_with) one by one")
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
