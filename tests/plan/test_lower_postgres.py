"""PostgreSQL against DuckDB: every function, random expressions, and random questions over random shops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import ibis
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plan import examples, shop, shop_time, test_oracle, test_oracle_time
from tests.plan.brute_force import value_of
from tests.plan.test_lower_scalar import COLUMNS, PHASES, ROWS, TABLE, column, known, resolved, same, typed
from tests.warehouse.on_postgres import copied, new_database, started
from tests.warehouse.postgres import Postgres
from workbench.access.principal import identify
from workbench.declare.expression import Aggregate, Expression
from workbench.declare.parser import parse
from workbench.declare.question import Question
from workbench.declare.workspace import Workspace, load
from workbench.errors import Unanswerable, WorkbenchError
from workbench.plan.lower_scalar import lower, lower_aggregate
from workbench.plan.lower_text import sql_text
from workbench.session.session import Session
from workbench.warehouse.duckdb_engine import DuckDBEngine
from workbench.warehouse.postgres_engine import PostgresEngine

pytestmark = pytest.mark.slow

costly = settings.get_profile("costly")

SQL = {"DOUBLE": "double precision", "VARCHAR": "text", "float": "double precision", "string": "text"}
KNOWN = ibis.table(examples.SCHEMA, name="examples")
REFUSED = {"approx_distinct(s)", "approx_percentile(f, 0.9)", "reverse(s)"}


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    yield from started()


@pytest.fixture(scope="module")
def tables(server: Postgres) -> Iterator[psycopg.Connection[Any]]:
    """The rows that DuckDB's tests look at, in a database whose locale knows no letters but those of ASCII."""
    with psycopg.connect(new_database(server), autocommit=True) as connection:
        connection.execute("SET TimeZone = 'America/New_York'")  # nothing may hang on the zone of a session
        for name, columns, rows in (
            ("examples", examples.SQL, examples.ROWS),
            ("rows", COLUMNS, [tuple(row.values()) for row in ROWS]),
        ):
            typed_columns = ", ".join(f"{column} {SQL.get(kind, kind)}" for column, kind in columns.items())
            connection.execute(f"CREATE TABLE {name} ({typed_columns})")
            with connection.cursor() as cursor:
                cursor.executemany(f"INSERT INTO {name} VALUES ({', '.join(['%s'] * len(columns))})", rows)
        yield connection


def values(connection: psycopg.Connection[Any], table: Any) -> list[Any]:
    return [row[0] for row in connection.execute(sql_text(table, "postgres").encode()).fetchall()]


@pytest.mark.parametrize("text", [text for text in examples.SCALARS if text not in REFUSED])
def test_scalar(tables: psycopg.Connection[Any], text: str) -> None:
    found = values(tables, KNOWN.select(value=lower(resolved(parse(text)), known)))
    wanted = [None if value is ... else value for value in examples.SCALARS[text]]
    assert all(map(same, found, wanted)), (found, wanted)


