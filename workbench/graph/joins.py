"""Relationships to join paths: where one can go from a model without multiplying its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workbench.declare.terms import Relationship
from workbench.errors import Place, Problem, Unanswerable, one_of
from workbench.graph.build import Graph

LONGEST = 5
"""Hops after which a path is no longer looked for; it can still be written out."""

CALENDAR = "@"
"""Stands between a time dimension and the calendar joined to it, in the last role of a relation."""

Roles = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hop:
    """One to-one step: ``role`` of ``parent`` leads to ``model``."""

    parent: str
    role: str
    model: str
    relationship: Relationship


def hops(graph: Graph, base: str, roles: Roles) -> tuple[Hop, ...]:
    """The steps along ``roles`` from ``base``; every role must exist."""
    out: list[Hop] = []
    for role in roles:
        relationship = graph.model(base).relationships[role]
        out.append(Hop(base, role, relationship.to, relationship))
        base = relationship.to
    return tuple(out)


def table_at(graph: Graph, base: str, relation: str) -> str:
    """The table that a relation of a leg reads; '' is the base, ``placed@fiscal`` the calendar of a time dimension."""
    if not relation:
        return graph.model(base).table
    *roles, last = relation.split(".")
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


def multiplying(graph: Graph, base: str, target: str) -> tuple[str, str] | None:
    """The (model, role) whose join would multiply rows of ``base`` on the way to ``target``."""
    for roles, model in routes(graph, target):
        if model == base:
            last = hops(graph, target, roles)[-1]
            return last.parent, last.role
    return None
