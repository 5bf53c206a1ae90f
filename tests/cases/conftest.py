"""The workspaces that cases are asked of, and the same data open for hand-written SQL."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import duckdb
import pytest

import workbench
from workbench.session.session import Session

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
PRELUDE = (HERE / "prelude.sql").read_text(encoding="utf-8")
STEWARDS = {**dict.fromkeys(("flights", "trial", "retail"), "sam@skyways.example"), "shop": "sue@shop.example"}


@dataclass
class Desk:
    """A workspace with a session per identity, and plain DuckDB over its data."""

    name: str
    root: Path
    file: Path
    sessions: dict[str, Session] = field(default_factory=dict)
    prelude: str = ""

    @cached_property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The data, open for SQL that nothing of ours has touched."""
        connection = duckdb.connect()
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"attach '{self.file}' as warehouse (read_only)")
        connection.execute("use warehouse")
        connection.execute(self.prelude)
        return connection

    def session(self, identity: str | None = None) -> Session:
        """The session of that identity, or of the workspace's steward."""
        who = identity or STEWARDS[self.name]
        if who not in self.sessions:
            self.sessions[who] = workbench.connect(self.root, as_user=who)
        return self.sessions[who]

    def by_hand(self, sql: str) -> list[tuple[object, ...]]:
        """The rows of hand-written SQL."""
        return self.connection.execute(sql).fetchall()


@pytest.fixture(scope="session")
def desks(tmp_path_factory: pytest.TempPathFactory, flights_file: Path) -> Iterator[dict[str, Desk]]:
    """The reference workspace over the flights, the same with `trial/` and `retail/`, and the shop, each by itself."""
    folder = tmp_path_factory.mktemp("cases")
    flights, trial, retail = folder / "flights", folder / "trial", folder / "retail"
    retail_file = shutil.copyfile(flights_file, folder / "retail.duckdb")
    with duckdb.connect(str(retail_file)) as connection:
        connection.execute((HERE / "retail" / "warehouse.sql").read_text(encoding="utf-8"))
    for root, warehouse in ((flights, flights_file), (trial, flights_file), (retail, retail_file)):
        root.mkdir()
        for name in ("metrics", "access", "notebooks"):
            shutil.copytree(REPOSITORY / name, root / name)
        (root / "pyproject.toml").write_text(f"[tool.workbench.environments.dev]\nwarehouse = '{warehouse}'\n")
    shutil.copytree(HERE / "trial", trial / "metrics" / "trial")
    shutil.copy(HERE / "retail" / "metrics.yml", retail / "metrics" / "retail.yml")
    shutil.copy(HERE / "retail" / "policy.yml", retail / "access" / "policies" / "retail.yml")
    shop = folder / "shop"
    shutil.copytree(HERE / "shop", shop)
    (shop / ".workbench").mkdir()
    file = shop / ".workbench" / "warehouse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute((shop / "warehouse.sql").read_text(encoding="utf-8"))
    found = {
        "flights": Desk("flights", flights, flights_file, prelude=PRELUDE),
        "trial": Desk("trial", trial, flights_file, prelude=PRELUDE),
        "retail": Desk("retail", retail, retail_file, prelude=PRELUDE),
        "shop": Desk("shop", shop, file),
    }
    yield found
    for desk in found.values():
        for session in desk.sessions.values():
            session.close()
