"""The program of a worker process: scoped statements come in on one descriptor, Arrow goes out on another.

It holds no secrets, obeys nobody but its parent, and ends when its parent does.
"""

from __future__ import annotations

import ctypes
import json
import os
import queue
import resource
import shutil
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from workbench.errors import Problem, WarehouseError, WorkbenchError
from workbench.warehouse.duckdb_errors import reading_error, statement_error
from workbench.warehouse.duckdb_file import identity, open_hardened
from workbench.warehouse.limits import STOPPED
from workbench.warehouse.spelled import spelled_out
from workbench.warehouse.worker_frames import FrameWriter

NICE = 10
"""A metric question is answered before somebody's sorting of the world."""
BATCH_ROWS = 16_384
FRAME = 2 << 20
"""Bytes that are sent at once, where there are so many: each time costs the parent, who passes them on."""
LATEST = 0.05
"""Seconds that rows wait for others to be sent with."""
SHARE_OF_ENGINE = 0.7
"""Of the memory left, what the engine may plan with; the rest is for values that it does not count."""
DESCRIPTORS = 64
SMALLEST = 64 * 1024 * 1024
FILE_SLACK = 32 * 1024 * 1024
RETIRE_AFTER = 0.75
"""A process whose address space has grown by this share of what it may is replaced: it would fail the next one."""
_NO_NEW_PRIVILEGES = 38
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class Worker:
    """One process over one warehouse file; runs a statement at a time."""

    path: Path
    temp: Path
    control: socket.socket
    data: int
    memory: int
    temp_bytes: int
    threads: int
    asked: queue.SimpleQueue[dict[str, Any]] = field(default_factory=queue.SimpleQueue)
    connection: duckdb.DuckDBPyConnection | None = None
    running: duckdb.DuckDBPyConnection | None = None
    seen: str = ""
    room: int = 0
    stopped: int = 0
    number: int = 0

    def serve(self) -> None:
        """Answer until the parent hangs up; the limits are set once everything that is always there is loaded."""
        confine(self.temp_bytes)
        threading.Thread(target=self.listen, daemon=True).start()
        self.prepare()
        size, resident = _sizes()
        self.room = max(self.memory - resident, SMALLEST)
        resource.setrlimit(resource.RLIMIT_AS, (size + self.room, size + self.room))
        self.say({"ready": True})
        while True:
            self.answer(self.asked.get())

    def prepare(self) -> None:
        """Open the file and load what a first answer loads; a file that cannot be opened is told when asked."""
        try:
            with self.cursor() as cursor:
                cursor.sql("SELECT 1 AS a, 'x' AS b, [1] AS c").to_arrow_reader(BATCH_ROWS).read_all()
        except WorkbenchError:
            self.connection = None

    def listen(self) -> None:
        """Read what the parent says; that it has gone is heard even while a statement runs."""
        try:
            with self.control.makefile("rb") as lines:
                for line in lines:
                    message = json.loads(line)
                    if "stop" in message:
                        self.stopped = message["stop"]
                        self.interrupt(message["stop"])
                    else:
                        self.asked.put(message)
        finally:  # also where the parent went without having heard all: that reads as an error, not as an end
            shutil.rmtree(self.temp, ignore_errors=True)
            os._exit(0)

    def interrupt(self, number: int) -> None:
        """Stop the statement of that number; one that has not begun yet never does."""
        running = self.running
        if running is not None and self.number == number:
            running.interrupt()

    def answer(self, message: dict[str, Any]) -> None:
        """Run one statement and tell how it ended."""
        self.number = message["number"]
        used = resource.getrusage(resource.RUSAGE_SELF)
        spent = int(used.ru_utime + used.ru_stime + message["cpu_seconds"]) + 2
        resource.setrlimit(resource.RLIMIT_CPU, (spent, resource.RLIM_INFINITY))
        broken = False
        try:
            with self.cursor() as self.running:
                ended = self.run(self.running, message["sql"], message["result"])
        except WorkbenchError as error:
            ended = _told(error)
        except duckdb.Error as error:
            broken = isinstance(error, duckdb.FatalException | duckdb.InternalException)
            ended = _told(_explained(statement_error(error)))
        except (MemoryError, pa.ArrowException, OSError, UnicodeError, RuntimeError) as error:
            ended = _told(_explained(reading_error(error)))
        self.running, self.number = None, 0
        left = resource.getrlimit(resource.RLIMIT_AS)[0] - _sizes()[0]
        self.say({"ended": ended, "retire": broken or left < self.room * (1 - RETIRE_AFTER)})

    def run(self, cursor: duckdb.DuckDBPyConnection, sql: str, most: int) -> dict[str, Any]:
        """Send the rows; the stream is ended before an error is told, so that the parent reads on."""
        if self.stopped == self.number:
            raise WarehouseError(STOPPED["cancelled"])
        reader = spelled_out(cursor.sql(sql).to_arrow_reader(BATCH_ROWS))
        self.say({"began": True})
        frames = FrameWriter(self.data)
        writer = pa.ipc.new_stream(frames, reader.schema)
        try:
            frames.send_schema(reader.schema.serialize())
            return self.send(reader, writer, frames, most)
        finally:
            frames.end()

    def send(self, reader: Any, writer: Any, frames: FrameWriter, most: int) -> dict[str, Any]:
        """Send the first rows as soon as there are any, and then as many at once as come within a moment."""
        sent = rows = waiting = 0
        last = 0.0
        for batch in reader:
            sent += batch.nbytes
            if sent > most:
                raise WarehouseError(too_large(most))
            writer.write_batch(batch)
            waiting += batch.num_rows
            if frames.size >= FRAME or time.monotonic() - last > LATEST:
                frames.send(waiting)
                rows, waiting, last = rows + waiting, 0, time.monotonic()
        if frames.size:
            frames.send(waiting)
        return {"rows": rows + waiting, "bytes": sent}

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor on the file as it is now; opened anew when the file was replaced."""
        now = identity(self.path)
        if self.connection is None or now != self.seen:
            if self.connection is not None:
                self.connection.close()
            self.connection = None
            room = max(self.memory - _sizes()[1], SMALLEST)
            self.connection = open_hardened(
                self.path,
                temp_directory=str(self.temp),
                max_temp_directory_size=f"{self.temp_bytes}B",
                memory_limit=f"{int(room * SHARE_OF_ENGINE)}B",
                threads=self.threads,
            )
            self.seen = now
        return self.connection.cursor()

    def say(self, message: dict[str, Any]) -> None:
        """One line to the parent."""
        self.control.sendall(json.dumps(message).encode() + b"\n")


def confine(temp_bytes: int) -> None:
    """Take from this process what it will never need."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    # The engine keeps to what it may spill, and says so well; this holds where it errs.
    resource.setrlimit(resource.RLIMIT_FSIZE, (temp_bytes + FILE_SLACK, temp_bytes + FILE_SLACK))
    os.nice(NICE)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        Path("/proc/self/oom_score_adj").write_text("1000")  # where memory runs out, this is what may go


