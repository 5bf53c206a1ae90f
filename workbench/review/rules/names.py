"""Names that will not age, and that nobody takes for another."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.declare.settings import Lint
from workbench.declare.workspace import Workspace
from workbench.review.rules.rule import Finding, finding


class TimelessName:
    """A metric's name says what is counted, not what kind of thing it is or when it was made."""

    slug = "timeless-name"
    reason = "A name outlives the year and the tool it was made for."

    def check(self, workspace: Workspace, settings: Lint) -> Iterator[Finding]:
        """Names with a kind, a version or a year in them."""
        for name, declared in workspace.metrics.items():
            found = re.search(r"(?:^|_)(metric|measure|kpi|new|old|final|tmp|test|v\d+|20\d\d)(?:_|$)", name)
            if found:
                hint = "Versions go into 'version', years into questions."
                yield finding(
                    self, declared, name, f"'{found[1]}' in the name '{name}' will not age well.", hint, "metric"
                )


class DistinctName:
    """No two metrics have names that a reader takes for one another."""

    slug = "distinct-name"
    reason = "'revenue' beside 'revenues' is how five versions of a number begin."

    def check(self, workspace: Workspace, settings: Lint) -> Iterator[Finding]:
        """Names that differ in an ending, an underscore or the order of words; synonyms that are names of others."""
        seen: dict[tuple[str, ...], str] = {}
        for name, declared in sorted(workspace.metrics.items()):
            key = tuple(sorted(word.rstrip("s") for word in name.split("_") if word))
            other = seen.setdefault(key, name)
            if other != name:
                yield finding(self, declared, name, f"'{name}' is easily taken for '{other}'.", "Rename one.", "metric")
            for synonym in declared.term.synonyms:
                taken = synonym.lower().replace(" ", "_")
                if taken in workspace.metrics and taken != name:
                    said = f"the synonym '{synonym}' of '{name}' is the name of another metric."
                    yield finding(self, declared, name, said, "Leave it out.", "synonyms")
