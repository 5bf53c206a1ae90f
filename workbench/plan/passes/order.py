"""A plan to one that gives the same answer for less work: every pass, in order."""

from __future__ import annotations

from collections.abc import Callable

from workbench.plan.passes.eager import Facts, eager
from workbench.plan.passes.nested import nested
from workbench.plan.steps import Plan

PASSES: tuple[Callable[[Plan, Facts], Plan], ...] = (eager, lambda plan, facts: nested(plan))


def improve(plan: Plan, facts: Facts) -> Plan:
    """The plan after every pass."""
    for one in PASSES:
        plan = one(plan, facts)
    return plan
