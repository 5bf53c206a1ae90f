"""A plan to one whose legs over the same rows share a first aggregation, so that the rows are read once."""

from __future__ import annotations

from dataclasses import replace

from workbench.declare.expression import Column, Expression, walk
from workbench.plan.passes.eager import first_of, is_plain
from workbench.plan.passes.levels import with_legs
from workbench.plan.steps import Attach, First, Leg, Plan, Source


def together(plan: Plan) -> Plan:
    """The plan with its legs, and those of its levels, told from the groups of the finest leg over the same rows."""
    return with_legs(plan, _shared)


def _shared(legs: list[Leg]) -> list[Leg]:
    found = [(i, replace(leg, first=first)) for i, leg in enumerate(legs) if (first := _first(leg)) is not None]
    left = sorted(found, key=lambda one: -len(one[1].first.by) if one[1].first else 0)  # the finest first
    out = list(legs)
    while len(left) > 1:
        (_, giver), *_ = left
        taking = [one for one in left if one[1] is giver or _tells(giver, one[1])]
        left = [one for one in left if one not in taking]
        if len(taking) > 1:
            for (i, _), leg in zip(taking, _of_one(giver, [leg for _, leg in taking]), strict=True):
                out[i] = leg
    return out


def _first(leg: Leg) -> First | None:
    """The first aggregation of a leg, or what it would be."""
    if leg.first is not None:
        return leg.first
    return first_of(leg.summaries, (tree for _, tree in leg.keys)) if is_plain(leg) else None


def _tells(giver: Leg, taker: Leg) -> bool:
    """Whether the groups of one leg are made of those of another: the same rows, told apart at least as well."""
    assert giver.first is not None
    assert taker.first is not None
    same = (_bare(giver.source), giver.keep, giver.among) == (_bare(taker.source), taker.keep, taker.among)
    joins = {a.source.relation: _without_columns(a) for a in giver.attached if not a.late}
    theirs = {a.source.relation: _without_columns(a) for a in taker.attached if not a.late}
    clash = any(a.late and a.source.relation in joins for a in taker.attached)
    apart = set(giver.first.by)
    return same and not clash and theirs.items() <= joins.items() and all(_is_told(t, apart) for t in taker.first.by)


def _is_told(tree: Expression, apart: set[Expression]) -> bool:
    """Whether a value is the same throughout a group."""
    return tree in apart or all(part in apart for part in walk(tree) if isinstance(part, Column))


def _of_one(giver: Leg, legs: list[Leg]) -> list[Leg]:
    """The legs with one and the same first aggregation, over the joins of the giver: to-one, they multiply no rows."""
    assert giver.first is not None
    parts = tuple(dict.fromkeys(part for leg in legs if leg.first for part in leg.first.parts))
    first = First(giver.first.by, parts)
    columns: dict[str, dict[str, None]] = {}
    for source in (s for leg in legs for s in (leg.source, *(a.source for a in leg.attached if not a.late))):
        columns.setdefault(source.relation, {}).update(dict.fromkeys(source.columns))
    source = replace(giver.source, columns=tuple(columns[""]))
    joins = tuple(
        replace(a, source=replace(a.source, columns=tuple(columns[a.source.relation])))
        for a in giver.attached
        if not a.late
    )
    return [
        replace(leg, source=source, attached=(*joins, *(a for a in leg.attached if a.late)), first=first)
        for leg in legs
    ]


def _bare(source: Source) -> Source:
    return replace(source, columns=())


def _without_columns(attach: Attach) -> Attach:
    return replace(attach, source=_bare(attach.source), nested=False)
