"""A plan to one that joins a chain of tables from its far end, so that facts are looked up once and not at each hop."""

from __future__ import annotations

from dataclasses import replace

from workbench.declare.expression import Column
from workbench.plan.steps import Attach, Leg, Plan


def nested(plan: Plan) -> Plan:
    """The plan with each chain of joins put together before its first table is joined, where all rows are read.

    Where the question keeps few rows, few partners are needed, and putting all of them together would cost more.
    """
    return replace(plan, legs=tuple(_leg(leg) for leg in plan.legs))


def _leg(leg: Leg) -> Leg:
    if not leg.summaries or leg.keep.asked is not None:
        return leg
    within = {a.source.relation for a in leg.attached if not a.late}
    return replace(leg, attached=tuple(replace(a, nested=_hangs(a, within)) for a in leg.attached))


def _hangs(attach: Attach, within: set[str]) -> bool:
    """Whether a table meets plain columns of its parent alone: what has no parent then has no partner either."""
    if attach.late or attach.valid is not None or attach.parent not in within:
        return False
    return all(isinstance(ours, Column) and ours.relation == attach.parent for ours, _ in attach.pairs)
