"""Each kind of mask means the same in both lanes: compiled through ibis, and spliced into ad hoc SQL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import duckdb
import ibis
import pytest

from workbench.access.masks import conceal, masked
from workbench.access.restriction import STRICTEST, Mask, MaskKind, Restriction
from workbench.declare.expression import Column
from workbench.plan.lower_scalar import lower
from workbench.warehouse.stand_in import select_left, type_of

SALT = "it's a salt"
COLUMNS = {
    "text": ("VARCHAR", ["N14228", "N123456789", "", "ü", "it's", None]),
    "whole": ("BIGINT", [0, 7, 19, -3, 1234567890, None]),
    "small": ("INTEGER", [0, 7, 19, -3, 123456789, None]),
    "exact": ("DECIMAL(10,2)", ["0", "9.99", "10", "-0.01", "12345678.9", None]),
    "real": ("DOUBLE", [0.0, 9.99, 10.0, -0.01, 1e9, None]),
    "day": ("DATE", ["2013-01-01", "2013-12-31", "1999-06-01", "2000-02-29", "2024-02-29", None]),
    "moment": (
        "TIMESTAMP",
        ["2013-01-01 00:00:00", "2013-12-31 23:59:59.5", "1999-06-01", "2000-02-29", "2024-02-29", None],
    ),
    "flag": ("BOOLEAN", [True, False, True, False, True, None]),
}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        spelled = ", ".join(f"{name} {kind}" for name, (kind, _) in COLUMNS.items())
        connection.execute(f"CREATE SCHEMA gold; CREATE TABLE gold.t ({spelled})")
        rows = list(zip(*(values for _, values in COLUMNS.values()), strict=True))
        connection.executemany(f"INSERT INTO gold.t VALUES ({', '.join('?' * len(COLUMNS))})", rows)
        yield connection


def by_sql(connection: duckdb.DuckDBPyConnection, column: str, kind: MaskKind) -> list[Any]:
    left = Restriction("gold.t", masks=(Mask(column, "tag", kind),))
    sql = select_left("gold.t", left, {column: COLUMNS[column][0]}, "", SALT)
    return [value for (value,) in connection.execute(sql).fetchall()]


def by_ibis(connection: duckdb.DuckDBPyConnection, column: str, kind: MaskKind) -> list[Any]:
    types = {name: ibis.dtype(_IBIS[kind.partition("(")[0]]) for name, (kind, _) in COLUMNS.items()}
    table = ibis.table(types, name="t", database="gold")
    tree = masked(kind, Column("", column), type_of(COLUMNS[column][0]), SALT)
    value = lower(tree, lambda one: table[one.name])
    return [
        value
        for (value,) in connection.execute(str(ibis.to_sql(table.select(value.name("v")), dialect="duckdb"))).fetchall()
    ]


_IBIS = {
    "VARCHAR": "string", "BIGINT": "int64", "INTEGER": "int32", "DECIMAL": "decimal(10, 2)", "DOUBLE": "float64",
    "DATE": "date", "TIMESTAMP": "timestamp(6)", "BOOLEAN": "boolean",
}  # fmt: skip


@pytest.mark.parametrize("kind", STRICTEST)
@pytest.mark.parametrize("column", COLUMNS)
def test_both_lanes_give_the_same_values(connection: duckdb.DuckDBPyConnection, column: str, kind: MaskKind) -> None:
    sql, compiled = by_sql(connection, column, kind), by_ibis(connection, column, kind)
    assert sql == compiled
    assert [type(v) for v in sql] == [type(v) for v in compiled]
    real = [str(v) for (v,) in connection.execute(f"SELECT {column} FROM gold.t").fetchall() if v is not None]
    if kind != "bucket":  # a bucket may happen to be its value
        assert not any(value and value == str(shown) for value, shown in zip(real, sql, strict=False))


def test_what_each_kind_shows(connection: duckdb.DuckDBPyConnection) -> None:
    def text(kind: MaskKind, column: str = "text") -> list[Any]:
        return by_sql(connection, column, kind)

    assert text("null") == [None] * 6
    assert text("constant") == ["***"] * 6
    assert text("last4") == ["****", "****6789", "****", "****", "****", None]
    assert text("bucket") == ["N", "N", "", "ü", "i", None]
    assert text("bucket", "whole") == [0, 0, 10, -10, 1234567890, None]
    assert [str(v) for v in text("bucket", "day")][:3] == ["2013-01-01", "2013-01-01", "1999-01-01"]
    assert text("hash")[0] == hashlib.sha256((SALT + "N14228").encode()).hexdigest()[:16]
    assert text("hash")[5] is None


def test_a_hash_without_salt_shows_nothing() -> None:
    left = Restriction("gold.t", masks=(Mask("text", "tag", "hash"),))
    assert "sha256" not in select_left("gold.t", left, {"text": "VARCHAR"}, "", "")


def test_the_salt_is_concealed_however_it_is_written(connection: duckdb.DuckDBPyConnection) -> None:
    left = Restriction("gold.t", masks=(Mask("text", "tag", "hash"),))
    for salt in ("plain", "it's a salt"):
        sql = select_left("gold.t", left, {"text": "VARCHAR"}, "", salt)
        assert salt.replace("'", "''") in sql
        assert salt.replace("'", "''") not in conceal(sql, salt)
        assert salt not in conceal(f"the salt is {salt}", salt)
