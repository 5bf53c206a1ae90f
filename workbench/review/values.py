"""Two definitions of metrics on the same data to the totals, and to the groups in which their values moved."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from workbench.declare.declared import Declared
from workbench.declare.question import Question
from workbench.declare.terms import Metric
from workbench.errors import Problem, WorkbenchError, count
from workbench.graph.build import Graph
from workbench.graph.resolve import resolve
from workbench.quality.asking import ask, sound_sql
from workbench.review.axes import MONTHS, Bases, Path, by_bases, paths
from workbench.review.grouped import CLOSE, SHOWN, Axis, moved_groups
from workbench.warehouse.engine import Engine
from workbench.warehouse.keys import Keys

NEEDS_TIME = "needs-time"
MANY = 100
"""Groups up to which what has values at moments alone is looked at month by month."""

ENOUGH = 8
"""Paths by which a metric has moved before it is looked at no further."""
TOGETHER = 20
"""Metrics that are asked for at once."""

Say = Callable[[str], None]
T = TypeVar("T")


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


@dataclass(slots=True)
class _Found:
    """What is known of one metric so far; ``timed`` where it has values at moments alone, and so no total."""

    was: str
    now: str
    timed: bool = False
    before: Any = None
    after: Any = None
    axes: list[Axis] = field(default_factory=list)
    rows: Rows | None = None
    unlooked: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def moved(self) -> bool:
        return bool(self.problems) or _differ(self.before, self.after) or any(axis.moved for axis in self.axes)

    def told(self) -> Values:
        # What tells most comes first: where some groups moved and others did not.
        shown = sorted((a for a in self.axes if a.moved), key=lambda a: (a.groups == 1, a.groups > 10 * SHOWN))
        rows = None if self.problems else self.rows
        return Values(
            self.now, self.was, self.before, self.after, tuple(shown), rows,
            tuple(self.unlooked), tuple(self.problems), self.moved,
        )  # fmt: skip


def compare(
    before: Graph,
    after: Graph,
    names: Sequence[tuple[str, str]],
    engine: Engine,
    keys: Keys,
    first: frozenset[str],
    seconds: float,
    say: Say = lambda line: None,
) -> tuple[Values, ...]:
    """How the values of metrics moved, each given by its old and its new name.

    Whatever can be is asked together. Paths that name one of ``first`` are looked at first, for about so many seconds.
    """
    return _Comparison(before, after, names, engine, keys).run(first, seconds, say)


def appeared(graph: Graph, names: Sequence[str], engine: Engine, keys: Keys) -> tuple[Values, ...]:
    """The totals of metrics that are new; one that has values at moments alone has none."""
    return _Comparison(graph, graph, [(name, name) for name in names], engine, keys).new()


class _Comparison:
    """Metrics on both sides, looked at path by path."""

    def __init__(
        self, before: Graph, after: Graph, names: Sequence[tuple[str, str]], engine: Engine, keys: Keys
    ) -> None:
        self.graphs = _counting(before), _counting(after)
        self.engine = engine
        self.keys = keys
        self.found = [_Found(was, now) for was, now in names]

    def run(self, first: frozenset[str], seconds: float, say: Say) -> tuple[Values, ...]:
        end = clock.monotonic() + seconds
        say(f"Values of {count(len(self.found), 'metric')} ...")
        self._totals()
        self._rows()
        todo, spoken = list(self._todo(first)), clock.monotonic()
        for number, (path, bases, metrics, must) in enumerate(todo):
            if clock.monotonic() > end and not must:
                for one in metrics:
                    one.unlooked.append(path.by)
                continue
            if clock.monotonic() - spoken > 1:
                spoken = clock.monotonic()
                say(f"Values by {path.by} ({number + 1} of {len(todo)}) ...")
            self._look(path, bases, metrics)
        return tuple(one.told() for one in self.found)

    def new(self) -> tuple[Values, ...]:
        self._totals()
        return tuple(replace(one.told(), was="", before=None, moved=bool(one.problems)) for one in self.found)

    def _totals(self) -> None:
        """Every metric over all rows."""
        for one in self.found:
            one.timed = any(_refusal(graph, name) == NEEDS_TIME for graph, name in self._sides(one))
        for some in _batches([one for one in self.found if not one.timed]):
            for side, attribute in enumerate(("before", "after")):
                for one, value in _together(some, lambda few: self._total(few, side), _problem):  # noqa: B023
                    setattr(one, attribute, value)

    def _total(self, some: Sequence[_Found], side: int) -> list[Any]:
        names = {f"v{number}": (one.was, one.now)[side] for number, one in enumerate(some)}
        (row,) = ask(self.graphs[side], Question(metrics=names), self.engine, self.keys).to_pylist()
        return [row[name] for name in names]

    def _rows(self) -> None:
        """The rows that came and went where both definitions count rows of one model by a filter of their own."""
        old, new = self.graphs
        filtered = [one for one in self.found if not one.problems and _same_model(old, new, one)]
        for some in _batches(filtered):
            # Where the old filter names what is no longer there, nothing can be said of rows.
            for one, rows in _together(some, self._counted, lambda one, error: None):
                one.rows = rows

    def _counted(self, some: Sequence[_Found]) -> list[Rows]:
        old, new = self.graphs
        metrics, asked = dict(new.metrics), {}
        for number, one in enumerate(some):
            for what, text in _filters(old.metric(one.was), new.metric(one.now)).items():
                name = asked[f"{what}{number}"] = f"{one.now} {what}"
                counted = Metric.model_construct(
                    metric=name, model=new.metric(one.now).model, expr="count(*)", filter=text
                )
                metrics[name] = Declared(counted, metrics[one.now].document)
        (row,) = ask(replace(new, metrics=metrics), Question(metrics=asked), self.engine, self.keys).to_pylist()
        return [Rows(*(row[f"{what}{number}"] for what in Rows.__slots__)) for number in range(len(some))]

    def _todo(self, first: frozenset[str]) -> Iterator[tuple[Path, Bases, Sequence[_Found], bool]]:
        """What to look at, the most telling first; the last says whether it is looked at even where time is up."""
        sound = [one for one in self.found if not one.problems]
        alike = by_bases(*self.graphs, [(one.was, one.now) for one in sound])
        found = [
            (path, bases, some, at == 0)
            for bases, numbers in alike.items()
            for at, path in enumerate(paths(*self.graphs, bases, first))
            for some in _batches([sound[number] for number in numbers])
        ]
        yield from sorted(found, key=lambda one: (not one[3], one[0].rank))

    def _look(self, path: Path, bases: Bases, metrics: Sequence[_Found]) -> None:
        """Look at some metrics by a path: no further at those of which enough is found, for a key as soon as any is."""
        left = [
            one for one in metrics if sum(a.moved > 0 for a in one.axes) < ENOUGH and not (path.is_key and one.moved)
        ]
        plain = [one for one in left if not one.timed]
        groups = self._groups(path, bases, plain, {"k": path.by}) if left else 0
        timed = [one for one in left if one.timed]
        if timed and groups > MANY:
            for one in timed:
                one.unlooked.append(path.by)
        elif timed:
            self._groups(path, bases, timed, {"k": path.by} | ({} if path.by == MONTHS else {"t": MONTHS}))

    def _groups(self, path: Path, bases: Bases, metrics: Sequence[_Found], by: Mapping[str, str]) -> int:
        """Note what moved by a path; gives the number of groups that there are."""
        groups = 0

        def asked(some: Sequence[_Found]) -> list[Axis]:
            nonlocal groups
            sides = self._side(0, some, bases, by), self._side(1, some, bases, by)
            axes = moved_groups(path.by, tuple(by), sides, max(len(some), 1), self.engine)
            groups = axes[0].groups
            return axes

        def refused(one: _Found, error: WorkbenchError) -> None:
            old, new = (_refusal(graph, name, by) for graph, name in self._sides(one))
            if old and old == new:
                one.unlooked.append(path.by)  # it was never to be had by this path, so nothing moved there
            else:
                _problem(one, error)

        if not metrics:
            asked(())
        for one, axis in _together(metrics, asked, refused):
            one.axes.append(axis)
        return groups

    def _side(self, side: int, some: Sequence[_Found], bases: Bases, by: Mapping[str, str]) -> str:
        """One side's answer; rows are counted beside, so that a group without any value is told from none."""
        names = [(one.was, one.now)[side] for one in some] + [_every_row(model) for model in bases[side]]
        question = Question(metrics={f"v{number}": name for number, name in enumerate(names)}, by=by)
        return sound_sql(self.graphs[side], question, self.engine, self.keys).rstrip("; \n")

    def _sides(self, one: _Found) -> tuple[tuple[Graph, str], tuple[Graph, str]]:
        return (self.graphs[0], one.was), (self.graphs[1], one.now)


