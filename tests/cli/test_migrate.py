"""`workbench migrate` tells who has to move, shows what it would write, and writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.review.test_migration import workspace


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return workspace(tmp_path).root


def test_a_whole_migration(run: Run, made: Path) -> None:
    before = run("migrate", "status", "--format", "json", at=made).json
    assert {(row["consumer"], row["state"]) for row in before} == {("average", "to move"), ("page", "to move")}
    shown = run("migrate", "apply", "revenue", "--dry-run", at=made)
    assert "-expr: revenue / orders_placed" in shown.out
    assert "+expr: net / orders_placed" in shown.out
    assert run("migrate", "status", "--format", "json", at=made).json == before, "a dry run writes nothing"
    assert run("migrate", "apply", "revenue", at=made).code == 0
    after = run("migrate", "status", "--format", "json", at=made).json
    assert {row["state"] for row in after} == {"moved"}


def test_nothing_to_migrate(run: Run, made: Path) -> None:
    ran = run("migrate", "apply", "average", at=made)
    assert (ran.code, "no-migration" in ran.err) == (2, True)
    ran = run("migrate", "apply", "averag", at=made)
    assert (ran.code, "Did you mean 'average'?" in ran.err) == (2, True), ran.err
