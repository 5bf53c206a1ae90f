"""Two releases and the repository of their commits to what differs between them, each with its risk and its parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from workbench.access.release_paths import RELEASED
from workbench.declare.manifest import Manifest
from workbench.declare.workspace import load
from workbench.review.changes import Change, Part, changes
from workbench.review.release import Differing, differing, term_name
from workbench.review.repository import Repository, commit_of, entries, lay_out
from workbench.review.risk import RISKS


def meanings(repo: Repository, old: Manifest, new: Manifest) -> Iterator[Differing]:
    """What a release changes, as a review tells it; raises `ReviewError` (unknown-revision) without their commits."""
    told = {name: change for change in _changes(repo, old, new) for name in _names(change)}
    for one in differing(old, new):
        change = told.get(one.what)
        yield replace(one, risk=change.risk, why=_why(change)) if change else one


def _changes(repo: Repository, *releases: Manifest) -> tuple[Change, ...]:
    trees = [entries(repo, commit_of(repo, one.commit)) for one in releases]
    with TemporaryDirectory(prefix="workbench-") as folder:
        places = [Path(folder) / side for side in ("old", "new")]
        for tree, place in zip(trees, places, strict=True):
            place.mkdir()
            lay_out(repo, tree, RELEASED, place)
        before, after = map(load, places)
        return changes(before, after)


def _names(change: Change) -> Iterator[str]:
    """What a manifest calls the thing: a renamed one is gone by its old name, and there by its new one."""
    yield term_name(change.kind, change.name)
    if change.how == "renamed":
        yield term_name(change.kind, change.was)


def _why(change: Change) -> str:
    renamed = [f"'{change.was}' is '{change.name}' now"] if change.how == "renamed" else []
    parts = sorted(change.parts, key=lambda part: RISKS.index(part.risk))
    return "; ".join([*renamed, *map(_told, parts)]) or change.reason


def _told(part: Part) -> str:
    path = ".".join(part.path)
    if part.how == "added":
        return f"{path} is new: {part.after}"
    return f"{path} is gone; it was {part.before}" if part.how == "removed" else f"{path}: {part.before} → {part.after}"
