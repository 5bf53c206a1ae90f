"""The engine over real files: what it answers, refuses, streams, and does when the file is swapped."""

from __future__ import annotations

import gc
import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import ibis
import pyarrow as pa
import pytest

from workbench.errors import Place, QuestionError, WarehouseError
from workbench.warehouse.duckdb_engine import DuckDBEngine
from workbench.warehouse.redact import redacted

Write = Callable[[Path, str], Path]


def test_it_names_and_describes_tables(engine: DuckDBEngine) -> None:
    assert engine.dialect == "duckdb"
    assert engine.tables() == ("gold.large", "gold.orders", "main.notes")
    expected = {
        "id": "INTEGER",
        'odd "name': "VARCHAR",
        "amount": "DECIMAL(18,2)",
        "moment": "TIMESTAMP WITH TIME ZONE",
    }
    assert dict(engine.types("gold.orders")) == expected
    assert engine.schema("gold.orders") == ibis.schema(
        {"id": "int32", 'odd "name': "string", "amount": "decimal(18, 2)", "moment": "timestamp('UTC', 6)"}
    )


def test_an_unknown_table_is_refused_with_the_nearest_name(engine: DuckDBEngine) -> None:
    with pytest.raises(WarehouseError) as caught:
        engine.schema("gold.ordrs")
    assert caught.value.slug == "missing-table"
    assert "'gold.ordrs'" in str(caught.value)
    assert "Did you mean 'gold.orders'" in str(caught.value)


def test_it_runs_with_and_without_parameters(engine: DuckDBEngine) -> None:
    assert engine.run("SELECT count(*) AS n FROM gold.orders").to_pylist() == [{"n": 50_000}]
    assert engine.run("SELECT id FROM gold.orders WHERE id = ? OR id = ? ORDER BY 1", [3, 7]).column(0).to_pylist() == [
        3,
        7,
    ]
    assert engine.run("SELECT id FROM gold.orders WHERE false").num_rows == 0


def test_time_is_utc_in_every_thread(engine: DuckDBEngine) -> None:
    with ThreadPoolExecutor(8) as pool:
        zones = list(pool.map(lambda _: engine.run("SELECT current_setting('TimeZone')")[0][0].as_py(), range(80)))
    assert set(zones) == {"UTC"}
    assert engine.run("SELECT moment FROM gold.orders WHERE id = 0")[0][0].as_py() == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("shape", ["{}", "[{}]", "{{'a': {}}}", "MAP {{{}: {}}}", "array_value({})"])
def test_no_dictionary_goes_along_with_values_of_other_rows(engine: DuckDBEngine, shape: str) -> None:
    value = shape.replace("{}", "'good'::ENUM('good', 'SECRET')").replace("{{", "{").replace("}}", "}")
    sql = f"SELECT {value} AS v"
    for found in (engine.run(sql), engine.stream(sql).read_all()):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, found.schema) as writer:
            writer.write_table(found)
        assert b"good" in sink.getvalue().to_pybytes()
        assert b"SECRET" not in sink.getvalue().to_pybytes()


def test_a_stream_does_not_wait_for_all_rows(engine: DuckDBEngine) -> None:
    began = time.perf_counter()
    batch = engine.stream("SELECT i FROM range(1_000_000_000_000) t(i)").read_next_batch()
    assert batch.num_rows > 0
    assert time.perf_counter() - began < 10
    assert engine.stream("SELECT i FROM range(?) t(i)", [200_000]).read_all().num_rows == 200_000


def test_streams_give_their_cursors_back(engine: DuckDBEngine) -> None:
    file = engine._opened()
    engine.stream("SELECT 1").read_all()
    dropped = engine.stream("SELECT i FROM range(10_000_000) t(i)")
    dropped.read_next_batch()
    assert file._lent == 1
    del dropped
    gc.collect()
    assert file._lent == 0


