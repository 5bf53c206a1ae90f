"""What changed to everything it reaches: metrics computed from it, saved queries, pages, notebooks, and who asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from workbench.declare.workspace import Workspace
from workbench.errors import WorkbenchError
from workbench.graph.build import Graph, build
from workbench.graph.formulas import base_models
from workbench.graph.joins import routes
from workbench.review.changes import Change
from workbench.review.mentions import Mentions, of_dashboard, of_metric, of_notebook, of_question
from workbench.warehouse.ledger import Run

RECENT_DAYS = 30
"""How long somebody who asked counts as a consumer."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """Something or somebody that a change reaches; ``through`` are the names by which it does."""

    kind: str
    name: str
    through: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """The metrics whose value may move, those changed themselves included, and all who use any of them."""

    metrics: tuple[str, ...]
    consumers: tuple[Consumer, ...]


def reach(
    changes: Iterable[Change], base: Workspace, notebooks: Mapping[str, bytes], runs: Iterable[Run] = ()
) -> Reach:
    """What changes reach in the workspace as it was; a change of words alone reaches nothing."""
    told = [change for change in changes if change.was and change.risk != "safe"]
    graph = build(base)
    mentions = {name: of_metric(declared.term) for name, declared in base.metrics.items()}
    touched = {change.was for change in told if change.kind == "metric"}
    for change in told:
        if change.kind in ("semantic_model", "calendar"):
            touched |= {name for name in mentions if _reads(graph, name, mentions[name], change)}
    touched = _computed_from(touched, mentions)
    return Reach(tuple(sorted(touched)), tuple(_consumers(graph, base, told, touched, mentions, notebooks, runs)))


def _consumers(
    graph: Graph,
    base: Workspace,
    told: list[Change],
    touched: set[str],
    mentions: Mapping[str, Mentions],
    notebooks: Mapping[str, bytes],
    runs: Iterable[Run],
) -> Iterator[Consumer]:
    itself = {change.was for change in told if change.kind == "metric"}
    for name in sorted(touched - itself):
        yield Consumer("metric", name, tuple(sorted(mentions[name].metrics & touched)) or _models(told))
    asked = [("saved_query", name, of_question(d.term.question())) for name, d in base.saved_queries.items()]
    asked += [("dashboard", name, of_dashboard(d.term)) for name, d in base.dashboards.items()]
    asked += [("notebook", name, of_notebook(text, base.metrics)) for name, text in notebooks.items()]
    for kind, name, said in asked:
        through = tuple(sorted((said.metrics & touched) | _dimensions(graph, said, told)))
        if through:
            yield Consumer(kind, name, through)
    askers: dict[str, set[str]] = {}
    for run in runs:
        askers.setdefault(run.asker, set()).update(touched.intersection(run.subject))
    yield from (Consumer("person", who, tuple(sorted(what))) for who, what in sorted(askers.items()) if what)


def _models(told: list[Change]) -> tuple[str, ...]:
    return tuple(change.was for change in told if change.kind in ("semantic_model", "calendar"))


def _reads(graph: Graph, metric: str, said: Mentions, change: Change) -> bool:
    """Whether a metric reads what changed of a model: its rows, or a dimension it names."""
    try:
        bases = base_models(graph, metric)
    except WorkbenchError:
        return change.was in said.words
    dimensions = _changed_dimensions(change)
    if dimensions is None:
        through = {role for model in bases for roles, to in routes(graph, model) if to == change.was for role in roles}
        return change.was in bases or bool(through & said.words)
    return bool(dimensions & said.words) and _is_near(graph, bases, change.was)


def _dimensions(graph: Graph, said: Mentions, told: list[Change]) -> set[str]:
    """The changed dimensions that a question is asked by, as ``model.dimension``."""
    found: set[str] = set()
    for change in told:
        if change.kind != "semantic_model":
            continue
        named = (_changed_dimensions(change) or graph.model(change.was).dimensions.keys()) & said.words
        models = {model for name in said.metrics & graph.metrics.keys() for model in _bases(graph, name)}
        if named and (not models or _is_near(graph, models, change.was)):
            found |= {f"{change.was}.{name}" for name in named}
    return found


def _changed_dimensions(change: Change) -> frozenset[str] | None:
    """The dimensions that a change of a model is about; None where it is about more than dimensions."""
    parts = [part.path for part in change.parts if part.risk != "safe"]
    if change.how != "changed" or any(path[0] != "dimensions" or len(path) < 2 for path in parts):
        return None
    return frozenset(path[1] for path in parts)


def _bases(graph: Graph, metric: str) -> tuple[str, ...]:
    try:
        return base_models(graph, metric)
    except WorkbenchError:
        return ()


def _is_near(graph: Graph, bases: Iterable[str], model: str) -> bool:
    return any(base == model or any(to == model for _, to in routes(graph, base)) for base in bases)


def _computed_from(touched: set[str], mentions: Mapping[str, Mentions]) -> set[str]:
    """These metrics and all that are computed from them, at any distance."""
    out = set(touched)
    while True:
        more = {name for name, said in mentions.items() if said.metrics & out} - out
        if not more:
            return out
        out |= more
