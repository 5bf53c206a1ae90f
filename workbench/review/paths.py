"""The files that a change touches to the classes that decide who must agree, and the tricks that paths can play."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from workbench.access.release_paths import disguised
from workbench.errors import Place, Problem
from workbench.review.repository import Entry, Moved

PathClass = Literal["rules", "numbers", "other"]

RULES = (
    "access/*", ".github/*", ".gitlab-ci.yml", ".ci/*", "CODEOWNERS", "docs/CODEOWNERS", ".pre-commit-config.yaml",
    "pyproject.toml", ".gitattributes", "*/.gitattributes", ".gitmodules", "workbench/*",
)  # fmt: skip
"""Who may do what, and everything that judges a change."""
STATE = ".workbench"
"""The folder in which a machine keeps what is its own; whoever brings files for it brings keys and caches of theirs."""
NUMBERS = ("metrics/*", "notebooks/dashboards/*")
"""What numbers mean, and the pages that show them."""


@dataclass(frozen=True, slots=True)
class Touched:
    """The paths a change adds, alters, removes or renames, by class."""

    rules: tuple[str, ...]
    numbers: tuple[str, ...]
    other: tuple[str, ...]


def touched(moved: Iterable[Moved], prefix: str = "") -> Touched:
    """Every path by its class; a renamed file counts under both its names."""
    paths = sorted({path for one in moved for path in (one.was, one.now) if path})
    found: dict[PathClass, list[str]] = {"rules": [], "numbers": [], "other": []}
    for path in paths:
        found[class_of(path, prefix)].append(path)
    return Touched(tuple(found["rules"]), tuple(found["numbers"]), tuple(found["other"]))


def class_of(path: str, prefix: str = "") -> PathClass:
    """The class of one path, however its letters are disguised; those of the top folder count as the workspace's."""
    plain = disguised(path)
    within = plain.removeprefix(disguised(prefix))
    for names, kind in ((RULES, "rules"), (NUMBERS, "numbers")):
        if any(fnmatchcase(one, disguised(name)) for name in names for one in (plain, within)):
            return "rules" if kind == "rules" else "numbers"
    return "other"


def tricks(moved: Iterable[Moved], head: Mapping[str, Entry], prefix: str = "") -> Iterator[Problem]:
    """Governed paths that are links, other repositories, or written to pass for another; and state of a machine."""
    for path in sorted({one.now for one in moved if one.now}):
        if STATE in disguised(path).split("/"):
            yield Problem(
                "machine-state", f"'{path}' is kept by a machine for itself: keys, salts, releases, what was compiled.",
                Place(path), "Take it out, and name '.workbench/' in .gitignore.",
            )  # fmt: skip
        if class_of(path, prefix) == "other":
            continue
        entry = head.get(path)
        if entry is not None and not entry.is_plain:
            what = "a link" if entry.mode == "120000" else "another repository"
            yield Problem("not-a-plain-file", f"'{path}' is {what}.", Place(path), "Commit the file itself.")
        twins = [other for other in head if other != path and disguised(other) == disguised(path)]
        folder = path.removeprefix(prefix).split("/")[0]
        if twins or (
            disguised(folder) != folder and disguised(folder) in ("metrics", "access", "notebooks", ".github")
        ):
            like = twins[0] if twins else disguised(folder)
            yield Problem(
                "look-alike-path", f"'{path}' passes for '{like}' where case or form of letters does not count.",
                Place(path), "Give it a name of its own, in lower case.",
            )  # fmt: skip
