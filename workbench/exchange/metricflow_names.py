"""MetricFlow's dundered spelling to our names, paths and conditions, as a question is asked of an imported project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from workbench.declare.expression import Call, Cast, Literal, Name, conjuncts
from workbench.declare.grains import GRAINS, coarser
from workbench.declare.parser import parse
from workbench.declare.unparse import unparse
from workbench.errors import Problem, QuestionError, Unanswerable, WorkbenchError, did_you_mean
from workbench.exchange.metricflow_conditions import entity_path, lifted
from workbench.exchange.metricflow_differences import difference, looks_inside, on_moments
from workbench.exchange.metricflow_filters import Reference, references, rewrite
from workbench.exchange.metricflow_joins import Element, elements, own_role
from workbench.exchange.metricflow_project import Project
from workbench.graph.period import after, floor

METRIC_TIME = "metric_time"
COMPARED = frozenset({"=", "<>", "<", "<=", ">", ">=", "in", "between", "like"})
"""What no NULL ever meets."""
PARTS: Mapping[str, str] = {
    "year": "year_of_era",
    "quarter": "quarter_of_year",
    "month": "month_of_year",
    "day": "day_of_month",
    "dow": "day_of_week",
    "doy": "day_of_year",
}


@dataclass(frozen=True, slots=True)
class Spelling:
    """A thing to group by in both spellings: our path, and MetricFlow's name of the column."""

    path: str
    column: str
    is_time: bool = False


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one imported project."""

    project: Project
    lost: Mapping[str, str] = field(default_factory=dict)
    """Metrics that were not taken over, and why."""

    def metric(self, name: str) -> str:
        """Our name of a metric; raises `QuestionError` (unknown-metric) and `Unanswerable` (not-imported)."""
        found = name.lower()
        if found in self.lost:
            raise Unanswerable(Problem("not-imported", f"the metric '{name}' was not taken over: {self.lost[found]}."))
        if found not in self.project.metrics:
            raise QuestionError(
                Problem("unknown-metric", f"no metric '{name}'.", hint=did_you_mean(name, self.project.metrics))
            )
        return found

    def path(
        self,
        name: str,
        grain: str | None = None,
        date_part: str | None = None,
        metrics: Sequence[str] = (),
        home: str | None = None,
    ) -> Spelling:
        """Our path of a dundered name as the metrics see it; without a grain, at the one MetricFlow takes.

        ``home`` is the model whose rows answer a question without metrics: paths start there, and may lead to many
        rows. Raises `QuestionError` (unknown-dimension, bad-grain) and `Unanswerable` (ambiguous-path, not-imported).
        """
        bases = (home,) if home else self.bases(metrics)
        return self._starting(self.find(name, grain, date_part, bases, self.grain(metrics), not metrics), home)

    def where(
        self, text: str | None, metrics: Sequence[str] = (), home: str | None = None, *, timed: bool = False
    ) -> str | None:
        """A filter with template calls or dundered names, as a condition of ours; None where there is none.

        ``timed`` says that the question is about a span of time: for MetricFlow, only rows of ``home`` are in it then,
        as they are where the filter compares times.
        """
        bases = (home,) if home else self.bases(metrics)
        texts = [*([text] if text else []), *(one.text for one in on_moments(self.project, metrics))]
        parts = [self.condition(one, bases, self.grain(metrics), home, not metrics) for one in texts]
        told = self._compared(text, home) if home else []
        if home and (timed or _tells_time(told)) and (key := self._key(home)):
            parts.append(f"{quoted(key)} is not null")
        return " and ".join(f"({part})" for part in parts) or None

    def _key(self, home: str) -> str | None:
        """Our path of what identifies the rows of a model."""
        model = self.project.models[home]
        own = model.entity(model.primary) if model.primary else None
        return f"{home}.{own.name}" if own else None

    def _compared(self, where: str | None, home: str) -> list[tuple[str, ...]]:
        """Our paths of what a condition compares with constants, so that it is not NULL in what is kept."""
        if not where:
            return []
        found = []
        for part in conjuncts(parse(self.condition(where, (home,), "day", home, many=True))):
            if isinstance(part, Call) and part.function in COMPARED:
                first, *others = (one.operand if isinstance(one, Cast) else one for one in part.arguments)
                if isinstance(first, Name) and all(isinstance(other, Literal) for other in others):
                    found.append(first.path)
        return found

    def home(self, names: Iterable[str], where: str | None = None, *, timed: bool = False) -> str | None:
        """The model whose rows answer a question without metrics: the nearest one from which every name is found.

        None where the names are about time alone, or the one model that has a name itself is clear without it.
        ``timed`` says that the question is about a span of time, which `where` must be told as well. Raises
        `Unanswerable` (ambiguous-path, not-imported).
        """
        asked = [n for one in references(where or "") for n in (one.by if one.kind == "Metric" else (one.name,))]
        asked += names
        words = dict.fromkeys(tuple(self._without_grain(name)) for name in asked)
        asked_words = tuple(words)
        words.pop((METRIC_TIME,), None)
        if len(words) < 2:
            return None
        hops = {model: self._hops(model, words) for model in self.project.models}
        nearest = min((h for h in hops.values() if h is not None), default=None)
        found = [model for model, h in hops.items() if h is not None and h == nearest]
        if len(found) > 1:
            raise Unanswerable(Problem("ambiguous-path", f"the values could be those of {' or '.join(found)}."))
        told = self._compared(where, found[0]) if nearest else []
        of_rows = any(path[0] == home and len(path) == 2 for home in found for path in told)
        # Of several others, MetricFlow may start from one that the rest is then not of.
        spanned = nearest == 1 and all(self._key(model) for model in found) and (timed or _tells_time(told))
        timed = timed or (METRIC_TIME,) in asked_words
        if timed and nearest and not spanned and not of_rows:
            why = "in MetricFlow, values that no row leads to have no time; here they meet every moment"
            raise Unanswerable(Problem("not-imported", f"values of several models and of time: {why}."))
        return found[0] if found else None

    def _hops(self, model: str, words: Iterable[tuple[str, ...]]) -> int | None:
        """How many joins lead from a model to all the names; None where one of them is not found."""
        total = 0
        for links in words:
            try:
                one, _ = self._element("__".join(links), links[:-1], links[-1], (model,), many=True)
            except WorkbenchError:
                return None
            total += 0 if one.model == model else len(one.links)
        return total

    def _without_grain(self, name: str) -> list[str]:
        words = name.lower().split("__")
        return words[:-1] if len(words) > 1 and words[-1] in (*GRAINS, *self.project.grains) else words

    def time(
        self, start: datetime, end: datetime, metrics: Sequence[str], by: Iterable[Spelling] = ()
    ) -> tuple[tuple[datetime, datetime] | dict[str, datetime | bool] | None, str | None]:
        """A span of metric_time as MetricFlow means it, of things asked ``by``: our ``time``, or else our ``where``.

        MetricFlow widens the span to periods of the finest grain that is asked of metric_time, those of the project's
        own and parts of dates left out; where there is none, to those of the metrics' default. We would widen it to
        what is asked, so the latter is a condition.
        """
        asked = [one.path.partition(".")[2] for one in by if one.path.startswith(f"{METRIC_TIME}.")]
        grains = [grain for grain in asked if grain in GRAINS]
        if grains and looks_inside(self.project, metrics):
            return {"start": start, "end": end, "inside": True}, None
        own = "day" if any(grain in self.project.grains for grain in asked) else self.grain(metrics)
        grain = min(grains, key=GRAINS.index, default=own)
        first, last = floor(start, grain), after(end, grain) - timedelta(microseconds=1)
        if grains or not metrics:
            return (first, last), None
        return None, f"{METRIC_TIME} >= '{first}' and {METRIC_TIME} <= '{last}'"

    def difference(self, metrics: Sequence[str], by: Iterable[Spelling], *, timed: bool) -> str:
        """Why our answer is knowingly another than MetricFlow's; '' where they agree."""
        known = {one.column: one.path.rpartition(".")[2] if one.is_time else "" for one in by}
        return difference(self.project, metrics, known, timed=timed)

    def condition(
        self, text: str, bases: Sequence[str], grain: str, home: str | None = None, many: bool = False
    ) -> str:
        """A filter on rows of ``bases``, where a bare metric_time has ``grain``."""

        metrics: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {}

        def render(one: Reference) -> str:
            if one.kind != "Metric":
                found = self.find(one.name, one.grain, one.part, bases, grain, many)
                return quoted(self._starting(found, home).path)
            metric = self.metric(one.name)
            if len(one.by) != 1 or not bases:
                raise Unanswerable(
                    Problem("metric-in-where", f"the metric '{metric}' is a condition by one entity of other metrics.")
                )
            if home and self.project.bases(metric) != (home,):
                why = "in MetricFlow, what it has is kept where no row of the values meets it"
                raise Unanswerable(Problem("metric-in-where", f"'{metric}' is not computed from '{home}': {why}."))
            stand_in = f"?{len(metrics)}"
            metrics[stand_in] = (metric, *entity_path(self.project, metric, one.by[0], bases, self._entity))
            return quoted(stand_in)

        return lifted(self.project, rewrite(text, render), metrics)

    def _entity(self, base: str, links: tuple[str, ...], name: str) -> Element:
        return self._element("__".join((*links, name)), links, name, (base,))[0]

    def bases(self, metrics: Iterable[str]) -> tuple[str, ...]:
        """The models whose rows the metrics are computed from; without metrics there is none."""
        return tuple(dict.fromkeys(base for m in metrics for base in self.project.bases(self.metric(m))))

    def grain(self, metrics: Iterable[str]) -> str:
        """The grain of metric_time where none is asked for: the coarsest of the metrics' own, a day at least."""
        grains = [self._grain(self.metric(m)) for m in metrics]
        return max(grains, key=GRAINS.index) if grains else "day"

    def _grain(self, metric: str) -> str:
        # A metric over others has the grain of their times, and none that they declare for themselves.
        return self.project.metrics[metric].grain or self.finest(metric)

    def finest(self, metric: str) -> str:
        """The grain at which the time of a metric is known, a day at least."""
        found = self.project.metrics[metric]
        if found.counted is None:
            return max((self.finest(one.metric) for one in found.inputs), key=GRAINS.index, default="day")
        events = (found.counted, found.conversion.converted.measure) if found.conversion else (found.counted,)
        return max((self._axis_grain(measure) for measure in events), key=GRAINS.index)

    def _axis_grain(self, name: str) -> str:
        measure = self.project.measures[name]
        axis = self.project.models[measure.model].dimension(measure.axis or "")
        return coarser("day", axis.grain or "day") if axis else "day"

    def find(
        self, name: str, grain: str | None, part: str | None, bases: Sequence[str], default: str, many: bool = False
    ) -> Spelling:
        """The spelling of a dundered name as seen from all of ``bases``; with ``many``, joins may lead to many rows."""
        words = name.lower().split("__")
        grains = (*GRAINS, *self.project.grains)
        if len(words) > 1 and grain is None and words[-1] in grains:
            *words, grain = words
        if grain is not None and grain not in grains:
            raise QuestionError(Problem("bad-grain", f"'{grain}' of '{name}' is no grain that is supported."))
        if part is not None and part not in PARTS:
            raise QuestionError(Problem("bad-grain", f"'{part}' of '{name}' is no part of a date that is supported."))
        if words == [METRIC_TIME]:
            return _spelled((METRIC_TIME,), METRIC_TIME, grain or default, part)
        one, path = self._element(name, tuple(words[:-1]), words[-1], bases, many)
        column = "__".join((*one.links, one.name))
        if not one.is_time:
            if grain or part:
                raise QuestionError(Problem("not-time", f"'{name}' is not a time dimension."))
            return Spelling(".".join(path), column)
        return _spelled(path, column, grain or one.grain or "day", part)

    def _starting(self, one: Spelling, home: str | None) -> Spelling:
        """The spelling with its path from a model, where one is given; metric_time is no model's."""
        first, _, rest = one.path.partition(".")
        if home is None or first == METRIC_TIME:
            return one
        own = rest and first == own_role(self.project, self.project.models[home])  # without a rest, it is the key
        return replace(one, path=f"{home}.{rest if own else one.path}")

    def _element(
        self, name: str, links: tuple[str, ...], last: str, bases: Sequence[str], many: bool = False
    ) -> tuple[Element, tuple[str, ...]]:
        seen = [self._from(base, links, last) for base in bases] if bases else [self._at_home(links, last)]
        keys = [key for key in seen[0] if all(key in other for other in seen)]
        nearest = [key for key in keys if len(key) == min(map(len, keys))]
        if not nearest:
            raise self._unknown(name, bases)
        found = [one for view in seen for one in view[nearest[0]]]
        refusal = next((one.refusal for one in found if one.refusal and not (many and one.many)), "")
        if refusal:
            raise Unanswerable(Problem("not-imported", f"'{name}' cannot be asked for: {refusal}."))
        if len(nearest) > 1 or len({one.path for one in found}) > 1 or any(len(v[nearest[0]]) > 1 for v in seen):
            ways = ", ".join(sorted({".".join(one.path) for key in nearest for view in seen for one in view[key]}))
            raise Unanswerable(Problem("ambiguous-path", f"'{name}' could be {ways}."))
        return found[0], found[0].path

    def _from(self, base: str, links: tuple[str, ...], last: str) -> dict[tuple[str, ...], list[Element]]:
        """What the name could be from a model, by MetricFlow's links; what a model has itself goes first."""
        found: dict[tuple[str, ...], list[Element]] = {}
        for one in elements(self.project, base):
            if one.name == last and one.links[len(one.links) - len(links) :] == links:
                same = found.setdefault(one.links, [])
                if not any(other.model == base or other.path == one.path for other in same):
                    same.append(one)
        return found

    def _at_home(self, links: tuple[str, ...], last: str) -> dict[tuple[str, ...], list[Element]]:
        """What the name could be without metrics: a dimension of the one model that has it itself."""
        found: dict[tuple[str, ...], list[Element]] = {}
        for base in self.project.models:
            for key, ones in self._from(base, links, last).items():
                own = [
                    Element(one.links, one.name, (base, one.path[-1]), base, one.is_time, one.grain)
                    for one in ones
                    if one.model == base
                ]
                found.setdefault(key, []).extend(own)
        return {key: ones for key, ones in found.items() if ones}

    def _unknown(self, name: str, bases: Sequence[str]) -> WorkbenchError:
        known = {
            "__".join((*e.links, e.name)) for base in bases or self.project.models for e in elements(self.project, base)
        }
        return QuestionError(Problem("unknown-dimension", f"no dimension '{name}'.", hint=did_you_mean(name, known)))


def _tells_time(paths: Iterable[tuple[str, ...]]) -> bool:
    return any(path[0] == METRIC_TIME for path in paths)


def _spelled(path: tuple[str, ...], column: str, grain: str, part: str | None) -> Spelling:
    if part:
        return Spelling(".".join((*path, PARTS[part])), f"{column}__extract_{part}", True)
    return Spelling(".".join((*path, grain)), f"{column}__{grain}", True)


def quoted(path: str) -> str:
    """A path as it is written in an expression: its words in quotes where the language would read them otherwise."""
    return unparse(Name(tuple(path.split("."))))
