"""The tests that metrics declare to those that a change makes fail: what failed before is not held against it."""

from __future__ import annotations

import time as clock
from collections.abc import Iterable
from dataclasses import dataclass

from workbench.declare.terms import MetricTest
from workbench.declare.workspace import Workspace
from workbench.errors import Problem
from workbench.quality.proof import Outcome, prove
from workbench.review.changes import Change
from workbench.warehouse.engine import Engine


@dataclass(frozen=True, slots=True)
class Tested:
    """What came of tests: failures as problems, and the metrics whose tests time did not suffice for."""

    problems: tuple[Problem, ...] = ()
    unlooked: tuple[str, ...] = ()


def tested(
    base: Workspace, head: Workspace, told: Iterable[Change], reached: Iterable[str], engine: Engine, seconds: float
) -> Tested:
    """Run the tests of every metric that is new, changed or reached, the changed ones first."""
    end = clock.monotonic() + seconds
    ours = [change.name for change in told if change.kind == "metric" and change.how != "removed"]
    names = [name for name in dict.fromkeys((*ours, *reached)) if name in head.metrics]
    failed: list[Outcome] = []
    for at, name in enumerate(names):
        if clock.monotonic() > end:
            return Tested(_problems(failed), tuple(names[at:]))
        failed += _newly_failed(base, head, name, engine)
    return Tested(_problems(failed))


def _newly_failed(base: Workspace, head: Workspace, name: str, engine: Engine) -> list[Outcome]:
    """The tests of a metric that fail, and did not fail before in the very same words."""
    failed = [one for one in prove(head, engine, [name]) if not one.passed]
    if not failed or name not in base.metrics:
        return failed
    known = [_test(base, one) for one in prove(base, engine, [name]) if not one.passed]
    return [one for one in failed if _test(head, one) not in known]


def _problems(failed: list[Outcome]) -> tuple[Problem, ...]:
    return tuple(
        Problem("test-failed", f"test {one.number} of '{one.metric}': {one.message}.", one.place,
                "Mend the metric, or say in its test what is right now.")
        for one in failed
    )  # fmt: skip


def _test(workspace: Workspace, one: Outcome) -> MetricTest:
    return workspace.metrics[one.metric].term.tests[one.number - 1]
