"""A plan to one that gives the same answer for less work: every pass, in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from workbench.plan.passes.conditions import conditions
from workbench.plan.passes.eager import eager
from workbench.plan.passes.facts import Facts
from workbench.plan.passes.final import final, top
from workbench.plan.passes.nested import nested
from workbench.plan.passes.partners import partners
from workbench.plan.passes.ranges import ranges
from workbench.plan.passes.together import together
from workbench.plan.steps import Leg, Plan

PASSES: tuple[Callable[[Plan, Facts], Plan], ...] = (
    lambda plan, facts: conditions(plan),
    partners,
    eager,
    lambda plan, facts: nested(plan),
)
"""What is done to a plan, and to those of its levels; legs are put together when all of them are done."""


def improve(plan: Plan, facts: Facts) -> Plan:
    """The plan after every pass."""
    better = _each(plan, facts)
    if _crosses(better):
        return better
    return ranges(top(final(together(better), facts)), facts)


def _crosses(plan: Plan) -> bool:
    """Whether it goes over a bridge: a row stands there several times, and legs over it do not read the same rows."""
    return any(leg.crosses for leg in plan.legs) or any(_crosses(level.plan) for level in plan.levels)


def _each(plan: Plan, facts: Facts) -> Plan:
    plan = replace(plan, legs=tuple(_behind(leg, facts) for leg in plan.legs))
    for one in PASSES:
        plan = one(plan, facts)
    return replace(plan, levels=tuple(replace(level, plan=_each(level.plan, facts)) for level in plan.levels))


def _behind(leg: Leg, facts: Facts) -> Leg:
    """The leg with every pass over the plans behind its conditions and its ranking."""
    if not leg.among:
        return leg
    return replace(leg, among=tuple(replace(one, plan=improve(one.plan, facts)) for one in leg.among))
