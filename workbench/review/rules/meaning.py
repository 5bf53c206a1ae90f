"""One number has one name."""

from __future__ import annotations

import json
from collections.abc import Iterator

from workbench.declare.settings import Lint
from workbench.declare.workspace import Workspace
from workbench.review.normal import normal
from workbench.review.rules.rule import Finding, finding

COMPUTES = (
    *("model", "expr", "filter", "inputs", "time_dimension", "window", "to_date", "running", "period"),
    *("offset", "offset_to", "non_additive", "conversion", "fill_nulls_with"),
)
"""The keys that say what a metric's value is."""


class OneMeaning:
    """No two metrics compute the same."""

    slug = "one-meaning"
    reason = "Two names for one number are two numbers by next year."

    def check(self, workspace: Workspace, settings: Lint) -> Iterator[Finding]:
        """Metrics whose definitions are equal in another spelling; of two versions in a migration one is deprecated."""
        seen: dict[str, str] = {}
        for name, declared in sorted(workspace.metrics.items(), key=lambda one: one[1].term.deprecated is not None):
            form = normal(declared.term)
            meaning = json.dumps({key: form[key] for key in COMPUTES if key in form}, sort_keys=True)
            other = seen.setdefault(meaning, name)
            if other != name and not declared.term.deprecated:
                hint = f"Keep one, and give it the other's name as a synonym: 'synonyms: [{name}]'."
                yield finding(self, declared, name, f"'{name}' computes the same as '{other}'.", hint, "expr")
