"""A review to SARIF 2.1.0, which forges show beside the lines it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from workbench.errors import Place
from workbench.review.review import Review

LEVELS = {"error": "error", "warning": "warning", "breaking": "warning", "risky": "note"}


def sarif(review: Review) -> dict[str, Any]:
    """Problems, broken rules, and changes that are not safe; without a place they stand at the workspace's top."""
    results = list(_results(review))
    rules = sorted({result["ruleId"] for result in results})
    driver = {"name": "workbench", "rules": [{"id": rule} for rule in rules]}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _results(review: Review) -> Iterator[dict[str, Any]]:
    for problem in review.problems:
        yield _result(
            problem.slug, LEVELS[problem.severity], f"{problem.message} {problem.hint}".strip(), problem.place
        )
    for ruling in review.rulings:
        if not ruling.kept:
            yield _result(
                ruling.rule, "note" if ruling.waits else "error", f"{ruling.message} {ruling.hint}".strip(), None
            )
    for change in review.changes:
        if change.risk != "safe":
            said = f"{change.kind.replace('_', ' ')} '{change.name}' {change.how}: {change.reason}."
            yield _result(f"change-{change.risk}", LEVELS[change.risk], said, change.place)


def _plain(text: str) -> str:
    """Text in which nothing is a link: names and messages hold whatever the change wrote."""
    return re.sub(r"([\\\[\]])", r"\\\1", text)


def _result(rule: str, level: str, message: str, place: Place | None) -> dict[str, Any]:
    place = place or Place("metrics")
    where = {
        "artifactLocation": {"uri": quote(place.file)},
        "region": {"startLine": place.line, "startColumn": place.column},
    }
    return {
        "ruleId": rule,
        "level": level,
        "message": {"text": _plain(message)},
        "locations": [{"physicalLocation": where}],
    }
