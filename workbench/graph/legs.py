"""Aggregates that are scanned together to one leg: its joins, its conditions and its groups."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from workbench.declare.expression import (
    Aggregate,
    Call,
    Column,
    Expression,
    Has,
    Literal,
    Name,
    conjunction,
    conjuncts,
    rebuild,
    walk,
)
from workbench.declare.functions import AGGREGATES
from workbench.declare.grains import GRAINS
from workbench.declare.question import Question
from workbench.declare.terms import Length
from workbench.declare.unparse import unparse
from workbench.errors import Problem, QuestionError, Unanswerable
from workbench.graph.allocation import check_bridges
from workbench.graph.axis import (
    Base,
    Spine,
    asked_grain,
    moves_as_a_whole,
    needs_time,
    reads,
    reads_rows,
    shown_in,
    spine_of,
    where_of,
)
from workbench.graph.bind import Relation, relations
from workbench.graph.build import Graph, unknown_metric
from workbench.graph.entities import entity_key, key_from
from workbench.graph.formulas import SCANNED, Aggregation, Moment, formula
from workbench.graph.paths import Field
from workbench.graph.timing import TIME, Offset, Timing

FOLLOWING = "~"
"""The relation of events that follow those of a leg."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One scan of one model: joins, a condition on rows, group keys and the aggregates it yields.

    In a moved leg, keys and conditions may read the moment asked for instead of the row's own; ``later`` holds the
    conditions that read both.
    """

    model: str
    table: str
    axis: str | None
    relations: tuple[Relation, ...]
    where: Expression | None
    keys: tuple[Expression, ...]
    aggregations: tuple[int, ...]
    timing: Timing = Timing()
    spine: Spine | None = None
    later: Expression | None = None
    moment: Moment | None = None
    moment_keys: tuple[Expression, ...] = ()
    conditions: tuple[Condition, ...] = ()
    following: Follower | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Follower:
    """The events that follow those of a leg: a leg whose keys are their values, moment first, then what is aggregated.

    ``same`` and ``at`` are the values of the leg's own rows that they are met by, moments by periods of a ``grain``.
    """

    leg: Leg
    same: tuple[Expression, ...]
    at: Expression
    within: Length | None
    grain: str | None
    aggregate: Aggregate


@dataclass(frozen=True, slots=True)
class Condition:
    """Metrics of an entity as a condition on rows: legs grouped by the entity, met where a row's values are ``pairs``.

    ``tree`` is what ``has`` means, over ``Column(name, '__0')`` and so on, the aggregates of the entity's group.
    """

    has: Has
    name: str
    tree: Expression
    pairs: tuple[tuple[Expression, str], ...]
    legs: tuple[Leg, ...]
    aggregations: tuple[Aggregation, ...]


def leg(
    graph: Graph, question: Question, base: Base, indexes: list[int], fields: list[Field], scanned: list[Aggregation]
) -> Leg:
    """The leg of the aggregates ``indexes`` for a question's fields, as they are found from its base."""
    model = base.model
    names = [asked.alias for asked in question.by]
    shift: tuple[Length, ...] = ()
    whole = moves_as_a_whole(graph, question, base, fields)
    if whole and not base.timing.own_grains() and asked_grain(graph, question, base) in GRAINS:
        shift = tuple(anchor.by for anchor in base.timing.anchors if isinstance(anchor, Offset))
        base = replace(base, timing=Timing())
    moves = base.timing.moves
    _refuse_moved_events(base)
    keys = tuple(shown_in(graph, question, base, f, moved=moves) for f in fields)
    parts = list(conjuncts(where_of(graph, question, base, moved=moves, shift=shift)))
    where = conjunction(*(part for part in parts if not reads(part, {TIME})))
    later = conjunction(*(part for part in parts if reads(part, {TIME}) and reads_rows(part)))
    spine = None
    if not base.timing.plain:
        spine = spine_of(graph, question, base, fields, names, whole=whole)
        of_shown = bool(base.apart) and base.timing.looks_back  # a total of what is shown, whose time is told
        timeless = spine.keep is None and not spine.shows and later is None
        if moves and timeless and not base.timing.running and not of_shown:
            raise Unanswerable(needs_time(base))
    moment = base.moment
    moment_keys = tuple(
        tree for f, tree in zip(fields, keys, strict=True) if moment and not f.roles and f.dimension == moment.over
    )
    trees = [
        *keys,
        *_used(base, indexes, scanned),
        *(t for t in (where, later) if t is not None),
        *((spine.at,) if spine else ()),
    ]
    trees += [moment.of, *moment.by] if moment else []
    asked = dict.fromkeys(part for tree in trees for part in walk(tree) if isinstance(part, Has))
    conditions = tuple(_condition(graph, model, has, f"?{i}") for i, has in enumerate(asked))
    trees += [ours for condition in conditions for ours, _ in condition.pairs]
    joined = relations(graph, model, tuple(trees), base.axis)
    check_bridges(question, joined, (scanned[i].aggregate for i in indexes))
    if any(one.bridge for one in joined) and (base.followed or later is not None):
        said = f"'{model}' is asked over a bridge for what follows events, or by row and moment at once."
        raise Unanswerable(Problem("not-allocated", said, hint="Leave the bridge out of the question."))
    return Leg(
        model=model,
        table=graph.model(model).table,
        axis=base.axis,
        relations=joined,
        where=where,
        keys=keys,
        aggregations=tuple(indexes),
        timing=base.timing,
        spine=spine,
        later=later,
        moment=moment,
        moment_keys=moment_keys,
        conditions=conditions,
        names=tuple(names),
        following=_follower(graph, base.followed),
    )


