"""Thousands of metrics stay within the seconds and megabytes that a catalogue may cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.scaling import runs, specs, write
from workbench.declare.workspace import load
from workbench.quality.problems import find_problems


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of the test's own, where the user's secret goes."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.mark.parametrize("files", ["model", "metric"])
def test_what_is_measured_is_right(tmp_path: Path, files: str) -> None:
    write(tmp_path, specs(60, 3), files=files, prose=True)
    workspace = load(tmp_path)
    assert (len(workspace.models), len(workspace.metrics)) == (4, 60)
    assert find_problems(workspace) == ()


@pytest.mark.slow
@pytest.mark.parametrize("files", ["model", "metric"])
def test_loading_and_checking_stay_quick_and_small(files: str) -> None:
    measured = [runs(specs(5000, 50), files, prose=True) for _ in range(2)]
    best = {name: min(one[name]["load and check"] for one in measured) for name in measured[0]}
    assert best["first"] < 2
    assert best["unchanged"] < 0.3
    assert max(run["peak MB"] for one in measured for run in one.values()) < 200
