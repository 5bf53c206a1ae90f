"""A worker process as seen from its parent: started, asked, watched, and killed when it takes more than it may."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from workbench.errors import Place, Problem, QuestionError, WarehouseError, WorkbenchError
from workbench.warehouse.limits import STOPPED, Limits
from workbench.warehouse.worker_frames import Frame, FrameReader, Unframed

if TYPE_CHECKING:
    import pyarrow as pa

GLANCE = 0.02
"""Seconds between two looks at what a running worker takes."""
GRACE = 0.5
"""Seconds in which a stopped statement may end by itself before its process is killed."""
START = 30.0
"""Seconds in which a worker must have started, on however busy a machine."""
ROOM = 1 << 20
"""Bytes on their way from a worker, where the system allows so many: it makes the next rows meanwhile."""
_ROOT = str(Path(__file__).parents[2])
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_KINDS: dict[str, type[WorkbenchError]] = {"WarehouseError": WarehouseError, "QuestionError": QuestionError}


class WorkerProcess:
    """A process over one warehouse file with limits of its own; one statement at a time, from any thread."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.limits = limits
        self.is_ready = False
        self._cause = ""
        self._number = 0
        self._closing = threading.Lock()
        self._temp = Path(tempfile.mkdtemp(prefix="workbench-worker-"))
        ours, theirs = socket.socketpair()
        self._data, rows = socket.socketpair()
        rows.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
        self._control, self._lines = ours, ours.makefile("rb")
        given = {
            "path": str(Path(path).absolute()),
            "temp": str(self._temp),
            "control": theirs.fileno(),
            "data": rows.fileno(),
            "memory": limits.memory,
            "temp_bytes": limits.temp,
            "threads": limits.threads,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-s", "-m", "workbench.warehouse.worker", json.dumps(given)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(), rows.fileno()),
            cwd="/",  # its own folder is the one place that the engine may write to
            env=_environment(self._temp),
            start_new_session=True,
        )
        theirs.close()
        rows.close()
        # One for all statements: to start a thread for each would take longer than a small one.
        self._watched: SimpleQueue[Rows | None] = SimpleQueue()
        self._watcher = threading.Thread(target=self._watch, name="worker-watch", daemon=True)
        self._watcher.start()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it can still be asked; not where nobody would hold it to its limits."""
        return not self._cause and self._watcher.is_alive() and self._process.poll() is None

    def await_ready(self) -> bool:
        """Wait until it has loaded and opened what it needs; False where it died of that."""
        self._control.settimeout(START)
        try:
            self.is_ready = "ready" in self._hear()
        except (OSError, WorkbenchError):
            self.kill("worker-lost")
            return False
        self._control.settimeout(None)
        return self.is_ready

    def rows(self, limits: Limits, when_ended: Callable[[bool], None] = lambda _: None) -> Rows:
        """The rows of a statement yet to begin; ``when_ended`` is told whether this process should be replaced."""
        self._number += 1
        return Rows(self, self._number, limits, when_ended)

    def ask(self, sql: str, limits: Limits) -> Rows:
        """Begin a statement; what comes back knows its schema. Raises what is wrong with it, or how it ended."""
        rows = self.rows(limits)
        rows.begin(sql)
        return rows

    def kill(self, cause: str) -> None:
        """End the process at once, and say why; the first reason given is the one that is told."""
        with self._closing:
            self._cause = self._cause or cause
            if self._process.poll() is None:
                self._process.kill()

    def close(self) -> None:
        """Kill it and clear away what it left."""
        self.kill("closed")
        self._watched.put(None)
        self._process.wait()
        for end in (self._lines, self._control, self._data):
            end.close()
        shutil.rmtree(self._temp, ignore_errors=True)

    def say(self, message: dict[str, Any]) -> None:
        """One line to the worker; one that has died hears nothing."""
        try:
            self._control.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self.kill("worker-lost")

    def hear(self) -> dict[str, Any]:
        """The next line from the worker; raises why it died."""
        try:
            return self._hear()
        except (OSError, ValueError):
            raise self.lost() from None

    def watch(self, rows: Rows) -> None:
        """Hold a statement to its limits, from another thread, until it is over."""
        self._watched.put(rows)

    def frames(self, most: int) -> FrameReader:
        """The Arrow stream that the worker has begun, of a result that may have so many bytes."""
        return FrameReader(self._data, most)

    def lost(self) -> WarehouseError:
        """Why the process is gone."""
        self.kill("worker-lost")
        code = self._process.wait()
        cause = "too-slow" if code == -signal.SIGXCPU else self._cause
        return WarehouseError(STOPPED.get(cause, STOPPED["worker-lost"]))

    def usage(self) -> tuple[int, float]:
        """Resident bytes and seconds of CPU used so far; nothing where the system doesn't tell."""
        try:
            resident = int(Path(f"/proc/{self.pid}/statm").read_text("ascii").split()[1]) * _PAGE
            ticks = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        except (OSError, IndexError):
            return 0, 0.0
        return resident, (int(ticks[11]) + int(ticks[12])) / _TICK

    def _watch(self) -> None:
        while (rows := self._watched.get()) is not None:
            rows.watch()

    def _hear(self) -> dict[str, Any]:
        line = self._lines.readline()
        if not line:
            raise self.lost()
        message: dict[str, Any] = json.loads(line)
        return message


