"""A plan to one that knows which joins find a partner for every row: there, an INNER JOIN does, in any order."""

from __future__ import annotations

from dataclasses import replace

from workbench.plan.passes.eager import relations
from workbench.plan.passes.facts import Facts
from workbench.plan.steps import Attach, Leg, Plan


def partners(plan: Plan, facts: Facts) -> Plan:
    """The plan with the joins marked that are met, in this version of the data and with what the asker may see."""
    return replace(plan, legs=tuple(_leg(leg, facts) for leg in plan.legs))


def _leg(leg: Leg, facts: Facts) -> Leg:
    if not leg.summaries:
        return leg  # values without a metric: partners that no row leads to have values too
    models = {"": leg.source.model, **{a.source.relation: a.source.model for a in leg.attached}}
    there = {""}
    attached = []
    for attach in leg.attached:  # parents before their children
        met = attach.parent in there and _is_met(attach, models[attach.parent], facts)
        there |= {attach.source.relation} if met else set()
        attached.append(replace(attach, met=met))
    return replace(leg, attached=tuple(attached))


def _is_met(attach: Attach, model: str, facts: Facts) -> bool:
    """Whether no partner is missing: none in the data, none hidden, and none chosen by its time."""
    if attach.valid is not None or attach.source.filters:
        return False
    # A value that is computed over further tables could be hidden where theirs are.
    ours, theirs = (set().union(*map(relations, side)) for side in zip(*attach.pairs, strict=True))
    plain = ours <= {attach.parent} and theirs <= {attach.source.relation}
    return plain and facts.is_met(model, attach.role)
