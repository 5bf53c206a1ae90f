"""Ctrl-C against real queries: it stops within half a second, and the next query works at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from workbench.errors import WarehouseError
from workbench.warehouse import interruptible
from workbench.warehouse.interruptible import Cancel, call, under

SCRIPT = """
import json, sys, time
from workbench.warehouse.duckdb_engine import DuckDBEngine
engine = DuckDBEngine(sys.argv[1])
engine.run("SELECT 1")
LONG = sys.argv[2]
print("running", flush=True)
try:
    (engine.stream(LONG).read_all() if sys.argv[3] == "stream" else engine.run(LONG))
    print(json.dumps({"ended": "by itself"}))
except KeyboardInterrupt:
    stopped = time.time()
    began = time.perf_counter()
    rows = engine.run("SELECT count(*) FROM gold.orders")[0][0].as_py()
    print(json.dumps({"stopped": stopped, "next": time.perf_counter() - began, "rows": rows,
                      "lent": engine._opened()._lent}), flush=True)
"""

NEXT = """
import time
began = time.perf_counter()
assert e.run("SELECT 42")[0][0].as_py() == 42
assert time.perf_counter() - began < 3
"""
CROSS_JOIN = "SELECT count(*) FROM range(10_000_000) a, range(10_000_000) b WHERE (a.range * b.range) % 7 = 3"
SORT = "SELECT md5(i::VARCHAR) FROM range(400_000_000) t(i) ORDER BY 1 DESC"
MANY_ROWS = "SELECT a.range, b.range FROM range(10_000_000) a, range(10_000_000) b"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sql", "way"), [(CROSS_JOIN, "run"), (SORT, "run"), (CROSS_JOIN, "stream"), (MANY_ROWS, "stream")]
)
def test_a_signal_stops_the_query_and_the_next_one_works(small_file: Path, sql: str, way: str) -> None:
    arguments = [sys.executable, "-c", SCRIPT, str(small_file), sql, way]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "running\n"
        time.sleep(0.7)
        sent = time.time()
        child.send_signal(signal.SIGINT)
        told = json.loads(child.stdout.read())
    assert told["stopped"] - sent < 5, told
    assert told["next"] < 3, told
    assert told["rows"] == 50_000
    assert told["lent"] == 0, "the stopped query has given its cursor back"


def test_it_returns_and_raises_what_the_work_does() -> None:
    assert interruptible.call(lambda: 42, lambda: None) == 42
    assert interruptible.call(lambda: None, lambda: None) is None
    with pytest.raises(ZeroDivisionError):
        interruptible.call(lambda: 1 / 0, lambda: None)


def test_work_runs_in_a_thread_of_its_own() -> None:
    assert interruptible.call(threading.current_thread, lambda: None) is not threading.current_thread()


def press_ctrl_c(after: float) -> None:
    threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT)).start()


def test_stop_is_repeated_until_the_work_hears_it() -> None:
    heard = threading.Event()
    calls: list[float] = []

    def stop() -> None:
        calls.append(time.perf_counter())
        if len(calls) == 5:  # the first ones come too early for the engine
            heard.set()

    press_ctrl_c(0.1)
    with pytest.raises(KeyboardInterrupt):
        interruptible.call(lambda: heard.wait(20), stop)
    assert len(calls) >= 5


def test_work_that_hears_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruptible, "PATIENCE", 0.3)
    never = threading.Event()
    press_ctrl_c(0.1)
    began = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        interruptible.call(lambda: never.wait(5), lambda: None)
    assert 0.3 < time.perf_counter() - began < 4
    never.set()


@pytest.mark.slow
def test_the_kernels_interrupt_button(small_file: Path) -> None:
    import jupyter_client.manager as manager_module

    manager, client = manager_module.start_new_kernel(kernel_name="python3", cwd=str(Path(__file__).parents[2]))
    try:
        opening = f"from workbench.warehouse.duckdb_engine import DuckDBEngine\ne = DuckDBEngine({str(small_file)!r})"
        assert client.execute_interactive(opening, timeout=60)["content"]["status"] == "ok"
        for _ in range(3):
            running = client.execute(f"e.run({CROSS_JOIN!r})")
            _await(client, running, "busy")
            time.sleep(0.5)
            began = time.perf_counter()
            manager.interrupt_kernel()
            _await(client, running, "idle")
            assert time.perf_counter() - began < 5
            following = client.execute_interactive(NEXT, timeout=10)
            assert following["content"]["status"] == "ok", following["content"]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _await(client: object, request: str, state: str) -> None:
    while True:
        message = client.get_iopub_msg(timeout=30)  # type: ignore[attr-defined]
        ours = message["parent_header"].get("msg_id") == request
        if ours and message["header"]["msg_type"] == "status" and message["content"]["execution_state"] == state:
            return


def test_a_cancel_from_another_thread_stops_what_runs_and_what_would_start() -> None:
    cancel, ended = Cancel(), threading.Event()

    def work() -> str:
        assert ended.wait(10)
        return "stopped"

    threading.Timer(0.2, cancel.cancel).start()
    with under(cancel):
        assert call(work, ended.set) == "stopped"
        with pytest.raises(WarehouseError, match="stopped"):
            call(lambda: "too late", ended.set)
    assert call(lambda: "nobody's", ended.set) == "nobody's"


def test_a_cancel_is_repeated_until_it_is_heard() -> None:
    cancel = Cancel()
    heard: list[int] = []

    def work() -> int:
        while len(heard) < 3:
            time.sleep(0.005)
        return len(heard)

    threading.Timer(0.05, cancel.cancel).start()
    with under(cancel):
        assert call(work, lambda: heard.append(1)) >= 3
