"""A workspace to a MetricFlow project: one document for each object, and all that it has no words for by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.declare.declared import Declared
from workbench.declare.question import SavedQuery
from workbench.declare.reader import dump
from workbench.declare.terms import Calendar, Dimension, Metric, SemanticModel, Term
from workbench.declare.workspace import Workspace
from workbench.errors import Place, WorkbenchError
from workbench.exchange.metricflow_models import written
from workbench.exchange.metricflow_words import Words, unjoinable, words
from workbench.exchange.metricflow_write import Measures, bases, write_metrics
from workbench.exchange.osi_ansi import ansi, refused
from workbench.exchange.osi_sql import field_tree
from workbench.exchange.unsaid import Unsaid
from workbench.graph.build import build

UNSAID: Mapping[type[Term], tuple[str, ...]] = {
    SemanticModel: ("owner", "domain", "tags", "synonyms", "visibility", "bridges", "many"),
    Dimension: ("timezone", "format", "synonyms", "tags", "visibility"),
    Metric: ("owner", "domain", "tags", "synonyms", "unit", "format", "better", "visibility", "deprecated", "tests"),
    SavedQuery: ("owner", "tags", "having", "time"),
}
"""What MetricFlow has no key for."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The files of a project by relative path, and what MetricFlow will not find in them."""

    files: Mapping[str, str]
    losses: tuple[Unsaid, ...]


def export_project(workspace: Workspace) -> Exported:
    """Models, metrics, saved queries and calendars as MetricFlow's YAML, in the spelling of its own engine."""
    graph = build(workspace)
    known = words(graph)
    work, losses = write_metrics(known)
    models = {name: _model(known, one, work, losses) for name, one in graph.models.items()}
    saved = {name: _saved(work, one, losses) for name, one in workspace.saved_queries.items()}
    files = {f"semantic_models/{name}.yml": dump({"semantic_model": term}) for name, term in models.items()}
    files |= {f"metrics/{name}.yml": dump({"metric": term}) for name, term in work.metrics.items()}
    files |= {f"saved_queries/{name}.yml": dump({"saved_query": term}) for name, term in saved.items() if term}
    if workspace.calendars:
        spines = [_spine(one.term) for one in workspace.calendars.values()]
        files["project_configuration.yml"] = dump({"project_configuration": {"time_spines": spines}})
    losses += [*_unsaid(workspace)]
    return Exported(files, tuple(sorted(losses, key=lambda one: (one.place.file, one.place.line, one.name))))


def _relation(table: str) -> dict[str, str]:
    schema, _, alias = table.rpartition(".")
    return {**({"schema_name": schema} if schema else {}), "alias": alias}


def _model(known: Words, declared: Declared[SemanticModel], work: Measures, losses: list[Unsaid]) -> dict[str, Any]:
    model = declared.term
    entities = {one["name"]: one for one in _entities(known, declared, losses)}
    own = known.own[model.semantic_model]
    dimensions = [one for name in model.dimensions for one in _dimension(known, declared, name, losses)]
    return written(
        name=model.semantic_model,
        label=model.label,
        description=model.description,
        node_relation=_relation(model.table),
        defaults=written(agg_time_dimension=model.time_dimension),
        primary_entity=own if entities.get(own, {}).get("type") != "primary" else None,
        entities=list(entities.values()),
        dimensions=dimensions,
        measures=work.measures.get(model.semantic_model, []),
    )


def _entities(known: Words, declared: Declared[SemanticModel], losses: list[Unsaid]) -> Iterator[dict[str, Any]]:
    """Its own key, the keys others find it by, and those by which it finds others."""
    model = declared.term
    name = model.semantic_model
    if len(model.primary_key) == 1:
        yield {"name": known.own[name], "type": "primary", "expr": _key(known, name, model.primary_key[0])}
    for (origin, role), entity in known.roles.items():
        relationship = known.graph.model(origin).relationships[role]
        ours, theirs = relationship.pairs()[0]
        is_primary = entity == known.own[name] and len(model.primary_key) == 1
        if relationship.to == name and not is_primary:
            yield {"name": entity, "type": "unique", "expr": _key(known, name, theirs)}
        if origin == name and not (relationship.to == name and is_primary):
            kind = "unique" if relationship.type == "one_to_one" else "foreign"
            yield {"name": entity, "type": kind, "expr": _key(known, name, ours)}
    for role, relationship in model.relationships.items():
        if reason := unjoinable(known.graph, name, relationship):
            losses.append(Unsaid("relationship", f"{name}.{role}", declared.place_of("relationships", role), reason))


