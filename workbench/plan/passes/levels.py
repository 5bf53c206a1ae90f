"""A plan to one whose legs were looked at together with those of its levels, which may read the same rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from workbench.plan.steps import Leg, Plan


def with_legs(plan: Plan, change: Callable[[list[Leg]], Iterable[Leg]]) -> Plan:
    """The plan with other legs, its own and those of its levels; ``change`` gives one for each, in their order."""
    changed = iter(change([*plan.legs, *(leg for level in plan.levels for leg in level.plan.legs)]))
    own = tuple(next(changed) for _ in plan.legs)
    levels = tuple(
        replace(level, plan=replace(level.plan, legs=tuple(next(changed) for _ in level.plan.legs)))
        for level in plan.levels
    )
    return replace(plan, legs=own, levels=levels)
