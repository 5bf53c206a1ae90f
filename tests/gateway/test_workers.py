"""Worker processes: rows come as from the engine, each limit holds, and a lost worker disturbs nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from workbench.errors import WorkbenchError
from workbench.gateway.workers import Workers
from workbench.warehouse.limits import MB, Limits
from workbench.warehouse.spelled import spelled_out

pytestmark = pytest.mark.slow

LIMITS = Limits(memory=400 * MB, wall_seconds=1.5, cpu_seconds=1.5, result=32 * MB, temp=64 * MB)
ENDLESS = "SELECT count(*) FROM range(10_000_000) a, range(10_000_000) b WHERE (a.range * b.range) % 7 = 3"
MANY = "SELECT range AS i FROM range(3_000_000)"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("workers") / "w.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE TABLE t AS SELECT range AS i FROM range(9)"
        )
        connection.execute(
            "CREATE TABLE odd AS SELECT 'bad'::mood AS m, 1.5::DECIMAL(9, 2) AS d, [{'a': DATE '2020-01-01'}] AS l"
        )
    return path


@pytest.fixture(scope="module")
def workers(file: Path) -> Iterator[Workers]:
    os.environ["WORKBENCH_SECRET"] = "SECRET"
    pool = Workers(file, 2, LIMITS)
    assert pool.await_ready()
    del os.environ["WORKBENCH_SECRET"]
    yield pool
    pool.close()


def ask(workers: Workers, sql: str, query_id: str = "q") -> str | list[dict[str, object]]:
    """The rows, or the slug of what went wrong."""
    try:
        with workers.stream(sql, query_id=query_id) as rows:
            return rows.read_all().to_pylist()  # type: ignore[no-any-return]
    except WorkbenchError as error:
        return error.slug


def test_rows_are_those_of_the_engine(workers: Workers, file: Path) -> None:
    for sql in ("SELECT * FROM odd", "SELECT * FROM t WHERE i > 99", "SELECT i, md5(i::VARCHAR) FROM t ORDER BY i"):
        with duckdb.connect(str(file), read_only=True) as connection:
            expected = spelled_out(connection.sql(sql).to_arrow_table())
        got = workers.stream(sql, query_id="q").read_all()
        assert got.schema == expected.schema
        assert got.to_pylist() == expected.to_pylist()


def test_batches_wait_for_their_reader(workers: Workers) -> None:
    with workers.stream(MANY, query_id="slow") as rows:
        assert rows.schema.names == ["i"]
        first = rows.read()
        assert first is not None
        assert first.num_rows < 100_000
        assert workers.running == ("slow",)
        time.sleep(0.2)
        assert rows.rows == first.num_rows
    assert workers.running == ()
    assert ask(workers, "SELECT 1 AS a") == [{"a": 1}]


@pytest.mark.parametrize(
    ("sql", "slug"),
    [
        ("SELECT nope FROM t", "bad-sql"),
        ("SELECT 'x'::INTEGER", "bad-sql"),
        ("SELECT CASE WHEN i < 2_000_000 THEN '1' ELSE 'x' END::INTEGER FROM range(3_000_000) t(i)", "bad-sql"),
        ("SELECT repeat('x', 500_000_000)", "out-of-memory"),
        ("SELECT repeat('x', 100_000) FROM range(500)", "result-too-large"),
        ("SELECT a.range, b.range FROM range(10_000_000) a, range(10_000_000) b", "result-too-large"),
        (ENDLESS, "too-slow"),
    ],
)
def test_errors_have_slugs_and_leave_the_pool_whole(workers: Workers, sql: str, slug: str) -> None:
    began = time.perf_counter()
    assert ask(workers, sql) == slug
    assert time.perf_counter() - began < LIMITS.wall_seconds + 5
    assert ask(workers, "SELECT 1 AS a") == [{"a": 1}]


def test_cancelling_ends_it_at_once(workers: Workers) -> None:
    for sql in (ENDLESS, MANY.replace("3_000_000", "3_000_000_000")):
        threading.Timer(0.2, workers.cancel, ["mine"]).start()
        began = time.perf_counter()
        assert ask(workers, sql, "mine") in ("cancelled", "result-too-large")
        assert time.perf_counter() - began < 5
    assert not workers.cancel("mine")


def test_a_killed_worker_is_replaced_and_disturbs_nobody(workers: Workers) -> None:
    answers: list[object] = []
    neighbour = threading.Thread(
        target=lambda: answers.extend(ask(workers, "SELECT i FROM t", f"n{n}") for n in range(40))
    )
    neighbour.start()
    for _ in range(3):
        with workers.stream(MANY, query_id="lost") as rows:
            rows.read()
            os.kill(rows.pid, signal.SIGKILL)
            with pytest.raises(WorkbenchError) as lost:
                rows.read_all()
            assert lost.value.slug == "worker-lost"
        assert ask(workers, "SELECT 1 AS a") == [{"a": 1}]
    neighbour.join()
    assert answers == [[{"i": i} for i in range(9)]] * 40


def test_a_worker_holds_no_secret_and_few_rights(workers: Workers) -> None:
    for pid in workers.pids:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert b"SECRET" not in environment
        limits = Path(f"/proc/{pid}/limits").read_text("ascii")
        told = {line[:26].strip(): line[26:].split()[0] for line in limits.splitlines()[1:]}
        assert told["Max core file size"] == "0"
        assert int(told["Max open files"]) <= 64
        assert int(told["Max file size"]) < LIMITS.temp * 2
        assert int(told["Max address space"]) < 2**34
        status = Path(f"/proc/{pid}/status").read_text("ascii")
        assert "NoNewPrivs:\t1" in status
        assert os.getsid(pid) == pid
    pid = workers.pids[0]
    assert ask(workers, f"SELECT content FROM read_text('/proc/{pid}/environ')") in ("bad-sql", "engine-failed")
    assert ask(workers, "SET memory_limit = '9GB'") == "bad-sql"
    assert ask(workers, "COPY t TO 'x.csv'") in ("bad-sql", "engine-failed")


def test_a_replaced_file_is_read_anew(tmp_path: Path) -> None:
    path, after = tmp_path / "w.duckdb", tmp_path / "next.duckdb"
    for name, value in ((path, 1), (after, 2)):
        with duckdb.connect(str(name)) as connection:
            connection.execute(f"CREATE TABLE t AS SELECT {value} AS v")
    pool = Workers(path, 1, LIMITS)
    assert ask(pool, "FROM t") == [{"v": 1}]
    after.replace(path)
    assert ask(pool, "FROM t") == [{"v": 2}]
    path.unlink()
    assert ask(pool, "FROM t") == "no-warehouse"
    pool.close()
    assert ask(pool, "FROM t") == "closed"


WHILE_RUNNING = """
import sys; from pathlib import Path; from workbench.gateway.workers import Workers
w = Workers(Path(sys.argv[1]), 1); w.await_ready()
print(*w.pids, flush=True); w.stream(sys.argv[2], query_id='q')
"""
UNHEARD = """
import sys, time; from pathlib import Path; from workbench.warehouse.limits import Limits
from workbench.warehouse.worker_process import WorkerProcess
w = WorkerProcess(Path(sys.argv[1]), Limits()); w.await_ready()
w.say({"number": 1, "sql": "SELECT nope", "cpu_seconds": 9, "result": 9}); time.sleep(0.3)
print(w.pid, flush=True); time.sleep(60)
"""


@pytest.mark.parametrize("program", [WHILE_RUNNING, UNHEARD])
def test_workers_end_with_their_parent(file: Path, tmp_path: Path, program: str) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", program, str(file), ENDLESS], stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        time.sleep(0.3)
        parent.kill()
    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert list(tmp_path.iterdir()) == []


def test_whoever_is_watched_by_nobody_is_not_asked(file: Path) -> None:
    pool = Workers(file, 1, LIMITS)
    try:
        assert pool.await_ready()
        for worker in tuple(pool._all):
            worker._watched.put(None)
            worker._watcher.join(5)
        lost = set(pool.pids)
        assert ask(pool, "SELECT 1 AS one") == [{"one": 1}]
        assert not lost & set(pool.pids)
    finally:
        pool.close()