def _key(known: Words, model: str, column: str) -> str:
    return ansi(field_tree(known.graph, model, column))


def _dimension(
    known: Words, declared: Declared[SemanticModel], name: str, losses: list[Unsaid]
) -> Iterator[dict[str, Any]]:
    dimension = declared.term.dimensions[name]
    try:
        text = ansi(field_tree(known.graph, declared.term.semantic_model, name))
    except WorkbenchError as error:
        reason = error.problems[0].message.rstrip(".")
        full = f"{declared.term.semantic_model}.{name}"
        losses.append(Unsaid("dimension", full, declared.place_of("dimensions", name), reason))
        return
    is_time = dimension.type == "time"
    yield written(
        name=name,
        type="time" if is_time else "categorical",
        expr=None if text == name else text,
        label=dimension.label,
        description=dimension.description,
        type_params={"time_granularity": dimension.grain or "day"} if is_time else None,
    )


def _saved(work: Measures, declared: Declared[SavedQuery], losses: list[Unsaid]) -> dict[str, Any] | None:
    query = declared.term
    try:
        if query.parameters:
            raise refused("it has parameters")
        for one in query.metrics:
            if one.path not in work.metrics:
                raise refused(f"it asks for '{one.path}', which is not written")
        found = {base for one in query.metrics for base in bases(work, one.path)}
        if len(found) != 1:
            raise refused("it asks for metrics over several models, and a path is written for one")
        base, axis = next(iter(found))
        by = [work.words.element(base, tuple(one.path.split(".")), axis) for one in query.by]
        where = work.words.condition(base, query.where, axis) if query.where else None
    except WorkbenchError as error:
        reason = error.problems[0].message.rstrip(".")
        losses.append(Unsaid("saved query", query.saved_query, declared.place, reason))
        return None
    for key in ("order_by", "limit"):
        if getattr(query, key):
            reason = f"'{key}' is not written"
            losses.append(Unsaid("saved query", query.saved_query, declared.place_of(key), reason))
    return written(
        name=query.saved_query,
        label=query.label,
        description=query.description,
        query_params=written(metrics=[one.path for one in query.metrics], group_by=by, where=[where] if where else []),
    )


def _spine(calendar: Calendar) -> dict[str, Any]:
    grains = [{"name": name, "column_name": column} for name, column in calendar.grains.items()]
    return written(
        name=calendar.calendar,
        node_relation=_relation(calendar.table),
        primary_column={"name": calendar.column, "time_granularity": calendar.grain},
        custom_granularities=grains,
    )


def _unsaid(workspace: Workspace) -> Iterator[Unsaid]:
    """One loss for each key that MetricFlow lacks, at the first place it is written."""
    found: dict[str, tuple[int, Place]] = {}
    things: list[tuple[Declared[Any], Term, tuple[str, ...]]] = []
    everything: list[Declared[Any]] = [*workspace.models.values(), *workspace.metrics.values()]
    everything += workspace.saved_queries.values()
    for declared in everything:
        things.append((declared, declared.term, ()))
        for name, dimension in getattr(declared.term, "dimensions", {}).items():
            things.append((declared, dimension, ("dimensions", name)))
    for declared, term, path in things:
        for key in UNSAID[type(term)]:
            if key in term.model_fields_set:
                name = f"{type(term).__name__.lower()}.{key}"
                count, place = found.get(name, (0, declared.place_of(*path, key)))
                found[name] = (count + 1, place)
    for name, (count, place) in found.items():
        yield Unsaid("key", name, place, f"MetricFlow has no word for it ({count} of them)")
