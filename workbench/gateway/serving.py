"""A workspace's files to the sessions that stand on them now: read anew when they change, swapped when they hold."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from workbench.access.principal import Principal
from workbench.declare.manifest import digest
from workbench.declare.workspace import FOLDERS, Workspace, load
from workbench.errors import DeclarationError, Problem, WorkbenchError
from workbench.quality.problems import find_problems
from workbench.session.draft_book import DraftBook
from workbench.session.ground import Ground
from workbench.session.session import Session
from workbench.warehouse.releases import CURRENT, Releases

if TYPE_CHECKING:
    from workbench.warehouse.engine import Engine
    from workbench.warehouse.ledger import Ledger

MOST = 500
"""Sessions kept; beyond, the one that was not used for longest is let go of and made anew when needed."""
SETTLED = 3.0
"""Seconds after which files that go on changing are read nevertheless."""

Seen = frozenset[tuple[str, int, int, int, int]]


@dataclass(slots=True)
class _Version:
    """One state of the declarations, and the sessions that stand on it."""

    ground: Ground
    sessions: OrderedDict[tuple[object, ...], Session] = field(default_factory=OrderedDict)


class Serving:
    """The declarations as they are served, and a session for each principal; any thread may use it."""

    def __init__(
        self, root: Path, engine: Engine, ledger: Ledger | None, drafts: DraftBook, released: Releases | None = None
    ) -> None:
        """Serves what ``released`` says; before a first release, and without it, the files as they lie at ``root``."""
        self.root = root
        self.released = released
        self.drafts = drafts
        self.problems: tuple[Problem, ...] = ()
        self._engine = engine
        self._ledger = ledger
        self._lock = Lock()
        self._looking = Lock()
        self._served = self._seen = self._marks()
        self._changing = 0.0
        self._version = _Version(self._ground())

    @property
    def workspace(self) -> Workspace:
        """The declarations that are served."""
        return self._version.ground.workspace

    @property
    def ground(self) -> Ground:
        """What sessions stand on now."""
        return self._version.ground

    @property
    def engine(self) -> Engine:
        """The warehouse."""
        return self._engine

    def session(self, principal: Principal) -> Session:
        """The session of a principal over what is served now, with their drafts in it."""
        version = self._version
        key = _key(principal)
        with self._lock:
            found = version.sessions.get(key)
            if found is not None:
                version.sessions.move_to_end(key)
                return found
        made = self._made(version.ground, principal)
        with self._lock:
            found = version.sessions.setdefault(key, made)
            while len(version.sessions) > MOST:
                version.sessions.popitem(last=False)
        return found

    def forget(self, person: str) -> None:
        """Make the sessions of one person anew, as after a change of their drafts."""
        with self._lock:
            sessions = self._version.sessions
            for key in [key for key in sessions if key[0] == person]:
                del sessions[key]

    def look(self) -> bool:
        """Read the files if they have changed and come to rest; True where what is served is another now.

        What is broken is not served: the state before goes on, and ``problems`` says what is wrong.
        """
        with self._looking:
            return self._look()

    def settle(self) -> None:
        """Serve what is released now, at once: it is whole as soon as it can be seen, as a folder at work is not."""
        with self._looking:
            if self.released is not None and self.released.current() is not None:
                self._seen = self._marks()
                self._look()

    def _look(self) -> bool:
        now = self._marks()
        if now == self._served:
            return False
        if now != self._seen:  # perhaps still being written
            self._changing = self._changing if self._seen != self._served else time.monotonic()
            self._seen = now
            if time.monotonic() - self._changing < SETTLED:
                return False
        self._served = self._seen = now
        try:
            ground = self._ground()
        except WorkbenchError as error:
            self.problems = error.problems
            return False
        with self._lock:
            self._version, self.problems = _Version(ground), ()
        return True

    def _ground(self) -> Ground:
        """What is to be served now, if it is whole and nothing is wrong in it."""
        current = self.released.current() if self.released else None
        folder = self.released.served() if self.released else None
        if current is None or folder is None:
            return Ground(sound(self.root), self._engine, self._ledger)
        release = f"{current.manifest.number}:{digest(current.manifest)[:8]}"
        return Ground(replace(sound(folder), root=self.root), self._engine, self._ledger, release)

    def _marks(self) -> Seen:
        """What tells whether something else is to be served: another release, or other files."""
        current = self.released.current() if self.released else None
        if self.released is None or current is None:
            return seen(self.root)
        name = digest(current.manifest)
        return seen(self.released.content(name)) | frozenset(_mark(str(self.released.folder / CURRENT)))

    def _made(self, ground: Ground, principal: Principal) -> Session:
        session = Session(ground.workspace, principal, ground.engine, ground.ledger, ground=ground)
        self.drafts.take_up(principal.name, session.draft)
        return session


def sound(root: Path) -> Workspace:
    """The workspace, if nothing in it is wrong; raises `DeclarationError` otherwise."""
    workspace = load(root).require()
    problems = [problem for problem in find_problems(workspace) if problem.severity == "error"]
    if problems:
        raise DeclarationError(problems)
    return workspace


def seen(root: Path) -> Seen:
    """What tells one state of the declarations' files from another; reading them is not needed for it."""
    return frozenset(_marks(root))


def _marks(root: Path) -> Iterator[tuple[str, int, int, int, int]]:
    for folder in FOLDERS:
        for place, _, names in os.walk(root / folder):
            for name in names:
                if name.endswith((".yml", ".yaml")):
                    yield from _mark(os.path.join(place, name))
    yield from _mark(str(root / "pyproject.toml"))


def _mark(path: str) -> Iterator[tuple[str, int, int, int, int]]:
    with suppress(OSError):  # gone meanwhile
        found = os.stat(path)
        # The time of the last change of the inode cannot be set by hand, as that of the content can.
        yield path, found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _key(principal: Principal) -> tuple[object, ...]:
    attributes = tuple((name, tuple((type(v), v) for v in values)) for name, values in principal.attributes.items())
    return (principal.name, principal.groups, principal.roles, principal.environment, principal.can, attributes)
