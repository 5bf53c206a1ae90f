"""The embedded warehouse: true to its source, whole or absent, and rebuilt whenever it is neither."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from workbench.errors import WarehouseError
from workbench.warehouse import flights
from workbench.warehouse.duckdb_engine import DuckDBEngine
from workbench.warehouse.flights_source import find_source, steps

pytestmark = pytest.mark.slow

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(scope="module")
def engine(flights_file: Path) -> Iterator[DuckDBEngine]:
    opened = DuckDBEngine(flights_file)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def delivered() -> list[dict[str, str]]:
    """The flights as another reader sees them: Python's own."""
    with zipfile.ZipFile(find_source().file("flights")) as archive, archive.open("flights.csv") as file:
        return list(csv.DictReader(io.TextIOWrapper(file, "utf-8")))


def one(engine: DuckDBEngine, sql: str) -> object:
    return engine.run(sql)[0][0].as_py()


@pytest.mark.parametrize(
    ("table", "rows"),
    [("flights", 336_776), ("airlines", 16), ("airports", 1_458), ("planes", 3_322), ("weather", 26_115)],
)
def test_no_row_is_lost_or_invented(engine: DuckDBEngine, table: str, rows: int) -> None:
    assert one(engine, f"SELECT count(*) FROM landing.{table}") == rows
    assert one(engine, f"SELECT count(*) FROM gold.{table}") == rows
    assert one(engine, f"SELECT row_count FROM landing.deliveries WHERE table_name = '{table}'") == rows


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("flights", "flight_id"),
        ("flights", "carrier, flight_number, origin, scheduled_departure"),
        ("airlines", "carrier"),
        ("airports", "faa"),
        ("planes", "tailnum"),
        ("weather", "origin, observed_hour"),
    ],
)
def test_keys_are_unique_and_complete(engine: DuckDBEngine, table: str, key: str) -> None:
    counts = engine.run(f"SELECT count(*), count(DISTINCT ({key})) FROM gold.{table}").to_pylist()[0]
    assert len(set(counts.values())) == 1
    nulls = " OR ".join(f"{column} IS NULL" for column in key.split(", "))
    assert one(engine, f"SELECT count(*) FROM gold.{table} WHERE {nulls}") == 0


def test_orphans_are_kept(engine: DuckDBEngine) -> None:
    assert one(engine, "SELECT count(*) FROM gold.flights WHERE dest NOT IN (SELECT faa FROM gold.airports)") == 7_602
    assert one(engine, "SELECT count(*) FROM gold.flights f ANTI JOIN gold.planes USING (tailnum)") == 52_606
    without_weather = "f ANTI JOIN gold.weather w ON f.origin = w.origin AND f.scheduled_hour = w.observed_hour"
    assert one(engine, f"SELECT count(*) FROM gold.flights {without_weather}") == 1_556


def test_every_flight_is_what_was_delivered(engine: DuckDBEngine, delivered: list[dict[str, str]]) -> None:
    columns = "flight_id, carrier, flight_number, origin, dest, tailnum, dep_delay_minutes, arr_delay_minutes, "
    columns += "air_time_minutes, distance_miles, cancelled, completed, flight_date"
    found = Counter(map(tuple, (row.values() for row in engine.run(f"SELECT {columns} FROM gold.flights").to_pylist())))
    assert found == Counter(map(_expected, delivered))


def _expected(row: dict[str, str]) -> tuple[object, ...]:
    def number(name: str) -> int | None:
        return None if row[name] == "NA" else int(row[name])

    local = date(int(row["year"]), int(row["month"]), int(row["day"]))
    departs = datetime.fromisoformat(row["time_hour"])
    departs += timedelta(minutes=int(row["minute"]))
    stamp = departs.isoformat().replace("-", "").replace(":", "")[:13] + "Z"
    key = f"{row['carrier']}-{row['flight']}-{row['origin']}-{stamp}"
    tailnum = None if row["tailnum"] in ("NA", "") else row["tailnum"]
    cancelled, completed = row["dep_time"] == "NA", row["arr_delay"] != "NA"
    delays = (number("dep_delay"), number("arr_delay"), number("air_time"), number("distance"))
    return (
        key,
        row["carrier"],
        number("flight"),
        row["origin"],
        row["dest"],
        tailnum,
        *delays,
        cancelled,
        completed,
        local,
    )


