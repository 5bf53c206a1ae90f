"""The version of the rules changes with each rule, and with nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from workbench.access.version import policy_version
from workbench.declare.workspace import load

REFERENCE = Path(__file__).parents[2]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    for folder in ("access", "metrics"):
        shutil.copytree(REFERENCE / folder, tmp_path / folder)
    return tmp_path


def edited(root: Path, file: str, old: str, new: str) -> None:
    text = (root / file).read_text("utf-8")
    assert old in text
    (root / file).write_text(text.replace(old, new, 1), "utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("access/roles.yml", '"promote:batch", ', ""),
        ("access/groups.yml", "members: [ana@skyways.example]", "members: [ana@skyways.example, eve@evil.example]"),
        ("access/groups.yml", "carrier: [UA]", "carrier: [UA, DL]"),
        ("access/policies/gold.yml", "with: hash", "with: last4"),
        ("access/policies/gold.yml", "op: in", "op: eq"),
        ("metrics/models/planes.yml", "tags: [aircraft]", "tags: [machine]"),
    ],
)
def test_each_change_of_a_rule_is_another_version(here: Path, file: str, old: str, new: str) -> None:
    before = policy_version(load(here))
    assert policy_version(load(here)) == before
    edited(here, file, old, new)
    assert policy_version(load(here)) != before


def test_words_that_say_the_same_are_the_same_version(here: Path) -> None:
    before = policy_version(load(here))
    for file in sorted((here / "access").rglob("*.yml")):
        file.write_text("# A remark.\n" + file.read_text("utf-8"), "utf-8")
    (here / "access" / "policies").rename(here / "access" / "rules")
    (here / "metrics" / "models" / "planes.yml").rename(here / "metrics" / "aircraft.yml")
    assert policy_version(load(here)) == before
