"""A leg to one whose groups are the first by rank, each by name, and all others together."""

from __future__ import annotations

from dataclasses import replace

from workbench.declare.expression import Call, Case, Column, Literal, conjunction
from workbench.plan.steps import RANK, Among, Leg, Named, Plan

RANKING = "^top"
"""The relation of the groups that are shown by name."""

_AT = Column(RANKING, RANK)
_IS_NAMED = Call("not", (Call("is_null", (_AT,)),))


def by_rank(leg: Leg, named: Named, ranked: Plan) -> Leg:
    """The leg, its rows regrouped: those of groups that ``ranked`` answers keep their own, all others share one.

    NULL is a group like any other. What is aggregated are rows, so that any aggregate of the others is right.
    """
    tree = dict(leg.keys)[named.key]
    among = Among(RANKING, named.key, ranked, ((tree, named.key),), RANK)
    keys = tuple((name, Case(((_IS_NAMED, tree),)) if name == named.key else tree_) for name, tree_ in leg.keys)
    keep = leg.keep if named.other else replace(leg.keep, asked=conjunction(leg.keep.asked, _IS_NAMED))
    rank = Call("coalesce", (_AT, Literal(named.n + 1)))
    return replace(leg, keys=(*keys, (RANK, rank)), keep=keep, among=(*leg.among, among))
