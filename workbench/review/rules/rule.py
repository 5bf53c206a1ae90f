"""What a rule of lint is, what it finds, and how a finding can be mended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from workbench.declare.declared import Declared
from workbench.declare.settings import Lint
from workbench.declare.workspace import Workspace
from workbench.errors import Place


@dataclass(frozen=True, slots=True)
class Fix:
    """A line to add to a declaration, right below the one of its first key."""

    place: Place
    line: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that could be better: which rule, about what, and how; with a fix where a program may decide it."""

    rule: str
    name: str
    message: str
    place: Place
    hint: str = ""
    fix: Fix | None = None


class Rule(Protocol):
    """One idea of what a good declaration is; ``reason`` says why, in a sentence."""

    slug: str
    reason: str

    def check(self, workspace: Workspace, settings: Lint) -> Iterator[Finding]:
        """Everything in the workspace that the rule is not content with."""
        ...


def finding(rule: Rule, declared: Declared[Any], name: str, message: str, hint: str = "", *at: str) -> Finding:
    """A finding about a declaration, at the part ``at`` of it."""
    return Finding(rule.slug, name, message, declared.place_of(*at) if at else declared.place, hint)


def added(declared: Declared[Any], line: str) -> Fix:
    """The fix that adds a key."""
    return Fix(declared.place, line)
