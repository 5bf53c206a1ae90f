"""Decisions and questions to a chain of entries in the ledger; a question's entry is durable before it runs."""

from __future__ import annotations

import atexit
import hmac
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from workbench.errors import Problem, WarehouseError
from workbench.warehouse.audit_entry import Entry, clean, sealed, words
from workbench.warehouse.audit_head import Head, HeadFile
from workbench.warehouse.audit_read import Seen, Verdict, search, verify
from workbench.warehouse.audit_table import add, hash_of, is_ended, last
from workbench.warehouse.ledger_database import begin_alone, open_database

CHAINING = 0x61756469
"""The number of PostgreSQL's advisory lock under which one process at a time adds to the chain."""
BATCH = 1000
"""Entries that one commit takes at most."""
GATHER = 0.25
"""Seconds that an end waits for company before it is written."""
IDLE = 5.0
"""Seconds without an end after which the thread that writes them is let go."""
RETRY = 0.5
"""Seconds until ends that could not be written are tried again."""


@dataclass(slots=True)
class _Waiting:
    """An entry to be written; ``is_uncertain`` where a commit broke off that may have written it."""

    entry: Entry
    is_uncertain: bool = False
    done: bool = False
    problem: Problem | None = None


class Audit:
    """The chain at one database URL, for threads and processes alike; entries that wait together share a commit.

    ``key`` makes the hashes, so that no one else can; ``head`` is the file that says how far the chain has come.
    """

    def __init__(self, url: str, key: bytes, head: Path) -> None:
        self._url = sa.make_url(url)
        self._key = key
        self._head = HeadFile(head, key)
        self._engine: sa.Engine | None = None
        self._pending: deque[_Waiting] = deque()
        self._committing = threading.Lock()
        self._late = threading.Event()
        self._following = threading.Lock()
        self._follower: threading.Thread | None = None

    def begin(
        self,
        *,
        principal: str,
        verb: str,
        resources: Iterable[str] = (),
        rules: Iterable[str] = (),
        sql: str = "",
        policy: str = "",
        release: str = "",
        request: str = "",
    ) -> str:
        """Record that a question is about to run, and return its id once the record is durable.

        Raises `WarehouseError` (audit-unwritable, audit-broken); then the question must not run.
        """
        entry = Entry(
            "begin", clean(principal), clean(verb), words(resources), "allow", words(rules), clean(policy),
            clean(release), self.fingerprint(sql), clean(request),
        )  # fmt: skip
        self._write(entry)
        return entry.id

    def end(self, id: str, outcome: str, rows: int = 0, seconds: float = 0.0) -> None:
        """Record how the question ended; returns at once, and is tried until the database takes it."""
        self._pending.append(_Waiting(Entry("end", rows=rows, micros=round(seconds * 1e6), outcome=outcome, id=id)))
        with self._following:
            self._late.set()
            if self._follower is None:
                self._follower = threading.Thread(target=self._follow, name="audit", daemon=True)
                self._follower.start()
                atexit.register(self.close)

    def decision(
        self,
        *,
        principal: str,
        verb: str,
        allowed: bool,
        resources: Iterable[str] = (),
        rules: Iterable[str] = (),
        sql: str = "",
        policy: str = "",
        release: str = "",
        request: str = "",
    ) -> None:
        """Record that something was allowed, or refused; returns once that is durable, and raises as `begin` does."""
        self._write(
            Entry(
                "decision",
                clean(principal),
                clean(verb),
                words(resources),
                "allow" if allowed else "deny",
                words(rules),
                clean(policy),
                clean(release),
                self.fingerprint(sql),
                clean(request),
            )  # fmt: skip
        )

    def fingerprint(self, sql: str) -> str:
        """What names the SQL here without telling it: literals in it may be secret, and guessed from a plain hash."""
        return hmac.digest(self._key, b"sql " + sql.encode("utf-8", "replace"), "sha256").hex()[:32] if sql else ""

    def search(
        self, user: str = "", table: str = "", since: str = "", denied: bool = False, limit: int = 100
    ) -> tuple[Seen, ...]:
        """Who did what, newest first; ``since`` is a moment as ISO 8601 has it. Raises `WarehouseError`."""
        self.flush()
        try:
            with self._opened().connect() as connection:
                return search(connection, user, table, since, denied, limit)
        except (SQLAlchemyError, OSError) as error:
            raise WarehouseError(self._problem("audit-unreadable", "cannot be read", error)) from None

    def verify(self) -> Verdict:
        """Whether every entry is there, in its place and as it was written; raises `WarehouseError` if unreadable."""
        self.flush()
        try:
            with self._opened().connect() as connection:
                return verify(connection, self._key, self._head)
        except (SQLAlchemyError, OSError) as error:
            raise WarehouseError(self._problem("audit-unreadable", "cannot be read", error)) from None

    def is_writable(self) -> bool:
        """Whether a question could be recorded now: the database answers, and the chain has its end."""
        try:
            with self._opened().connect() as connection:
                self._require_head(connection)
        except (WarehouseError, ValueError, SQLAlchemyError, OSError):
            return False
        return True

    def flush(self) -> None:
        """Try to write everything handed over so far."""
        self._commit()

    def close(self) -> None:
        """Write what waits and let go of the database; it may be used again."""
        self.flush()
        with self._committing:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None
        atexit.unregister(self.close)

    # ------------------------------------------------------------------ inside

    def _write(self, entry: Entry) -> None:
        waiting = _Waiting(entry)
        self._pending.append(waiting)
        while not waiting.done:
            self._commit()  # whoever gets the lock first writes for all who wait
        if waiting.problem is not None:
            raise WarehouseError(waiting.problem)

    def _follow(self) -> None:
        """Write ends that no beginning took along, until there are none for a while."""
        while True:
            if not self._late.wait(IDLE):
                with self._following:
                    if not self._late.is_set():
                        self._follower = None
                        return
            self._late.clear()
            time.sleep(GATHER)
            self._commit()
            if self._pending:
                time.sleep(RETRY)
                self._late.set()

    def _commit(self) -> None:
        with self._committing:
            batch: list[_Waiting] = []
            while self._pending and len(batch) < BATCH:
                batch.append(self._pending.popleft())
            problem = self._try(batch) if batch else None
            for one in reversed(batch):
                if problem is not None and one.entry.kind == "end":
                    one.is_uncertain = True
                    self._pending.appendleft(one)  # what ran has an end, told when the database is back
                one.problem, one.done = problem, True

    def _try(self, waiting: Sequence[_Waiting]) -> Problem | None:
        try:
            self._chain(waiting)
        except WarehouseError as error:
            return error.problems[0]
        except ValueError:
            return _broken(f"'{self._head.path}' was not written by this gateway")
        except (SQLAlchemyError, OSError) as error:
            return self._problem("audit-unwritable", "cannot be written", error)
        return None

    def _chain(self, waiting: Sequence[_Waiting]) -> None:
        with self._opened().connect() as connection:
            begin_alone(connection, CHAINING)
            written, previous = last(connection)
            self._require_head(connection, Head(written, previous))
            entries = [one.entry for one in waiting if not (one.is_uncertain and is_ended(connection, one.entry.id))]
            if not entries:
                return
            rows = []
            for number, entry in enumerate(entries, written + 1):
                rows.append(sealed(self._key, previous, number, entry))
                previous = rows[-1]["hash"]
            add(connection, rows)
            connection.commit()
        self._head.advance(Head(written + len(rows), previous))

    def _require_head(self, connection: sa.Connection, end: Head | None = None) -> None:
        """Pass if the chain has all that was written; to go on otherwise would hide what is missing."""
        head = self._head.read()
        if head is not None and head != end and hash_of(connection, head.number) != head.hash:
            raise WarehouseError(_broken(f"entry {head.number} is not the one that was written"))

    def _opened(self) -> sa.Engine:
        if self._engine is None:
            self._engine = open_database(self._url, durable=True)
        return self._engine

    def _problem(self, slug: str, what: str, error: Exception) -> Problem:
        where = self._url.render_as_string(hide_password=True)
        cause = str(getattr(error, "orig", None) or error).partition("\n")[0]
        return Problem(slug, f"The audit in '{where}' {what}: {cause}.", hint="Nothing runs without its record.")


def _broken(what: str) -> Problem:
    return Problem(
        "audit-broken",
        f"The audit was changed from outside: {what}.",
        hint="Run 'workbench audit verify'; bring the ledger back from a copy, or keep it and begin another.",
    )
