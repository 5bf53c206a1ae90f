"""The paths of a release to why they may not be written: what leads out of its folder, or passes for another."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from workbench.declare.workspace import FOLDERS

RELEASED = (*FOLDERS, "pyproject.toml")
"""What of a commit is released: everything that is served, and nothing that is only worked with."""
LONGEST = 240
"""Bytes of a path: every file system takes that much, also of its last part alone."""
_ODD = re.compile(r'[<>:"|?*\\]')
"""Characters that some file system reads as something else."""


def unsafe(paths: Iterable[str]) -> str:
    """Why these paths may not all be written below one folder; '' where they may."""
    plain: dict[str, str] = {}
    folders: set[str] = set()
    for path in sorted(paths):
        parts = path.split("/")
        odd = any(not part.strip(". ") or part != part.strip() for part in parts)
        if odd or not path.isprintable() or _ODD.search(path):
            return f"{path!a} is no plain path."
        if len(path.encode()) > LONGEST:
            return f"'{path[:40]}...' is too long."
        if path != "pyproject.toml" and not any(path.startswith(f"{one}/") for one in FOLDERS):
            return f"'{path}' is nothing that is released."
        steps = ["/".join(parts[: n + 1]) for n in range(len(parts))]
        for step in steps:
            twin = plain.setdefault(disguised(step), step)
            if twin != step:
                return f"'{step}' passes for '{twin}' where case or form of letters does not count."
        folders.update(steps[:-1])
    both = sorted(folders & set(paths))
    return f"'{both[0]}' is a file and a folder." if both else ""


def disguised(path: str) -> str:
    """A path without case and without look-alike forms, as some file systems take it."""
    return unicodedata.normalize("NFKC", path).casefold()
