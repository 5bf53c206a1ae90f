"""A resolved question to the keys that its joins rely on, and a key to what must be read to check it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from workbench.declare.expression import Expression
from workbench.declare.terms import Relationship
from workbench.declare.unparse import unparse
from workbench.graph.bind import Relation, column_of, relations
from workbench.graph.build import Graph
from workbench.graph.resolve import Resolved

Names = tuple[str, ...]
"""The columns or dimensions that make up a key."""


@dataclass(frozen=True, slots=True)
class Reliance:
    """A to-one join from ``parent``: it multiplies no rows as long as ``key`` is unique in ``model``."""

    parent: str
    role: str
    model: str
    key: Names


@dataclass(frozen=True)
class KeyRead:
    """What is read to look at a key: the values of some expressions over the rows of a model's table."""

    model: str
    table: str
    key: Names
    trees: tuple[Expression, ...]
    relations: tuple[Relation, ...] = ()

    @cached_property
    def identity(self) -> str:
        """Names what is read, so that no verdict on an earlier declaration is taken for one on this."""
        joined = [(r.name, r.parent, r.table, [tuple(map(unparse, pair)) for pair in r.pairs]) for r in self.relations]
        read = (self.table, [unparse(tree) for tree in self.trees], joined)
        return hashlib.sha256(repr(read).encode()).hexdigest()[:16]


def relied(graph: Graph, resolved: Resolved) -> tuple[Reliance, ...]:
    """Every join of a question, each once, with the key that keeps it from multiplying rows."""
    out: dict[Reliance, None] = {}
    for leg in resolved.legs:
        models = {"": leg.model, **{r.name: r.model for r in leg.relations}}
        for one in leg.relations:
            parent = models[one.parent]
            relationship = graph.model(parent).relationships[one.role]
            if relationship.valid is None:
                out[Reliance(parent, one.role, one.model, joined_key(graph, relationship))] = None
    return tuple(out)


def joined_key(graph: Graph, relationship: Relationship) -> Names:
    """The names a join compares in its target; spelled as the declared key that they are, where they are one."""
    theirs = tuple(dict.fromkeys(pair[1] for pair in relationship.pairs()))
    declared = graph.model(relationship.to).declared_keys()
    return next((key for key in declared if frozenset(key) == frozenset(theirs)), theirs)


def key_read(graph: Graph, model: str, key: Names) -> KeyRead:
    """What to read to look at a key of a model."""
    trees = tuple(column_of(graph, model, name) for name in key)
    return KeyRead(model, graph.model(model).table, key, trees, relations(graph, model, trees))


def role_reads(graph: Graph, model: str, role: str) -> tuple[KeyRead, KeyRead]:
    """What to read on both sides of a relationship: our values of it, and theirs in the same order."""
    relationship = graph.model(model).relationships[role]
    ours, theirs = zip(*relationship.pairs(), strict=True)
    return key_read(graph, model, ours), key_read(graph, relationship.to, theirs)
