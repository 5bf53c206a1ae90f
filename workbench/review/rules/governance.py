"""Somebody answers for each thing, tests hold it in place, and nothing lives on by oversight."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workbench.declare.declared import Declared
from workbench.declare.settings import Lint
from workbench.declare.workspace import Workspace
from workbench.review.mentions import Mentions, of_dashboard, of_metric, of_question
from workbench.review.rules.rule import Finding, finding


class KnownOwner:
    """Every metric, model, saved query and page is owned by a group that exists."""

    slug = "known-owner"
    reason = "A question about a number must reach somebody, and a change of it somebody's approval."

    def check(self, workspace: Workspace, settings: Lint) -> Iterator[Finding]:
        """Owners that are missing, or no group of access/."""
        for things in (workspace.metrics, workspace.models, workspace.saved_queries, workspace.dashboards):
            for name, declared in things.items():
                owner = declared.term.owner
                if not owner:
                    yield finding(self, declared, name, f"'{name}' has no owner.", "Name a group of access/groups.yml.")
                elif owner not in workspace.groups:
                    said = f"the owner '{owner}' of '{name}' is no group."
                    yield finding(self, declared, name, said, "Declare it in access/groups.yml.", "owner")


class TestedMetric:
    """A public metric has a test."""

    slug = "tested-metric"
    reason = "What no test holds in place moves unseen."
    __test__ = False

    def check(self, workspace: Workspace, settings: Lint) -> Iterator[Finding]:
        """Public metrics without tests."""
        for name, declared in workspace.metrics.items():
            if declared.term.visibility == "public" and not declared.term.tests:
                hint = "Add 'tests:', at best over a few 'given' rows that are counted by hand."
                yield finding(self, declared, name, f"'{name}' has no test.", hint)


class UsedInternal:
    """An internal metric is used by something."""

    slug = "used-internal"
    reason = "A building block that nothing is built of only puzzles."

    def check(self, workspace: Workspace, settings: Lint) -> Iterator[Finding]:
        """Internal metrics that nothing names."""
        said = [of_metric(d.term).metrics for d in workspace.metrics.values()]
        said += [of_question(d.term.question()).metrics for d in workspace.saved_queries.values()]
        said += [of_dashboard(d.term).metrics for d in workspace.dashboards.values()]
        used = frozenset().union(*said) if said else frozenset()
        for name, declared in workspace.metrics.items():
            if declared.term.visibility == "internal" and name not in used:
                hint = "Remove it, or make it public."
                yield finding(self, declared, name, f"nothing uses the internal metric '{name}'.", hint, "metric")


class CurrentInputs:
    """Nothing is computed from a metric that is on its way out."""

    slug = "current-inputs"
    reason = "What is built on a deprecated metric falls with it."

    def check(self, workspace: Workspace, settings: Lint) -> Iterator[Finding]:
        """Metrics, saved queries and pages that use deprecated metrics, unless they are deprecated themselves."""
        leaving = {name: d.term.deprecated for name, d in workspace.metrics.items() if d.term.deprecated}
        users: list[tuple[str, Declared[Any], Mentions]] = []
        users += [(n, d, of_metric(d.term)) for n, d in workspace.metrics.items() if not d.term.deprecated]
        users += [(n, d, of_question(d.term.question())) for n, d in workspace.saved_queries.items()]
        users += [(n, d, of_dashboard(d.term)) for n, d in workspace.dashboards.items()]
        for name, declared, said in users:
            for used in sorted(said.metrics & leaving.keys()):
                instead = leaving[used].replaced_by
                hint = f"Use '{instead}'." if instead else ""
                yield finding(self, declared, name, f"'{name}' uses '{used}', which is deprecated.", hint)
