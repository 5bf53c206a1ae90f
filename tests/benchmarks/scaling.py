"""Thousands of metrics as a workspace, and what loading and checking them costs: run this file as a module."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

from workbench.declare.reader import dump

ROLES = {"roles": {"analyst": {"can": ["query:adhoc", "read:metric"]}, "everyone": {"extends": "analyst"}}}
POLICY = {"resource": "main.*", "grant": [{"to": "analyst"}]}
DIM = {
    "semantic_model": "dim",
    "table": "main.dim",
    "primary_key": "k",
    "dimensions": {"name": {"type": "categorical"}},
}
MEASURE = """
import json, sys, time
from pathlib import Path
started = time.process_time()
from workbench.declare.workspace import load
from workbench.quality.problems import find_problems
imported = time.process_time()
workspace = load(Path(sys.argv[1]))
problems = find_problems(workspace)
done = time.process_time()
record = {"import": imported - started, "load and check": done - imported}
record |= {"metrics": len(workspace.metrics), "problems": len(problems)}
# getrusage tells at least what the parent had when it forked; the kernel's own mark starts anew with the program.
marks = dict(line.split(":", 1) for line in open("/proc/self/status") if line.startswith("VmHWM"))
record["peak MB"] = int(marks["VmHWM"].split()[0]) / 1024
print(json.dumps(record))
"""


def specs(metrics: int, models: int) -> list[dict[str, Any]]:
    """Metrics spread over models: seven of ten plain sums, two filtered ones, one ratio of its two predecessors."""
    out: list[dict[str, Any]] = []
    for number in range(metrics):
        turn, model = divmod(number, models)
        one: dict[str, Any] = {
            "name": f"met_{number:05d}",
            "model": f"m{model:02d}",
            "kind": "sum",
            "col": f"v{turn % 10}",
        }
        if turn % 10 == 9:
            one |= {"kind": "ratio", "num": out[-models]["name"], "den": out[-2 * models]["name"]}
        elif turn % 10 in (3, 6):
            one |= {"kind": "filtered", "value": f"c{turn % 5}"}
        else:
            one |= {"factor": 1 + turn}
        out.append(one)
    return out


def declaration(one: Mapping[str, Any], prose: bool) -> dict[str, Any]:
    """A metric as it is declared; ``prose`` adds what people write beside the formula."""
    named: dict[str, Any] = {"metric": one["name"], "model": one["model"]}
    if prose:
        named |= {
            "label": f"Metric {one['name'][-5:]}",
            "description": f"What {one['name']} counts, said in the sentence that its owner would put here.",
            "owner": "finance@example.com",
            "tags": ["finance", "monthly"],
            "unit": "usd",
            "format": "#,##0",
        }
    if one["kind"] == "sum":
        return {**named, "expr": f"sum({one['col']} * {one['factor']})"}
    if one["kind"] == "filtered":
        return {**named, "expr": f"sum({one['col']})", "filter": f"c = '{one['value']}'"}
    del named["model"]
    return {**named, "expr": f"{one['num']} / {one['den']}"}


def model(name: str) -> dict[str, Any]:
    """A semantic model with a time axis, a category and one join."""
    return {
        "semantic_model": name,
        "table": f"main.{name}",
        "primary_key": "id",
        "time_dimension": "d",
        "relationships": {"dim": {"to": "dim", "on": "k"}},
        "dimensions": {"d": {"type": "time"}, "c": {"type": "categorical"}},
    }


def write(root: Path, spec: Iterable[Mapping[str, Any]], *, files: str = "model", prose: bool = False) -> None:
    """Write the workspace: all metrics of a model in one file, or each in its own (``files='metric'``)."""
    spec = list(spec)
    of_model: dict[str, list[str]] = {}
    for one in spec:
        of_model.setdefault(one["model"], []).append(dump(declaration(one, prose)))
    for folder in ("metrics/models", "access/policies"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "access/roles.yml").write_text(dump(ROLES), encoding="utf-8")
    (root / "access/policies/main.yml").write_text(dump(POLICY), encoding="utf-8")
    for name in ("dim", *of_model):
        text = dump(DIM if name == "dim" else model(name))
        (root / f"metrics/models/{name}.yml").write_text(text, encoding="utf-8")
    for name, texts in of_model.items():
        if files == "model":
            (root / f"metrics/{name}.yml").write_text("---\n".join(texts), encoding="utf-8")
            continue
        (root / "metrics" / name).mkdir(exist_ok=True)
        for number, text in enumerate(texts):
            (root / f"metrics/{name}/{number:04d}.yml").write_text(text, encoding="utf-8")


def measure(root: Path) -> dict[str, float]:
    """What loading and checking the workspace costs a fresh process."""
    done = subprocess.run([sys.executable, "-c", MEASURE, str(root)], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def runs(spec: list[dict[str, Any]], files: str, prose: bool) -> dict[str, dict[str, float]]:
    """A first run over a new workspace, one over the same, and one after a single edit."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write(root, spec, files=files, prose=prose)
        first, unchanged = measure(root), measure(root)
        edited = root / ("metrics/m00.yml" if files == "model" else "metrics/m00/0000.yml")
        edited.write_text(edited.read_text("utf-8").replace("sum(v0 * 1)", "sum(v0 * 1.5)"), "utf-8")
        return {"first": first, "unchanged": unchanged, "edited": measure(root)}


def main() -> None:
    """Print CPU seconds and memory of a first run, of an unchanged one and of one after an edit."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--metrics", type=int, default=5000)
    asked.add_argument("--models", type=int, default=50)
    asked.add_argument("--repeat", type=int, default=3)
    given = asked.parse_args()
    spec = specs(given.metrics, given.models)
    print(f"{given.metrics} metrics over {given.models} models: CPU seconds and peak MB, medians of {given.repeat}")
    print(
        f"{'one file per':<20}{'import':>8}"
        + "".join(f"{name:>12}{'MB':>6}" for name in ("first", "unchanged", "edited"))
    )
    for files, prose in product(("model", "metric"), (False, True)):
        done = [runs(spec, files, prose) for _ in range(given.repeat)]
        for run in (run for one in done for run in one.values()):
            assert (run["metrics"], run["problems"]) == (given.metrics, 0)
        line = f"{files + (', with prose' if prose else ''):<20}{median(one['first']['import'] for one in done):>8.2f}"
        for name in done[0]:
            seconds, peak = (median(one[name][key] for one in done) for key in ("load and check", "peak MB"))
            line += f"{seconds:>12.2f}{peak:>6.0f}"
        print(line)


if __name__ == "__main__":
    main()
