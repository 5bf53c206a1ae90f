"""Turns a blocking call into one that Ctrl-C or a Cancel stops at once, by running it in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Generic, TypeVar

from workbench.errors import Problem, WarehouseError

T = TypeVar("T")

POLL = 0.05
"""How often the waiting thread wakes to let a signal in; a finished call wakes it at once."""
PATIENCE = 3.0
"""How long a stopped call may take to end; some single scalar calls of an engine do not hear an interrupt."""


class Cancel:
    """A wish to stop, made in any thread; calls `under` it hear of it."""

    def __init__(self) -> None:
        self._wished = threading.Event()
        self._reason = Problem("stopped", "The query was stopped before it ended.")
        self._stops: list[Callable[[], object]] = []
        self._changing = threading.Lock()

    @property
    def wished(self) -> bool:
        """Whether somebody wants it stopped."""
        return self._wished.is_set()

    def cancel(self, reason: Problem | None = None) -> None:
        """Stop what runs under this, and whatever would start; ``reason`` is what its asker is told."""
        with self._changing:
            if self.wished:
                return
            self._reason = reason or self._reason
            self._wished.set()
            if self._stops:
                threading.Thread(target=self._insist, name="cancel", daemon=True).start()

    def check(self) -> None:
        """Pass unless stopping is wished."""
        if self.wished:
            raise WarehouseError(self._reason)

    @contextmanager
    def hearing(self, stop: Callable[[], object]) -> Iterator[None]:
        """What runs inside is stopped by ``stop``, from whatever thread it is wished."""
        with self._changing:
            self.check()
            self._stops.append(stop)
        try:
            yield
        finally:
            with self._changing:
                self._stops.remove(stop)

    def _insist(self) -> None:
        """Stop until it has ended: what is sent before the engine has begun is lost."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with self._changing:
                if not self._stops:
                    return
                for stop in self._stops:
                    stop()
            time.sleep(0.01)


_cancel: ContextVar[Cancel | None] = ContextVar("cancel", default=None)


@contextmanager
def under(cancel: Cancel) -> Iterator[None]:
    """Calls made inside stop when ``cancel`` says so."""
    before = _cancel.set(cancel)
    try:
        yield
    finally:
        _cancel.reset(before)


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
    """What ``work`` returns or raises; on KeyboardInterrupt or a `Cancel`, ``stop`` is called until it has ended.

    An interrupt sent before the engine has begun is lost, hence the repetition. A call that ends in spite of
    ``stop`` after more than PATIENCE seconds ends alone, in its own thread: the asker has the prompt back.
    """
    cancel = _cancel.get()
    if cancel is not None:  # then nobody's Ctrl-C is to be heard, and this thread may as well do the work itself
        with cancel.hearing(stop):
            return work()
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
