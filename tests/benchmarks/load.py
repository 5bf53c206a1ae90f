"""What many users at once get from a real gateway, beside the bare engine, and what one heavy user takes from others.

python -m tests.benchmarks.load [--seconds 40] [--users 50] [--parts heavy] [--out load.json]

Run by hand, on this machine alone; it ends by itself. Every phase has its seeded users: each thinks, asks, and waits
for the whole answer (80 % metric questions, 10 % SQL, 10 % catalogue). The bare engine is given the same statements at
the same rhythm, by cursors of one connection in this process, and nothing else: no rules, no record, no network.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil

import workbench
from tests.benchmarks import gateway as single
from tests.benchmarks.users import Ask, Done, Hogs, Mix, beside, crowd
from tests.gateway.process import Process, copied
from workbench.gateway.client import open_remote
from workbench.session.session import Session
from workbench.warehouse.duckdb_file import share
from workbench.warehouse.flights import ensure

PARTNERS, HEAVY = ("paula@united.example", "dan@delta.example"), "heavy@skyways.example"
THINK = {"1-3 s": (1.0, 3.0), "5-10 s": (5.0, 10.0), "none": (0.0, 0.0)}
LANES = ("metric", "sql", "look", "all")
PARTS = ("crowd", "heavy", "one")
MOST = 600.0
"""Seconds that one phase may be asked to take."""

Figures = dict[str, Any]


def main() -> None:
    """Measure, print a table, and the same as JSON."""
    asked = _arguments()
    load = [os.getloadavg()]
    with tempfile.TemporaryDirectory(prefix="workbench-load-") as place:
        file = Path(place) / "flights.duckdb"
        ensure(file, print)
        gateway = Process(copied(Path(place, "w"), file))
        gateway.start()
        try:
            figures = _measured(gateway, asked)
        finally:
            gateway.close()
    load.append(os.getloadavg())
    figures["load average"] = [[round(one, 2) for one in three] for three in load]
    print(f"load average before {load[0][0]:.1f}, after {load[1][0]:.1f}; {os.cpu_count()} cores\n")
    text = json.dumps(figures, indent=None)
    print(text)
    if asked.out:
        asked.out.write_text(text + "\n")


def _measured(gateway: Process, asked: argparse.Namespace) -> Figures:
    users, seconds = asked.users, asked.seconds
    names = [*PARTNERS, *(f"user{n}@skyways.example" for n in range(users - len(PARTNERS)))]
    tokens = gateway.tokens(*names, HEAVY)
    doors = [open_remote(gateway.url, token) for token in tokens]
    mix = Mix(asked.seed)
    here = {name: workbench.connect(gateway.root, as_user=name) for name in (*PARTNERS, names[-1])}
    bare = _bare(gateway.root, [here.get(name, here[names[-1]]) for name in names], mix)
    for door in (*doors[: len(PARTNERS)], doors[-1]):  # what is measured is a gateway that has been asked before
        for ask in mix.everything:
            ask.of(door)
    through: list[Callable[[Ask], Any]] = [lambda ask, door=door: ask.of(door) for door in doors[:users]]
    figures: Figures = {}
    for said, think in THINK.items() if "crowd" in asked.parts else ():
        length = seconds if think[1] else min(seconds, 15.0)
        began = _cpu(gateway.tree)
        got = crowd(through, mix, think, length)
        spent = (_cpu(gateway.tree) - began) / max(1, len(got)) * 1000
        figures[said] = {
            "gateway": _told(got, length) | {"CPU ms a request": round(spent, 1)},
            "bare engine": _told(crowd(bare, mix, think, length), length),
        }
        _print(f"{users} users, think time {said}, {length:.0f} s", figures[said])
    if "heavy" in asked.parts:
        hogs = Hogs([lambda ask: ask.of(doors[-1])] * 20, mix.heavy, lambda: _stop_all(gateway.url, tokens[-1]))
        figures["one heavy user"] = heavy = _fairness(through[: min(20, users)], hogs, mix, min(seconds, 20.0))
        _print("20 users, quiet and beside one with 20 heavy queries", heavy)
        print(f"p95 of the others, heavy over quiet (bar 2.0): {heavy['ratios']}")
    if "one" in asked.parts:
        figures["small"] = single.small(here[names[-1]], doors[users - 1], gateway.tree)
        figures["large"] = single.large(here[names[-1]], doors[users - 1])
    return figures


def _bare(root: Path, sessions: list[Any], mix: Mix) -> list[Callable[[Ask], Any]]:
    """The same statements, rules included where they are part of the SQL, on cursors of one connection."""
    file = share(root / ".workbench" / "warehouse.duckdb")
    kept: dict[tuple[int, Ask], str] = {}

    def statement(session: Session, ask: Ask) -> str:
        key = (id(session), ask)
        if key not in kept:
            kept[key] = session.prepare(ask.prepared()).sql
        return kept[key]

    def asker(session: Session) -> Callable[[Ask], Any]:
        for ask in mix.everything:
            if ask.lane != "look":
                statement(session, ask)

        def run(ask: Ask) -> Any:
            if ask.lane == "look":
                return None
            cursor = file.lend()
            try:
                return cursor.sql(statement(session, ask)).to_arrow_table()
            finally:
                file.give_back(cursor)

        return run

    return [asker(session) for session in sessions]


def _stop_all(url: str, token: str) -> None:
    """Stop everything of one user's."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}) as client:
        for one in client.get("/v1/queries").json():
            client.delete(f"/v1/queries/{one['id']}")


