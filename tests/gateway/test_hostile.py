"""Statements that want the whole machine end within their limits, and a neighbour hardly notices."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
import yaml

from tests.nightly import is_nightly
from workbench.access.restriction import Restriction
from workbench.errors import WorkbenchError
from workbench.gateway.workers import Workers
from workbench.warehouse.duckdb_engine import DuckDBEngine
from workbench.warehouse.limits import MB, Limits
from workbench.warehouse.sandbox import Relations, scope

pytestmark = pytest.mark.slow

HOSTILE: dict[str, list[str]] = yaml.safe_load(Path(__file__).with_name("hostile.yml").read_text(encoding="utf-8"))
COLUMNS = {"i": "BIGINT", "s": "VARCHAR", "d": "DOUBLE"}
QUICK = Limits(memory=400 * MB, wall_seconds=0.7, cpu_seconds=0.7, result=32 * MB, temp=64 * MB)
NIGHTLY = Limits(memory=600 * MB, wall_seconds=3, cpu_seconds=3, result=128 * MB, temp=256 * MB)
ENDS = ("answered", "too-slow", "out-of-memory", "result-too-large", "bad-sql")
METRIC = "SELECT i % 50 AS k, count(*), sum(d) FROM t GROUP BY 1 ORDER BY 1"


@dataclass(frozen=True)
class Ended:
    """How a hostile statement ended."""

    sql: str
    slug: str
    seconds: float
    peak: int


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "w.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT range AS i, md5(range::VARCHAR) AS s, range / 7 AS d FROM range(2_000_000)"
        )
    return path


@pytest.fixture(scope="module")
def limits(request: pytest.FixtureRequest) -> Limits:
    return NIGHTLY if is_nightly(request) else QUICK


@pytest.fixture(scope="module")
def workers(file: Path, limits: Limits) -> Iterator[Workers]:
    pool = Workers(file, 2, limits)
    assert pool.await_ready()
    yield pool
    pool.close()


def scoped(sql: str) -> tuple[str, ...]:
    """The statements that the sandbox lets through, the last one being the answer's."""
    left = {"main.t": Restriction("main.t")}
    found = scope(sql.replace("{t}", "t"), Relations(("main.t",), left.get, lambda _: COLUMNS))
    return (*found.lookups, found.sql if not found.lookups else found.with_values([["1", "2"]]).sql)


def attack(workers: Workers, sql: str) -> Ended:
    """Run one statement as a user would, and watch the process that has it."""
    try:
        statements = scoped(sql)
    except WorkbenchError:  # the fence has to hold also for what the sandbox would not let through
        statements = (sql.replace("{t}", "t"),)
    slug, seconds, peak, over = "answered", 0.0, [0], threading.Event()
    watch = threading.Thread(target=lambda: watched(workers, peak, over))
    watch.start()
    for statement in statements:
        began = time.perf_counter()
        try:
            with workers.stream(statement, query_id=sql) as rows:
                began = max(began, rows.began)
                for _ in rows:
                    continue
        except WorkbenchError as error:
            slug = error.slug
        seconds = max(seconds, time.perf_counter() - began)
    over.set()
    watch.join()
    return Ended(sql, slug, seconds, peak[0])


def watched(workers: Workers, peak: list[int], over: threading.Event) -> None:
    """Note the most memory that any worker has held; the kernel remembers the peak of each."""
    while not over.wait(0.02):
        for pid in workers.pids:
            try:
                status = Path(f"/proc/{pid}/status").read_text("ascii")
            except OSError:
                continue
            found = [int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM")]
            peak[0] = max([peak[0], *found])


@pytest.mark.nightly
@pytest.mark.parametrize("kind", HOSTILE)
def test_the_greedy_end_within_their_limits(
    workers: Workers, limits: Limits, kind: str, request: pytest.FixtureRequest
) -> None:
    by_night = is_nightly(request)
    tried = HOSTILE[kind] if by_night else HOSTILE[kind][:1]
    for ended in (attack(workers, sql) for sql in tried):
        print(f"{ended.seconds:6.2f} s {ended.peak // MB:5} MB {ended.slug:18} {ended.sql[:90]}")
        assert ended.slug in ENDS, ended
        # By day, others may have the machine: then it is shown that they end, and by night when.
        assert ended.seconds < limits.wall_seconds + (1 if by_night else 20), ended
        assert ended.peak < limits.memory * 1.1, ended
    assert not workers.running
    with workers.stream("SELECT 42 AS a", query_id="after") as rows:
        assert rows.read_all().to_pylist() == [{"a": 42}]


def alive(threads: list[threading.Thread]) -> bool:
    return any(thread.is_alive() for thread in threads)


def seconds(ask: Callable[[], object], until: Callable[[int], bool], typical: Callable[[list[float]], float]) -> float:
    """The typical seconds of asking again and again."""
    taken: list[float] = []
    while not until(len(taken)):
        began = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - began)
    return typical(taken)


@pytest.mark.nightly
def test_a_neighbour_hardly_notices(
    workers: Workers, file: Path, limits: Limits, request: pytest.FixtureRequest
) -> None:
    """Quiet and hostile times in turn, so that whatever else the machine does weighs on both."""
    engine = DuckDBEngine(file)
    # In a short run others may weigh on either half: the best of each tells more than the middle.
    typical = statistics.median if is_nightly(request) else min
    ratios = []
    greedy = (HOSTILE["endless"][3], HOSTILE["memory"][5], HOSTILE["sorts"][0], HOSTILE["lists"][4])
    for turn in range(8 if is_nightly(request) else 3):
        quiet = seconds(lambda: engine.run(METRIC), lambda n: n >= 8, typical)
        threads = [threading.Thread(target=attack, args=(workers, greedy[(turn + n) % 4])) for n in range(2)]
        for thread in threads:
            thread.start()
        time.sleep(0.05)
        busy = seconds(lambda: engine.run(METRIC), lambda n, threads=threads: n >= 3 and not alive(threads), typical)
        ratios.append(busy / quiet)
        print(f"quiet {quiet * 1000:.1f} ms, beside two greedy ones {busy * 1000:.1f} ms")
    engine.close()
    assert statistics.median(ratios) < (2 if is_nightly(request) else 20), ratios