def _every_row(model: str) -> str:
    """The name of a metric that counts all rows of a model; no declared name has a blank in it."""
    return f"rows of {model}"


def _counting(graph: Graph) -> Graph:
    """The graph with a metric for each model that counts its rows."""
    metrics = dict(graph.metrics)
    for model, declared in graph.models.items():
        every = Metric.model_construct(metric=_every_row(model), model=model, expr="count(*)")
        metrics[every.metric] = Declared(every, declared.document)
    return replace(graph, metrics=metrics)


def _filters(old: Metric, new: Metric) -> dict[str, str]:
    """The conditions by which rows are counted, for each number of `Rows`."""
    was, now = (f"({term.filter or 'true'})" for term in (old, new))
    return {"before": was, "after": now, "lost": f"{was} and not coalesce({now}, false)",
            "won": f"{now} and not coalesce({was}, false)"}  # fmt: skip


def _same_model(old: Graph, new: Graph, one: _Found) -> bool:
    models = old.metric(one.was).model, new.metric(one.now).model
    return bool(models[0]) and models[0] == models[1] and models[0] in new.models


def _refusal(graph: Graph, name: str, by: Mapping[str, str] | tuple[()] = ()) -> str:
    """The slug by which a question is refused before anything is asked; '' where it is not."""
    try:
        resolve(graph, Question(metrics=name, by=by))
    except WorkbenchError as error:
        return error.slug
    return ""


def _problem(one: _Found, error: WorkbenchError) -> None:
    one.problems += [problem for problem in error.problems if problem not in one.problems]


def _batches(found: Sequence[_Found]) -> Iterator[Sequence[_Found]]:
    yield from (found[at : at + TOGETHER] for at in range(0, len(found), TOGETHER))


def _together(
    some: Sequence[_Found],
    ask: Callable[[Sequence[_Found]], Sequence[T]],
    refused: Callable[[_Found, WorkbenchError], None],
) -> Iterator[tuple[_Found, T]]:
    """What one question gives for each of some metrics; where it is refused, it is asked of fewer at a time."""
    if not some:
        return
    try:
        yield from zip(some, ask(some), strict=True)
    except WorkbenchError as error:
        if len(some) == 1:
            refused(some[0], error)
            return
        half = len(some) // 2
        yield from _together(some[:half], ask, refused)
        yield from _together(some[half:], ask, refused)


def _differ(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) > CLOSE * max(abs(one), abs(other))
    return bool(one != other)
