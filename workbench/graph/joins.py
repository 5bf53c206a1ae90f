"""Relationships to join paths: where one can go from a model without multiplying its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workbench.declare.terms import Bridge, Relationship
from workbench.errors import DeclarationError, Place, Problem, Unanswerable, did_you_mean, one_of
from workbench.graph.build import Graph

LONGEST = 5
"""Hops after which a path is no longer looked for; it can still be written out."""

CALENDAR = "@"
"""Stands between a time dimension and the calendar joined to it, in the last role of a relation."""

BRIDGE = "/"
"""What the last role of a relation ends with that is the pairs of a bridge, on the way to that role."""

Roles = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hop:
    """One step: ``role`` of ``parent`` leads to ``model``, to one row of it but over a ``bridge`` or to ``many``."""

    parent: str
    role: str
    model: str
    relationship: Relationship
    bridge: Bridge | None = None
    many: bool = False


def hops(graph: Graph, base: str, roles: Roles) -> tuple[Hop, ...]:
    """The steps along ``roles`` from ``base``; every role must exist."""
    out: list[Hop] = []
    for role in roles:
        relationship, many = graph.model(base).relationships.get(role), graph.model(base).many.get(role)
        if relationship is not None:
            out.append(Hop(base, role, relationship.to, relationship))
        elif many is not None:
            relationship = many.relationship()
            out.append(Hop(base, role, relationship.to, relationship, many=True))
        else:
            bridge = graph.model(base).bridges[role]
            _, theirs = paired(graph, base, role)
            relationship = graph.model(bridge.through).relationships[theirs]
            out.append(Hop(bridge.through, theirs, bridge.to, relationship, bridge))
        base = relationship.to
    return tuple(out)


def paired(graph: Graph, model: str, role: str) -> tuple[str, str]:
    """The relationships of a bridge's pairs to the model and to its partners.

    Raises `DeclarationError` (unknown-model, ambiguous-path, not-a-key) where the bridge is none.
    """
    bridge = graph.model(model).bridges[role]
    place = graph.models[model].place_of("bridges", role)
    for name in (bridge.to, bridge.through):
        if name not in graph.models:
            hint = did_you_mean(name, graph.models)
            raise DeclarationError(Problem("unknown-model", f"no semantic model '{name}'.", place, hint))
    pairs = graph.model(bridge.through)
    plain = {r: one for r, one in pairs.relationships.items() if one.valid is None}
    sides = [[r for r, one in plain.items() if one.to == target] for target in (model, bridge.to)]
    if bridge.to == model and len(sides[0]) == 2:
        sides = [sides[0][:1], sides[0][1:]]
    if any(len(side) != 1 for side in sides):
        said = (
            f"the bridge '{role}' needs one relationship of '{bridge.through}' to '{model}' and one to '{bridge.to}'."
        )
        hint = f"It has: {', '.join(f'{r} to {one.to}' for r, one in plain.items()) or 'none'}."
        raise DeclarationError(Problem("ambiguous-path", said, place, hint))
    ours, theirs = sides[0][0], sides[1][0]
    columns = [ours_ for one in (ours, theirs) for ours_, _ in plain[one].pairs()]
    if not any(set(key) <= set(columns) for key in pairs.declared_keys()):
        said = f"{columns} is no declared key of '{bridge.through}', so a pair could stand there twice."
        raise DeclarationError(Problem("not-a-key", said, place, f"Declare it in 'unique_keys' of '{bridge.through}'."))
    return ours, theirs


def table_at(graph: Graph, base: str, relation: str) -> str:
    """The table that a relation of a leg reads; '' is the base, ``placed@fiscal`` the calendar of a time dimension."""
    if not relation:
        return graph.model(base).table
    *roles, last = relation.split(".")
    if last.endswith(BRIDGE):
        return graph.model(hops(graph, base, (*roles, last.removesuffix(BRIDGE)))[-1].parent).table
    if CALENDAR in last:
        return graph.calendars[last.partition(CALENDAR)[2]].term.table
    return graph.model(hops(graph, base, (*roles, last))[-1].model).table


def routes(graph: Graph, base: str) -> Iterator[tuple[Roles, str]]:
    """Every (roles, model) that can be reached from ``base`` by to-one hops, nearest first, itself left out."""
    frontier: list[tuple[Roles, str, frozenset[str]]] = [((), base, frozenset((base,)))]
    for _ in range(LONGEST):
        following = []
        for roles, model, visited in frontier:
            for role, relationship in graph.model(model).relationships.items():
                if relationship.to in graph.models and relationship.to not in visited:
                    yield (*roles, role), relationship.to
                    following.append(((*roles, role), relationship.to, visited | {relationship.to}))
        frontier = following


def route_to(graph: Graph, base: str, target: str, place: Place | None = None, form: str = "{}") -> Roles | None:
    """The one path from ``base`` to the model ``target``, None where there is none; raises `Unanswerable`.

    ``form`` is how a path is written where it is asked for.
    """
    if base == target:
        return ()
    found = [roles for roles, model in routes(graph, base) if model == target]
    if len(found) > 1:
        ways = [form.format(".".join(roles)) for roles in found]
        raise Unanswerable(
            Problem(
                "ambiguous-path",
                f"several ways lead from '{base}' to '{target}'.",
                place,
                f"Write the one you mean: {one_of(ways)}.",
            )
        )
    return found[0] if found else None


def crossed(roles: str) -> bool:
    """Whether a relation of a plan is the pairs of a bridge."""
    return roles.endswith(BRIDGE)


def multiplying(graph: Graph, base: str, target: str) -> tuple[str, str] | None:
    """The (model, role) whose join would multiply rows of ``base`` on the way to ``target``."""
    for roles, model in routes(graph, target):
        if model == base:
            last = hops(graph, target, roles)[-1]
            return last.parent, last.role
    return None
