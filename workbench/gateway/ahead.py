"""What a thread makes to what an event loop takes: some of it ahead of time, and never more than that."""

from __future__ import annotations

import asyncio
import threading
from typing import Generic, TypeVar

T = TypeVar("T")

AHEAD = 2
"""How much may wait to be taken."""


class Ahead(Generic[T]):
    """A line from one thread to one task; the thread is held up while the line is full, and told when to stop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._room = threading.Semaphore(AHEAD)
        self._made: asyncio.Queue[T | None] = asyncio.Queue()
        self._is_closed = False

    def put(self, one: T | None) -> bool:
        """Hand over what was made, None after the last, once there is room; False where nobody takes more."""
        self._room.acquire()
        if not self._is_closed:
            self._loop.call_soon_threadsafe(self._made.put_nowait, one)
        return not self._is_closed

    async def take(self) -> T | None:
        """The next; None after the last."""
        one = await self._made.get()
        self._room.release()
        return one

    def close(self) -> None:
        """Take no more."""
        self._is_closed = True
        self._room.release()
