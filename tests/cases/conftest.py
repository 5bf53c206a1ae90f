"""The two workspaces that cases are asked of, and the same data open for hand-written SQL."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

import workbench
from workbench.session.session import Session

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
STEWARDS = {"flights": "sam@skyways.example", "shop": "sue@shop.example"}


@dataclass
class Desk:
    """A workspace with a session per identity, and plain DuckDB over its data."""

    name: str
    root: Path
    sessions: dict[str, Session] = field(default_factory=dict)

    def session(self, identity: str | None = None) -> Session:
        """The session of that identity, or of the workspace's steward."""
        who = identity or STEWARDS[self.name]
        if who not in self.sessions:
            self.sessions[who] = workbench.connect(self.root, as_user=who)
        return self.sessions[who]

    def by_hand(self, sql: str, prelude: str = "") -> list[tuple[object, ...]]:
        """The rows of SQL that nothing of ours has touched."""
        with duckdb.connect() as connection:
            connection.execute("set timezone = 'UTC'")
            connection.execute(f"attach '{self.root / '.workbench' / 'warehouse.duckdb'}' as warehouse (read_only)")
            connection.execute("use warehouse")
            connection.execute(prelude)
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="session")
def desks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Desk]]:
    """The reference workspace over the flights, and the shop of `shop/` in a folder of its own."""
    shop = tmp_path_factory.mktemp("cases") / "shop"
    shutil.copytree(HERE / "shop", shop)
    (shop / ".workbench").mkdir()
    with duckdb.connect(str(shop / ".workbench" / "warehouse.duckdb")) as connection:
        connection.execute((shop / "warehouse.sql").read_text(encoding="utf-8"))
    found = {"flights": Desk("flights", REPOSITORY), "shop": Desk("shop", shop)}
    found["flights"].session()  # builds the warehouse where there is none yet
    yield found
    for desk in found.values():
        for session in desk.sessions.values():
            session.close()
