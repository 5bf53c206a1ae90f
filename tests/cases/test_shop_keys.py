"""A key that is declared and broken is told from the data; a sound one is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from workbench.declare.workspace import load
from workbench.quality.checks import check_data
from workbench.warehouse.duckdb_engine import DuckDBEngine

SHOP = Path(__file__).parent / "shop"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    shutil.copytree(SHOP, root)
    with duckdb.connect(str(root / "warehouse.duckdb")) as connection:
        connection.execute((root / "warehouse.sql").read_text(encoding="utf-8"))
    return root


def _told(root: Path) -> list[str]:
    engine = DuckDBEngine(root / "warehouse.duckdb")
    try:
        return [str(problem) for problem in check_data(load(root).require(), engine)]
    finally:
        engine.close()


def test_sound_keys_are_not_told(shop: Path) -> None:
    assert _told(shop) == []


def test_a_row_twice_is_told_with_its_key(shop: Path) -> None:
    with duckdb.connect(str(shop / "warehouse.duckdb")) as connection:
        connection.execute("insert into gold.customers values (1, 'Ada again', 'east')")
    (told,) = _told(shop)
    assert "[broken-key]" in told
    assert "'customers'" in told
    assert "customer_id = 1 (2 rows)" in told
    assert told.startswith("metrics/models/customers.yml:6")
