"""A metric of MetricFlow's YAML to plain facts."""

from __future__ import annotations

from workbench.exchange.metricflow_node import Node
from workbench.exchange.metricflow_project import Condition, MetricInput, MfMetric

KINDS = ("simple", "ratio", "derived")
_LATER = {"cumulative": "cumulative metrics are not supported yet", "conversion": "conversions are not supported yet"}


def read_metric(node: Node) -> MfMetric:
    """The facts of a metric; ``refusal`` says why it has no counterpart here."""
    kind = (node.text("type") or "simple").lower()
    params = node.child("type_params") or Node({}, node.document, node.path)
    measure = params.named("measure")
    inputs, expr = _inputs(kind, params)
    conditions = [*_conditions(node), *(_conditions(measure) if measure else ())]
    return MfMetric(
        name=node.text("name"),
        kind=kind,
        label=node.text("label"),
        description=" ".join(node.text("description").split()),
        measure=measure.text("name") if measure and kind == "simple" else None,
        expr=expr,
        inputs=inputs,
        conditions=tuple(conditions),
        grain=(node.text("time_granularity") or params.text("time_granularity")).lower() or None,
        fill=_number(measure.get("fill_nulls_with")) if measure else None,
        refusal=_refusal(kind, measure),
        place=node.place(),
    )


def _refusal(kind: str, measure: Node | None) -> str:
    if kind not in KINDS:
        return _LATER.get(kind, f"its type '{kind}' is unknown")
    if kind == "simple" and measure is None:
        return "it names no measure"
    if measure and measure.flag("join_to_timespine"):
        return "filling gaps in time (join_to_timespine) is not supported yet"
    return ""


def _inputs(kind: str, params: Node) -> tuple[tuple[MetricInput, ...], str]:
    """The metrics it uses and its expression, which a ratio has by its kind."""
    if kind != "ratio":
        return tuple(_input(one) for one in params.children("metrics")), params.text("expr")
    parts = [one for key in ("numerator", "denominator") if (one := params.named(key))]
    inputs = [_input(one) for one in parts]
    if len(inputs) == 2 and inputs[0].alias == inputs[1].alias:
        inputs = [
            MetricInput(one.metric, word, one.conditions, one.refusal, one.place)
            for one, word in zip(inputs, ("numerator", "denominator"), strict=True)
        ]
    return tuple(inputs), " / ".join(one.alias for one in inputs)


def _input(node: Node) -> MetricInput:
    name = node.text("name")
    offset = node.text("offset_window") or node.text("offset_to_grain")
    refusal = f"it uses '{name}' at another time ({offset}); offsets are not supported yet" if offset else ""
    return MetricInput(name, node.text("alias") or name, tuple(_conditions(node)), refusal, node.place())


def _conditions(node: Node) -> tuple[Condition, ...]:
    return tuple(Condition(text, place) for text, place in node.conditions("filter"))


def _number(value: object) -> float | int | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