def _follower(graph: Graph, followed: Aggregation | None) -> Follower | None:
    """The leg of the events that follow, where any are; its aggregate reads the values under their names."""
    if followed is None or followed.following is None:
        return None
    following, aggregate = followed.following, followed.aggregate
    theirs = tuple(value for _, value in following.same)
    held = enumerate(aggregate.arguments)
    arguments = tuple(tree if isinstance(tree, Literal) else Column(FOLLOWING, f"__v{i}") for i, tree in held)
    over = Aggregate(aggregate.function, arguments, aggregate.distinct)
    where = conjunction(*following.filters, aggregate.condition)
    keys = (following.at[1], *theirs, *aggregate.arguments)
    trees = (*keys, *((where,) if where is not None else ()))
    asked = dict.fromkeys(part for tree in trees for part in walk(tree) if isinstance(part, Has))
    conditions = tuple(_condition(graph, following.model, has, f"?{i}") for i, has in enumerate(asked))
    trees += tuple(ours for condition in conditions for ours, _ in condition.pairs)
    joined = relations(graph, following.model, trees, following.axis)
    table = graph.model(following.model).table
    leg = Leg(following.model, table, following.axis, joined, where, keys, (), conditions=conditions)
    same = tuple(ours for ours, _ in following.same)
    return Follower(leg, same, following.at[0], following.within, following.grain, over)


def _condition(graph: Graph, model: str, has: Has, name: str) -> Condition:
    """The legs behind ``has``; raises `Unanswerable` (unreachable, moved-condition) and what its metrics raise."""
    target, ours = entity_key(graph, model, has.entity.path)
    scanned: list[Aggregation] = []

    def change(part: Expression) -> Expression:
        if not isinstance(part, Name):
            return rebuild(part, change)
        if str(part) not in graph.metrics:
            raise QuestionError(unknown_metric(graph, str(part)))
        return rebuild_scanned(formula(graph, str(part), scanned))

    def rebuild_scanned(tree: Expression) -> Expression:
        if isinstance(tree, Column) and tree.relation == SCANNED:
            value = Column(name, f"__{tree.name}")
            empty = AGGREGATES[scanned[int(tree.name)].aggregate.function].empty
            return value if empty is None else Call("coalesce", (value, Literal(empty)))
        return rebuild(tree, rebuild_scanned)

    tree = change(has.condition)
    if any(one.timing.moves and not one.timing.running or one.timing.anchors for one in scanned):
        raise Unanswerable(
            Problem(
                "moved-condition",
                f"'{unparse(has)}': a metric in a condition is asked without time, and cannot look at another one.",
                hint="Use a metric without window or offset.",
            )
        )
    bases: dict[Base, list[int]] = {}
    for index, one in enumerate(scanned):
        timing = one.timing if one.timing.moves else Timing()  # a spine adds periods, and there are none
        among = one.filters if timing.period else ()
        base = Base(one.model, one.axis, timing, one.moment, one if one.following else None, among)
        bases.setdefault(base, []).append(index)
    legs = tuple(_inner(graph, base, has, target, ours, tuple(i), scanned) for base, i in bases.items())
    pairs = tuple((value, f"__k{i}") for i, value in enumerate(ours.values()))
    return Condition(has, name, tree, pairs, legs, tuple(scanned))


def _inner(
    graph: Graph,
    base: Base,
    has: Has,
    target: str,
    ours: dict[str, Expression],
    indexes: tuple[int, ...],
    scanned: list[Aggregation],
) -> Leg:
    """One scan behind a condition: the aggregates of a model by the entity's key."""
    theirs = key_from(graph, base.model, has.entity.path[-1], target, has.via.path if has.via else ())
    if not ours.keys() <= theirs.keys():
        raise Unanswerable(
            Problem(
                "unreachable",
                f"rows of '{base.model}' know '{target}' by {sorted(theirs)}, and '{has.entity}' by {sorted(ours)}.",
                hint="Declare a relationship on the same key, or write another path: 'customer via PATH has ...'.",
            )
        )
    keys = tuple(theirs[column] for column in ours)
    used, moment = _used(base, indexes, scanned), base.moment
    spine = None if base.timing.plain else spine_of(graph, Question(), base, [], [], whole=False)
    used += [spine.at] if spine else []
    used += [moment.of, *moment.by] if moment else []
    inner = dict.fromkeys(part for tree in used for part in walk(tree) if isinstance(part, Has))
    conditions = tuple(_condition(graph, base.model, one, f"?{i}") for i, one in enumerate(inner))
    trees = (*keys, *used, *(left for condition in conditions for left, _ in condition.pairs))
    joined = relations(graph, base.model, trees, base.axis)
    return Leg(
        model=base.model,
        table=graph.model(base.model).table,
        axis=base.axis,
        relations=joined,
        where=None,
        keys=keys,
        aggregations=indexes,
        timing=base.timing,
        spine=spine,
        moment=moment,
        conditions=conditions,
        following=_follower(graph, base.followed),
    )


def _used(base: Base, indexes: Iterable[int], scanned: list[Aggregation]) -> list[Expression]:
    """What the aggregates of a leg read of its rows."""
    filters = [tree for i in indexes for tree in scanned[i].filters]
    if base.following:  # what is aggregated are values of the events that follow
        return [*filters, *(ours for ours, _ in base.following.same), base.following.at[0]]
    return [*filters, *(scanned[i].aggregate for i in indexes)]


def _refuse_moved_events(base: Base) -> None:
    """Raise `Unanswerable` (nested-window) where moments of events that others follow look at earlier ones."""
    if base.timing.moves and base.followed:
        said = f"what follows rows of '{base.model}' is found for a span, and moments can't look at earlier ones."
        hint = "Give a span of time and leave metric_time out of groups and conditions; or ask for the earlier one."
        raise Unanswerable(Problem("nested-window", said, hint=hint))
