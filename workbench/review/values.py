"""Two definitions of a metric on the same data to the totals, and to the groups in which its value moved."""

from __future__ import annotations

import time as clock
from dataclasses import dataclass, replace
from typing import Any

import pyarrow.types as pat

from workbench.declare.declared import Declared
from workbench.declare.question import Question
from workbench.declare.terms import Metric
from workbench.errors import Problem, WorkbenchError
from workbench.graph.build import Graph
from workbench.graph.formulas import base_models
from workbench.graph.paths import METRIC_TIME, legal
from workbench.quality.asking import ask, sound_sql
from workbench.warehouse.engine import Engine
from workbench.warehouse.keys import Keys

SHOWN = 10
"""Groups shown of those that moved, the furthest first."""
NEEDS_TIME = "needs-time"
CLOSE = 1e-9
"""The relative difference of two fractions that is rounding; whole numbers and decimals are compared exactly."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A metric under its name in one workspace."""

    graph: Graph
    name: str


@dataclass(frozen=True, slots=True)
class Moved:
    """One group, None for the rows without any, and the metric's value in it before and after."""

    group: str | None
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Axis:
    """One way to group: how many groups there are, in how many the value moved, and those where it moved most."""

    by: str
    groups: int
    moved: int
    most: tuple[Moved, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of the model that are counted by the old definition, by the new one, and by one of them alone."""

    before: int
    after: int
    lost: int
    won: int


@dataclass(frozen=True, slots=True)
class Values:
    """What became of one metric's value; ``unlooked`` are axes that time did not suffice for."""

    metric: str
    was: str
    before: Any
    after: Any
    axes: tuple[Axis, ...]
    rows: Rows | None
    unlooked: tuple[str, ...]
    problems: tuple[Problem, ...]
    moved: bool

    @property
    def certain(self) -> bool:
        """Whether every axis was looked at, and every question answered."""
        return not self.unlooked and not self.problems


def compare(
    old: Definition, new: Definition, engine: Engine, keys: Keys, first: frozenset[str], seconds: float
) -> Values:
    """How the value moved; axes whose path names one of ``first`` are looked at first, for about so many seconds."""
    end = clock.monotonic() + seconds
    problems: list[Problem] = []
    before, after = (_total(one, engine, keys, problems) for one in (old, new))
    timed = any(problem.slug == NEEDS_TIME for problem in problems)
    if timed:  # it has values at moments alone, and so no total: every axis is looked at month by month
        problems = [problem for problem in problems if problem.slug != NEEDS_TIME]
        before = after = None
    axes: list[Axis] = []
    unlooked: list[str] = []
    for path in _axes(old, new, first) if not problems else ():
        if clock.monotonic() > end and axes:
            unlooked.append(path)
            continue
        try:
            axes.append(_axis(old, new, path, timed, engine, keys))
        except WorkbenchError as error:
            problems += error.problems
    moved = bool(problems) or _differ(before, after) or any(axis.moved for axis in axes)
    rows = None if problems else _rows(old, new, engine, keys)
    # What tells most comes first: where some groups moved and others did not.
    shown = tuple(sorted((a for a in axes if a.moved), key=lambda a: (a.groups == 1, a.groups > 10 * SHOWN)))
    return Values(
        new.name, old.name, _plain(before), _plain(after), shown, rows, tuple(unlooked), tuple(problems), moved
    )


def _total(one: Definition, engine: Engine, keys: Keys, problems: list[Problem]) -> Any:
    """The metric over all rows, as an Arrow column of one value; None where it cannot be answered."""
    try:
        return ask(one.graph, Question(metrics=one.name), engine, keys).column(0)
    except WorkbenchError as error:
        problems += error.problems
        return None


def _axes(old: Definition, new: Definition, first: frozenset[str]) -> list[str]:
    """The paths both definitions may be grouped by: what the change touches, then time, then what is near."""
    there = [_paths(one) for one in (old, new)]
    common = [path for path in there[1] if path in set(there[0])]
    return sorted(common, key=lambda path: (not first & set(path.split(".")), path != MONTHS, path.count(".")))


MONTHS = f"{METRIC_TIME}.month"


def _paths(one: Definition) -> list[str]:
    """Paths over at most one hop, of all models whose rows are counted."""
    bases = base_models(one.graph, one.name)
    options = [{path: field for path, field in legal(one.graph, base) if len(field.roles) <= 1} for base in bases]
    out = [MONTHS] if all(one.graph.model(base).time_dimension for base in bases) else []
    for path, field in options[0].items() if options else ():
        if all(path in option and option[path].meaning == field.meaning for option in options):
            is_time = one.graph.dimension(field.model, field.dimension).type == "time"
            out.append(f"{path}.month" if is_time else path)
    return out


def _axis(old: Definition, new: Definition, path: str, timed: bool, engine: Engine, keys: Keys) -> Axis:
    """Both answers grouped by a path, merged in the engine, so that only what moved comes back."""
    by = {"k": path} | ({"t": MONTHS} if timed and path != MONTHS else {})
    sides = [
        sound_sql(one.graph, Question(metrics={"v": one.name}, by=by), engine, keys).rstrip("; \n")
        for one in (old, new)
    ]
    kind = _kind(*(engine.run(f"SELECT v FROM ({side}) AS s LIMIT 0").schema.field(0).type for side in sides))
    shown = (
        "CAST(k AS VARCHAR)"
        if len(by) == 1
        else "concat(coalesce(CAST(k AS VARCHAR), 'none'), ', ', CAST(t AS VARCHAR))"
    )
    distance = "" if kind == "other" else "abs(coalesce(a, 0) - coalesce(b, 0)) DESC,"
    # UNION ALL and GROUP BY take rows without a group together, which a join would not.
    found = engine.run(
        f"""
        WITH b AS ({sides[0]}), a AS ({sides[1]}), u AS (
            SELECT {shown} AS k, v AS b, NULL AS a, 1 AS hb, 0 AS ha FROM b
            UNION ALL SELECT {shown}, NULL, v, 0, 1 FROM a
        ), g AS (
            SELECT k, max(b) AS b, max(a) AS a, max(hb) AS hb, max(ha) AS ha FROM u GROUP BY k
        ), m AS (SELECT k, b, a, (hb <> ha OR {DIFFER[kind]}) AS moved FROM g)
        SELECT k, b, a, moved, count(*) OVER () AS n, sum(CASE WHEN moved THEN 1 ELSE 0 END) OVER () AS c
        FROM m ORDER BY moved DESC, {distance} k LIMIT {SHOWN}
        """
    ).to_pylist()
    most = tuple(Moved(row["k"], row["b"], row["a"]) for row in found if row["moved"])
    return Axis(path, found[0]["n"] if found else 0, int(found[0]["c"]) if found else 0, most)


DIFFER = {
    "other": "b IS DISTINCT FROM a",
    "number": "b IS DISTINCT FROM a",
    "fraction": f"b IS DISTINCT FROM a AND coalesce(abs(a - b) > {CLOSE} * greatest(abs(a), abs(b)), true)",
}
"""The condition that two values differ, for each kind of value."""


def _kind(*types: Any) -> str:
    """What the values are: fractions where one side is, numbers compared exactly, or anything else."""
    if any(map(pat.is_floating, types)):
        return "fraction"
    return "number" if all(pat.is_integer(one) or pat.is_decimal(one) for one in types) else "other"


def _differ(before: Any, after: Any) -> bool:
    one, other = _plain(before), _plain(after)
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) > CLOSE * max(abs(one), abs(other))
    return bool(one != other)


def _plain(column: Any) -> Any:
    return column[0].as_py() if column is not None and len(column) else None


def _rows(old: Definition, new: Definition, engine: Engine, keys: Keys) -> Rows | None:
    """The rows that came and went where both definitions count rows of one model by a filter of their own."""
    terms = [one.graph.metric(one.name) for one in (old, new)]
    if not terms[0].model or terms[0].model != terms[1].model or terms[0].model not in new.graph.models:
        return None
    was, now = (f"({term.filter or 'true'})" for term in terms)
    filters = {"before": was, "after": now, "lost": f"{was} and not coalesce({now}, false)"}
    filters["won"] = f"{now} and not coalesce({was}, false)"
    metrics = dict(new.graph.metrics)
    for name, text in filters.items():
        counted = Metric(metric=f"rows_{name}", model=terms[1].model, expr="count(*)", filter=text)
        metrics[f"rows_{name}"] = Declared(counted, metrics[new.name].document)
    question = Question(metrics={name: f"rows_{name}" for name in filters})
    try:
        (row,) = ask(replace(new.graph, metrics=metrics), question, engine, keys).to_pylist()
    except WorkbenchError:
        return None  # the old filter names what is no longer there
    return Rows(**row)
