"""A pool of worker processes: each ad hoc statement gets one of its own for as long as it runs."""

from __future__ import annotations

import threading
import time
from collections import deque
from pathlib import Path

from workbench.errors import Problem, WarehouseError
from workbench.warehouse.limits import STOPPED, Limits
from workbench.warehouse.worker_process import START, Rows, WorkerProcess

SPARES = 1
"""Workers started beyond those that may run at once, so that one that was killed is replaced without a wait."""
MOST_FAILURES = 5
"""Workers that may fail to start in a row before those who wait are told."""


class Workers:
    """Keeps ``size`` workers and a spare over one warehouse file; safe to use from any thread."""

    def __init__(self, path: Path, size: int = 2, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._path = path
        self._wanted = size + SPARES
        self._size = size
        self._idle: deque[WorkerProcess] = deque()
        self._all: set[WorkerProcess] = set()
        self._running: dict[str, Rows | None] = {}
        self._cancelled: set[str] = set()
        self._change = threading.Condition()
        self._failures = 0
        self._closed = False
        self._starter = threading.Thread(target=self._keep_started, name="worker-starter", daemon=True)
        self._starter.start()

    def stream(self, scoped_sql: str, *, query_id: str, limits: Limits | None = None) -> Rows:
        """Begin a statement that the sandbox has scoped; its rows know their schema, and are to be closed.

        Blocks until a worker is free and has bound the statement. Raises what is wrong with it, unredacted.
        """
        worker = self._take(query_id)
        rows = worker.rows(limits or self.limits, lambda retires: self._give_back(query_id, worker, retires))
        with self._change:
            self._running[query_id] = rows
            is_cancelled = query_id in self._cancelled
        if is_cancelled:
            rows.stop()
        rows.begin(scoped_sql)
        return rows

    def cancel(self, query_id: str) -> bool:
        """Stop the statement of that id, waiting or running; False where there is none."""
        with self._change:
            if query_id not in self._running:
                return False
            self._cancelled.add(query_id)
            rows = self._running[query_id]
            self._change.notify_all()
        if rows is not None:
            rows.stop()
        return True

    def await_ready(self, seconds: float = START) -> bool:
        """Wait until a worker can be asked; False where none could in that time."""
        with self._change:
            return self._change.wait_for(lambda: bool(self._idle) or self._closed, seconds) and not self._closed

    @property
    def ready(self) -> int:
        """How many workers wait for a statement."""
        return len(self._idle)

    @property
    def running(self) -> tuple[str, ...]:
        """The ids of the statements that run or wait for a worker."""
        return tuple(self._running)

    @property
    def pids(self) -> tuple[int, ...]:
        """The process numbers of all workers."""
        return tuple(worker.pid for worker in tuple(self._all))

    def close(self) -> None:
        """Kill every worker; whoever waits is told."""
        with self._change:
            self._closed = True
            workers = tuple(self._all)
            self._all.clear()
            self._idle.clear()
            self._change.notify_all()
        for worker in workers:
            worker.kill("worker-lost")
        self._starter.join(START)
        for worker in workers:
            worker.close()

    def _take(self, query_id: str) -> WorkerProcess:
        """A worker for this id alone; raises where it is cancelled first, or none can be started."""
        deadline = time.monotonic() + START
        with self._change:
            self._running[query_id] = None
            try:
                while True:
                    self._raise_if_hopeless(query_id, deadline)
                    while self._idle and len(self._all) - len(self._idle) < self._size:
                        worker = self._idle.popleft()
                        if worker.is_alive:
                            return worker
                        self._discard(worker)
                    self._change.wait(0.5)
            except WarehouseError:
                self._forget(query_id)
                raise

    def _raise_if_hopeless(self, query_id: str, deadline: float) -> None:
        if query_id in self._cancelled:
            raise WarehouseError(STOPPED["cancelled"])
        if self._closed:
            raise WarehouseError(Problem("closed", "The gateway is shutting down.", hint="Ask again in a while."))
        if self._failures >= MOST_FAILURES or time.monotonic() > deadline:
            raise WarehouseError(
                Problem("worker-lost", "No process could be started to run this query.", hint="Ask again in a while.")
            )

    def _give_back(self, query_id: str, worker: WorkerProcess, retires: bool) -> None:
        with self._change:
            self._forget(query_id)
            if worker in self._all:
                if retires or not worker.is_alive:
                    self._discard(worker)
                else:
                    self._idle.append(worker)
            self._change.notify_all()

    def _forget(self, query_id: str) -> None:
        self._running.pop(query_id, None)
        self._cancelled.discard(query_id)

    def _discard(self, worker: WorkerProcess) -> None:
        self._all.discard(worker)
        self._change.notify_all()
        threading.Thread(target=worker.close, name="worker-end", daemon=True).start()

    def _keep_started(self) -> None:
        """Start workers until there are enough, whenever there are not."""
        while True:
            with self._change:
                self._change.wait_for(lambda: self._closed or len(self._all) < self._wanted)
                if self._closed:
                    return
            worker = WorkerProcess(self._path, self.limits)
            is_ready = worker.await_ready()
            with self._change:
                self._failures = 0 if is_ready else self._failures + 1
                if is_ready and not self._closed:
                    self._all.add(worker)
                    self._idle.append(worker)
                    self._change.notify_all()
                    continue
                pause = min(0.1 * 2**self._failures, 5.0) if not self._closed else 0
                self._change.notify_all()
            worker.close()
            time.sleep(pause)
