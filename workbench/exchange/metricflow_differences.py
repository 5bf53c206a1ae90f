"""Questions to the reasons why our number is knowingly another than MetricFlow's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from workbench.declare.grains import GRAINS
from workbench.exchange.metricflow_filters import Reference, references
from workbench.exchange.metricflow_project import Condition, MetricInput, Project


def difference(project: Project, metrics: Sequence[str], by: Mapping[str, str], *, timed: bool) -> str:
    """Why the answer would differ, '' where it doesn't; ``by`` gives the grain of each column, '' where it is no time.

    ``timed`` says that the question is about a span of time.
    """
    for metric in metrics:
        told = on_moments(project, metrics)
        if why := _spanned(project, metric, by) or _padded(project, metric, by, told) or _stepped(project, metric, by):
            return why
        conversion = project.metrics[metric].conversion
        if by and len(metrics) > 1 and conversion and conversion.converted.fill is not None:
            return f"MetricFlow leaves '{metric}' empty where only other metrics have rows; here it is filled there too"
        inside = [project.metrics[name] for name in _inside(project, metric, ())]
        if timed and any(by.values()) and any(one.conversion and one.spine for one in inside):
            return f"MetricFlow shows the periods that a spine adds to '{metric}' outside of the span as well"
        for one in _moved(project, metric, ()) if timed else ():
            by_days = all(grain in ("", "day") for grain in by.values())
            if _drops(project, one) and not (by_days and looks_inside(project, metrics)):
                return (
                    f"MetricFlow drops what '{one.alias}' of '{metric}' looks at before the span begins; "
                    "here a span changes no number"
                )
    return ""


def looks_inside(project: Project, metrics: Sequence[str]) -> bool:
    """Whether all that metrics look back at are windows, of which MetricFlow shows none that ends before a span."""
    moved = [one for metric in metrics for one in _moved(project, metric, ())]
    return bool(moved) and all(_drops(project, one) for one in moved)


def _drops(project: Project, one: MetricInput) -> bool:
    return any(project.metrics[name].cumulative for name in _inside(project, one.metric, ()))


def _spanned(project: Project, metric: str, by: Mapping[str, str]) -> str:
    for name in _inside(project, metric, ()):
        found = project.metrics[name]
        rows = found.cumulative
        if rows and (rows.window or rows.to_date) and not any(by.values()):
            return (
                f"MetricFlow counts all rows of '{name}' where no time is asked for; here those up to the last moment"
            )
        if rows and rows.period == "average" and found.spine:
            return f"MetricFlow takes the days that a spine adds to '{name}' into its average; here days have rows"
        grains = _shown(project, metric, by)
        if rows and found.spine and grains and len(grains) < len(by) and not _daily(grains):
            return f"MetricFlow shows each group of '{name}' on a day of its own; here a period shows one day to all"
    return ""


def _daily(grains: Iterable[str]) -> bool:
    """Whether days are shown, or what is finer."""
    return any(one in GRAINS[: GRAINS.index("day") + 1] for one in grains)


def _stepped(project: Project, metric: str, by: Mapping[str, str]) -> str:
    shown = _shown(project, metric, by)
    finest = min((grain for grain in shown if grain in GRAINS), key=GRAINS.index, default="")
    for one in _moved(project, metric, ()):
        if not shown or _daily((finest,)) or _drops(project, one):
            continue  # days look at days, and of what looks back itself, a period shows its first day in both
        if one.offset:
            uneven = finest == "week" and one.offset.removesuffix("s").endswith(("month", "quarter", "year"))
            if uneven or any(_moved(project, one.metric, ())):
                return f"MetricFlow looks for whole periods that lie '{one.offset}' before others; here days look back"
        elif not finest and not shown.isdisjoint(project.grains):
            return f"MetricFlow adds up the starts that the days of a period look at in '{one.alias}'; here it has one"
        elif one.offset_to == finest or finest and project.metrics[one.metric].kind != "simple":
            return f"MetricFlow takes a whole {finest} for its own start in '{one.alias}'; here it is the first day"
    return ""


def _shown(project: Project, metric: str, by: Mapping[str, str]) -> set[str]:
    """The grains at which the time of a metric is asked for, by any of its names."""
    counted = [project.metrics[name].counted for name in _inside(project, metric, ())]
    measures = [project.measures[name] for name in counted if name]
    times = {f"{owner}__{one.axis}" for one in measures for owner in project.models[one.model].identities}
    return {grain for column, grain in by.items() if column.rpartition("__")[0] in {"metric_time", *times}}


def on_moments(project: Project, metrics: Sequence[str]) -> tuple[Condition, ...]:
    """The conditions on metric_time alone of the one metric asked, which MetricFlow asks of added periods as well."""
    found = project.metrics[metrics[0]] if len(metrics) == 1 else None
    if found is None or not found.spine or found.kind != "simple":
        return ()
    return tuple(one for one in found.conditions if {*map(_first_word, references(one.text))} == {"metric_time"})


def _first_word(one: Reference) -> str:
    return one.name.lower().split("__")[0]


def _padded(project: Project, metric: str, by: Mapping[str, str], told: Sequence[Condition]) -> str:
    inside = [project.metrics[name] for name in _inside(project, metric, ())]
    if not any(one.spine for one in inside) or not any(by.values()):
        return ""
    shown = {column.split("__")[-2 if grain else -1] for column, grain in by.items()}
    conditions = [c for one in inside for c in (*one.later, *(c for used in one.inputs for c in used.conditions))]
    for used in (reference for one in conditions if one not in told for reference in references(one.text)):
        last = used.name.lower().split("__")[-1]
        if _first_word(used) == "metric_time" or used.kind == "TimeDimension" or last in shown:
            return f"MetricFlow adds no period to '{metric}' that its filter leaves out; here a filter is about rows"
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
