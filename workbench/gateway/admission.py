"""Who may run a question now, who waits, and who is told to come back: a turn for each user in the round."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from workbench.errors import Problem, WorkbenchError

GUESS = 1.0
"""Seconds that a turn takes as long as none has ended."""
REMEMBERED = 64
LATELY = 10.0
"""Seconds for which room is left for a user who has asked: who thinks before the next question has not gone."""
MUCH, TIMES = 2.0, 3.0
"""Seconds that a user's turns took lately, and how often the others' mean: who took more stands back a little."""


class Busy(WorkbenchError):
    """There is no room now: ``status`` 429 where the asker has too much going on, 503 where everybody together has."""

    def __init__(self, problem: Problem, status: int, retry_after: float) -> None:
        super().__init__(problem)
        self.status = status
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Lane:
    """How much of one kind of work there may be: running in all and per user, waiting in all and per user."""

    running: int
    running_per_user: int
    waiting: int
    waiting_per_user: int


@dataclass(slots=True, eq=False)
class Turn:
    """One piece of work of one user: waiting, then running."""

    user: str
    lane: str
    id: str
    began: float | None = None
    stands_back: bool = False
    waited: float = 0.0
    ready: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class _Line:
    """The waiting and the running of one lane; ``round`` holds the users who wait, the next one first."""

    lane: Lane
    waiting: dict[str, deque[Turn]] = field(default_factory=dict)
    round: deque[str] = field(default_factory=deque)
    running: dict[str, int] = field(default_factory=dict)
    lately: dict[str, float] = field(default_factory=dict)
    took: dict[str, deque[tuple[float, float]]] = field(default_factory=dict)
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def usual(self) -> float:
        """Seconds that a turn has taken lately, in the mean: the throughput follows from that."""
        return sum(self.seconds) / len(self.seconds) if self.seconds else GUESS

    def share(self, now: float) -> int:
        """How many turns of one user may run at once: all that are allowed where nobody else has asked lately."""
        for user in [user for user, at in self.lately.items() if now - at > LATELY and user not in self.running]:
            del self.lately[user]
            self.took.pop(user, None)
        return max(1, min(self.lane.running_per_user, self.lane.running // max(1, len(self.lately))))

    def takes_much(self, user: str, now: float) -> bool:
        """Whether a user's turns took much lately, and far more than those of the others who asked."""
        took = {one: sum(s for at, s in self.took.get(one, ()) if now - at <= LATELY) for one in self.lately}
        mine = took.pop(user, 0.0)
        return bool(took) and mine > max(MUCH, TIMES * sum(took.values()) / len(took))

    def order(self) -> list[Turn]:
        """All who wait, as their turns will come."""
        left = {user: list(turns) for user, turns in self.waiting.items()}
        deepest = max(map(len, left.values()), default=0)
        return [left[user][depth] for depth in range(deepest) for user in self.round if depth < len(left[user])]


class Admission:
    """Lets work run in turn; one event loop uses it, and threads may read it."""

    def __init__(self, lanes: Mapping[str, Lane], clock: Callable[[], float] = time.monotonic) -> None:
        self._lines = {name: _Line(lane) for name, lane in lanes.items()}
        self._clock = clock
        self._ids = count(1)
        self._running: set[str] = set()

    @asynccontextmanager
    async def turn(self, user: str, lane: str, id: str = "") -> AsyncIterator[Turn]:
        """Wait for one's turn and hold it; raises `Busy` (too-many, overloaded) rather than wait without end."""
        line = self._lines[lane]
        mine = Turn(user, lane, id or f"turn-{next(self._ids)}")
        asked = self._clock()
        self._enter(line, mine)
        try:
            await mine.ready.wait()
            mine.waited = self._clock() - asked
            yield mine
        finally:
            self._leave(line, mine)

    def position(self, id: str) -> int | None:
        """How many turns come before the one of that id, counting from 1; 0 while it runs; None for an unknown one."""
        for line in self._lines.values():
            place = next((n for n, turn in enumerate(line.order(), 1) if turn.id == id), None)
            if place is not None:
                return place
        return 0 if id in self._running else None

    def waiting(self, lane: str) -> int:
        """How many wait in a lane."""
        return sum(map(len, self._lines[lane].waiting.values()))

    def running(self, lane: str) -> int:
        """How many run in a lane."""
        return sum(self._lines[lane].running.values())

    def retry_after(self, lane: str, ahead: int | None = None) -> float:
        """Seconds until a new turn would probably begin, as the last ones went; at least one."""
        line = self._lines[lane]
        before = self.waiting(lane) if ahead is None else ahead
        return float(max(1, math.ceil((before + 1) * line.usual() / line.lane.running)))

    def _enter(self, line: _Line, mine: Turn) -> None:
        line.lately[mine.user] = self._clock()
        own = line.waiting.setdefault(mine.user, deque())
        own.append(mine)
        if mine.user not in line.round:
            line.round.append(mine.user)
        self._admit(line)
        if mine.began is None and (busy := self._busy(line, mine)):
            self._remove(line, mine)
            raise busy

    def _busy(self, line: _Line, mine: Turn) -> Busy | None:
        """Why a turn may not even wait."""
        own = line.waiting[mine.user]
        if len(own) > line.lane.waiting_per_user:
            after = self.retry_after(mine.lane, line.order().index(own[0]))
            said = f"'{mine.user}' already has {line.lane.waiting_per_user} questions waiting."
            return Busy(Problem("too-many", said, hint=f"Ask again in {after:.0f} s."), 429, after)
        if self.waiting(mine.lane) > line.lane.waiting:
            after = self.retry_after(mine.lane, line.lane.waiting)
            said = "more questions are waiting than can be answered soon."
            return Busy(Problem("overloaded", said, hint=f"Ask again in {after:.0f} s."), 503, after)
        return None

    def _admit(self, line: _Line) -> None:
        """Let run who may: the users in their round, each as long as they have not too much running."""
        share = line.share(self._clock())
        while sum(line.running.values()) < line.lane.running:
            user = next((u for u in line.round if line.running.get(u, 0) < share), None)
            if user is None:
                return
            turn = line.waiting[user][0]
            self._remove(line, turn)
            if user in line.round:  # more of theirs waits: behind everybody else
                line.round.remove(user)
                line.round.append(user)
            line.running[user] = line.running.get(user, 0) + 1
            turn.began = self._clock()
            turn.stands_back = line.takes_much(user, turn.began)
            self._running.add(turn.id)
            turn.ready.set()

    def _remove(self, line: _Line, turn: Turn) -> None:
        own = line.waiting[turn.user]
        own.remove(turn)
        if not own:
            del line.waiting[turn.user]
            line.round.remove(turn.user)

    def _leave(self, line: _Line, mine: Turn) -> None:
        if mine.began is None:
            self._remove(line, mine)
            return
        self._running.discard(mine.id)
        line.seconds.append(self._clock() - mine.began)
        now = line.lately[mine.user] = self._clock()
        line.took.setdefault(mine.user, deque(maxlen=REMEMBERED)).append((now, now - mine.began))
        line.running[mine.user] -= 1
        if not line.running[mine.user]:
            del line.running[mine.user]
        self._admit(line)
