"""What the gateway adds: to a small metric question, and to a million rows of six columns. Run by hand.

python -m tests.benchmarks.gateway WORKSPACE

The million rows also come from a bare HTTP server, which has the engine in its own process and knows no rules: what
is lost there is lost to HTTP, and the rest to what the gateway does.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.ipc
import urllib3

import workbench

SMALL = {"by": "carrier"}
LARGE = (
    "select n.range as id, f.distance_miles::double as miles, f.carrier, f.origin, "
    "f.scheduled_departure as at, f.dep_delay_minutes as late from gold.flights f, range(3) n limit 1000000"
)
STARTED = """
import sys
from pathlib import Path
from workbench.gateway.run import open_gateway, serve
serve(open_gateway(Path(sys.argv[1]), local=True), host="127.0.0.1", port=0, ready=lambda url: print(url, flush=True))
"""

BARE = """
import sys, duckdb, pyarrow as pa, uvicorn
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route
warehouse = duckdb.connect(sys.argv[1], read_only=True)
def rows():
    reader = warehouse.cursor().sql(sys.argv[2]).to_arrow_reader(65_536)
    yield bytes(reader.schema.serialize())
    for batch in reader:
        yield bytes(batch.serialize())
server = uvicorn.Config(Starlette(routes=[Route("/", lambda _: StreamingResponse(rows()))]), port=0, log_level="error")
class Told(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print("http://127.0.0.1:%d" % self.servers[0].sockets[0].getsockname()[1], flush=True)
Told(server).run()
"""


def main() -> None:
    """Measure both sides in turns, so that a busy machine slows both."""
    root = Path(sys.argv[1])
    here = workbench.connect(root)
    warehouse = root / here.workspace.settings.environment(here.principal.environment).warehouse
    with _started(STARTED, str(root)) as (url, process), _started(BARE, str(warehouse), LARGE) as (bare, _):
        there = workbench.connect(url)
        small(here, there, psutil.Process(process))
        large(here, there, bare)


@contextmanager
def _started(code: str, *given: str) -> Iterator[tuple[str, int]]:
    """The address and the process number of a server."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *given], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip(), process.pid
    finally:
        process.terminate()
        process.wait()


def small(here: Any, there: Any, gateway: psutil.Process) -> dict[str, float]:
    """Milliseconds of a small question on both sides, printed and given back."""
    asked = (lambda: here.query("flights", **SMALL), lambda: there.query("flights", **SMALL))
    took = _in_turns(200, *asked)
    medians = [statistics.median(one) * 1000 for one in took]
    p95 = [statistics.quantiles(one, n=20)[-1] * 1000 for one in took]
    said = [f"{name} {medians[i]:.1f} ms (p95 {p95[i]:.1f})" for i, name in enumerate(("embedded", "gateway"))]
    print(f"small question: {', '.join(said)}")
    print(f"overhead: {medians[1] - medians[0]:.1f} ms in the median")
    own = psutil.Process()
    spent = []
    for one in asked:
        began = _cpu(own) + _cpu(gateway)
        for _ in range(200):
            one()
        spent.append((_cpu(own) + _cpu(gateway) - began) / 200 * 1000)
    print(f"CPU of both processes: embedded {spent[0]:.1f} ms, gateway {spent[1]:.1f} ms a question")
    names = ("embedded", "gateway")
    return {
        **{f"{name} ms": round(one, 2) for name, one in zip(names, medians, strict=True)},
        **{f"{name} CPU ms": round(one, 2) for name, one in zip(names, spent, strict=True)},
        "overhead ms": round(medians[1] - medians[0], 2),
    }


def large(here: Any, there: Any, bare: str = "") -> dict[str, float]:
    """Seconds of a million rows on both sides, printed and given back; ``bare`` is the address of a bare server."""
    pool = urllib3.PoolManager()

    def fetch() -> None:
        with pool.request("GET", bare, preload_content=False) as response:
            pa.ipc.open_stream(response).read_all()

    took = _in_turns(9, lambda: here.sql(LARGE), lambda: there.sql(LARGE), *([fetch] if bare else []))
    medians = [statistics.median(one) for one in took]
    size = here.sql(LARGE).table.nbytes / 1e6
    print(f"1,000,000 x 6 ({size:.0f} MB), SQL: embedded {medians[0]:.3f} s, gateway {medians[1]:.3f} s")
    print(f"rate: {medians[0] / medians[1]:.0%} of in-process, {size / medians[1]:.0f} MB/s")
    for one in medians[2:]:
        print(f"a bare HTTP server: {one:.3f} s, {medians[0] / one:.0%} of in-process")
    return {
        "embedded s": round(medians[0], 4), "gateway s": round(medians[1], 4),
        "rate": round(medians[0] / medians[1], 3), "MB": round(size, 1),
    }  # fmt: skip


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _in_turns(times: int, *works: Callable[[], Any]) -> list[list[float]]:
    took: list[list[float]] = [[] for _ in works]
    for _ in range(times + 3):
        for work, into in zip(works, took, strict=True):
            began = time.perf_counter()
            work()
            into.append(time.perf_counter() - began)
    return [one[3:] for one in took]


if __name__ == "__main__":
    main()
