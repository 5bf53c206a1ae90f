"""The catalogue whose loading is measured by hand (python -m tests.benchmarks.scaling) is a right one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.scaling import specs, write
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
