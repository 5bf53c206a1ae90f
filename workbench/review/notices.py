"""What happened to numbers to the people who should know: chat, mail and whatever else apprise reaches."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from workbench.declare.manifest import Manifest
from workbench.declare.settings import Notices
from workbench.declare.workspace import Workspace
from workbench.errors import Problem, count
from workbench.review.release import differing
from workbench.review.review import Review


@dataclass(frozen=True, slots=True)
class Notice:
    """One message: what kind of event, a title, and what happened in plain text."""

    event: Literal["release", "rollback", "refusal", "deprecation"]
    title: str
    body: str


def of_release(new: Manifest, old: Manifest | None) -> Notice:
    """What a release changed of the one before it."""
    told = [f"{one.what} {one.how}" for one in differing(old, new)] if old else [count(len(new.terms), "declaration")]
    title = f"{new.workspace}: release {new.number} is served in {new.environment}"
    approved = f"Approved by {', '.join(new.approvals)}." if new.approvals else ""
    return Notice("release", title, "\n".join([*_shortened(told), approved]).strip())


def of_rollback(manifest: Manifest, by: str) -> Notice:
    """Which release is served again."""
    title = f"{manifest.workspace}: {manifest.environment} is back at release {manifest.number}"
    return Notice("rollback", title, f"{by} went back to the release of {manifest.made:%Y-%m-%d %H:%M}.")


def of_refusal(review: Review, name: str) -> Notice | None:
    """Why a change must not be merged; None where it may, or only waits for people to agree."""
    if review.verdict != "refused":
        return None
    why = [f"{ruling.rule}: {ruling.message}" for ruling in review.rulings if not ruling.kept]
    why += [f"{problem.slug}: {problem.message}" for problem in review.problems if problem.severity == "error"]
    who = ", ".join(review.people.authors) or "nobody known"
    return Notice("refusal", f"{name}: a change by {who} is refused", "\n".join(_shortened(why)))


def of_deprecations(workspace: Workspace, today: date) -> Notice | None:
    """The metrics whose last day is near or past; None where there are none."""
    near = workspace.settings.notices.days_before
    told = []
    for name, declared in sorted(workspace.metrics.items()):
        leaving = declared.term.deprecated
        if leaving is None or leaving.until is None or (leaving.until - today).days > near:
            continue
        when = f"until {leaving.until}" if leaving.until >= today else f"refused since {leaving.until}"
        told.append(f"{name}: {when}" + (f", use {leaving.replaced_by}" if leaving.replaced_by else ""))
    name = workspace.settings.name or workspace.root.name
    return Notice("deprecation", f"{name}: metrics on their way out", "\n".join(_shortened(told))) if told else None


def send(settings: Notices, notice: Notice | None) -> Iterator[Problem]:
    """Tell whoever is to be told; what cannot be delivered is a warning, and never undoes what happened."""
    if notice is None or notice.event not in settings.on or not settings.urls_from:
        return
    try:
        import apprise
    except ModuleNotFoundError:
        hint = "pip install 'governed-workbench[notices]'"
        yield Problem(
            "not-told", "the package apprise is not installed, which delivers notices.", None, hint, "warning"
        )
        return
    for name in settings.urls_from:
        told = apprise.Apprise()
        address = os.environ.get(name, "")
        if not address or not told.add(address):
            yield _not_told(f"the variable {name} holds no address." if address else f"{name} is not set.")
        elif not told.notify(title=notice.title, body=notice.body, body_format="text"):
            yield _not_told(f"nobody at the address in {name} took the notice.")


def _not_told(message: str) -> Problem:
    hint = "Addresses are those of apprise, such as slack://... or mailto://..."
    return Problem("not-told", message, None, hint, "warning")


def _shortened(lines: list[str], most: int = 20) -> list[str]:
    return lines if len(lines) <= most else [*lines[:most], f"and {len(lines) - most} more"]
