"""Questions to the reasons why our number is knowingly another than MetricFlow's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workbench.exchange.metricflow_project import MetricInput, Project

_UNEVEN = ("month", "quarter", "year")
"""Grains whose periods have different numbers of days."""


def difference(project: Project, metrics: Sequence[str], grains: Sequence[str], *, timed: bool) -> str:
    """Why the answer would differ, '' where it doesn't; ``grains`` are those asked of the time axis.

    ``timed`` says that the question is about a span of time.
    """
    for metric in metrics:
        for one in _moved(project, metric, ()):
            if timed and any(project.metrics[m].cumulative for m in _inside(project, one.metric, ())):
                return (
                    f"MetricFlow drops what '{one.alias}' of '{metric}' looks at before the span begins; "
                    "here a span changes no number"
                )
            if one.offset.rstrip("s").endswith(_UNEVEN) and grains and all(grain in _UNEVEN for grain in grains):
                return (
                    f"MetricFlow moves '{one.alias}' of '{metric}' day by day and so counts the last days of short "
                    f"months several times; here whole months are moved"
                )
    return ""


def _moved(project: Project, metric: str, chain: tuple[str, ...]) -> Iterator[MetricInput]:
    """Every input with an offset, in a metric and in those it uses."""
    if metric in chain or metric not in project.metrics:
        return
    for one in project.metrics[metric].inputs:
        if one.offset or one.offset_to:
            yield one
        yield from _moved(project, one.metric, (*chain, metric))


def _inside(project: Project, metric: str, chain: tuple[str, ...]) -> Iterator[str]:
    """A metric and all that it uses."""
    if metric in chain or metric not in project.metrics:
        return
    yield metric
    for one in project.metrics[metric].inputs:
        yield from _inside(project, one.metric, (*chain, metric))
