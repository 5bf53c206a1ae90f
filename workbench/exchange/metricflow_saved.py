"""Saved queries of a MetricFlow project to ours; their columns keep MetricFlow's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.errors import WorkbenchError
from workbench.exchange.metricflow_filters import Reference, reference
from workbench.exchange.metricflow_models import written
from workbench.exchange.metricflow_names import Names, Spelling
from workbench.exchange.metricflow_project import Loss, MfSavedQuery


def convert_saved(names: Names, saved: Mapping[str, MfSavedQuery]) -> tuple[dict[str, dict[str, Any]], list[Loss]]:
    """Our saved queries by name, as they are written in YAML, and those that were left out."""
    out: dict[str, dict[str, Any]] = {}
    losses: list[Loss] = []
    for name, query in saved.items():
        try:
            out[name] = _term(names, query)
        except WorkbenchError as error:
            losses.append(Loss("saved query", name, query.place, error.problems[0].message.rstrip(".")))
    return out, losses


def _term(names: Names, query: MfSavedQuery) -> dict[str, Any]:
    metrics = [names.metric(metric) for metric in query.metrics]
    asked = [_reference(text) for text in query.by]
    home = None if metrics else names.home([one.name for one in asked], " and ".join(one.text for one in query.where))
    by = [_spelling(names, one, metrics, home) for one in asked]
    return written(
        saved_query=query.name,
        label=query.label,
        description=query.description,
        metrics=metrics,
        by=[{one.column: one.path} for one in by],
        where=[names.where(one.text, metrics, home) for one in query.where],
        order_by=[_order(names, _reference(text), metrics, home) for text in query.order_by],
        limit=query.limit,
    )


def _reference(text: str) -> Reference:
    """What stands in group_by or order_by: a call, or a bare name with a minus for descending."""
    if "(" in text:
        return reference(text)
    return Reference("name", text.lstrip("-"), descending=text.startswith("-"))


def _spelling(names: Names, one: Reference, metrics: list[str], home: str | None) -> Spelling:
    return names.path(one.name, one.grain, one.part, metrics, home)


def _order(names: Names, one: Reference, metrics: list[str], home: str | None) -> str:
    is_metric = one.kind == "Metric" or one.name in metrics
    column = names.metric(one.name) if is_metric else _spelling(names, one, metrics, home).column
    return f"-{column}" if one.descending else column
