"""When a MetricFlow metric looks: windows, offsets, levels and gaps in time as keys of our metrics."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from workbench.declare.grains import GRAINS
from workbench.errors import Problem, Unanswerable, WorkbenchError
from workbench.exchange.metricflow_models import written
from workbench.exchange.metricflow_project import Level, MetricInput, MfMetric, Project

PERIODS = ("first", "last", "average")
_LENGTH = re.compile(r"(\d+) ([a-z_0-9]+)")


def refused(reason: str) -> WorkbenchError:
    """Why a metric has no counterpart."""
    return Unanswerable(Problem("not-imported", reason))


def metric_timing(project: Project, metric: MfMetric, finest: str) -> dict[str, Any]:
    """The keys of a metric that say when it looks; ``finest`` is the grain of its axis, a day at least.

    MetricFlow computes a cumulative metric for each moment of its own grain, and shows one of them, the first unless
    said, for a coarser period.
    """
    out = written(spine=metric.spine or None)
    rows = metric.cumulative
    if rows is None:
        return out
    if rows.period not in PERIODS:
        raise refused(f"its period_agg '{rows.period}' is unknown")
    if metric.grain and GRAINS.index(metric.grain) > GRAINS.index(finest):
        raise refused(f"it is computed by the {metric.grain} at once, though its rows are known by the {finest}")
    spans = written(window=length(project, rows.window), to_date=_grain(project, rows.to_date))
    if len(spans) > 1:
        raise refused("it has both a window and a grain_to_date")
    return {**out, **(spans or {"running": True}), "period": rows.period}


def input_timing(project: Project, one: MetricInput) -> dict[str, Any]:
    """The keys of an input that is used at another time."""
    if one.offset and one.offset_to:
        raise refused(f"it uses '{one.metric}' with both offset_window and offset_to_grain")
    return written(offset=_offset(project, one.offset), offset_to=_grain(project, one.offset_to))


def _offset(project: Project, text: str) -> str | dict[str, str] | None:
    """How far it looks back; MetricFlow lets every day look back for itself, also where months are shown."""
    by = length(project, text)
    even = by is None or by.split()[1] in GRAINS[: GRAINS.index("week") + 1]
    return by if even or by is None else {"by": by, "each": "day"}


def level_term(level: Level | None, dimensions: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a measure that must not be added up over time says."""
    if level is None:
        return None
    for name in (level.over, *level.by):
        if name not in dimensions:
            raise refused(f"its non-additive '{name}' is not taken over")
    return written(over=level.over, take=level.take, by=list(level.by))


def length(project: Project, text: str) -> str | None:
    """A length of time as ours; raises `Unanswerable` where we have none like it."""
    if not text:
        return None
    found = _LENGTH.fullmatch(text)
    grain = found[2] if found else ""
    grain = grain if grain in (*GRAINS, *project.grains) else grain.removesuffix("s")
    if found is None or not int(found[1]):
        raise refused(f"'{text}' is no length of time")
    if _grain(project, grain) is None:
        raise refused(f"'{text}' is no length of time")
    return f"{found[1]} {grain}"


def _grain(project: Project, grain: str) -> str | None:
    if grain and grain not in (*GRAINS, *project.grains):
        raise refused(f"its grain '{grain}' is not supported")
    return grain or None
