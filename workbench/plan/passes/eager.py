"""A plan to one that aggregates rows by days and foreign keys first, and names and periods of the few groups after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from workbench.declare.expression import Call, Column, Expression, Literal, walk
from workbench.plan.parts import folds, parts_of
from workbench.plan.passes.facts import Facts
from workbench.plan.steps import Attach, First, Leg, Plan, Summary

DAYS = 5_000
"""Assumed number of days in a column of dates."""

ELSE = 100
"""Assumed number of groups of a key that is found before the join, such as a month."""

FEWER = 10
"""How many rows a group must have for a second aggregation to cost less than the work on rows it saves.

Its square is asked for where a table with joins of its own is moved: its key has more values than theirs.
"""

FEWER_DAYS = 3
"""The same for days, where rows are told apart by nothing else: then they are numbered, and no group is looked for."""


def eager(plan: Plan, facts: Facts) -> Plan:
    """The plan with a first aggregation where that cannot change a value and saves work."""
    return replace(plan, legs=tuple(_leg(leg, facts) for leg in plan.legs))


def first_of(summaries: Iterable[Summary], by: Iterable[Expression]) -> First:
    """The first aggregation by these values."""
    return First(tuple(dict.fromkeys(by)), tuple(dict.fromkeys(part for one in summaries for part in parts_of(one))))


def is_plain(leg: Leg) -> bool:
    """Whether it is a scan, joins, filters and aggregates of groups, and nothing that looks at rows again."""
    special = (leg.latest, leg.moments, leg.move, leg.pad, leg.follow)
    return (
        bool(leg.summaries) and not leg.among and all(one is None for one in special) and all(map(folds, leg.summaries))
    )


def _leg(leg: Leg, facts: Facts) -> Leg:
    if leg.overlaps:
        return leg  # which groups a row is in is known of rows alone
    if leg.move is not None:
        return _moved(leg, facts)
    rows = facts.size_of(leg.source.table)
    if rows is None or not leg.keys or not is_plain(leg):
        return leg
    sizes = {a.source.relation: facts.size_of(a.source.table) for a in leg.attached}
    late: set[str] = set()
    for attach in reversed(leg.attached):  # the far ends of chains first
        relation = attach.source.relation
        if sizes[relation] is None or not _only_names_groups(leg, attach, late) or _is_looked_up(leg, attach):
            continue
        fewer = FEWER if all(a.parent != relation for a in leg.attached) else FEWER * FEWER
        if _groups(leg, sizes, late | {relation}, set()) * fewer <= rows:
            late.add(relation)
    dated = {name for name, tree in leg.keys if _is_of_days(leg, tree, facts)}
    coarse = dated if _groups(leg, sizes, late, dated) == DAYS and rows >= DAYS * FEWER_DAYS else set()
    if not late and not coarse:
        return leg
    attached = tuple(replace(a, late=a.source.relation in late) for a in leg.attached)
    first = first_of(leg.summaries, _values(attached, leg.keys, late, coarse))
    return replace(leg, attached=attached, first=first)


def _values(
    attached: Iterable[Attach], keys: Iterable[tuple[str, Expression]], late: set[str], coarse: set[str]
) -> Iterator[Expression]:
    """What rows must be told apart by: keys, or the columns that late joins and coarse keys read."""
    for name, tree in keys:
        if name in coarse or late & set(relations(tree)):
            yield from (part for part in walk(tree) if isinstance(part, Column) and part.relation not in late)
        else:
            yield tree
    yield from (ours for a in attached if a.late and a.parent not in late for ours, _ in a.pairs)


def _moved(leg: Leg, facts: Facts) -> Leg:
    """The leg with its rows added up by moment, so that a long window reads sums and not facts."""
    assert leg.move is not None
    assert leg.moments is not None
    if leg.latest is not None or not all(map(folds, leg.summaries)):
        return leg
    shows = {name for name, _ in leg.moments.shows}
    values = [leg.moments.at, *(tree for name, tree in leg.keys if name not in shows)]
    values += [tree for _, tree in leg.move.carried]
    rows = facts.size_of(leg.source.table)
    few = rows is not None and len(values) == 1 and rows >= DAYS * FEWER_DAYS
    if few and _is_of_days(leg, leg.moments.at, facts):
        values[:1] = [part for part in walk(leg.moments.at) if isinstance(part, Column)]
    return replace(leg, first=first_of(leg.summaries, values))


def _is_of_days(leg: Leg, tree: Expression, facts: Facts) -> bool:
    """Whether it is a period of a column of dates: there are few days, and each is truncated once a group."""
    match tree:
        case Call("truncate", (_, Literal(value="day"))):
            return False  # that is the date itself
        case Call("truncate" | "date_part", (Column(relation="", name=name), _)):
            return facts.types_of(leg.source.table).get(name) == "date"
    return False


def _only_names_groups(leg: Leg, attach: Attach, late: set[str]) -> bool:
    """Whether nothing but keys and late joins reads a joined table, and rows meet it by plain columns of theirs."""
    relation = attach.source.relation
    counted = [leg.keep.asked, leg.keep.needed]
    counted += [tree for one in leg.summaries for tree in (one.aggregate, one.condition)]
    others = [a for a in leg.attached if a is not attach and a.source.relation not in late]
    joins = [tree for a in others for tree in (*(tree for pair in a.pairs for tree in pair), *(a.valid or ()))]
    read = any(relation in relations(tree) for tree in (*counted, *joins) if tree is not None)
    return not read and attach.valid is None and all(isinstance(ours, Column) for ours, _ in attach.pairs)


def _is_looked_up(leg: Leg, attach: Attach) -> bool:
    """Whether a table only leads to others and has a row for each of ours.

    Looking that up costs less than aggregating by its key, which has more values than theirs.
    """
    relation = attach.source.relation
    leads = any(a.parent == relation for a in leg.attached)
    return attach.met and leads and not any(relation in relations(tree) for _, tree in leg.keys)


def _groups(leg: Leg, sizes: dict[str, int | None], late: set[str], coarse: set[str]) -> int:
    """About how many groups the first aggregation leaves, at most."""
    out = 1
    for name, tree in leg.keys:
        read = set(relations(tree))
        if not read or read - late:
            out *= DAYS if name in coarse else ELSE
    for attach in leg.attached:
        if attach.source.relation in late and attach.parent not in late:
            out *= (sizes[attach.source.relation] or 0) + 1
    return out


def relations(tree: Expression) -> Iterator[str]:
    """The relations that a tree reads."""
    return (part.relation for part in walk(tree) if isinstance(part, Column))
