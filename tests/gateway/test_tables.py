"""ibis tables in a partner's hands, here and behind a gateway: whatever is built on them is SQL under the rules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.operations as ops
import pytest

from tests.gateway.conftest import PAULA, SAM, As
from workbench.errors import WorkbenchError


def builtin(name: str, **types: type) -> Callable[..., Any]:
    """A function of the engine, by its name: ibis lets anybody name any."""
    parameters = ", ".join(f"{one}: {kind.__name__}" for one, kind in types.items())
    scope: dict[str, Any] = {}
    exec(f"def {name}({parameters}) -> str: ...", scope)
    made: Callable[..., Any] = ibis.udf.scalar.builtin(scope[name])
    return made


def other(flights: ibis.Table, schema: str, name: str, **columns: str) -> ibis.Table:
    """A table that nobody gave, made as ibis makes them, over the same door."""
    (mine,) = flights.op().find(ops.DatabaseTable)
    found = ops.DatabaseTable(name, ibis.schema(columns), mine.source, ops.Namespace(database=schema))
    return found.to_expr()


OUT: dict[str, Callable[[ibis.Table], Any]] = {
    "a table of the engine": lambda t: other(t, "information_schema", "tables", table_name="string").to_pyarrow(),
    "a table that is missing": lambda t: other(t, "gold", "salaries", who="string").to_pyarrow(),
    "a file as a table": lambda t: other(t, "", "/etc/passwd", line="string").to_pyarrow(),
    "SQL over the engine": lambda t: t.sql("select * from duckdb_settings()").to_pyarrow(),
    "SQL over a file": lambda t: t.alias("x").sql("select * from read_text('/etc/passwd')").to_pyarrow(),
    "SQL of several statements": lambda t: t.get_backend()._door("select 1 as one; drop table gold.flights"),
    "a function that reads": lambda t: t.mutate(x=builtin("read_text", p=str)("/etc/passwd")).to_pyarrow(),
    "a function that runs SQL": lambda t: t.mutate(x=builtin("query", p=str)("select 1")).to_pyarrow(),
    "a setting": lambda t: t.mutate(x=builtin("current_setting", p=str)("temp_directory")).to_pyarrow(),
    "an environment": lambda t: t.mutate(x=builtin("getenv", p=str)("HOME")).to_pyarrow(),
    "statistics": lambda t: t.mutate(x=builtin("stats", p=str)(t.carrier)).to_pyarrow(),
    "rows of one's own": lambda t: t.join(ibis.memtable({"carrier": ["DL"]}), "carrier").to_pyarrow(),
    "a Python function": lambda t: t.mutate(
        x=ibis.udf.scalar.python(lambda c: c, signature=((str,), str))(t.carrier)
    ).to_pyarrow(),
    "a copy in the engine": lambda t: t.cache(),
    "a new table": lambda t: t.get_backend().create_table("x", t),
    "a new view": lambda t: t.get_backend().create_view("x", t),
}


@pytest.mark.parametrize("way", OUT)
def test_there_is_no_way_around_the_rules(as_user: As, way: str) -> None:
    flights = as_user(PAULA).table("gold.flights")
    with pytest.raises((WorkbenchError, ibis.common.exceptions.IbisError)) as refused:
        OUT[way](flights)
    said = str(refused.value)
    assert "DL" not in said
    assert "root:" not in said


INSIDE: dict[str, Callable[[ibis.Table], Any]] = {
    "all": lambda t: t.select("carrier").distinct(),
    "a condition that is always true": lambda t: t.filter((t.carrier == "DL") | True).select("carrier").distinct(),
    "a word with quotes": lambda t: t.filter(t.carrier != "' OR '1'='1' --").select("carrier").distinct(),
    "SQL": lambda t: t.sql("select distinct carrier from gold.flights"),
    "SQL with a union": lambda t: t.sql("select carrier from gold.flights union select carrier from flights"),
    "a union": lambda t: t.select("carrier").union(t.select("carrier"), distinct=True),
    "a join with itself": lambda t: (
        t.select("carrier").distinct().cross_join(t.select(c=t.carrier).distinct()).select(carrier="c")
    ),
    "a window": lambda t: (
        t.mutate(carrier=t.carrier.first().over(ibis.window(group_by=t.carrier))).select("carrier").distinct()
    ),
    "the same table made by hand": lambda t: other(t, "gold", "flights", carrier="string").group_by("carrier").agg(),
}


@pytest.mark.parametrize("way", INSIDE)
def test_whatever_is_built_sees_permitted_rows_alone(as_user: As, way: str) -> None:
    flights = as_user(PAULA).table("gold.flights")
    assert INSIDE[way](flights).to_pyarrow().to_pydict() == {"carrier": ["UA"]}


def test_a_masked_column_stays_masked(as_user: As) -> None:
    real = set(as_user(SAM).table("gold.flights").tailnum.to_pyarrow().to_pylist())
    flights = as_user(PAULA).table("gold.flights")
    by_hand = other(flights, "gold", "flights", tailnum="string")
    for column in (flights.tailnum, by_hand.tailnum.upper(), flights.tailnum.upper(), flights.tailnum.cast("string")):
        seen = set(column.to_pyarrow().to_pylist()) - {None}
        assert len(seen) > 100
        assert not seen & {one and one.upper() for one in real}


def test_what_is_written_is_written_here(as_user: As, tmp_path: Path) -> None:
    flights = as_user(PAULA).table("gold.flights").select("carrier").distinct()
    file = tmp_path / "mine.parquet"
    try:
        flights.to_parquet(file)
    except (WorkbenchError, ibis.common.exceptions.IbisError):
        return
    assert ibis.read_parquet(file).to_pyarrow().to_pydict() == {"carrier": ["UA"]}
