"""A resolved question to the keys that its joins rely on, and a key to what must be read to check it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from workbench.declare.expression import Call, Column, Expression, Literal, rebuild
from workbench.declare.terms import Calendar, Relationship
from workbench.declare.unparse import unparse
from workbench.graph.bind import Relation, column_of, relations
from workbench.graph.build import Graph
from workbench.graph.calendars import around
from workbench.graph.joins import BRIDGE, CALENDAR
from workbench.graph.legs import Leg
from workbench.graph.resolve import Resolved

Names = tuple[str, ...]
"""The columns or dimensions that make up a key."""


@dataclass(frozen=True, slots=True)
class KeyRead:
    """What is read to look at a key: the values of some expressions over the rows of a table.

    With ``valid``, (start, end) of a history, one value may stand in many rows as long as their periods don't overlap.
    ``casts`` are the types that values are compared as, '' for their own. With ``ordered``, the values are moments at
    that grain and the periods of a calendar that they lie in, finest first, which must follow each other.
    """

    model: str
    table: str
    key: Names
    trees: tuple[Expression, ...]
    relations: tuple[Relation, ...] = ()
    valid: tuple[Expression, Expression] | None = None
    casts: tuple[str, ...] = ()
    ordered: str = ""

    @property
    def identity(self) -> str:
        """Names what is read, so that no verdict on an earlier declaration is taken for one on this."""
        casts = self.casts or ("",) * len(self.trees)
        parts = sorted((unparse(tree), cast) for tree, cast in zip(self.trees, casts, strict=True))
        joined = [(r.name, r.parent, r.table, [tuple(map(unparse, pair)) for pair in r.pairs]) for r in self.relations]
        read: tuple[object, ...] = (self.table, parts, joined, [unparse(tree) for tree in self.valid or ()])
        read = (*read, self.ordered) if self.ordered else read
        return hashlib.sha256(repr(read).encode()).hexdigest()[:16]

    def columns(self) -> Iterator[str]:
        """The columns of the table itself that the key is made of."""
        return (tree.name for tree in self.trees if isinstance(tree, Column))


@dataclass(frozen=True, slots=True)
class Reliance:
    """A join that multiplies no rows as long as a key holds: of ``role`` from ``parent``, or of a calendar without one.

    ``against`` are the (table, column) that each part is compared with, None where that is no plain column.
    """

    parent: str
    role: str
    read: KeyRead
    against: tuple[tuple[str, str] | None, ...] = ()


def relied(graph: Graph, resolved: Resolved) -> tuple[Reliance, ...]:
    """Every join of a question, each once, with the key that keeps it from multiplying rows."""
    ranking = resolved.ranking.resolved.legs if resolved.ranking else ()
    return tuple(dict.fromkeys(one for leg in _legs((*resolved.legs, *ranking)) for one in _relied(graph, leg)))


def key_read(graph: Graph, model: str, key: Names) -> KeyRead:
    """What to read to look at a declared key of a model."""
    trees = tuple(column_of(graph, model, name) for name in key)
    return KeyRead(model, graph.model(model).table, key, trees, relations(graph, model, trees))


def target_read(graph: Graph, relationship: Relationship) -> KeyRead:
    """What to read to look at what a relationship lands on."""
    read = key_read(graph, relationship.to, tuple(dict.fromkeys(theirs for _, theirs in relationship.pairs())))
    valid = relationship.valid
    if valid is None:
        return read
    start, end = (column_of(graph, relationship.to, name) for name in (valid.from_, valid.to))
    return replace(read, valid=(start, end))


def calendar_read(calendar: Calendar) -> KeyRead:
    """What to read to look at the moments of a calendar."""
    moment = Call("truncate", (Column("", calendar.column), Literal(calendar.grain)))
    return KeyRead(calendar.calendar, calendar.table, (calendar.column,), (moment,))


def periods_read(calendar: Calendar, grain: str) -> KeyRead:
    """What to read to see whether the periods of a calendar's own grain can be counted."""
    names = [calendar.column, calendar.grains[grain]]
    if grain in calendar.within:
        names.append(calendar.grains[calendar.within[grain]])
    trees: list[Expression] = [Call("truncate", (Column("", calendar.column), Literal(calendar.grain)))]
    trees += [Column("", name) for name in names[1:]]
    return KeyRead(calendar.calendar, calendar.table, tuple(names), tuple(trees), ordered=calendar.grain)


