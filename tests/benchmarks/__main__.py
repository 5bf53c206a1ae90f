"""Runs the shared harness of peers with all of them and us, and prints one table of answers, SQL and compile times.

    python -m tests.benchmarks --bench FOLDER --envs FOLDER --data FOLDER [--adapters workbench bsl ...] [--out FILE]

The folders may stand in WORKBENCH_BENCH, WORKBENCH_BENCH_ENVS and WORKBENCH_BENCH_DATA instead. The JSON of the whole
run goes to --out. The times of SQL are CPU times over those of hand-written SQL in the same, interleaved run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
OURS = "workbench"
PEERS = ("bsl", "sidemantic", "metricflow", "malloy")
BAR = 1.05
"""How long SQL may run, over hand-written SQL."""

Result = dict[str, Any]


def main() -> int:
    """Run the harness and print what came out; fails where an answer of ours is wrong or missing."""
    asked = _arguments()
    environment = {
        **os.environ,
        "WORKBENCH_ADAPTER": str(Path(__file__).parent / "adapter.py"),
        "WORKBENCH_PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }
    command = [sys.executable, "run_workload.py", "--envs", asked.envs, "--data", asked.data, "--sf", asked.sf]
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    command += ["--out", str(asked.out.resolve()), "--adapters", *asked.adapters]
    command += ["--queries", *asked.queries] if asked.queries else []
    subprocess.run(command, cwd=asked.bench, env=environment, check=True, stdout=subprocess.DEVNULL)
    results = json.loads(asked.out.read_text())["results"]
    print(table(results, asked.adapters))
    right = {one["query"] for one in results if one["adapter"] == OURS and one.get("ok")}
    return 0 if OURS not in asked.adapters or right == {one["query"] for one in results} else 1


def table(results: list[Result], tools: list[str]) -> str:
    """The results as plain text: a row for each question, a column for each tool, and what it comes to."""
    questions = list(dict.fromkeys(one["query"] for one in results))
    found = {(one["adapter"], one["query"]): one for one in results}
    rows = [["SQL time / by hand", *tools]]
    rows += [[question, *(_cell(found.get((tool, question), {})) for tool in tools)] for question in questions]
    of = {tool: [one for one in results if one["adapter"] == tool] for tool in tools}
    rows.append([f"right, of {len(questions)}", *(str(sum(bool(one.get("ok")) for one in of[t])) for t in tools)])
    within = {t: sum(bool(one.get("ok")) and _ratio(one) <= BAR for one in of[t]) for t in tools}
    rows.append([f"at most {BAR}", *(str(within[t]) for t in tools)])
    for label, key in (("first compile, ms", "compile_first_ms"), ("compile again, ms", "compile_ms")):
        rows.append([label, *(_middle([one[key] for one in of[t] if one.get(key) is not None]) for t in tools)])
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def _cell(one: Result) -> str:
    if one.get("ok"):
        return f"{_ratio(one):.2f}"
    return "no" if one.get("level") == "no" else "failed" if "verdict" not in one else "wrong"


def _ratio(one: Result) -> float:
    return float(one.get("sql_cpu_s_ratio") or "inf")


def _middle(values: list[float]) -> str:
    return f"{sorted(values)[len(values) // 2]:.1f}" if values else "-"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=str(__doc__).splitlines()[0])
    for name, variable in (
        ("bench", "WORKBENCH_BENCH"),
        ("envs", "WORKBENCH_BENCH_ENVS"),
        ("data", "WORKBENCH_BENCH_DATA"),
    ):
        known = os.environ.get(variable)
        parser.add_argument(f"--{name}", default=known, required=known is None, help=f"a folder (or {variable})")
    parser.add_argument("--sf", default="1", help="the scale of TPC-H")
    parser.add_argument("--adapters", nargs="+", default=[OURS, *PEERS], help="the tools to compare")
    parser.add_argument("--queries", nargs="+", help="some questions only, such as q01")
    out = Path(".workbench/benchmarks.json")
    parser.add_argument("--out", type=Path, default=out, help="where the whole run goes, as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
