"""Each mistake of `data/`: a broken declaration, and exactly the problems told of it, each at its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from workbench.declare.workspace import load
from workbench.errors import Problem
from workbench.graph.build import build
from workbench.graph.check import check
from workbench.quality.checks import check_data
from workbench.warehouse.duckdb_engine import DuckDBEngine

DATA = Path(__file__).parent / "data"
BASE: dict[str, str] = yaml.safe_load((DATA / "base.yml").read_text(encoding="utf-8"))


def _mistakes() -> Iterator[dict[str, Any]]:
    for file in sorted(DATA.glob("*.yml")):
        if file.name != "base.yml":
            for mistake in yaml.safe_load(file.read_text(encoding="utf-8")):
                yield {**mistake, "mistake": f"{file.stem}: {mistake['mistake']}"}


def _problems(root: Path, warehouse: Path | None) -> tuple[Problem, ...]:
    workspace = load(root)
    found = (*workspace.problems, *check(build(workspace), workspace))
    if warehouse is None:
        return found
    engine = DuckDBEngine(warehouse)
    try:
        return (*found, *check_data(workspace, engine))
    finally:
        engine.close()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What base.yml is right about."""
    file = tmp_path_factory.mktemp("mistakes") / "warehouse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute((DATA / "base.sql").read_text(encoding="utf-8"))
    return file


def _stands_at(problem: Problem, place: str) -> bool:
    """Whether a problem stands at 'file:line' or 'file:line:column'."""
    return problem.place is not None and f"{problem.place}:".startswith(f"{place}:")


@pytest.mark.parametrize("mistake", list(_mistakes()), ids=lambda mistake: mistake["mistake"])
def test_mistake_is_told_once_at_its_place(mistake: dict[str, Any], tmp_path: Path, warehouse: Path) -> None:
    for name, text in {**BASE, **mistake["files"]}.items():
        if text is not None:
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    left = list(_problems(tmp_path, warehouse if mistake["mistake"].startswith("warehouse:") else None))
    for expected in mistake["expect"]:
        found = [p for p in left if expected.get("slug") in (None, p.slug) and _stands_at(p, expected["at"])]
        assert found, f"no [{expected.get('slug')}] at {expected['at']} among: {[str(p) for p in left]}"
        told = str(found[0])
        for word in expected.get("says", []):
            assert word in told
        assert "Traceback" not in told
        left.remove(found[0])
    assert not left, f"more than was expected: {[str(p) for p in left]}"