def role_reads(graph: Graph, model: str, role: str) -> tuple[KeyRead, KeyRead]:
    """What to read on both sides of a relationship: our values of it, and theirs in the same order."""
    relationship = graph.model(model).relationships[role]
    ours, theirs = zip(*relationship.pairs(), strict=True)
    return key_read(graph, model, ours), key_read(graph, relationship.to, theirs)


def role_identity(ours: KeyRead, theirs: KeyRead) -> str:
    """Names what is read of both sides of a relationship, so that no verdict outlives a change of either."""
    return hashlib.sha256(f"{ours.identity} {theirs.identity}".encode()).hexdigest()[:16]


def _legs(legs: Iterable[Leg]) -> Iterator[Leg]:
    """Each leg and those inside it: behind its conditions, and of events that follow."""
    for leg in legs:
        yield leg
        for condition in leg.conditions:
            yield from _legs(condition.legs)
        if leg.following is not None:
            yield from _legs((leg.following.leg,))


def _relied(graph: Graph, leg: Leg) -> Iterator[Reliance]:
    models = {"": leg.model, **{one.name: one.model for one in leg.relations}}
    tables = {"": leg.table, **{one.name: one.table for one in leg.relations}}
    for one in leg.relations:
        if CALENDAR in one.name:
            yield Reliance(models[one.parent], "", calendar_read(graph.calendars[one.model].term))
            continue
        if one.bridge is not None:
            role = one.name.removesuffix(BRIDGE).rpartition(".")[2]
            yield Reliance(models[one.parent], role, _key_of_pairs(graph, one))
            continue
        if one.many:
            rows = graph.model(one.model).declared_keys()[:1]  # what tells them apart, so that none is listed twice
            yield from (Reliance(models[one.parent], one.role, key_read(graph, one.model, key)) for key in rows)
            continue
        relationship = graph.model(models[one.parent]).relationships[one.role]
        parts = {theirs: pair for (_, theirs), pair in zip(relationship.pairs(), one.pairs, strict=True)}
        trees = tuple(_of_its_own(pair[1], one.name) for pair in parts.values())
        valid = tuple(_of_its_own(tree, one.name) for tree in one.valid[1:]) if one.valid else None
        read = KeyRead(one.model, one.table, tuple(parts), trees, valid=valid)  # type: ignore[arg-type]
        against = tuple(
            (tables[ours.relation], ours.name) if isinstance(ours, Column) and ours.relation in tables else None
            for ours, _ in parts.values()
        )
        yield Reliance(models[one.parent], one.role, read, against)
    if leg.spine is None:
        return
    for calendar in leg.spine.joined:
        yield Reliance(leg.model, "", calendar_read(calendar))
    counted = list(leg.spine.counted)
    if leg.timing.moves and leg.spine.calendar is not None and leg.spine.grain in leg.spine.calendar.grains:
        counted.append((leg.spine.grain, leg.spine.calendar))
    for grain, calendar in counted:
        for name in (grain, *around(graph, grain)):
            yield Reliance(leg.model, "", periods_read(calendar, name))


def _key_of_pairs(graph: Graph, one: Relation) -> KeyRead:
    """What keeps a pair of a bridge from standing there twice: a declared key of nothing but both its sides."""
    assert one.bridge is not None
    model = graph.model(one.model)
    sides = [r for r in model.relationships.values() if r.valid is None]
    columns = {ours for r in sides for ours, _ in r.pairs()}
    key = next(key for key in model.declared_keys() if set(key) <= columns)
    return key_read(graph, one.model, key)


def _of_its_own(tree: Expression, relation: str) -> Expression:
    """The tree as seen from the joined table itself."""
    if isinstance(tree, Column):
        return replace(tree, relation="") if tree.relation == relation else tree
    return rebuild(tree, lambda part: _of_its_own(part, relation))
