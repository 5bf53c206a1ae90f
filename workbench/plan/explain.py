"""A plan to text that an analyst can follow."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.plan.outline import Keys, Step, outline
from workbench.plan.steps import Plan


def explain(plan: Plan, keys: Keys = "verified") -> str:
    """The steps of a plan, one a line, with restrictions where they act."""
    return written(outline(plan, keys))


def written(steps: Iterable[Step]) -> str:
    """Steps, one a line; those of a leg stand below it."""
    return "\n".join("  " * step.depth + step.text for step in steps)