def too_large(most: int) -> Problem:
    """The result is larger than may leave."""
    return Problem(
        "result-too-large",
        f"The result is larger than {most // 2**20:,} MB.",
        hint="Aggregate, filter or LIMIT it; or ask for fewer columns.",
    )


def _explained(error: WorkbenchError) -> WorkbenchError:
    """How much memory it was could tell of hidden rows."""
    return WarehouseError(STOPPED["out-of-memory"]) if error.slug == "out-of-memory" else error


def _told(error: WorkbenchError) -> dict[str, Any]:
    """An error as data: the parent raises it anew."""
    problem = error.problems[0]
    place = problem.place and (problem.place.line, problem.place.column)
    return {
        "kind": type(error).__name__,
        "slug": problem.slug,
        "message": problem.message,
        "hint": problem.hint,
        "place": place,
    }


def _sizes() -> tuple[int, int]:
    """The address space and the resident part of this process, in bytes."""
    try:
        size, resident, *_ = Path("/proc/self/statm").read_text("ascii").split()
    except OSError:  # not Linux: what was used at most so far stands in for both
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most, most
    return int(size) * _PAGE, int(resident) * _PAGE


def main() -> None:
    """Serve with what the parent gave as one JSON argument."""
    given = json.loads(sys.argv[1])
    temp = Path(given["temp"])
    try:
        Worker(
            path=Path(given["path"]),
            temp=temp,
            control=socket.socket(fileno=given["control"]),
            data=given["data"],
            memory=given["memory"],
            temp_bytes=given["temp_bytes"],
            threads=given["threads"],
        ).serve()
    finally:
        shutil.rmtree(temp, ignore_errors=True)


if __name__ == "__main__":
    main()
