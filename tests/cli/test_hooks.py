"""The hooks of a team are quick: what runs before each commit takes no time that anybody would notice."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
METRIC = """metric: number_{0}
label: Number {0}
description: One of the many numbers that somebody might declare, number {0}, told in one sentence.
owner: operations
domain: traffic
{1}
unit: minutes
format: "decimal:1"
tests: [{{where: "origin_code = 'JFK'", expect: {0}}}]
"""


def workspace(folder: Path, metrics: int) -> Path:
    """The models and rules of the reference workspace with many metrics, two of three over columns."""
    for part in ("access", "metrics/models"):
        shutil.copytree(ROOT / part, folder / part)
    (folder / "pyproject.toml").write_text("[tool.workbench]\n", encoding="utf-8")
    for number in range(metrics):
        simple = f"model: flights\nexpr: sum(dep_delay_minutes + {number})\nfilter: distance_miles > {number}"
        derived = f"expr: number_{number - 1} / (number_{number - 2} + {number})"
        text = METRIC.format(number, simple if number % 3 < 2 else derived)
        (folder / f"metrics/number_{number}.yml").write_text(text, encoding="utf-8")
    return folder


def seconds(folder: Path, command: str) -> float:
    """The processor's time that a command takes in a process of its own, as a hook runs it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "workbench.cli", *command.split()[1:]],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ran.returncode == 0, ran.stderr
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.slow
@pytest.mark.parametrize(("metrics", "limit"), [(100, 1.0), (1000, 2.0)])
def test_hooks_are_quick(tmp_path: Path, metrics: int, limit: float) -> None:
    folder = workspace(tmp_path, metrics)
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    taken = {hook["entry"]: seconds(folder, hook["entry"]) for hook in hooks}
    assert set(taken) == {"workbench validate", "workbench lint"}
    assert max(taken.values()) < limit, taken
