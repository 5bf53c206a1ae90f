"""A plan to one that aggregates by foreign keys first and joins what only names groups to the few groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from workbench.declare.expression import Aggregate, Call, Column, Expression, walk
from workbench.plan.steps import Attach, Leg, Plan


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of tables: about how many rows each has, None where nobody knows, and the types of its columns."""

    size_of: Callable[[str], int | None]
    types_of: Callable[[str], Mapping[str, str]]


FOLDED = frozenset({"count", "count_if", "sum", "min", "max", "avg"})
"""Aggregates that can be aggregated again from those of parts."""

DAYS = 5_000
"""Assumed number of days in a column of dates."""

ELSE = 100
"""Assumed number of groups of a key that is found before the join, such as a month."""

FEWER = 10
"""How many rows a group must have for a second aggregation to cost less than the work on rows it saves.

Its square is asked for where a table with joins of its own is moved: its key has more values than theirs.
"""


def eager(plan: Plan, facts: Facts) -> Plan:
    """The plan with joins moved behind a first aggregation where that cannot change a value and saves work."""
    return replace(plan, legs=tuple(_leg(leg, facts) for leg in plan.legs))


def _leg(leg: Leg, facts: Facts) -> Leg:
    rows = facts.size_of(leg.source.table)
    if rows is None or not _is_plain(leg) or not all(_folds(one.aggregate) for one in leg.summaries):
        return leg
    sizes = {a.source.relation: facts.size_of(a.source.table) for a in leg.attached}
    late: set[str] = set()
    coarse: tuple[str, ...] = ()
    for attach in reversed(leg.attached):  # the far ends of chains first
        relation = attach.source.relation
        if sizes[relation] is None or not _only_names_groups(leg, attach, late):
            continue
        fewer = FEWER if all(a.parent != relation for a in leg.attached) else FEWER * FEWER
        if _groups(leg, sizes, late | {relation}, coarse) * fewer <= rows:
            late.add(relation)
    dated = tuple(name for name, tree in leg.keys if _is_of_days(leg, tree, facts))
    if dated and _groups(leg, sizes, late, dated) * FEWER <= rows:
        coarse = dated
    attached = tuple(replace(a, late=a.source.relation in late) for a in leg.attached)
    return replace(leg, attached=attached, coarse=coarse)


def _is_of_days(leg: Leg, tree: Expression, facts: Facts) -> bool:
    """Whether it is a period of a column of dates: there are few days, and each is truncated once a group."""
    match tree:
        case Call("truncate" | "date_part", (Column(relation="", name=name), _)):
            return facts.types_of(leg.source.table).get(name) == "date"
    return False


def _is_plain(leg: Leg) -> bool:
    """Whether it is a scan, joins, filters and groups, and nothing that looks at rows again."""
    special = (leg.latest, leg.moments, leg.move, leg.pad, leg.follow)
    return bool(leg.keys and leg.summaries) and not leg.among and all(one is None for one in special)


def _folds(tree: Expression) -> bool:
    return isinstance(tree, Aggregate) and tree.function in FOLDED and not tree.distinct


def _only_names_groups(leg: Leg, attach: Attach, late: set[str]) -> bool:
    """Whether nothing but keys and late joins reads a joined table, and rows meet it by plain columns of theirs."""
    relation = attach.source.relation
    counted = [leg.keep.asked, leg.keep.needed]
    counted += [tree for one in leg.summaries for tree in (one.aggregate, one.condition)]
    others = [a for a in leg.attached if a is not attach and a.source.relation not in late]
    joins = [tree for a in others for tree in (*(tree for pair in a.pairs for tree in pair), *(a.valid or ()))]
    read = any(relation in _relations(tree) for tree in (*counted, *joins) if tree is not None)
    return not read and attach.valid is None and all(isinstance(ours, Column) for ours, _ in attach.pairs)


def _groups(leg: Leg, sizes: dict[str, int | None], late: set[str], coarse: tuple[str, ...]) -> int:
    """About how many groups the first aggregation leaves, at most."""
    out = 1
    for name, tree in leg.keys:
        read = set(_relations(tree))
        if not read or read - late:
            out *= DAYS if name in coarse else ELSE
    for attach in leg.attached:
        if attach.source.relation in late and attach.parent not in late:
            out *= (sizes[attach.source.relation] or 0) + 1
    return out


def _relations(tree: Expression) -> Iterator[str]:
    return (part.relation for part in walk(tree) if isinstance(part, Column))
