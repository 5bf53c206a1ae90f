"""A semantic model of MetricFlow's YAML to plain facts."""

from __future__ import annotations

import re

from workbench.declare.grains import GRAINS
from workbench.exchange.metricflow_node import Node
from workbench.exchange.metricflow_project import BAD_NAME, NAME, Entity, Level, Loss, Measure, MfDimension, Model

AGGREGATES = {
    "sum", "min", "max", "average", "avg", "median", "percentile", "sum_boolean", "count", "count_distinct"
}  # fmt: skip
_REF = re.compile(r"""^\s*(?:ref|source)\(\s*(['"])(.+?)\1\s*(?:,\s*(['"])(.+?)\3\s*)?\)\s*$""")


def read_model(node: Node, schema: str, losses: list[Loss]) -> Model:
    """The facts of a semantic model; what none of our words can say is added to ``losses``."""
    name = node.text("name")
    defaults = node.child("defaults")
    axis = defaults.text("agg_time_dimension") if defaults else ""
    entities = tuple(e for one in node.children("entities") if (e := _entity(one, name, losses)))
    primary = node.text("primary_entity") or next((e.name for e in entities if e.kind == "primary"), None)
    return Model(
        name=name,
        table=table_of(node, schema),
        label=node.text("label"),
        description=" ".join(node.text("description").split()),
        axis=axis or None,
        primary=primary,
        entities=entities,
        dimensions=tuple(d for one in node.children("dimensions") if (d := _dimension(one, name, losses))),
        measures=tuple(_measure(one, name, axis or None) for one in node.children("measures")),
        place=node.place(),
    )


def table_of(node: Node, schema: str) -> str:
    """The table that a model or time spine reads; ``schema`` holds those named by ref()."""
    relation = node.child("node_relation")
    if relation:
        if relation.text("relation_name"):
            return ".".join(relation.text("relation_name").replace('"', "").replace("`", "").split(".")[-2:])
        return ".".join(filter(None, (relation.text("schema_name") or schema, relation.text("alias"))))
    reference = node.text("model")
    match = _REF.match(reference)
    if not match:
        return reference
    first, second = match.group(2), match.group(4)
    if second and reference.lstrip().startswith("source"):
        return f"{first}.{second}"
    return ".".join(filter(None, (schema, second or first)))


def _entity(node: Node, model: str, losses: list[Loss]) -> Entity | None:
    name = node.text("name")
    if not NAME.fullmatch(name):
        losses.append(Loss("entity", f"{model}.{name}", node.place(), BAD_NAME))
        return None
    return Entity(name, (node.text("type") or "foreign").lower(), node.text("expr") or name, node.place())


def _dimension(node: Node, model: str, losses: list[Loss]) -> MfDimension | None:
    name = node.text("name")
    kind = (node.text("type") or "categorical").lower()
    params = node.child("type_params")
    grain = (params.text("time_granularity") or "day").lower() if params else "day"
    validity = params.child("validity_params") if params else None
    if not NAME.fullmatch(name):
        losses.append(Loss("dimension", f"{model}.{name}", node.place(), BAD_NAME))
        return None
    if kind not in ("categorical", "time"):
        losses.append(Loss("dimension", f"{model}.{name}", node.place("type"), f"its type '{kind}' is unknown"))
        return None
    if kind == "time" and grain not in GRAINS:
        losses.append(Loss("dimension", f"{model}.{name}", node.place(), f"its grain '{grain}' is not supported"))
        return None
    bound = ""
    if validity:
        bound = "start" if validity.flag("is_start") else "end"
    return MfDimension(
        name=name,
        kind=kind,
        expr=node.text("expr") or name,
        grain=grain if kind == "time" else None,
        partition=node.flag("is_partition"),
        bound=bound,
        label=node.text("label"),
        description=" ".join(node.text("description").split()),
        place=node.place(),
    )


def _measure(node: Node, model: str, axis: str | None) -> Measure:
    name, agg = node.text("name"), node.text("agg").lower()
    params = node.child("agg_params")
    fraction = params.get("percentile") if params else None
    discrete = bool(params and params.flag("use_discrete_percentile"))
    approximate = bool(params and params.flag("use_approximate_percentile"))
    refusal = ""
    if agg not in AGGREGATES:
        refusal = f"the aggregation '{agg}' is unknown"
    elif approximate and discrete:
        refusal = "a discrete percentile is not approximated: DuckDB does not either"
    elif agg == "percentile" and not isinstance(fraction, int | float):
        refusal = "a percentile needs a number under agg_params"
    return Measure(
        name=name,
        model=model,
        agg=agg,
        expr=node.text("expr") or name,
        axis=node.text("agg_time_dimension") or axis,
        percentile=fraction if isinstance(fraction, int | float) else None,
        discrete=discrete,
        approximate=approximate,
        creates_metric=node.flag("create_metric"),
        label=node.text("label"),
        description=" ".join(node.text("description").split()),
        refusal=refusal,
        place=node.place(),
        level=_level(node.child("non_additive_dimension")),
    )


def _level(node: Node | None) -> Level | None:
    if node is None:
        return None
    take = "last" if node.text("window_choice").lower() == "max" else "first"
    return Level(node.text("name"), take, node.texts("window_groupings"))