def _fairness(others: list[Callable[[Ask], Any]], hogs: Hogs, mix: Mix, length: float) -> Figures:
    """Others' figures in turns without and with the heavy one, so that a busy machine slows both."""
    quiet: list[Done] = []
    crowded: list[Done] = []
    taken: list[Done] = []
    for _ in range(3):
        quiet += crowd(others, mix, THINK["1-3 s"], length)
        got, more = beside(others, mix, THINK["1-3 s"], length, hogs)
        crowded += got
        taken += more
    told = {name: _told(done, 3 * length) for name, done in (("quiet", quiet), ("beside", crowded), ("heavy", taken))}
    ratios = {
        lane: round(told["beside"][lane]["p95"] / told["quiet"][lane]["p95"], 2)
        for lane in LANES
        if lane in told["quiet"] and lane in told["beside"]
    }
    return {**told, "ratios": ratios}


def _told(done: list[Done], seconds: float) -> Figures:
    """Milliseconds of each lane, and how many there were of what."""
    told: Figures = {}
    for lane in LANES:
        of = [one for one in done if lane in (one.lane, "all")]
        took = [one.seconds * 1000 for one in of if not one.error]
        errors = Counter(one.error for one in of if one.error)
        if not of:
            continue
        cuts = statistics.quantiles(took, n=100, method="inclusive") if len(took) > 1 else [float("nan")] * 99
        told[lane] = {
            **{name: round(cuts[at - 1], 1) for name, at in (("p50", 50), ("p95", 95), ("p99", 99))},
            "answers": len(took),
            "a second": round(len(took) / seconds, 2),
            "errors": dict(errors),
        }
    return told


def _print(title: str, sides: Figures) -> None:
    print(f"{title}\n{'':14}{'lane':8}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'answers':>9}{'/s':>8}  errors")
    for side, lanes in sides.items():
        for lane, one in lanes.items() if side != "ratios" else ():
            if lane in LANES:
                said = "  ".join(f"{slug} {count}" for slug, count in one["errors"].items()) or "0"
                times = "".join(f"{one[name]:9.1f}" for name in ("p50", "p95", "p99"))
                print(f"{side:14}{lane:8}{times}{one['answers']:9}{one['a second']:8.2f}  {said}")
        if "CPU ms a request" in lanes:
            print(f"{side:14}CPU of all its processes: {lanes['CPU ms a request']} ms a request")
    print()


def _cpu(process: psutil.Process) -> float:
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        times = one.cpu_times()
        total += times.user + times.system
    return total


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.load", description=str(__doc__).splitlines()[0])
    parser.add_argument("--seconds", type=lambda text: min(float(text), MOST), default=40.0, help="of each phase")
    parser.add_argument("--users", type=int, choices=range(10, 201), metavar="10-200", default=50)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, help="where the figures go, as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
