"""Words that a reader needs: a description that says something, a unit, a format."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from workbench.declare.expression import Aggregate
from workbench.declare.parser import parse
from workbench.declare.settings import Lint
from workbench.declare.terms import Metric
from workbench.declare.workspace import Workspace
from workbench.errors import WorkbenchError
from workbench.review.rules.rule import Finding, added, finding


class TellingDescription:
    """A public metric's description says more than its name."""

    slug = "telling-description"
    reason = "Whoever finds a number must learn from its card what it counts and what it leaves out."

    def check(self, workspace: Workspace, settings: Lint) -> Iterator[Finding]:
        """Descriptions that are missing, short, or made of the name's own words."""
        for name, declared in workspace.metrics.items():
            term = declared.term
            if term.visibility != "public":
                continue
            words = set(re.findall(r"\w+", term.description.lower()))
            new = words - set(re.findall(r"[a-z0-9]+", f"{name} {term.label}".lower())) - {"the", "of", "a", "metric"}
            if not term.description:
                yield finding(
                    self, declared, name, f"'{name}' has no description.", "Say what it counts, and what not."
                )
            elif len(term.description) < settings.description_length or len(new) < 3:
                said = f"the description of '{name}' says no more than its name."
                yield finding(self, declared, name, said, "Say what it counts, and what not.", "description")


class UnitAndFormat:
    """A public metric says what its figure is of, and how it is written."""

    slug = "unit-and-format"
    reason = "A figure without a unit is read as whatever the reader had in mind."

    def check(self, workspace: Workspace, settings: Lint) -> Iterator[Finding]:
        """Metrics without a unit (percentages need none) or format; that of a count can be added."""
        for name, declared in workspace.metrics.items():
            term = declared.term
            if term.visibility != "public":
                continue
            if not term.unit and term.format.partition(":")[0] != "percent":
                yield finding(self, declared, name, f"'{name}' has no unit.", "Add 'unit:', such as EUR or flights.")
            if not term.format:
                made = finding(self, declared, name, f"'{name}' has no format.", "Add 'format:', such as integer.")
                yield replace(made, fix=added(declared, "format: integer")) if _is_count(term) else made


def _is_count(term: Metric) -> bool:
    try:
        tree = parse(term.expr)
    except WorkbenchError:
        return False
    return isinstance(tree, Aggregate) and tree.function == "count"
