"""A graph to everything that is wrong in it, found without a warehouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from workbench.declare.declared import Declared
from workbench.declare.question import Question, SavedQuery
from workbench.declare.terms import Metric
from workbench.declare.workspace import Workspace
from workbench.errors import Place, Problem, WorkbenchError, did_you_mean
from workbench.graph.bind import field_expression
from workbench.graph.build import Graph
from workbench.graph.formulas import Aggregation, formula
from workbench.graph.joins import paired
from workbench.graph.paths import Field
from workbench.graph.resolve import resolve


def check(graph: Graph, workspace: Workspace) -> tuple[Problem, ...]:
    """Every problem of models, metrics, saved queries and dashboards, each once."""
    found = (*_models(graph), *_metrics(graph), *_saved(graph, workspace), *_dashboards(graph, workspace))
    return tuple(dict.fromkeys(found))


def _models(graph: Graph) -> Iterator[Problem]:
    for name, declared in graph.models.items():
        model = declared.term
        yield from _relationships(graph, name)
        yield from _bridges(graph, name)
        yield from _many(graph, name)
        if model.time_dimension:
            place = declared.place_of("time_dimension")
            axis = model.dimensions.get(model.time_dimension)
            if axis is None:
                yield Problem(
                    "unknown-dimension",
                    f"no dimension '{model.time_dimension}' in '{name}'.",
                    place,
                    did_you_mean(model.time_dimension, model.dimensions),
                )
            elif axis.type != "time":
                yield Problem(
                    "not-time",
                    f"'{model.time_dimension}' is not a time dimension.",
                    place,
                    "Declare 'type: time' on it.",
                )
        for dimension in model.dimensions:
            yield from _raised(
                partial(field_expression, graph, Field((), name, dimension)),
                declared.place_of("dimensions", dimension),
            )


def _relationships(graph: Graph, name: str) -> Iterator[Problem]:
    declared = graph.models[name]
    for role, relationship in declared.term.relationships.items():
        place = declared.place_of("relationships", role, "to")
        if relationship.to not in graph.models:
            yield Problem(
                "unknown-model",
                f"no semantic model '{relationship.to}'.",
                place,
                did_you_mean(relationship.to, graph.models),
            )
            continue
        target = graph.model(relationship.to)
        theirs = frozenset(pair[1] for pair in relationship.pairs())
        if relationship.valid is None and not any(frozenset(key) <= theirs for key in target.declared_keys()):
            keys = " or ".join(str(list(key)) for key in target.declared_keys()) or "none"
            yield Problem(
                "not-a-key",
                f"the relationship '{role}' joins '{relationship.to}' on {sorted(theirs)}, which is no declared key of "
                "it, so the join could multiply rows.",
                declared.place_of("relationships", role, "on"),
                f"Its declared keys: {keys}. Join on one, or declare 'unique_keys' there.",
            )


def _bridges(graph: Graph, name: str) -> Iterator[Problem]:
    declared = graph.models[name]
    for role in declared.term.bridges:
        place = declared.place_of("bridges", role)
        if role in declared.term.relationships or role in declared.term.dimensions:
            said = f"'{role}' is a bridge of '{name}' and something else."
            yield Problem("duplicate-name", said, place, "Give the bridge another name.")
        yield from _raised(partial(paired, graph, name, role), place)


def _many(graph: Graph, name: str) -> Iterator[Problem]:
    declared = graph.models[name]
    others = {*declared.term.relationships, *declared.term.bridges}
    for role, way in declared.term.many.items():
        place = declared.place_of("many", role)
        if role in others:
            said = f"'{role}' is a way to many rows of '{name}' and something else."
            yield Problem("duplicate-name", said, place, "Give one of them another name.")
        if way.to not in graph.models:
            hint = did_you_mean(way.to, graph.models)
            yield Problem("unknown-model", f"no semantic model '{way.to}'.", place, hint)


def _metrics(graph: Graph) -> Iterator[Problem]:
    for name, declared in graph.metrics.items():
        scanned: list[Aggregation] = []
        problems = tuple(_raised(partial(formula, graph, name, scanned), declared.place_of("expr")))
        yield from problems
        metric = declared.term
        if metric.time_dimension and metric.model and metric.model in graph.models:
            axis = graph.model(metric.model).dimensions.get(metric.time_dimension)
            if axis is None or axis.type != "time":
                yield Problem(
                    "unknown-dimension",
                    f"no time dimension '{metric.time_dimension}' in '{metric.model}'.",
                    declared.place_of("time_dimension"),
                    did_you_mean(metric.time_dimension, graph.model(metric.model).dimensions),
                )
        yield from _words(graph, declared)
        replaced_by = metric.deprecated.replaced_by if metric.deprecated else None
        if replaced_by and replaced_by not in graph.metrics:
            yield Problem(
                "unknown-metric",
                f"no metric '{replaced_by}'.",
                declared.place_of("deprecated", "replaced_by"),
                did_you_mean(replaced_by, graph.metrics),
            )
        for index, test in enumerate(metric.tests) if not problems else ():
            asked = Question(metrics=name, by=test.by, where=test.where)
            yield from _raised(partial(resolve, graph, asked), declared.place_of("tests", index))


def _words(graph: Graph, declared: Declared[Metric]) -> Iterator[Problem]:
    """Names that may be columns of a table, but look like dimensions spelt wrongly: nothing but data can tell."""
    metric = declared.term
    levels = metric.non_additive.by if metric.non_additive else ()
    asked = [(metric.model, name, ("non_additive", "by")) for name in levels]
    if metric.conversion is not None:
        sides = (metric.conversion.from_, metric.conversion.to)
        models = (graph.metrics[side].term.model if side in graph.metrics else None for side in sides)
        asked += [(m, name, ("conversion", "entity")) for m, name in zip(models, metric.conversion.entity, strict=True)]
    for model, name, path in asked:
        if model is None or model not in graph.models or "." in name:
            continue
        term = graph.model(model)
        known = {ours for one in term.relationships.values() for ours, _ in one.pairs()}
        known |= {*term.dimensions, *(column for key in term.declared_keys() for column in key)}
        near = did_you_mean(name, sorted(known)) if name not in known else ""
        if near:
            said = f"'{name}' is no dimension or key of '{model}', so it is taken for a column of its table."
            yield Problem("unknown-dimension", said, declared.place_of(*path), near, severity="warning")


def _saved(graph: Graph, workspace: Workspace) -> Iterator[Problem]:
    for declared in workspace.saved_queries.values():
        unknown = tuple(_parameters(declared))
        yield from unknown
        if not unknown:
            yield from _raised(partial(_asked, graph, declared.term), declared.place)


def _asked(graph: Graph, query: SavedQuery) -> None:
    resolve(graph, query.question())


def _parameters(declared: Declared[SavedQuery]) -> Iterator[Problem]:
    """Parameters that are named and not declared, or declared and not named."""
    query = declared.term
    try:
        named = query.named_parameters()
    except WorkbenchError as error:
        yield from (Problem(p.slug, p.message, declared.place, p.hint) for p in error.problems)
        return
    for name in named:
        if name not in query.parameters:
            hint = did_you_mean(name, query.parameters, "Declare it: 'parameters: {" + name + ": {type: text}}'.")
            yield Problem("unknown-parameter", f"no parameter '{name}' is declared.", declared.place, hint)
    for name in query.parameters:
        if name not in named:
            said = f"the parameter '{name}' is declared and never used."
            place = declared.place_of("parameters", name)
            yield Problem("unused-parameter", said, place, f"Write :{name} in 'where', 'having', 'time' or 'limit'.")


def _dashboards(graph: Graph, workspace: Workspace) -> Iterator[Problem]:
    for declared in workspace.dashboards.values():
        page = declared.term
        for row, tiles in enumerate(page.rows):
            for index, tile in enumerate(tiles):
                if tile.kind == "text":
                    continue
                where = [w for w in (tile.where, *(f"{path} is not null" for path in page.filters)) if w]
                asked = Question(metrics=tile.metrics(), by=tile.by, where=where, time=page.time)
                yield from _raised(partial(resolve, graph, asked), declared.place_of("rows", row, index))


def _raised(act: Callable[[], object], place: Place) -> Iterator[Problem]:
    """The problems an act raises, at its own place where they name none."""
    try:
        act()
    except WorkbenchError as error:
        for problem in error.problems:
            yield problem if problem.place else Problem(problem.slug, problem.message, place, problem.hint)
