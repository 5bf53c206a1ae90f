"""Keeps the record of what was asked and of what was found of keys, without an answer ever waiting for it."""

from __future__ import annotations

import atexit
import hashlib
import threading
import uuid
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Literal

from workbench.errors import Problem

if TYPE_CHECKING:
    from workbench.warehouse.ledger_store import LedgerStore

QUIET = 1.0
"""Seconds from a first note to its writing: loading the database's code must not compete with a first answer."""
GATHER = 1.0
"""Seconds that later notes wait for company: each writing costs the questions that are asked meanwhile."""
PATIENCE = 10.0
"""Seconds that a flush may take before the ledger is given up."""


@dataclass(frozen=True, slots=True)
class Run:
    """One thing asked: who, what kind, what about, and how it ended. ``fingerprint`` names the SQL, not its rows."""

    asker: str
    kind: str
    subject: tuple[str, ...]
    fingerprint: str
    rows: int
    seconds: float
    outcome: str
    restrictions: int = 0
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True, slots=True)
class KeyFact:
    """What one version of the data says of a declared key, or with ``role`` of a relationship and its partners.

    ``identity`` names what was read, so that a verdict never outlives a change of the declaration. Orphans are facts
    about the data and break nothing; they form the NULL group.
    """

    model: str
    key: tuple[str, ...]
    role: str
    identity: str
    version: str
    verdict: Literal["sound", "broken"]
    rows: int
    nulls: int
    duplicates: int = 0
    orphans: int = 0
    sample: tuple[str, ...] = ()
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def matched(self) -> int:
        """Rows of a relationship that find their partner."""
        return self.rows - self.nulls - self.orphans

    @property
    def multiplies(self) -> bool:
        """Whether a join on it gives some rows several times; NULLs alone meet nothing."""
        return self.duplicates > 0


Note = Run | KeyFact


class Ledger:
    """The record at one database URL; notes are written by a thread of its own and flushed on close and at exit.

    A laptop's ledger is a convenience: where it cannot be written it says so once, and answers go on.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.problem: Problem | None = None
        self._queue: SimpleQueue[Note | threading.Event] = SimpleQueue()
        self._writer: threading.Thread | None = None
        self._starting = threading.Lock()
        self._hurry = threading.Event()
        self._store: LedgerStore | None = None
        self._warned = False

    @classmethod
    def open(cls, url: str) -> Ledger:
        """The ledger at an SQLAlchemy URL; nothing is loaded or created before the first note."""
        return cls(url)

    def note(self, note: Note) -> None:
        """Queue one run or fact to be written; returns at once and never fails."""
        self._queue.put(note)
        if self._writer is None:
            self._start()
        self._warn_once()

    def note_run(
        self,
        *,
        asker: str,
        kind: str,
        subject: Iterable[str],
        sql: str,
        rows: int,
        seconds: float,
        outcome: str,
        restrictions: int = 0,
    ) -> None:
        """Queue one run described by its SQL, which itself is not kept: literals in it may be secret."""
        fingerprint = hashlib.sha256(sql.encode()).hexdigest()[:16]
        self.note(Run(asker, kind, tuple(subject), fingerprint, rows, seconds, outcome, restrictions))

    def recent(self, limit: int = 50, asker: str | None = None) -> tuple[Run, ...]:
        """The latest runs, newest first, this process's own included; raises `WarehouseError` (ledger-unreadable)."""
        from workbench.warehouse.ledger_store import LedgerStore

        self.flush()
        store = LedgerStore(self.url)
        try:
            return store.recent(limit, asker)
        finally:
            store.close()

    def key_facts(self, version: str) -> tuple[KeyFact, ...]:
        """What is recorded of keys in one version of the data, oldest first; nothing where it cannot be read."""
        from workbench.warehouse.ledger_facts import key_facts

        return key_facts(self.url, version)

    def flush(self) -> None:
        """Wait until all that was noted is written, or cannot be."""
        if self._writer is not None and self._writer.is_alive():
            written = threading.Event()
            self._queue.put(written)
            self._hurry.set()
            written.wait(PATIENCE)
            self._warn_once()

    def close(self) -> None:
        """Write what is left; the ledger may be used again, and closing twice is fine."""
        self.flush()
        if self._store is not None:
            self._store.close()  # lets SQLite fold its write-ahead log into the file
        atexit.unregister(self.close)

    def _start(self) -> None:
        with self._starting:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="ledger", daemon=True)
                self._writer.start()
        atexit.register(self.close)

    def _warn_once(self) -> None:
        # In the asker's thread, where a warning is seen and can be filtered.
        if self.problem is not None and not self._warned:
            self._warned = True
            warnings.warn(str(self.problem), stacklevel=3)

    def _write(self) -> None:
        first = self._queue.get()
        self._hurry.wait(QUIET)
        from workbench.errors import WarehouseError
        from workbench.warehouse.ledger_store import LedgerStore

        self._store = LedgerStore(self.url)
        waiting: list[Note | threading.Event] = [first]
        while True:
            waiting += self._drain()
            try:
                self._store.append([item for item in waiting if not isinstance(item, threading.Event)])
            except WarehouseError as error:
                self.problem = error.problems[0]
            for item in waiting:
                if isinstance(item, threading.Event):
                    item.set()
            waiting = [self._queue.get()]
            self._hurry.wait(0 if isinstance(waiting[0], threading.Event) else GATHER)
            self._hurry.clear()

    def _drain(self) -> list[Note | threading.Event]:
        items: list[Note | threading.Event] = []
        while True:
            try:
                items.append(self._queue.get_nowait())
            except Empty:
                return items
