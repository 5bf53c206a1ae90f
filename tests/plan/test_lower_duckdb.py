"""Starts of periods in DuckDB: those that Python and the engine's own truncation give, for every date there is."""

from __future__ import annotations

from datetime import datetime

import duckdb
import ibis
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workbench.graph.period import floor
from workbench.plan.lower_text import sql_text
from workbench.plan.lower_time import truncate

GRAINS = ["week", "month", "quarter", "year"]
TABLE = ibis.table({"day": "date", "moment": "timestamp"}, name="given")
SQL = sql_text(TABLE.select(**{f"{c}_{g}": truncate(TABLE[c], g) for c in TABLE.columns for g in GRAINS}), "duckdb")


moments = st.datetimes(datetime(1, 1, 8), datetime(9999, 12, 1))


@given(given=st.lists(moments, min_size=1, max_size=50, unique=True))
@example(given=[datetime(2024, 2, 29, 23, 59, 59, 999999), datetime(1582, 10, 15), datetime(1969, 12, 31, 12)])
def test_periods_start_where_the_calendar_says(given: list[datetime]) -> None:
    rows = ", ".join(f"(TIMESTAMP '{moment}')" for moment in given)
    with duckdb.connect() as con:
        con.execute(f"CREATE TABLE given AS SELECT CAST(m AS DATE) AS day, m AS moment FROM (VALUES {rows}) AS v(m)")
        found = con.execute(f"{SQL} ORDER BY rowid").fetchall()
    assert found == [tuple(floor(moment, grain).date() for grain in GRAINS) * 2 for moment in given]


@pytest.mark.parametrize(
    "day", ["0045-03-15 (BC)", "0001-01-01", "290301-02-03 (BC)", "290300-12-31", "infinity", "-infinity"]
)
def test_no_date_loses_its_period(day: str) -> None:
    of = [(column, grain) for column in TABLE.columns for grain in GRAINS]
    truncated = ", ".join(f"CAST(date_trunc('{grain}', CAST({column} AS TIMESTAMP)) AS DATE)" for column, grain in of)
    with duckdb.connect() as con:
        con.execute(f"CREATE TABLE given AS SELECT DATE '{day}' AS day, CAST(DATE '{day}' AS TIMESTAMP) AS moment")
        own, theirs = (
            con.execute(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ({sql})").fetchall()
            for sql in (SQL, f"SELECT {truncated} FROM given")
        )
    assert own == theirs


def test_nothing_that_is_long_is_written_again() -> None:
    nested = truncate(truncate(TABLE.moment + ibis.interval(days=1), "month"), "year")
    assert sql_text(TABLE.select(a=nested), "duckdb").count("INTERVAL") == 1
