"""Semantic models of a MetricFlow project to ours: entities become keys, roles and dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.declare.expression import Name, walk
from workbench.declare.parser import parse
from workbench.errors import WorkbenchError
from workbench.exchange.metricflow_joins import Join, bridges, is_column, joins, key_name, own_role
from workbench.exchange.metricflow_project import JOINABLE, Loss, Model, Project

Terms = Mapping[str, Any]


def convert_models(project: Project) -> tuple[dict[str, dict[str, Any]], list[Loss]]:
    """Our semantic models by name, as they are written in YAML, and what was left out of them."""
    losses: list[Loss] = []
    dimensions = {name: _dimensions(model, losses) for name, model in project.models.items()}
    over = {
        name: [b for b in bridges(project, model) if b.join.entity in dimensions[b.over.target]]
        for name, model in project.models.items()
    }
    out = {}
    for name, model in project.models.items():
        keys = [] if model.is_history else list(_keys(model))
        out[name] = written(
            semantic_model=name,
            label=model.label,
            description=model.description,
            table=model.table,
            entity=own_role(project, model),
            primary_key=keys[0] if keys else None,
            unique_keys=keys[1:],
            time_dimension=model.axis if model.axis in dimensions[name] else None,
            relationships={
                **_relationships(project, model, dimensions, losses),
                **{b.join.role: _relationship(b.join) for b in over[name]},
            },
            many=_many(project, model, dimensions),
            dimensions={**dimensions[name], **{b.key: {"expr": b.expr, "visibility": "internal"} for b in over[name]}},
        )
    return out, losses


def written(**parts: Any) -> dict[str, Any]:
    """The parts that say something, in the order given."""
    return {key: value for key, value in parts.items() if value not in (None, "", [], {}, ())}


def hidden_column(model: Model, expr: str) -> str:
    """Why an expression over columns of a model cannot be read as ours; '' where it can."""
    try:
        tree = parse(expr)
    except WorkbenchError as error:
        return f"its expr '{expr}' is not in our language: {error.problems[0].message.rstrip('.')}"
    for part in walk(tree):
        if isinstance(part, Name):
            if len(part.path) > 1:
                return f"its expr '{expr}' has a name with a dot"
            if (own := _expr_of(model, part.path[0])) not in (None, part.path[0]):
                return f"its expr means the column '{part}', which the dimension '{part}' ({own}) hides"
    return ""


def _expr_of(model: Model, name: str) -> str | None:
    """The expression of the dimension that a name is imported as, None where it is none."""
    found = model.dimension(name) or model.entity(name)
    return found.expr if found else None


def _keys(model: Model) -> Iterator[list[str]]:
    """Its unique keys, the primary one first; a partitioned table has each key once per partition."""
    rank = {"primary": 0, "unique": 1}
    for entity in sorted((e for e in model.entities if e.kind in rank), key=lambda e: rank[e.kind]):
        yield [key_name(model, entity.name), *model.partitions]


def _dimensions(model: Model, losses: list[Loss]) -> dict[str, Terms]:
    """Dimensions, and entities as dimensions, since MetricFlow groups by them."""
    out: dict[str, Terms] = {}
    for d in model.dimensions:
        expr = None if d.expr == d.name else d.expr
        kind = "time" if d.kind == "time" else None
        term = written(type=kind, expr=expr, grain=d.grain, label=d.label, description=d.description)
        if reason := _unreadable(model, d.name, d.expr):
            losses.append(Loss("dimension", f"{model.name}.{d.name}", d.place, reason))
            continue
        out[d.name] = term
    for e in model.entities:
        reason = _unreadable(model, e.name, e.expr)
        if e.name in out and model.dimension(e.name) is not None:
            same = _expr_of(model, e.name) == e.expr
            reason = "" if same else "a dimension has the same name"
        if reason:
            losses.append(Loss("entity", f"{model.name}.{e.name}", e.place, reason))
        elif e.name not in out:
            out[e.name] = written(expr=None if e.expr == e.name else e.expr)
    return out


def _unreadable(model: Model, name: str, expr: str) -> str:
    return "" if expr == name else hidden_column(model, expr)


def _relationships(
    project: Project, model: Model, dimensions: Mapping[str, Mapping[str, Terms]], losses: list[Loss]
) -> dict[str, Terms]:
    out: dict[str, Terms] = {}
    for join in joins(project, model):
        entity, target = model.entity(join.entity), project.models[join.target]
        assert entity is not None
        reason = join.refusal or _lost_key(join, model, target, dimensions)
        if reason:
            losses.append(Loss("relationship", f"{model.name}.{join.role}", entity.place, reason))
            continue
        alike = set(model.partitions) == set(target.partitions) and not (model.is_history or target.is_history)
        kind = "one_to_one" if alike and entity.kind in JOINABLE else None
        out[join.role] = {**_relationship(join), **written(type=kind)}
    return out


def _many(project: Project, model: Model, dimensions: Mapping[str, Mapping[str, Terms]]) -> dict[str, Terms]:
    """The joins to several rows, which are made where these are listed."""
    found = (join for join in joins(project, model) if join.many)
    taken = (join for join in found if not _lost_key(join, model, project.models[join.target], dimensions))
    return {join.role: _relationship(join) for join in taken}


def _relationship(join: Join) -> Terms:
    same = all(ours == theirs for ours, theirs in join.pairs)
    on: Any = [ours for ours, _ in join.pairs] if same else dict(join.pairs)
    valid = dict(zip(("from", "to"), join.valid, strict=True)) if join.valid else None
    return written(to=join.target, on=on[0] if same and len(on) == 1 else on, valid=valid)


def _lost_key(join: Join, model: Model, target: Model, dimensions: Mapping[str, Mapping[str, Terms]]) -> str:
    """Why a key cannot be joined on: an expression of it was not taken over."""
    for side, name in ((model, join.pairs[0][0]), (target, join.pairs[0][1])):
        entity = side.entity(join.entity)
        if entity and not is_column(entity.expr) and name not in dimensions[side.name]:
            return f"the entity '{join.entity}' of '{side.name}' is not taken over"
    for name in join.valid or ():
        if name not in dimensions[target.name]:
            return f"the bound '{name}' of '{target.name}' is not taken over"
    return ""
