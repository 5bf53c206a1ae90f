"""Lowered expressions against brute force over rows, and every function of the catalogue run at least once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

import duckdb
import ibis
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.plan import examples
from tests.plan.brute_force import value_of
from tests.plan.typed_trees import COLUMNS, is_narrow, trees
from workbench.declare.expression import Aggregate, Call, Column, Expression, Literal, Name, rebuild, walk
from workbench.declare.functions import AGGREGATES, FUNCTIONS, OPERATORS
from workbench.declare.grains import DATE_PARTS, GRAINS
from workbench.declare.parser import parse
from workbench.declare.types import infer
from workbench.errors import DeclarationError, InternalError
from workbench.plan.lower_scalar import date_part, local_time, lower, lower_aggregate, truncate

ROWS: list[dict[str, Any]] = [
    dict(zip(COLUMNS, row, strict=True))
    for row in [
        (1, 2, 0.5, "ab-c", "b", True, False, date(2024, 1, 31), date(2024, 2, 29), datetime(2024, 1, 31, 23, 59, 59)),
        (0, -3, -2.0, "", "AB", False, True, date(2023, 12, 31), date(2024, 1, 1), datetime(2024, 3, 4, 1, 2, 3)),
        (7, 7, 4.0, " Ab ", "a_c", True, True, date(2024, 2, 29), date(2024, 2, 29), datetime(2024, 2, 29)),
        (-5, 0, 0.0, "cc-c-", "-", False, False, date(2021, 1, 3), date(2020, 12, 31), datetime(2021, 1, 3, 12)),
        (None, 4, None, None, "é%", None, True, None, date(2024, 6, 30), None),
        (3, None, 1.25, "a%", None, True, None, date(2024, 7, 1), None, datetime(2024, 12, 31, 23)),
        (None,) * len(COLUMNS),
    ]
]
_SQL = {"integer": "BIGINT", "float": "DOUBLE", "string": "VARCHAR"}
_IBIS = {"integer": "int64", "float": "float64"}
TABLE = ibis.table({name: _IBIS.get(type_, type_) for name, type_ in COLUMNS.items()}, name="rows")


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'America/New_York'")  # nothing may hang on the zone of a session
        connection.execute(f"create table rows ({', '.join(f'{n} {_SQL.get(t, t)}' for n, t in COLUMNS.items())})")
        marks = ", ".join("?" * len(COLUMNS))
        connection.executemany(f"insert into rows values ({marks})", [list(row.values()) for row in ROWS])
        yield connection


def column(of: Column) -> Any:
    return TABLE[of.name]


def resolved(tree: Expression) -> Expression:
    return Column("", tree.path[-1], tree.at) if isinstance(tree, Name) else rebuild(tree, resolved)


def run(engine: duckdb.DuckDBPyConnection, table: Any) -> list[tuple[Any, ...]]:
    return engine.execute(str(ibis.to_sql(table, dialect="duckdb"))).fetchall()


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return type(one) is type(other) and one == other


PHASES = [phase for phase in Phase if phase is not Phase.explain]
typed = st.sampled_from(list(dict.fromkeys(COLUMNS.values()))).flatmap(
    lambda type_: st.tuples(st.just(type_), trees(type_).filter(is_narrow))
)


@pytest.mark.slow
@settings(phases=PHASES)
@given(st.lists(typed, min_size=2, max_size=2))
def test_every_expression_means_what_brute_force_says(
    engine: duckdb.DuckDBPyConnection, drawn: list[tuple[str, Expression]]
) -> None:
    names = {f"c{at}": tree for at, (_, tree) in enumerate(drawn)}
    found = run(engine, TABLE.select(**{name: lower(tree, column) for name, tree in names.items()}))
    for row, values in zip(ROWS, found, strict=True):
        for (type_, tree), value in zip(drawn, values, strict=True):
            wanted = value_of(tree, row)
            wanted = float(wanted) if type_ == "float" and wanted is not None else wanted
            assert same(value, wanted), (tree, row, value, wanted)


@settings(phases=PHASES)
@given(typed)
def test_the_inferred_type_is_the_type_of_the_value(drawn: tuple[str, Expression]) -> None:
    type_, tree = drawn
    # A NULL among numbers takes the type of its neighbours, whichever the tree was drawn for.
    numeric = ("integer", "decimal", "float")
    is_open = type_ in numeric and any(isinstance(part, Literal) and part.value is None for part in walk(tree))
    fitting = (*(numeric if is_open else (type_,)), "unknown")
    assert infer(tree, lambda name: COLUMNS[name.name]) in fitting  # type: ignore[union-attr]
    assert _family(lower(tree, column).type()) in fitting


KNOWN = ibis.table(examples.SCHEMA, name="examples")


@pytest.fixture(scope="module")
def small(engine: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    columns = ", ".join(f"{name} {type_}" for name, type_ in examples.SQL.items())
    engine.execute(f"create table examples ({columns})")
    engine.executemany(f"insert into examples values ({', '.join('?' * len(examples.SQL))})", examples.ROWS)
    return engine


def known(of: Column) -> Any:
    return KNOWN[of.name]


@pytest.mark.parametrize("text", examples.SCALARS)
def test_scalar(small: duckdb.DuckDBPyConnection, text: str) -> None:
    found = [row[0] for row in run(small, KNOWN.select(value=lower(resolved(parse(text)), known)))]
    wanted = [None if value is ... else value for value in examples.SCALARS[text]]
    assert all(map(same, found, wanted)), (found, wanted)


@pytest.mark.parametrize("text", examples.AGGREGATES)
def test_aggregate(small: duckdb.DuckDBPyConnection, text: str) -> None:
    tree = resolved(parse(text))
    assert isinstance(tree, Aggregate)
    for table, wanted in zip((KNOWN, KNOWN.filter(KNOWN.i == 12345)), examples.AGGREGATES[text], strict=True):
        value = lower_aggregate(tree, lambda of, table=table: table[of.name], table)  # type: ignore[misc]
        ((found,),) = run(small, table.aggregate(value=value))
        assert same(found, wanted), (found, wanted)
    assert AGGREGATES[tree.function].empty == examples.AGGREGATES[text][1]


def test_every_function_of_the_catalogue_has_an_example() -> None:
    run_here = {node.function for text in (*examples.SCALARS, *examples.AGGREGATES) for node in _calls(parse(text))}
    assert run_here == {*OPERATORS, *FUNCTIONS, *AGGREGATES}


def _calls(tree: Expression) -> Iterable[Call | Aggregate]:
    return (node for node in walk(tree) if isinstance(node, Call | Aggregate))


@pytest.mark.parametrize("text", [*examples.SCALARS, *examples.AGGREGATES])
def test_postgres_gets_sql_too_and_the_type_is_as_inferred(text: str) -> None:
    tree = resolved(parse(text))
    if isinstance(tree, Aggregate):
        value = lower_aggregate(tree, known, KNOWN)
        table = KNOWN.aggregate(value=value)
    else:
        value = lower(tree, known)
        table = KNOWN.select(value=value)
    assert str(ibis.to_sql(table, dialect="postgres")).startswith("SELECT")
    inferred = infer(tree, lambda name: examples.TYPES[name.name])  # type: ignore[union-attr]
    assert (
        "unknown" in (inferred, _family(value.type()))
        or inferred == _family(value.type())
        or (inferred, _family(value.type())) in LOOSE
    )


LOOSE = {("decimal", "float"), ("decimal", "integer"), ("float", "decimal")}
"""ibis guesses the digits of decimals its own way; the engine's values above are what counts."""