def test_instants_agree_with_the_clocks_of_new_york(engine: DuckDBEngine, delivered: list[dict[str, str]]) -> None:
    rows = engine.run(
        "SELECT flight_id, scheduled_departure, scheduled_hour, departed_at FROM gold.flights"
    ).to_pylist()
    instants = {row["flight_id"]: row for row in rows}
    for row in delivered[::7]:
        found = instants[str(_expected(row)[0])]
        clock = found["scheduled_departure"].astimezone(NEW_YORK)
        assert (clock.date(), f"{clock.hour}{clock.minute:02}") == (_expected(row)[-1], row["sched_dep_time"])
        assert found["scheduled_departure"] - found["scheduled_hour"] == timedelta(minutes=int(row["minute"]))
        if row["dep_time"] == "NA":
            assert found["departed_at"] is None
        else:
            left = found["departed_at"].astimezone(NEW_YORK)
            assert left.hour * 100 + left.minute == int(row["dep_time"]) % 2400


def test_clock_changes_are_instants_not_clock_readings(engine: DuckDBEngine) -> None:
    hours = "SELECT count(DISTINCT observed_hour) FROM gold.weather WHERE origin = 'EWR' AND "
    local = "timezone('America/New_York', observed_hour)"
    assert one(engine, f"{hours} {local} = TIMESTAMP '2013-11-03 01:00'") == 2, "one o'clock came twice"
    assert one(engine, f"{hours} {local} = TIMESTAMP '2013-03-10 02:00'") == 0, "two o'clock never came"


def test_not_available_became_null_and_only_that(engine: DuckDBEngine) -> None:
    text_columns = {table: [c for c, t in engine.types(table).items() if t == "VARCHAR"] for table in engine.tables()}
    for table, columns in text_columns.items():
        for column in columns if table.startswith("gold.") else ():
            assert (
                one(engine, f"SELECT count(*) FROM {table} WHERE {column} IN ('NA', '') OR {column} <> trim({column})")
                == 0
            )
    assert one(engine, "SELECT count(*) FROM landing.flights WHERE tailnum = 'NA' OR tailnum IS NULL") == 2_512
    assert one(engine, "SELECT count(*) FROM gold.flights WHERE tailnum IS NULL") == 2_512
    assert one(engine, "SELECT count(*) FROM gold.planes WHERE built_year IS NULL") == 70


def test_types_are_the_promised_ones(engine: DuckDBEngine) -> None:
    for table in ("airlines", "airports", "flights", "planes", "weather"):
        assert set(engine.types(f"landing.{table}").values()) == {"VARCHAR"}
    types = engine.types("gold.flights")
    assert types["scheduled_departure"] == types["scheduled_hour"] == types["departed_at"] == "TIMESTAMP WITH TIME ZONE"
    assert engine.types("gold.weather")["observed_hour"] == "TIMESTAMP WITH TIME ZONE"
    assert types["flight_date"] == "DATE"


def test_everything_in_gold_is_described(engine: DuckDBEngine) -> None:
    bare = (
        "SELECT table_name || '.' || column_name FROM duckdb_columns() WHERE schema_name = 'gold' AND comment IS NULL"
    )
    assert engine.run(bare).column(0).to_pylist() == []
    assert one(engine, "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'gold' AND comment IS NULL") == 0


# What follows is about the file, not its rows.


@pytest.fixture
def built(flights_file: Path, tmp_path: Path) -> Path:
    """A whole warehouse of one's own."""
    return Path(shutil.copy(flights_file, tmp_path / "warehouse.duckdb"))


def others(path: Path) -> list[str]:
    return sorted(p.name for p in path.parent.iterdir() if p != path and p.suffix != ".lock")


def test_whole_and_current_is_left_alone(built: Path) -> None:
    before = built.stat()
    said: list[str] = []
    began = time.perf_counter()
    assert flights.ready(built)
    assert time.perf_counter() - began < 5
    assert flights.ensure(built, said.append) is False
    assert (built.stat().st_mtime_ns, built.stat().st_ino, said) == (before.st_mtime_ns, before.st_ino, [])