class Rows:
    """The rows of a running statement, batch by batch; the schema is known first. Close it, read or not.

    Where ``is_passed_on`` is set before the first rows are read, these come as the frames that were sent.
    """

    schema: pa.Schema

    def __init__(self, worker: WorkerProcess, number: int, limits: Limits, when_ended: Callable[[bool], None]) -> None:
        self.rows = 0
        self.bytes = 0
        self.retires = False
        self.is_passed_on = False
        self._worker = worker
        self._number = number
        self._limits = limits
        self._when_ended = when_ended
        self._frames: FrameReader | None = None
        self._reader: pa.RecordBatchReader | None = None
        self._stopped = ""
        self._over = threading.Event()
        self.began = time.perf_counter()
        self._deadline = time.monotonic() + limits.wall_seconds
        self._cpu = worker.usage()[1]

    @property
    def pid(self) -> int:
        """The number of the process that runs it."""
        return self._worker.pid

    def begin(self, sql: str) -> None:
        """Send the statement and read the schema."""
        self._worker.watch(self)
        limits = {"cpu_seconds": self._limits.cpu_seconds, "result": self._limits.result}
        with self._finished_on_failure():
            self._worker.say({"number": self._number, "sql": sql, **limits})
            message = self._worker.hear()
            if "ended" in message:
                raise self._ended(message) or self._worker.lost()
            self._frames = self._worker.frames(self._limits.result)
            self._first = self._read(self._frames.next)
            self.schema = self._read(lambda: _schema(self._first))

    def __iter__(self) -> Iterator[Any]:
        while (batch := self.pass_on() if self.is_passed_on else self.read()) is not None:
            yield batch

    def __enter__(self) -> Rows:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self) -> pa.RecordBatch | None:
        """The next batch; None after the last. Raises how the statement failed, once."""
        if self._over.is_set() or self._frames is None:
            return None
        frames = self._frames
        batch: pa.RecordBatch | None = self._next(lambda: self._decoded(frames))
        if batch is not None:
            self.bytes += batch.nbytes
        return batch

    def pass_on(self) -> Frame | None:
        """The next rows as they were sent; None after the last. Raises as `read` does."""
        if self._over.is_set() or self._frames is None:
            return None
        frame: Frame | None = self._next(self._frames.next)
        if frame is not None:
            self.bytes += len(frame.content)
        return frame

    def _decoded(self, frames: FrameReader) -> pa.RecordBatch | None:
        import pyarrow as pa

        if self._reader is None:
            self._reader = pa.ipc.open_stream(Unframed(self._first, frames))
        return next(iter(self._reader), None)

    def _next(self, act: Callable[[], Any]) -> Any:
        with self._finished_on_failure():
            batch = self._read(act)
            if batch is not None:
                self.rows += batch.num_rows
                return batch
            message = self._worker.hear()
            if failed := self._ended(message):
                raise failed
        self._finish()
        return None

    def read_all(self) -> pa.Table:
        """All rows, and close."""
        import pyarrow as pa

        with self:
            return pa.Table.from_batches(list(self), self.schema)

    def stop(self, cause: str = "cancelled") -> None:
        """End the statement from any thread; whoever reads it is told ``cause``."""
        if not self._over.is_set() and not self._stopped:
            self._stopped = cause
            self._deadline = min(self._deadline, time.monotonic() + GRACE)
            self._worker.say({"stop": self._number})

    def close(self) -> None:
        """Let go of the rows that were not read, and of the worker."""
        self.stop()
        try:
            while self.pass_on() is not None:
                continue
        except WorkbenchError:
            return

    def _read(self, act: Callable[[], Any]) -> Any:
        """Read what comes, which ends in the middle of something when the worker is killed."""
        import pyarrow as pa

        try:
            return act()
        except (pa.ArrowException, OSError, EOFError, ValueError):
            raise self._gone() from None

    def _gone(self) -> WarehouseError:
        error = self._worker.lost()
        return WarehouseError(STOPPED[self._stopped]) if self._stopped else error

    def _ended(self, message: dict[str, Any]) -> WorkbenchError | None:
        """What a worker's last word means."""
        self.retires = bool(message.get("retire"))
        ended = message.get("ended", {})
        if self._stopped:
            return WarehouseError(STOPPED[self._stopped])
        if "slug" not in ended:
            return None
        place = ended["place"] and Place("sql", *ended["place"])
        return _KINDS.get(ended["kind"], WarehouseError)(
            Problem(ended["slug"], ended["message"], place or None, ended["hint"])
        )

    def _finished_on_failure(self) -> ExitStack:
        ending = ExitStack()
        ending.push(self._let_go)
        return ending

    def _let_go(self, kind: type[BaseException] | None, *_: object) -> None:
        """Finish a statement that failed; where its reader was interrupted, the worker is still at it and is killed."""
        if kind is None:
            return
        if not issubclass(kind, WorkbenchError):
            self._worker.kill("cancelled")
        self._finish()

    def _finish(self) -> None:
        if not self._over.is_set():
            self._over.set()
            self._reader = self._frames = None
            self._when_ended(self.retires)

    def watch(self) -> None:
        """Stop the worker at the first limit that it passes; returns when the statement is over."""
        while not self._over.wait(GLANCE):
            resident, cpu = self._worker.usage()
            if resident > self._worker.limits.memory:
                self._worker.kill("out-of-memory")
            elif cpu - self._cpu > self._limits.cpu_seconds or time.monotonic() > self._deadline:
                self._halt()

    def _halt(self) -> None:
        """Time is up: ask, and where it is not heard, kill."""
        if self._stopped:
            self._worker.kill(self._stopped)
        else:
            self._cpu = float("inf")
            self._deadline = float("inf")
            self.stop("too-slow")


def _schema(frame: Frame | None) -> pa.Schema:
    import pyarrow as pa

    if frame is None:
        raise EOFError
    return pa.ipc.read_schema(pa.py_buffer(frame.content))


def _environment(temp: Path) -> dict[str, str]:
    """No secret of the parent's; only what makes Python and its allocators behave."""
    return {
        "PATH": os.defpath,
        "PYTHONPATH": _ROOT,
        "HOME": str(temp),
        "TMPDIR": str(temp),
        "LANG": "C.UTF-8",
        "MALLOC_ARENA_MAX": "2",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
