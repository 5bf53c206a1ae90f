"""An entity named from a model to the key by which rows of that model, and of others, belong to it."""

from __future__ import annotations

from workbench.declare.expression import Expression
from workbench.errors import Problem, Unanswerable
from workbench.graph.bind import column_of, value_of
from workbench.graph.build import Graph
from workbench.graph.joins import hops, route_to

Key = dict[str, Expression]
"""Each key column of the entity's model, and the value that stands for it elsewhere."""


def entity_key(graph: Graph, model: str, path: tuple[str, ...]) -> tuple[str, Key]:
    """The model of the entity at the end of ``path`` from ``model``, and its key; raises `Unanswerable`."""
    if path[0] == graph.model(model).entity:
        path = path[1:]
    if not path:
        return model, {name: column_of(graph, model, name) for name in graph.model(model).primary_key}
    at = model
    for role in path:
        relationship = graph.model(at).relationships.get(role)
        if relationship is None or relationship.to not in graph.models:
            roles = ", ".join(filter(None, (graph.model(at).entity, *graph.model(at).relationships)))
            raise Unanswerable(
                Problem(
                    "unreachable",
                    f"'{role}' is no entity that rows of '{at}' belong to.",
                    hint=f"They belong to: {roles or 'none'}.",
                )
            )
        at = relationship.to
    return at, _over(graph, model, path)


def key_from(graph: Graph, model: str, name: str, target: str, via: tuple[str, ...] = ()) -> Key:
    """The key of the model ``target`` as rows of ``model`` have it: by the path ``via`` where one is written.

    Else by the role ``name`` where there is one, else by the one path there is. Raises `Unanswerable`.
    """
    if via:
        found, key = entity_key(graph, model, via)
        if found != target:
            raise Unanswerable(
                Problem(
                    "unreachable",
                    f"'via {'.'.join(via)}' leads from '{model}' to '{found}', and '{name}' is of '{target}'.",
                    hint=f"Write a path of roles that leads to '{target}'.",
                )
            )
        return key
    if model == target:
        return {column: column_of(graph, model, column) for key in graph.model(model).declared_keys() for column in key}
    own = graph.model(model).relationships.get(name)
    if own is not None and own.to == target:
        return _over(graph, model, (name,))
    roles = route_to(graph, model, target, form=f"{name} via {{}} has ...")
    if roles is None:
        raise Unanswerable(
            Problem(
                "unreachable",
                f"rows of '{model}' belong to no '{name}', so its metrics are no condition on one.",
                hint=f"Declare a relationship from '{model}' that leads to '{target}'.",
            )
        )
    return _over(graph, model, roles)


def _over(graph: Graph, model: str, roles: tuple[str, ...]) -> Key:
    last = hops(graph, model, roles)[-1]
    return {theirs: value_of(graph, last.parent, ours, roles[:-1]) for ours, theirs in last.relationship.pairs()}
