"""A small library in MetricFlow's words, its tables, and the workspace it becomes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

import workbench
from workbench.exchange.metricflow import Imported, import_project

LIBRARY = Path(__file__).parent / "library"

TABLES = """
create schema lib;
create table lib.loans as select * from (values
    (1, 10, 100, timestamp '2024-01-03', timestamp '2024-01-20 09:30', false, 1.5, 'torn'),
    (2, 10, 101, timestamp '2024-01-09', timestamp '2024-02-01 10:00', true, 2.0, null),
    (3, 11, 100, timestamp '2024-02-02', null, true, 4.0, null),
    (4, 12, 102, timestamp '2024-02-05', timestamp '2024-02-06 16:45', false, null, 'wet'),
    (5, 99, 100, timestamp '2024-02-07', null, true, 8.0, null),
    (6, null, null, timestamp '2024-03-01', null, null, 16.0, null)
) as t(loan_id, book_id, member_id, borrowed_on, returned_at, renewed, fine, note);
create table lib.books as select * from (values
    (10, 'novel', 1, date '2001-05-01', ['a']), (11, 'atlas', 2, date '2002-01-01', ['b']),
    (12, 'novel', null, date '2003-01-01', null)
) as t(book_id, kind, publisher_id, printed_on, tags);
create table lib.shelves as select * from (values (10, 'A'), (11, 'B')) as t(book_id, room);
create table lib.members as select * from (values (100, 'Rome'), (101, 'Oslo')) as t(member_id, city);
create table lib.weather as select * from (values
    ('Rome', date '2024-01-03', 'sun'), ('Rome', '2024-02-02', 'rain'), ('Oslo', '2024-01-03', 'snow')
) as t(town, day, sky);
create table lib.publishers as select * from (values (1, 'FR'), (2, 'IT')) as t(publisher_id, country);
create table lib.rooms as select * from (values
    ('A', date '2020-01-01', date '2024-01-05', 'fiction'), ('A', '2024-01-05', null, 'drama'),
    ('B', '2024-02-05', null, 'maps')
) as t(room, since, until, purpose);
create table lib.days as select day::date as day, date '2024-01-01' + case when day < '2024-02-05' then 0 else 35 end
    as term from range(timestamp '2024-01-01', timestamp '2024-05-01', interval 1 day) as t(day);
create table lib.reservations as select * from (values
    (1, 10, date '2024-01-01'), (2, 10, date '2024-02-01'), (3, 11, date '2024-04-01')
) as t(id, book_id, asked_on);
"""


def as_dbt(folder: Path) -> str:
    """The same definitions as one file of dbt's lists, its tables named by ref()."""
    lists: dict[str, Any] = {"version": 2, "models": [], "semantic_models": [], "metrics": [], "saved_queries": []}
    for file in sorted(folder.glob("*.yml")):
        for document in yaml.safe_load_all(file.read_text(encoding="utf-8")):
            ((kind, content),) = document.items()
            if kind == "project_configuration":
                spine = content["time_spines"][0]
                custom = spine["custom_granularities"]
                column = {"standard_granularity_column": "day", "custom_granularities": custom}
                lists["models"].append({"name": spine["node_relation"]["alias"], "time_spine": column})
                continue
            if kind == "semantic_model":
                content = {"model": f"ref('{content.pop('node_relation')['alias']}')", **content}
            lists["saved_queries" if kind == "saved_query" else f"{kind}s"].append(content)
    return yaml.safe_dump(lists, sort_keys=False)


@pytest.fixture(scope="session")
def imported() -> Imported:
    """The library, imported from MetricFlow's own spelling."""
    return import_project(LIBRARY)


@pytest.fixture(scope="session")
def session(imported: Imported, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An analyst's session at the imported workspace, over the library's tables."""
    root = tmp_path_factory.mktemp("library")
    with duckdb.connect(str(root / "library.duckdb")) as connection:
        connection.execute(TABLES)
    settings = '[tool.workbench.environments.dev]\nwarehouse = "library.duckdb"\n'
    for name, text in {**imported.files, "pyproject.toml": settings}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    with workbench.connect(root, as_user="ana@library.example") as opened:
        yield opened
