"""What an explanation says: each step where it happens, and why a join is safe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from tests.plan import shop, shop_time
from workbench.access.principal import identify
from workbench.declare.workspace import load
from workbench.session.door import Explanation
from workbench.session.session import Session
from workbench.warehouse.duckdb_engine import DuckDBEngine

ROWS: shop.Tables = {
    "regions": [{"region_id": 1, "name": "east"}],
    "customers": [{"customer_id": 1, "region_id": 1, "tier": "gold", "joined": None}],
    "orders": [
        {"order_id": 1, "customer_id": 1, "ship_region_id": 1, "status": "open", "amount": 10, "placed": None}
    ],
    "refunds": [],
}  # fmt: skip


def opened(root: Path, who: str = "steward", settings: str = "") -> Session:
    shop.declare(root)
    (root / "metrics/shop/time.yml").write_text(shop_time.DECLARATIONS, encoding="utf-8")
    (root / "pyproject.toml").write_text(f"[tool.workbench.environments.dev]\n{settings}\n")
    workspace = load(root).require()
    engine = DuckDBEngine(shop.fill(root / "data.duckdb", ROWS))
    drawing: Any = lambda shown, what: {"text/html": f"{len(shown.steps)} steps"}  # noqa: E731
    return Session(workspace, identify(workspace.roles, workspace.groups, who, "dev"), engine, None, drawing)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with opened(tmp_path) as found:
        yield found


def test_each_leg_its_joins_its_conditions_and_the_last_arithmetic_are_told(session: Session) -> None:
    told = session.explain("net", "open_share", by="customer.tier", where="customer.region.name = 'east'", limit=2)
    kinds = [step.kind for step in told.steps]
    assert kinds.count("read") == 2
    assert kinds[-4:] == ["derive", "derive", "shape", "shape"]
    text = told.text
    assert "leg 1: read shop.orders (orders)" in text
    assert "(to-one: a key of 'customers', verified on the data, so no row multiplies" in text
    assert sum(s.kind == "keep" and s.text.endswith("= 'east'") for s in told.steps) == 2
    assert "combine: 2 legs on the groups of customer.tier" in text
    assert "__" not in text, "names that nobody asked for"
    assert "derive: open_share = n" in text
    assert str(told) == text


def test_a_key_that_is_not_looked_at_is_said_to_be_trusted(tmp_path: Path) -> None:
    with opened(tmp_path, settings='keys = "trusted"') as session:
        assert "trusted as declared" in session.explain("orders", by="customer.tier").text
        assert "verified" not in session.explain("orders", by="customer.tier").text


def test_restrictions_stand_where_they_act(tmp_path: Path) -> None:
    with opened(tmp_path, "eve") as session:
        told = session.explain("orders", by="customer.tier")
    restricted = [(told.steps[n - 1].kind, step.text) for n, step in enumerate(told.steps) if step.kind == "restricted"]
    assert [kind for kind, _ in restricted] == ["read", "join"]
    assert "(rule 'own_region')" in restricted[0][1]
    assert "(rule 'own_customers')" in restricted[1][1]


def test_of_moments_what_is_shown_is_told_and_no_pick_that_nobody_sees(session: Session) -> None:
    windowed = next(name for name, text in _windows() if "window:" in text)
    by_month = session.explain(windowed, by="metric_time.month").text
    by_day = session.explain(windowed, by="metric_time.day").text
    assert "metric_time.month shows the value of its last moment" in by_month
    assert "shows the" not in by_day
    assert "up to then" in by_day


def _windows() -> list[tuple[str, str]]:
    documents = shop_time.DECLARATIONS.split("---")
    return [(one.partition("metric:")[2].split()[0].strip(",}"), one) for one in documents if "metric:" in one]


def test_a_notebook_is_given_the_drawing_and_the_wire_none(session: Session) -> None:
    told = session.explain("orders")
    assert told._repr_mimebundle_() == {"text/html": f"{len(told.steps)} steps"}  # type: ignore[attr-defined]
    assert "draw" not in TypeAdapter(Explanation).dump_python(told)
