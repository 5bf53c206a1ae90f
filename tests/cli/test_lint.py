"""`workbench lint` lists findings at their places, mends what it may, and fails only where it is told to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.review.test_lint import GOOD, other, workspace


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return workspace(tmp_path, GOOD, other("orders_placed", expr="count(*)", format="", tests="")).root


def test_findings_are_warnings_unless_required(run: Run, made: Path) -> None:
    ran = run("lint", "--format", "json", at=made)
    assert ran.code == 0
    assert {(p["slug"], p["file"], p["severity"]) for p in ran.json} == {
        ("unit-and-format", "metrics/1.yml", "warning"),
        ("tested-metric", "metrics/1.yml", "warning"),
    }
    assert run("lint", "--strict", at=made).code == 1
    (made / "pyproject.toml").write_text('[tool.workbench.lint]\nrequire = ["tested-metric"]\n')
    assert run("lint", at=made).code == 1


def test_a_fix_leaves_the_rest_to_people(run: Run, made: Path) -> None:
    ran = run("lint", "--fix", at=made)
    assert "Mended metrics/1.yml." in ran.err
    assert "has no test" in ran.err
    assert "format: integer" in (made / "metrics/1.yml").read_text()
    assert "unit-and-format" not in run("lint", at=made).err
