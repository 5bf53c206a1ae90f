"""MetricFlow's entities to our roles: who can be joined with whom, and under which path each thing is found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from workbench.exchange.metricflow_project import JOINABLE, Model, Project

_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Join:
    """A join that MetricFlow makes by an entity; ``refusal`` says why we don't.

    ``valid`` names the start and end of validity where only the row valid at a moment is meant. To ``many`` rows, we
    make it where they are listed.
    """

    entity: str
    role: str
    target: str
    pairs: tuple[tuple[str, str], ...]
    refusal: str = ""
    valid: tuple[str, str] | None = None
    many: bool = False


@dataclass(frozen=True, slots=True)
class Bridge:
    """A join over another model to one that is partitioned by what only the first model has: made from there.

    ``key`` is the entity as the first model sees it, a dimension of ``expr``.
    """

    over: Join
    key: str
    expr: str
    join: Join


@dataclass(frozen=True, slots=True)
class Element:
    """A dimension or entity as seen from one model: MetricFlow's links to it, and our path.

    With ``many``, all that is in the way of it is that a row there has many of it.
    """

    links: tuple[str, ...]
    name: str
    path: tuple[str, ...]
    model: str
    is_time: bool = False
    grain: str | None = None
    refusal: str = ""
    many: bool = False


def is_column(text: str) -> bool:
    """Whether an expression is the bare name of a column."""
    return bool(_COLUMN.fullmatch(text))


def holders(project: Project, entity: str) -> tuple[str, ...]:
    """The models a join by ``entity`` may land on."""
    found = (m.entity(entity) for m in project.models.values())
    return tuple(m for m, e in zip(project.models, found, strict=True) if e and e.kind in JOINABLE)


def role(project: Project, entity: str, target: str) -> str:
    """What a join by ``entity`` to ``target`` is called: the entity's name where only one model can be meant."""
    return entity if len(holders(project, entity)) <= 1 else f"{entity}_{target}"


def own_role(project: Project, model: Model) -> str | None:
    """What a row of the model is called, so that paths from elsewhere also work at home."""
    return role(project, model.primary, model.name) if model.primary else None


def key_name(model: Model, entity: str) -> str:
    """What stands for an entity in a key: its column, or the dimension it is imported as."""
    found = model.entity(entity)
    if found is None or not is_column(found.expr):
        return entity
    namesake = model.dimension(found.expr)
    return found.expr if namesake is None or namesake.expr == found.expr else entity


def joins(project: Project, model: Model) -> Iterator[Join]:
    """Every join that MetricFlow may make from a model."""
    for entity in model.entities:
        for name in holders(project, entity.name):
            target = project.models[name]
            if name == model.name:
                continue
            pairs = [(key_name(model, entity.name), key_name(target, entity.name))]
            shared = [p for p in target.partitions if p in model.partitions]
            pairs += [(p, p) for p in shared]
            called, refusal = role(project, entity.name, name), _refusal(target, entity.name)
            many = not refusal and bool(set(target.partitions) - set(shared))
            why = f"'{name}' is partitioned by what the other side has not, so the join could multiply rows"
            why += ": only questions without metrics go there"
            yield Join(entity.name, called, name, tuple(pairs), why if many else refusal, target.validity, many)


def bridges(project: Project, model: Model) -> Iterator[Bridge]:
    """The joins of two steps whose second needs the partitions of the model where the first starts."""
    for first in joins(project, model):
        middle = project.models[first.target]
        for second in _further(project, model, first) if not first.refusal else ():
            target, entity = project.models[second.target], middle.entity(second.entity)
            theirs = set(target.partitions)
            if (
                entity is None
                or second.valid
                or theirs <= set(middle.partitions)
                or not theirs <= set(model.partitions)
            ):
                continue
            key = f"{first.role}_{second.entity}"
            pairs = ((key, key_name(target, second.entity)), *((p, p) for p in target.partitions))
            direct = Join(second.entity, f"{first.role}_{second.role}", second.target, pairs)
            yield Bridge(first, key, f"{first.role}.{second.entity}", direct)


def _further(project: Project, model: Model, first: Join) -> Iterator[Join]:
    """The joins that may follow one."""
    for second in joins(project, project.models[first.target]):
        if second.entity != first.entity and second.target != model.name:
            yield second


def _refusal(target: Model, entity: str) -> str:
    found = target.entity(entity)
    natural = found is not None and found.kind == "natural"
    if natural != target.is_history or (target.is_history and target.validity is None):
        return (
            f"'{target.name}' must have both a natural entity and the start and end of its rows' validity, or neither"
        )
    return ""


def elements(project: Project, base: str) -> Iterator[Element]:
    """All that MetricFlow lets one group by from a model: its own, then one and two joins away."""
    model = project.models[base]
    for entity in model.entities:
        yield Element((), entity.name, (entity.name,), base)
    home = own_role(project, model)
    for link in model.identities:
        yield from _inside(model, (link,), (home,) if home else ())
    direct = {(b.over.role, b.join.entity, b.join.target): b.join for b in bridges(project, model)}
    for first in joins(project, model):
        yield from _inside(project.models[first.target], (first.entity,), (first.role,), first)
        for second in _further(project, model, first):
            bridge = direct.get((first.role, second.entity, second.target))
            yield from _inside(
                project.models[second.target],
                (first.entity, second.entity),
                (bridge.role,) if bridge else (first.role, second.role),
                *(() if bridge else (first, second)),
            )


def _inside(model: Model, links: tuple[str, ...], roles: tuple[str, ...], *over: Join) -> Iterator[Element]:
    refused = [join for join in over if join.refusal]
    why, many = refused[0].refusal if refused else "", bool(refused) and all(join.many for join in refused)
    for d in model.dimensions:
        yield Element(links, d.name, (*roles, d.name), model.name, d.kind == "time", d.grain, why, many)
    for e in model.entities:
        if e.name != links[-1]:
            yield Element(links, e.name, (*roles, e.name), model.name, refusal=why, many=many)
