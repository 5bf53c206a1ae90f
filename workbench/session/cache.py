"""Compiled SQL by the fingerprint of its plan, for every session of a workspace, and for its later processes.

What is kept has places where values stand: those that a question compares with, those of the rules that its asker
stands under, and the salt of masks. So it may serve everyone, and lie in a file.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Hashable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any, Generic, TypeVar

from workbench.declare.sealed import FOLDER, seal, unseal
from workbench.plan.template import Template, read, written

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

KEPT, KEPT_IN_FILES = 1_024, 512
COMPILED = "compiled"
"""The folder of compiled SQL; each file is sealed under its own fingerprint, so that none can stand for another."""


class Recent(Generic[K, V]):
    """The values used last, up to a number of them; any thread may use it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[K, V] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._held)

    def find(self, key: K) -> V | None:
        """The value kept under the key."""
        with self._lock:
            found = self._held.get(key)
            if found is not None:
                self._held.move_to_end(key)
            return found

    def keep(self, key: K, value: V) -> None:
        """Keep a value, and let go of what was not used for longest."""
        with self._lock:
            self._held[key] = value
            self._held.move_to_end(key)
            while len(self._held) > self._most:
                self._held.popitem(last=False)

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._held.clear()


class Templates:
    """Compiled SQL that sessions share; with the root of a workspace, also with later processes of the same user."""

    def __init__(self, root: Path | None = None, most: int = KEPT) -> None:
        self._root = root
        self._held: Recent[str, Template] = Recent(most)

    def find(self, fingerprint: str) -> Template | None:
        """The SQL of a plan; a file that is damaged, foreign or of another version is as good as none."""
        found = self._held.find(fingerprint)
        if found is None and self._root is not None:
            found = _template(unseal(self._root, f"{COMPILED}/{fingerprint}"))
            if found is not None:
                self._held.keep(fingerprint, found)
        return found

    def keep(self, fingerprint: str, template: Template) -> None:
        """Keep the SQL of a plan."""
        self._held.keep(fingerprint, template)
        if self._root is not None:
            pieces = [one if isinstance(one, str) else [written(one)] for one in template.pieces]
            seal(self._root, f"{COMPILED}/{fingerprint}", pieces)
            _prune(self._root / FOLDER / COMPILED)

    def forget(self) -> None:
        """Let go of everything, files too."""
        self._held.clear()
        if self._root is not None:
            for file in _files(self._root / FOLDER / COMPILED):
                with suppress(OSError):
                    os.unlink(file)


def _template(pieces: Any) -> Template | None:
    if pieces is None:
        return None
    return Template(tuple(one if isinstance(one, str) else read(one[0]) for one in pieces))


def _prune(folder: Path) -> None:
    """Leave the newer half where there are too many."""
    files = _files(folder)
    if len(files) > KEPT_IN_FILES:
        with suppress(OSError):  # another process tidies up as well
            for file in sorted(files, key=lambda one: one.stat().st_mtime)[: KEPT_IN_FILES // 2]:
                os.unlink(file)


def _files(folder: Path) -> list[os.DirEntry[str]]:
    """What may be thrown away: a repository may bring a folder that is a link to one with other people's files."""
    if folder.is_symlink() or folder.parent.is_symlink():
        return []
    with suppress(OSError):
        return [one for one in os.scandir(folder) if one.is_file(follow_symlinks=False)]
    return []
