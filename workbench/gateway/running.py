"""The questions on their way through the gateway: who asked, how far each is, and how it is stopped."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from workbench.errors import Problem, QuestionError
from workbench.gateway.wire import QueryState
from workbench.warehouse.interruptible import Cancel

STOPPED = Problem("stopped", "The query was stopped before it ended.")
LEAVING = Problem("shutting-down", "The gateway is shutting down.", hint="Ask again in a while.")
_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


@dataclass(slots=True, eq=False)
class Running:
    """One question on its way; it is stopped from the event loop, and its threads hear of it."""

    id: str
    asker: str = ""
    kind: Literal["metric", "sql", ""] = ""
    state: Literal["waiting", "running"] = "waiting"
    rows: int = 0
    began: float = field(default_factory=time.monotonic)
    cancel: Cancel = field(default_factory=Cancel)
    stoppers: list[Callable[[], object]] = field(default_factory=list)

    def stop(self, reason: Problem = STOPPED) -> None:
        """Stop it where it is: waiting, running here, or in a worker."""
        self.cancel.cancel(reason)
        for stopper in tuple(self.stoppers):
            stopper()


class Queries:
    """All questions on their way, by their ids."""

    def __init__(self, position: Callable[[str], int | None]) -> None:
        self._running: dict[str, Running] = {}
        self._position = position

    def __len__(self) -> int:
        return len(self._running)

    @contextmanager
    def track(self, id: str) -> Iterator[Running]:
        """Keep a question here for as long as it takes; raises `QuestionError` (already-there) for an id in use."""
        if id in self._running:  # two requests chose it, and neither was here yet when both were let in
            raise QuestionError(Problem("already-there", "another request has this id.", hint="Choose a fresh one."))
        running = self._running[id] = Running(id)
        try:
            yield running
        finally:
            del self._running[id]

    def free_id(self, wanted: str | None) -> str:
        """The id a client wants for its request, if it is one that nobody has; otherwise a fresh one."""
        if wanted and _ID.fullmatch(wanted) and wanted not in self._running:
            return wanted
        return uuid.uuid4().hex

    def of(self, asker: str) -> tuple[QueryState, ...]:
        """Those of one asker, the oldest first."""
        return tuple(self._state(one) for one in tuple(self._running.values()) if asker and one.asker == asker)

    def state(self, id: str, asker: str) -> QueryState:
        """How far one of the asker's is; raises `QuestionError` (unknown-query)."""
        return self._state(self.find(id, asker))

    def find(self, id: str, asker: str) -> Running:
        """One of the asker's own: another's reads as one that is not there."""
        found = self._running.get(id)
        if found is None or found.asker != asker or not asker:
            raise QuestionError(Problem("unknown-query", "no query of yours with that id is on its way."))
        return found

    def stop_all(self, reason: Problem = LEAVING) -> None:
        """Stop every one, as when the gateway is shutting down."""
        for one in tuple(self._running.values()):
            one.stop(reason)

    def _state(self, one: Running) -> QueryState:
        place = self._position(one.id) or 0 if one.state == "waiting" else 0
        elapsed = round(time.monotonic() - one.began, 3)
        return QueryState(one.id, one.kind, one.state, place, elapsed, one.rows)