def _family(kind: Any) -> str:
    if kind.is_timestamp():
        return "timestamp" if kind.timezone is None else "timestamptz"
    names = ("boolean", "integer", "decimal", "floating", "string", "date", "time", "null")
    found = next(name for name in names if getattr(kind, f"is_{name}")())
    return {"floating": "float", "null": "unknown"}.get(found, found)


def test_calendar_of_a_moment_follows_its_zone_and_never_the_session(small: duckdb.DuckDBPyConnection) -> None:
    local = local_time(KNOWN.tz, "Asia/Tokyo")
    row = run(
        small,
        KNOWN.filter(KNOWN.i == 7).select(
            local=local,
            day=truncate(local, "day"),
            month=truncate(local, "month"),
            hour=truncate(local, "hour"),
            utc=truncate(KNOWN.tz, "day"),
            weekday=date_part(local, "day_of_week"),
            clock=date_part(local, "hour_of_day"),
        ),
    )
    moment = datetime(2024, 2, 1, 8, 30)
    assert row == [(moment, date(2024, 2, 1), date(2024, 2, 1), moment.replace(minute=0), date(2024, 1, 31), 4, 8)]
    assert local_time(KNOWN.ts, "Asia/Tokyo") is KNOWN.ts or local_time(KNOWN.ts, "Asia/Tokyo").equals(KNOWN.ts)


