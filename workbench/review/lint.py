"""A workspace to what could be better in it, rule by rule, and back with what a program may mend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from workbench.declare.settings import Lint
from workbench.declare.workspace import Workspace
from workbench.errors import DeclarationError, Place, Problem, did_you_mean
from workbench.review.rules.governance import CurrentInputs, KnownOwner, TestedMetric, UsedInternal
from workbench.review.rules.meaning import OneMeaning
from workbench.review.rules.names import DistinctName, TimelessName
from workbench.review.rules.rule import Finding, Fix, Rule
from workbench.review.rules.words import TellingDescription, UnitAndFormat

RULES: Mapping[str, Rule] = {
    rule.slug: rule
    for rule in (
        *(TimelessName(), DistinctName(), TellingDescription(), UnitAndFormat()),
        *(KnownOwner(), TestedMetric(), UsedInternal(), CurrentInputs(), OneMeaning()),
    )
}


def lint(workspace: Workspace) -> tuple[Finding, ...]:
    """Every finding of the rules that the settings leave on, by place; raises `DeclarationError` (unknown-rule)."""
    settings = workspace.settings.lint
    _known(settings)
    found = [
        one for slug, rule in RULES.items() if slug not in settings.ignore for one in rule.check(workspace, settings)
    ]
    kept = [one for one in found if one.rule not in settings.ignore_for.get(one.name, ())]
    return tuple(sorted(kept, key=lambda one: (one.place.file, one.place.line, one.rule)))


def problems(findings: Iterable[Finding], settings: Lint) -> tuple[Problem, ...]:
    """Findings as problems: errors where the settings say that the rule must be kept, warnings otherwise."""
    return tuple(
        Problem(one.rule, one.message, one.place, one.hint, "error" if one.rule in settings.require else "warning")
        for one in findings
    )


def mend(root: Path, findings: Iterable[Finding]) -> tuple[Path, ...]:
    """Write every fix there is, and touch nothing else of the files; gives the files that changed."""
    fixes: dict[str, list[Fix]] = {}
    for one in findings:
        if one.fix is not None:
            fixes.setdefault(one.fix.place.file, []).append(one.fix)
    for file, wanted in fixes.items():
        path = root / file
        lines = path.read_bytes().decode().splitlines(keepends=True)
        # From below, so that line numbers above stay true.
        for fix in sorted(wanted, key=lambda one: -one.place.line):
            first = lines[fix.place.line - 1]
            ending = first[len(first.rstrip("\r\n")) :] or "\n"
            lines[fix.place.line - 1] = first if first.endswith(ending) else first + ending
            lines.insert(fix.place.line, f"{' ' * (fix.place.column - 1)}{fix.line}{ending}")
        path.write_bytes("".join(lines).encode())
    return tuple(root / file for file in fixes)


def _known(settings: Lint) -> None:
    named = (*settings.ignore, *settings.require, *(rule for rules in settings.ignore_for.values() for rule in rules))
    for slug in named:
        if slug not in RULES:
            hint = did_you_mean(slug, RULES, f"There are {', '.join(RULES)}.")
            raise DeclarationError(
                Problem("unknown-rule", f"[tool.workbench.lint] names no rule '{slug}'.", Place("pyproject.toml"), hint)
            )