@pytest.mark.parametrize("way", ["run", "stream"])
@pytest.mark.parametrize(
    ("sql", "place", "says"),
    [
        ("SELEC 1", Place("sql", 1, 1), "SELEC"),
        ("SELECT 1,\n  foo FROM gold.orders", Place("sql", 2, 3), "foo"),
        ("SELECT * FROM gold.ordrs", Place("sql", 1, 15), "orders"),
        ("SELECT 'a'::INTEGER", None, "'a'"),
        ("  -- nothing", None, "SELECT"),
        ("SELECT ?", None, "parameter"),
    ],
)
def test_bad_sql_says_what_and_where(engine: DuckDBEngine, way: str, sql: str, place: Place | None, says: str) -> None:
    with pytest.raises(QuestionError) as caught:
        getattr(engine, way)(sql)
    assert caught.value.slug == "bad-sql"
    assert says in str(caught.value)
    if place is not None:
        assert caught.value.problems[0].place == place


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM glob('*')",
        "COPY gold.orders TO '{file}.csv'",
        "ATTACH '{file}.other' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET memory_limit = '1GB'",
        "SET GLOBAL TimeZone = 'Asia/Tokyo'",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "INSERT INTO main.notes VALUES ('x')",
        "DROP TABLE main.notes",
        "CREATE TABLE main.more AS SELECT 1",
        "SELECT * FROM engine_",
    ],
)
def test_the_connection_is_hardened(engine: DuckDBEngine, small_file: Path, sql: str) -> None:
    engine_ = engine.run("SELECT 1")  # noqa: F841  # a Python variable that SQL must not see
    before = small_file.read_bytes()
    with pytest.raises((QuestionError, WarehouseError)):
        engine.run(sql.format(file=small_file.with_name("secret.txt")))
    assert small_file.read_bytes() == before
    assert [p.name for p in small_file.parent.iterdir()] == [small_file.name]


def test_a_replaced_file_is_noticed(engine: DuckDBEngine, small_file: Path, tmp_path: Path, write: Write) -> None:
    other = DuckDBEngine(small_file)  # holds the same DuckDB instance, and must not hold it back
    old = engine.version()
    assert engine.schema("main.notes").names == ("text",)
    write(tmp_path / "new.duckdb", "CREATE TABLE main.notes AS SELECT 2 AS number").replace(small_file)
    assert engine.version() != old
    assert engine.run("FROM main.notes").to_pylist() == other.run("FROM main.notes").to_pylist() == [{"number": 2}]
    assert engine.schema("main.notes").names == ("number",)
    assert engine.tables() == ("main.notes",)
    assert abs(engine.modified().timestamp() - small_file.stat().st_mtime) < 1e-3
    other.close()


def test_a_stream_outlives_a_replaced_file(
    engine: DuckDBEngine, small_file: Path, tmp_path: Path, write: Write
) -> None:
    stream = engine.stream("SELECT * FROM gold.orders")
    first = stream.read_next_batch().num_rows
    old = engine.version()
    write(tmp_path / "new.duckdb", "CREATE TABLE main.notes AS SELECT 2 AS number").replace(small_file)
    assert engine.version() == old, "the version names the data that is served"
    assert first + sum(batch.num_rows for batch in stream) == 50_000
    assert engine.tables() == ("main.notes",)


def test_a_deleted_file_is_missed_and_a_new_one_found(engine: DuckDBEngine, small_file: Path, tmp_path: Path) -> None:
    kept = shutil.copy(small_file, tmp_path / "kept.duckdb")
    small_file.unlink()
    with pytest.raises(WarehouseError) as caught:
        engine.run("SELECT 1")
    assert caught.value.slug == "no-warehouse"
    os.replace(kept, small_file)
    assert engine.run("SELECT count(*) FROM gold.orders")[0][0].as_py() == 50_000


def test_a_closed_engine_says_so(small_file: Path) -> None:
    engine = DuckDBEngine(small_file)
    engine.close()
    engine.close()
    with pytest.raises(QuestionError) as caught:
        engine.run("SELECT 1")
    assert caught.value.slug == "closed"


def test_an_error_between_batches_is_ours(engine: DuckDBEngine) -> None:
    """Arrow would raise it as an OSError that quotes the value, which no rule then redacts."""
    late = "SELECT CASE WHEN i < 400_000 THEN '1' ELSE 'SECRET' END::INTEGER FROM range(500_000) t(i)"
    with pytest.raises(QuestionError) as failed:
        engine.stream(late).read_all()
    assert failed.value.slug == "bad-sql"
    assert "SECRET" not in str(redacted(failed.value))