@pytest.mark.parametrize("grain", GRAINS)
def test_every_grain_of_every_temporal_type(small: duckdb.DuckDBPyConnection, grain: str) -> None:
    values = {name: truncate(KNOWN[name], grain) for name in ("day", "ts", "tz")}
    coarse = GRAINS.index(grain) >= GRAINS.index("day")
    for row in run(small, KNOWN.filter(KNOWN.i == 7).select(**values)):
        assert [type(value) for value in row] == [date if coarse else datetime] * 3
    assert all(value.type().is_date() == coarse for value in values.values())


@pytest.mark.parametrize("part", DATE_PARTS)
def test_every_part_of_a_date_is_a_whole_number(small: duckdb.DuckDBPyConnection, part: str) -> None:
    value = date_part(KNOWN.ts, part)
    wanted = {"year_of_era": 2024, "quarter_of_year": 1, "month_of_year": 3, "week_of_year": 10, "day_of_month": 4,
              "day_of_week": 1, "day_of_year": 64, "hour_of_day": 1, "minute_of_hour": 2}  # fmt: skip
    assert run(small, KNOWN.filter(KNOWN.i == -3).select(value=value)) == [(wanted[part],)]
    assert str(value.type()) == "int64"


def test_first_and_last_of_equal_times_are_the_same_every_run(engine: duckdb.DuckDBPyConnection) -> None:
    engine.execute("create table ties as select range % 1000 as i, timestamp '2024-01-01' as ts from range(200000)")
    table = ibis.table({"i": "int64", "ts": "timestamp"}, name="ties")
    trees = {name: resolved(parse(f"{name}(i, ts)")) for name in ("first", "last")}
    values = {name: lower_aggregate(tree, lambda of: table[of.name], table) for name, tree in trees.items()}  # type: ignore[arg-type]
    assert run(engine, table.aggregate(**values)) == [(0, 999)]


def test_a_sum_beyond_64_bits_fails_loudly(engine: duckdb.DuckDBPyConnection) -> None:
    engine.execute("create table huge as select 9223372036854775807 as i from range(3)")
    table = ibis.table({"i": "int64"}, name="huge")
    total = lower_aggregate(Aggregate("sum", (Column("", "i"),)), lambda of: table[of.name], table)
    with pytest.raises(duckdb.ConversionException):
        run(engine, table.aggregate(total=total))


def test_a_condition_reads_as_filter_and_a_constant_divisor_needs_no_test() -> None:
    tree = resolved(parse("sum(d / 100) filter (where b)"))
    assert isinstance(tree, Aggregate)
    sql = str(ibis.to_sql(KNOWN.aggregate(x=lower_aggregate(tree, known, KNOWN)), dialect="duckdb"))
    assert "FILTER" in sql
    assert "NULLIF" not in sql
    assert "CASE" not in sql


@pytest.mark.parametrize(
    "text",
    ["ln(" * 12 + "f" + ")" * 12, "power(" * 9 + "f" + ", 0.5)" * 9, "i / (" * 16 + "i" + ")" * 16,
     "(" * 18 + "b" + " between false and true)" * 18],
)  # fmt: skip
def test_calls_that_multiply_under_an_engine_are_refused_before_it_chokes(text: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        lower(resolved(parse(text)), known)
    assert caught.value.slug == "too-complex"


@pytest.mark.parametrize("text", ["i" + " / n" * 55, "i" + " + n" * 55, "abs(" * 55 + "i" + ")" * 55,
                                  " or ".join(["i = 1"] * 55)])  # fmt: skip
def test_the_deepest_expressions_reach_sql(small: duckdb.DuckDBPyConnection, text: str) -> None:
    assert len(run(small, KNOWN.select(value=lower(resolved(parse(text)), known)))) == len(examples.ROWS)


def test_what_types_would_have_refused_is_still_no_traceback() -> None:
    with pytest.raises(DeclarationError) as caught:
        lower(resolved(parse("lower(i)")), known)
    assert caught.value.slug == "type-mismatch"
    with pytest.raises(DeclarationError) as caught:
        lower(resolved(parse("day > 'soon'")), known)
    assert caught.value.slug == "bad-date"
    with pytest.raises(InternalError):
        lower(Name(("i",)), known)