@pytest.mark.parametrize("text", [text for text in examples.AGGREGATES if text not in REFUSED])
def test_aggregate(tables: psycopg.Connection[Any], text: str) -> None:
    tree = resolved(parse(text))
    assert isinstance(tree, Aggregate)
    for table, wanted in zip((KNOWN, KNOWN.filter(KNOWN.i == 12345)), examples.AGGREGATES[text], strict=True):
        value = lower_aggregate(tree, lambda of, table=table: table[of.name], table)  # type: ignore[misc]
        (found,) = values(tables, table.aggregate(value=value))
        assert same(found, wanted), (found, wanted)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("round(f * 1.0)", [3.0, -2.0, None]),  # a half goes away from zero, not to the even neighbour
        ("round(cast(i as float) / 4, 1)", [1.8, -0.8, None]),
        ("s < 'a'", [True, False, None]),  # the order of bytes: a space and capitals come first
        ("greatest(s, 'a', 'B')", ["a", "xyz", "a"]),
        ("upper(concat('é', s))", ["É AB-C ", "ÉXYZ", "É"]),
        ("'ÉCLAT' ilike concat('é', '%')", [True, True, True]),
        ("coalesce(lower(s), upper(s), least(s, 'x'))", [" ab-c ", "xyz", "x"]),
        ("substring(s, 0 - 2)", ["c ", "yz", None]),
        ("substring(s, i - 9, 1)", ["c", "x", None]),
        ("cast(i * 0.335 as decimal(9, 2))", None),
        ("cast(f / 3 as decimal(18, 4))", None),
        ("sha256(s)", None),
    ],
)  # fmt: skip
def test_where_the_two_would_part(tables: psycopg.Connection[Any], text: str, wanted: list[Any] | None) -> None:
    table = KNOWN.select(value=lower(_tree(text), known))
    if wanted is None:
        with duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE examples ({', '.join(f'{n} {t}' for n, t in examples.SQL.items())})")
            connection.executemany(f"INSERT INTO examples VALUES ({', '.join('?' * 10)})", examples.ROWS)
            wanted = [row[0] for row in connection.execute(sql_text(table, "duckdb")).fetchall()]
    found = values(tables, table)
    assert all(map(same, found, wanted)), (found, wanted)


def _tree(text: str) -> Expression:
    from workbench.declare.expression import Call, Column

    return Call("sha256", (Column("", "s"),)) if text == "sha256(s)" else resolved(parse(text))


@pytest.mark.parametrize(
    "text", [*sorted(REFUSED), "f % 2", "cast(f as string)", "concat(f)", "round(f, i)", "median(f % 2)"]
)
def test_what_would_differ_is_refused_by_name(text: str) -> None:
    tree = resolved(parse(text))
    if isinstance(tree, Aggregate):
        table = KNOWN.aggregate(value=lower_aggregate(tree, known, KNOWN))
    else:
        table = KNOWN.select(value=lower(tree, known))
    with pytest.raises(Unanswerable) as caught:
        sql_text(table, "postgres")
    assert caught.value.slug == "not-on-this-engine"


@settings(phases=PHASES)
@given(st.lists(typed, min_size=3, max_size=3))
def test_every_expression_means_what_brute_force_says(
    tables: psycopg.Connection[Any], drawn: list[tuple[str, Expression]]
) -> None:
    for kind, tree in drawn:
        try:
            text = sql_text(TABLE.select(value=lower(tree, column)), "postgres")
        except Unanswerable:
            continue
        for row, (value,) in zip(ROWS, tables.execute(text.encode()).fetchall(), strict=True):
            wanted = value_of(tree, row)
            wanted = float(wanted) if kind == "float" and wanted is not None else wanted
            assert same(value, wanted), (tree, row, value, wanted)


# ---------------------------------------------------------------------- questions


class Shop:
    """One shop on PostgreSQL, filled anew for each example, and sessions over it."""

    def __init__(self, workspace: Workspace, url: str) -> None:
        self.workspace = workspace
        self._writer = psycopg.connect(url, autocommit=True)
        self._writer.execute(shop.SCHEMA)
        self._sessions = {
            who: Session(workspace, identify(workspace.roles, workspace.groups, who, "dev"), PostgresEngine(url), None)
            for who in ("steward", "eve")
        }

    def asking(self, tables: shop.Tables, who: str) -> Session:
        """A session of someone over these rows."""
        with self._writer.transaction():
            for name, rows in tables.items():
                self._writer.execute(f"TRUNCATE shop.{name}")
                for row in rows:
                    marks = ", ".join(["%s"] * len(row))
                    sql = f"INSERT INTO shop.{name} ({', '.join(row)}) VALUES ({marks})"
                    self._writer.execute(sql.encode(), list(row.values()))
        return self._sessions[who]

    def close(self) -> None:
        self._writer.close()
        for session in self._sessions.values():
            session.close()


