"""The hooks of a team, as git runs them: what they pass, and what they stop."""

from __future__ import annotations

import os
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


@pytest.mark.slow
def test_hooks_pass_what_is_sound_and_stop_what_is_not(tmp_path: Path) -> None:
    folder = workspace(tmp_path, 100)
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert {hook["entry"] for hook in hooks} == {"workbench validate", "workbench lint"}
    assert [run(folder, hook["entry"]) for hook in hooks] == [0, 0]
    (folder / "metrics/number_7.yml").write_text("metric: number_7\nexpr: number_8 +\n", encoding="utf-8")
    assert run(folder, "workbench validate") == 1


def run(folder: Path, command: str) -> int:
    """The exit code of a hook in a process of its own, as git runs it."""
    words = [sys.executable, "-P", "-m", "workbench.cli", *command.split()[1:]]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, check=False).returncode
