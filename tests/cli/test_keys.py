"""`keys`: every key and relationship beside the data, values only for who may see them, a code that scripts use."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from tests.cli.conftest import REFERENCE, Run

SHOP = REFERENCE / "tests" / "cases" / "shop"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The shop of the cases, with a customer twice."""
    shutil.copytree(SHOP, tmp_path / "shop")
    (tmp_path / "shop" / ".workbench").mkdir()
    with duckdb.connect(str(tmp_path / "shop" / ".workbench" / "warehouse.duckdb")) as connection:
        connection.execute((SHOP / "warehouse.sql").read_text(encoding="utf-8"))
        connection.execute("insert into gold.customers values (1, 'Ada again', 'east')")
    return tmp_path / "shop"


def test_sound_keys_and_coverage(run: Run) -> None:
    ran = run("keys", "--as", "sam@skyways.example")
    assert ran.code == 0
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["airports", "faa", "1,458", "0", "0", "sound"] in lines
    assert ["flights.aircraft", "planes", "336,776", "2,512", "50,094", "84.4%"] in [line[:6] for line in lines]
    assert "tailnum = 'D942DN'" in ran.out
    assert "0 broken" in ran.err


def test_values_of_a_masked_column_are_not_shown(run: Run) -> None:
    ran = run("keys", "--as", "ana@skyways.example")
    assert ran.code == 0
    assert "D942DN" not in ran.out


def test_a_broken_key_is_told_at_its_place(run: Run, root: Path) -> None:
    ran = run("keys", "--as", "sue@shop.example", at=root)
    assert ran.code == 1
    assert ["customers", "customer_id", "6", "0", "1", "broken"] in [line.split() for line in ran.out.splitlines()]
    assert "metrics/models/customers.yml:6" in ran.err
    assert "customer_id = 1 (2 rows)" in ran.err
    hidden = run("keys", "--as", "wes@shop.example", at=root)
    assert hidden.code == 1
    assert "customer_id = 1" not in hidden.err


def test_facts_as_json(run: Run, root: Path) -> None:
    facts = {(one["model"], one.get("role")): one for one in run("keys", "--format", "json", at=root).json}
    customers = facts["customers", None]
    assert (customers["kind"], customers["verdict"], customers["duplicates"]) == ("key", "broken", 1)
    assert customers["sample"] == ["customer_id = 1 (2 rows)"]
    orders = facts["orders", "customer"]
    assert (orders["kind"], orders["to"], orders["nulls"], orders["orphans"]) == ("relationship", "customers", 1, 1)
    assert orders["matched"] == 4