@pytest.fixture(scope="module")
def plain_shop(server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    opened = Shop(load(shop.declare(tmp_path_factory.mktemp("shop"))).require(), new_database(server))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def timed_shop(server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    root = shop.declare(tmp_path_factory.mktemp("timed"))
    (root / "metrics/shop/time.yml").write_text(shop_time.DECLARATIONS, encoding="utf-8")
    opened = Shop(load(root).require(), new_database(server))
    yield opened
    opened.close()


def agree(over: Shop, tables: shop.Tables, who: str, ask: Callable[[Session], Any]) -> None:
    """Fail unless both engines give the same groups and values, or refuse for the same reason."""
    with test_oracle.session(over.workspace, tables, who) as asking:
        wanted, reason = tried(ask, asking)
    found, why = tried(ask, over.asking(tables, who))
    assert why == reason
    if wanted is not None:
        test_oracle.assert_same(found, wanted)


def tried(ask: Callable[[Session], Any], asking: Session) -> tuple[Any, str]:
    try:
        return ask(asking), ""
    except WorkbenchError as error:
        return None, error.slug


@costly
@given(tables=test_oracle.shops, question=test_oracle.questions(), who=st.sampled_from(["steward", "eve"]))
def test_answers_agree(plain_shop: Shop, tables: shop.Tables, question: Any, who: str) -> None:
    metrics, by, condition = question
    text = condition.text if condition else None
    agree(plain_shop, tables, who, lambda asking: test_oracle.answered(asking, metrics, by, text))


@costly
@given(tables=test_oracle_time.shops, drawn=test_oracle_time.questions())
def test_answers_over_time_agree(timed_shop: Shop, tables: shop.Tables, drawn: Any) -> None:
    metrics, asked = drawn
    agree(timed_shop, tables, "steward", lambda asking: test_oracle_time.answered(asking, metrics, asked))


BESIDE = [
    Question(metrics=["revenue", "orders"], by=["metric_time.month"], compare="1 month"),
    Question(metrics=["revenue", "mean_amount"], by=["status", "customer.tier"], totals="total"),
    Question(metrics="orders", by=["customer.tier"], share_of="total", order_by=["-orders", "customer.tier"], limit=3),
    Question(metrics="net", by=["customer.region.name", "metric_time.week"], totals=["total", "customer.region.name"]),
]


@costly
@given(tables=test_oracle.shops, question=st.sampled_from(BESIDE))
def test_comparisons_shares_and_totals_agree(plain_shop: Shop, tables: shop.Tables, question: Question) -> None:
    keys = [asked.path for asked in question.by] + (["total"] if question.totals else [])

    def ask(asking: Session) -> Any:
        rows = asking.ask(question).rows()
        return {tuple(row[k] for k in keys): {k: test_oracle.plain(v) for k, v in row.items()} for row in rows}

    agree(plain_shop, tables, "steward", ask)


# ---------------------------------------------------------------------- odd values

ODD_ROWS = """
CREATE SCHEMA g;
CREATE TABLE g.t AS SELECT * FROM (VALUES
    (1, double 'NaN', 0.1::float, 1.005::decimal(10, 3), 9007199254740993, 'a', timestamptz '2024-03-10 06:30+00', 1,
     'Z'),
    (2, 'inf', 0.2, 2.675, -9007199254740993, 'B', timestamptz '2024-11-03 05:30:00+00', 2, 'é'),
    (3, '-inf', 0.3, -1.005, NULL, 'ä', timestamptz '2024-11-03 06:30:00+00', NULL, 'e'),
    (4, 0.0, NULL, NULL, 5, NULL, NULL, 4, '_'),
    (5, -0.0, 1.5, 0.5, 5, '', timestamptz '1969-12-31 23:59:59.999999+00', 5, NULL),
    (6, 1e300, 1e5, 1234567.891, 5, 'a ', timestamptz '2262-01-01 00:00:00+00', 6, 'a')
) AS v (id, f, r, d, b, s, m, n, s2)
"""
ODD = [
    "sum(d)", "avg(d)", "median(d)", "percentile(d, 0.9)", "percentile_disc(d, 0.3)", "stddev(d)", "var_pop(n)",
    "sum(r)", "min(f)", "max(f)", "count(distinct f)", "sum(b)", "min(s)", "max(s)", "first(s, m)", "last(s, m)",
    "last(d, n)", "sum(round(d, 2))", "sum(round(r, 1))", "min(lower(s))", "max(upper(s))", "sum(length(s))",
    "count_if(s < 'b')", "sum(n) / count(*)", "sum(b % 7)", "sum(-n % 4)", "sum(cast(r as decimal(9, 2)))",
    "sum(cast(d as integer))", "min(cast(d as string))", "min(cast(m as string))", "count(distinct cast(m as date))",
    "count_if(s ilike 'Ä')", "sum(f) filter (where f < 0)", "sum(cast(r as integer))", "max(power(n, 0.5))",
    "max(greatest(s, s2))", "count_if(s between 'A' and 'a')", "min(concat(s, b, d, m))", "max(lpad(s2, 3, 'xy'))",
    "count_if(r = 0.1)", "count_if(f > 0)", "count_if(d in (2.675, 0.5))", "count_if(b > 9007199254740992)",
]  # fmt: skip
TOO_LARGE = "sum(b * 1024)"


@pytest.fixture(scope="module")
def odd(server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Session, Session]]:
    """One model over odd values, on DuckDB and on PostgreSQL."""
    root, file = tmp_path_factory.mktemp("odd"), tmp_path_factory.mktemp("rows") / "odd.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(ODD_ROWS)
    url = new_database(server)
    copied(file, url, file.parent)
    (root / "metrics").mkdir()
    (root / "access").mkdir()
    moment = "  m: {type: time, grain: microsecond, timezone: America/New_York}\n"
    model = f"semantic_model: t\ntable: g.t\nprimary_key: [id]\ntime_dimension: m\ndimensions:\n{moment}"
    metrics = "".join(f'---\nmetric: odd_{n}\nmodel: t\nexpr: "{text}"\n' for n, text in enumerate((*ODD, TOO_LARGE)))
    (root / "metrics/t.yml").write_text(model + "  f: {}\n  d: {}\n  s: {}\n  s2: {}\n" + metrics, encoding="utf-8")
    access = "roles: {analyst: {can: [query:adhoc, read:metric]}}\n---\ngroups: {all: {role: analyst, members: [me]}}\n"
    (root / "access/all.yml").write_text(access + "---\nresource: g.t\ngrant: [{to: [analyst]}]\n", encoding="utf-8")
    workspace = load(root).require()
    me = identify(workspace.roles, workspace.groups, "me", "dev")
    with (
        Session(workspace, me, DuckDBEngine(file), None) as one,
        Session(workspace, me, PostgresEngine(url), None) as two,
    ):
        yield one, two


def plain_rows(asking: Session, question: Question) -> list[tuple[Any, ...]]:
    found = asking.ask(question).rows()
    return [tuple("NaN" if value != value else test_oracle.plain(value) for value in row.values()) for row in found]


@pytest.mark.parametrize("by", [[], ["s2"], ["f"], ["d"], ["m.hour"], ["m.week"], ["metric_time.month_of_year", "s"]])
def test_odd_values_come_out_alike(odd: tuple[Session, Session], by: list[str]) -> None:
    order = [sign + path for sign, path in zip("-+-", by, strict=False)]
    question = Question(metrics=[f"odd_{n}" for n in range(len(ODD))], by=by, order_by=[o.lstrip("+") for o in order])
    wanted, found = (plain_rows(session, question) for session in odd)
    assert len(found) == len(wanted)
    for ours, theirs in zip(found, wanted, strict=True):
        for name, one, other in zip((*by, *ODD), ours, theirs, strict=True):
            assert same(one, other) or one == other, (name, one, other)


def test_a_number_too_large_is_an_error_on_both(odd: tuple[Session, Session]) -> None:
    for session in odd:
        with pytest.raises(WorkbenchError) as caught:
            session.query(f"odd_{len(ODD)}")
        assert caught.value.slug == "bad-sql"
