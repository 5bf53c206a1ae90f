"""Turns a blocking call into one that Ctrl-C stops at once, by running it in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")

POLL = 0.05
"""How often the waiting thread wakes to let a signal in; a finished call wakes it at once."""
PATIENCE = 3.0
"""How long a stopped call may take to end; some single scalar calls of an engine do not hear an interrupt."""


class _Outcome(Generic[T]):
    """What became of the call: as a context it keeps the error raised inside, so that no ``except`` is needed."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.value: T | None = None
        self.error: BaseException | None = None

    def __enter__(self) -> _Outcome[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.error = error
        self.done.set()
        return True


def call(work: Callable[[], T], stop: Callable[[], None]) -> T:
    """What ``work`` returns or raises; on KeyboardInterrupt ``stop`` is called until ``work`` has ended.

    An interrupt sent before the engine has begun is lost, hence the repetition. A call that ends in spite of
    ``stop`` after more than PATIENCE seconds ends alone, in its own thread: the asker has the prompt back.
    """
    outcome: _Outcome[T] = _Outcome()

    def body() -> None:
        with outcome:
            outcome.value = work()

    try:
        threading.Thread(target=body, name="warehouse-query", daemon=True).start()
        while not outcome.done.wait(POLL):
            pass
    except KeyboardInterrupt:
        _end(outcome.done, stop)
        raise
    if outcome.error is not None:
        raise outcome.error
    return outcome.value  # type: ignore[return-value]  # no error, so the value has been set


def _end(done: threading.Event, stop: Callable[[], None]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        stop()
        if done.wait(0.01):
            return