def test_it_builds_with_progress_and_leaves_nothing_else(tmp_path: Path) -> None:
    said: list[str] = []
    path = tmp_path / "new folder" / "it's.duckdb"
    assert flights.ensure(path, said.append) is True
    assert flights.ready(path)
    assert others(path) == []
    for title, _ in steps():
        assert any(line.startswith(title) for line in said)
    assert said[-1].startswith("warehouse built in ")


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def cut_a_little(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def gibberish(path: Path) -> None:
    path.write_bytes(os.urandom(100_000))


def remove(path: Path) -> None:
    path.unlink()


def age(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE landing.deliveries SET recipe = 'older' WHERE table_name = 'planes'")


def unfinished(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("DELETE FROM landing.deliveries")


@pytest.fixture
def quick_build(flights_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real build has its own test above; here only whether and where one happens matters."""
    monkeypatch.setattr(
        flights, "build", lambda path, progress: os.replace(shutil.copy(flights_file, f"{path}.x"), path)
    )


@pytest.mark.parametrize("harm", [cut, cut_a_little, empty, gibberish, remove, age, unfinished])
@pytest.mark.usefixtures("quick_build")
def test_broken_or_stale_is_rebuilt(built: Path, harm: Callable[[Path], None]) -> None:
    harm(built)
    assert not flights.ready(built)
    assert flights.ensure(built, lambda line: None) is True
    assert flights.ready(built)


def test_a_changed_recipe_makes_it_stale(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.warehouse.flights_source.steps_text", lambda: "-- step: other\nSELECT 1")
    assert not flights.ready(built)


def test_a_strangers_database_is_never_overwritten(tmp_path: Path, write: Callable[[Path, str], Path]) -> None:
    path = write(tmp_path / "mine.duckdb", "CREATE TABLE precious AS SELECT 42 AS answer")
    before = path.read_bytes()
    with pytest.raises(WarehouseError) as caught:
        flights.ensure(path, lambda line: None)
    assert caught.value.slug == "not-ours"
    assert path.read_bytes() == before


def test_a_locked_file_is_not_rebuilt(built: Path) -> None:
    hold = f"import duckdb, sys; c = duckdb.connect({str(built)!r}); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(WarehouseError) as caught:
            flights.ensure(built, lambda line: None)
        assert holder.stdin is not None
        holder.stdin.close()
    assert caught.value.slug == "warehouse-locked"


def test_no_right_to_write(tmp_path: Path, as_nobody: Callable[[Callable[[], str]], str]) -> None:
    tmp_path.chmod(0o555)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)

    def act(do: Callable[[Path, flights.Progress], object]) -> str:
        try:
            do(tmp_path / "warehouse.duckdb", lambda line: None)
        except WarehouseError as error:
            return error.slug
        return "built"

    assert as_nobody(lambda: act(flights.ensure)) == "no-permission"
    assert as_nobody(lambda: act(flights.build)) == "no-permission"


def test_a_failing_build_leaves_the_old_file(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    age(built)
    before = built.read_bytes()
    monkeypatch.setattr(flights, "steps", lambda: [("breaking", "SELECT error('no space left')")])
    with pytest.raises(WarehouseError) as caught:
        flights.ensure(built, lambda line: None)
    assert caught.value.slug == "build-failed"
    assert "no space left" in str(caught.value)
    assert built.read_bytes() == before
    assert others(built) == []


def test_what_a_killed_builder_left_is_swept(built: Path) -> None:
    left = built.parent / f".{built.name}.building-dead"
    left.mkdir()
    (left / built.name).write_bytes(b"half")
    age(built)
    assert flights.ensure(built, lambda line: None) is True
    assert others(built) == []


def test_two_processes_build_it_once(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    code = (
        "import sys; from pathlib import Path; from workbench.warehouse.flights import ensure\n"
        f"print(ensure(Path({str(path)!r}), lambda line: None))"
    )
    builders = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(builder.communicate(timeout=120)[0].strip() for builder in builders) == ["False", "True"]
    assert flights.ready(path)
    assert others(path) == []


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.warehouse.flights_source.PACKAGE", "nycflights99")
    with pytest.raises(WarehouseError) as caught:
        flights.ensure(tmp_path / "warehouse.duckdb", lambda line: None)
    assert caught.value.slug == "no-source"
    assert "nycflights99" in str(caught.value)
