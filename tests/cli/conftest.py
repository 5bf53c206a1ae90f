"""A small team's data, and the command line run in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from workbench.cli import main

REFERENCE = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed as JSON."""
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs ``workbench`` with the words given, in the reference workspace unless ``at`` says otherwise."""

    def ran(*words: str, at: Path = REFERENCE) -> Ran:
        monkeypatch.chdir(at)
        with pytest.raises(SystemExit) as left:
            main(list(words))
        out, err = capsys.readouterr()
        return Ran(int(left.value.code or 0), out, err)

    return ran


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A DuckDB file with keys, a link by name, a link by value, an orphan, a NULL key and awkward names."""
    file = tmp_path / "shop.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            """
            create table customers (id integer, "Full Name" varchar, land varchar, since date);
            insert into customers select i, 'name ' || i, ['DE', 'FR', 'IT'][1 + i % 3], date '2020-01-01' + i::int
            from range(40) t(i);
            create table countries (iso varchar primary key, label varchar);
            insert into countries values ('DE', 'Germany'), ('FR', 'France'), ('IT', 'Italy');
            create table orders (order_id bigint, customer_id integer, ordered_at timestamp, amount decimal(10, 2));
            insert into orders select i, case when i = 7 then null when i = 8 then 999 else i % 40 end,
            timestamp '2024-01-01 08:00:00' + interval (i) hour, i + 0.5 from range(500) t(i);
            create table order_lines (order_id bigint, line integer, units integer);
            insert into order_lines select i // 2, i % 2, 1 + i % 90 from range(1000) t(i);
            """
        )
    return file
