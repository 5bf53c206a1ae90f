"""A metric of MetricFlow's YAML to plain facts."""

from __future__ import annotations

from dataclasses import replace

from workbench.exchange.metricflow_node import Node
from workbench.exchange.metricflow_project import Condition, Cumulative, MeasureUse, MetricInput, MfConversion, MfMetric

KINDS = ("simple", "ratio", "derived", "cumulative", "conversion")
_ON_MEASURE = ("simple", "cumulative")


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
        measure=measure.text("name") if measure and kind in _ON_MEASURE else None,
        expr=expr,
        inputs=inputs,
        conditions=tuple(conditions),
        grain=(node.text("time_granularity") or params.text("time_granularity")).lower() or None,
        fill=_number(measure.get("fill_nulls_with")) if measure else None,
        refusal=_refusal(kind, params),
        place=node.place(),
        cumulative=_cumulative(params) if kind == "cumulative" else None,
        spine=bool(measure and measure.flag("join_to_timespine")),
        later=_conditions(node),
        conversion=_conversion(params.child("conversion_type_params")) if kind == "conversion" else None,
    )


def _refusal(kind: str, params: Node) -> str:
    if kind not in KINDS:
        return f"its type '{kind}' is unknown"
    if kind == "conversion" and _conversion(params.child("conversion_type_params")) is None:
        return "it names no two measures"
    return "it names no measure" if kind in _ON_MEASURE and params.named("measure") is None else ""


def _cumulative(params: Node) -> Cumulative:
    """What a cumulative metric adds up; the keys once stood beside the measure."""
    own = params.child("cumulative_type_params") or params
    return Cumulative(
        _length(own, "window") or _length(params, "window"),
        (own.text("grain_to_date") or params.text("grain_to_date")).lower(),
        own.text("period_agg").lower() or "first",
    )


def _conversion(node: Node | None) -> MfConversion | None:
    base, converted = (node.named("base_measure"), node.named("conversion_measure")) if node else (None, None)
    if node is None or base is None or converted is None:
        return None
    pairs = (
        (one.text("base_property"), one.text("conversion_property")) for one in node.children("constant_properties")
    )
    calculation = node.text("calculation").lower() or "conversion_rate"
    return MfConversion(
        _measure_use(base),
        _measure_use(converted),
        node.text("entity"),
        _length(node, "window"),
        tuple(pairs),
        calculation,
    )


def _measure_use(node: Node) -> MeasureUse:
    fill, spine = _number(node.get("fill_nulls_with")), node.flag("join_to_timespine")
    return MeasureUse(node.text("name"), _conditions(node), fill, spine)


def _length(node: Node, key: str) -> str:
    """A length of time as '7 days', which MetricFlow also writes as a mapping."""
    parts = node.child(key)
    written = f"{parts.text('count')} {parts.text('granularity')}" if parts else node.text(key)
    return " ".join(written.lower().split())


def _inputs(kind: str, params: Node) -> tuple[tuple[MetricInput, ...], str]:
    """The metrics it uses and its expression, which a ratio has by its kind."""
    if kind != "ratio":
        return tuple(_input(one) for one in params.children("metrics")), params.text("expr")
    parts = [one for key in ("numerator", "denominator") if (one := params.named(key))]
    inputs = [_input(one) for one in parts]
    if len(inputs) == 2 and inputs[0].alias == inputs[1].alias:
        inputs = [replace(one, alias=word) for one, word in zip(inputs, ("numerator", "denominator"), strict=True)]
    return tuple(inputs), " / ".join(one.alias for one in inputs)


def _input(node: Node) -> MetricInput:
    name = node.text("name")
    return MetricInput(
        name,
        node.text("alias") or name,
        tuple(_conditions(node)),
        node.place(),
        _length(node, "offset_window"),
        node.text("offset_to_grain").lower(),
    )


def _conditions(node: Node) -> tuple[Condition, ...]:
    return tuple(Condition(text, place) for text, place in node.conditions("filter"))


def _number(value: object) -> float | int | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
