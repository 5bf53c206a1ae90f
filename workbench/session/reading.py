"""What comes back for a question to columns that say what they are, and a model to how fresh its rows are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from workbench.access.guard import issue
from workbench.access.principal import Principal
from workbench.access.restriction import Restriction
from workbench.declare.expression import Aggregate, Column
from workbench.declare.question import Question
from workbench.graph.bind import field_expression, relations
from workbench.graph.build import Graph
from workbench.graph.formulas import SCANNED, Aggregation
from workbench.graph.legs import Leg
from workbench.graph.paths import Field
from workbench.graph.resolve import EXTREMES, OTHER, Number, Resolved
from workbench.plan.steps import TOTAL
from workbench.session.answer import AnswerColumn
from workbench.session.compiling import shape_of

if TYPE_CHECKING:
    from workbench.session.ground import Ground

Kind = Literal["number", "text", "time", "boolean", "other"]


def answer_columns(graph: Graph, resolved: Resolved | None, schema: Any) -> tuple[AnswerColumn, ...]:
    """What each column of an Arrow schema is, with labels and units where the question gave them."""
    keys = {key.name: key for key in resolved.keys} if resolved else {}
    if resolved and resolved.question.extremes:
        keys = {f"{name}.{end}": replace(k, name=f"{name}.{end}") for name, k in keys.items() for end in EXTREMES}
    numbers = {number.name: number for number in resolved.numbers} if resolved else {}
    out = []
    for field in schema:
        kind = _kind(field.type)
        if field.name in keys:
            key = keys[field.name]
            dimension = graph.dimension(key.field.model, key.field.dimension)
            grain = key.field.grain or key.field.part or ""
            end = f", {field.name.rpartition('.')[2]}" if resolved and resolved.question.extremes else ""
            label = (
                f"{dimension.label}{end}"
                if dimension.label
                else " ".join(key.name.replace("_", " ").split(".")).capitalize()
            )
            out.append(AnswerColumn(field.name, "dimension", kind, label, format=dimension.format, grain=grain))
        elif field.name in numbers:
            out.append(_metric_column(graph, numbers[field.name], kind))
        elif resolved and resolved.question.totals and field.name == TOTAL:
            out.append(AnswerColumn(field.name, "total", "text", "Total"))
        elif resolved and resolved.ranking and field.name == OTHER:
            out.append(AnswerColumn(field.name, "mark", "boolean", "Other"))
        else:
            out.append(AnswerColumn(field.name, "column", kind, field.name))
    return tuple(out)


def _metric_column(graph: Graph, number: Number, kind: Kind) -> AnswerColumn:
    metric = graph.metric(number.metric)
    label = metric.label or metric.metric.replace("_", " ").capitalize()
    if number.aspect in ("ratio", "share"):
        label = f"{label}, {number.aspect}"
        return AnswerColumn(number.name, "metric", kind, label, "", "percent", aspect=number.aspect)
    if number.aspect != "value":
        label = f"{label}, {number.aspect}"
    elif number.name not in (metric.metric, number.metric):
        label = number.name
    return AnswerColumn(number.name, "metric", kind, label, metric.unit, metric.format, aspect=number.aspect)


def _kind(arrow: Any) -> Kind:
    import pyarrow.types as pat

    if pat.is_boolean(arrow):
        return "boolean"
    if pat.is_integer(arrow) or pat.is_floating(arrow) or pat.is_decimal(arrow):
        return "number"
    if pat.is_temporal(arrow) and not pat.is_duration(arrow) and not pat.is_time(arrow):
        return "time"
    return "text" if pat.is_string(arrow) or pat.is_large_string(arrow) or pat.is_string_view(arrow) else "other"


def freshness(
    graph: Graph,
    model: str,
    principal: Principal,
    restriction_of: Callable[[str], Restriction | None],
    ground: Ground,
) -> datetime | None:
    """The latest moment on a model's time axis among the rows the principal may see; None without an axis.

    It takes a look at every row, so whoever sees the same rows is told what was found for the first of them.
    """
    axis = graph.model(model).time_dimension
    if axis is None:
        return None
    value = field_expression(graph, Field((), model, axis))
    latest = Aggregation(model, axis, Aggregate("max", (value,)))
    leg = Leg(model, graph.model(model).table, axis, relations(graph, model, (value,)), None, (), (0,))
    number = Number("latest", axis, Column(SCANNED, "0"))
    resolved = Resolved(Question(), (), (number,), (latest,), (leg,), None, (), None)
    granted = issue(resolved, principal, restriction_of)
    sql = shape_of(granted, 0, ground.engine, ground.salt, ground.templates).filled(()).sql
    asked = ground.engine.version(), sql
    known = ground.moments.find(asked)
    if known is None:
        known = (_moment(ground.engine.run(sql).column(0)[0]),)
        ground.moments.keep(asked, known)
    return known[0]


def _moment(latest: Any) -> datetime | None:
    """The moment, None for what is none or has no date in Python: an infinite one, a year beyond 9999."""
    try:
        found = latest.as_py()
    except (OverflowError, ValueError):
        return None
    if isinstance(found, date) and not isinstance(found, datetime):
        return datetime(found.year, found.month, found.day)
    return found if isinstance(found, datetime) else None
