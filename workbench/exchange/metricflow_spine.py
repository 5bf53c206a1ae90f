"""Time spines of a MetricFlow project to calendars of ours: tables of moments with periods of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.declare.grains import GRAINS
from workbench.exchange.metricflow_model import table_of
from workbench.exchange.metricflow_models import written
from workbench.exchange.metricflow_node import Node
from workbench.exchange.metricflow_project import BAD_NAME, NAME, Loss, TimeSpine


def own_spine(node: Node, schema: str, losses: list[Loss]) -> TimeSpine | None:
    """The spine of a project's configuration, as MetricFlow itself spells it."""
    relation, column = node.child("node_relation"), node.child("primary_column")
    name = node.text("name") or (relation.text("alias") if relation else "")
    grain = column.text("time_granularity") if column else ""
    return _spine(node, name, table_of(node, schema), column.text("name") if column else "", grain, losses)


def dbt_spine(node: Node, schema: str, losses: list[Loss]) -> TimeSpine | None:
    """The spine that a dbt model is declared to be."""
    spine, name = node.child("time_spine"), node.text("name")
    assert spine is not None
    column = spine.text("standard_granularity_column")
    grain = next((c.text("granularity") for c in node.children("columns") if c.text("name") == column), "")
    return _spine(spine, name, ".".join(filter(None, (schema, name))), column, grain, losses)


def _spine(node: Node, name: str, table: str, column: str, grain: str, losses: list[Loss]) -> TimeSpine | None:
    grain = grain.lower() or "day"
    reason = "" if NAME.fullmatch(name) else BAD_NAME
    if not column or not table:
        reason = "it names no table and column of moments"
    elif grain not in GRAINS:
        reason = f"its grain '{grain}' is not supported"
    if reason:
        losses.append(Loss("time spine", name, node.place(), reason))
        return None
    return TimeSpine(name, table, column, grain, _grains(node, losses), node.text("description"), node.place())


def _grains(node: Node, losses: list[Loss]) -> Mapping[str, str]:
    """Grains of one's own, each with the column that holds the start of its periods."""
    out: dict[str, str] = {}
    for custom in node.children("custom_granularities"):
        name = custom.text("name").lower()
        if not NAME.fullmatch(name) or name in GRAINS or name in out:
            why = BAD_NAME if not NAME.fullmatch(name) else "the name is taken"
            losses.append(Loss("granularity", name, custom.place(), why))
        else:
            out[name] = custom.text("column_name") or name
    return out


def convert_spine(spine: TimeSpine) -> dict[str, Any]:
    """The calendar of a spine, as it is written in YAML."""
    return written(
        calendar=spine.name,
        description=spine.description,
        table=spine.table,
        column=spine.column,
        grain=None if spine.grain == "day" else spine.grain,
        grains=dict(spine.grains),
    )
