"""An ibis table behind a door: everything works, and nothing but SQL text passes."""

from __future__ import annotations

from decimal import Decimal

import ibis
import pyarrow as pa
import pytest

from workbench.errors import QuestionError
from workbench.warehouse.duckdb_engine import DuckDBEngine
from workbench.warehouse.ibis_backend import guarded_table


class Door:
    """Counts what passes, and lets through only rows below a limit, as an access rule would."""

    def __init__(self, engine: DuckDBEngine) -> None:
        self.engine = engine
        self.texts: list[str] = []

    def run(self, sql: str) -> pa.Table:
        self.texts.append(sql)
        return self.engine.run(sql.replace('"gold"."orders"', '(FROM "gold"."orders" WHERE id < 10)'))


@pytest.fixture
def door(engine: DuckDBEngine) -> Door:
    return Door(engine)


@pytest.fixture
def orders(door: Door) -> ibis.Table:
    return guarded_table("gold.orders", door.engine.schema("gold.orders"), door.run)


def test_every_way_out_passes_the_door(orders: ibis.Table, door: Door) -> None:
    numbers = orders.select("id").order_by("id")
    ways = (
        lambda: list(numbers.execute()["id"]),
        lambda: list(numbers.to_pandas()["id"]),
        lambda: numbers.to_pyarrow()["id"].to_pylist(),
        lambda: numbers.to_polars()["id"].to_list(),
        lambda: [i for batch in numbers.to_pyarrow_batches(chunk_size=3) for i in batch["id"].to_pylist()],
        lambda: list(numbers.id.execute()),
        lambda: [i for frame in numbers.to_pandas_batches(chunk_size=4) for i in frame["id"]],
    )
    for count, way in enumerate(ways, 1):
        assert way() == list(range(10))
        assert len(door.texts) == count
    assert orders.count().execute() == 10
    assert orders.count().to_pyarrow().as_py() == 10
    assert orders.amount.sum().execute() == Decimal("0.45")


def test_types_come_back_as_promised(orders: ibis.Table) -> None:
    asked = orders.aggregate(n=orders.count(), total=orders.id.sum(), last=orders.moment.max())
    assert asked.to_pyarrow().schema == asked.schema().to_pyarrow()
    assert asked.execute()["total"].tolist() == [45]


def test_nulls_survive(orders: ibis.Table) -> None:
    asked = orders.select(x=ibis.cases((orders.id > 7, orders.id), else_=None)).order_by("x")
    assert asked.to_pyarrow()["x"].to_pylist() == [8, 9] + [None] * 8
    assert asked.execute()["x"].isna().sum() == 8


def test_it_prints_itself_only_when_asked_to(orders: ibis.Table, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "orders" in repr(orders)
    assert door.texts == []
    monkeypatch.setattr(ibis.options, "interactive", True)
    assert "moment" in repr(orders)
    assert "LIMIT" in door.texts[-1]


def test_tables_of_one_door_join_and_of_two_do_not(orders: ibis.Table, door: Door) -> None:
    notes = guarded_table("main.notes", door.engine.run("FROM main.notes LIMIT 0").schema, door.run)
    assert orders.cross_join(notes).count().execute() == 10
    foreign = guarded_table("main.notes", notes.schema(), Door(door.engine).run)
    with pytest.raises(ibis.IbisError, match="Multiple backends"):
        orders.cross_join(foreign).count().execute()


def test_raw_sql_passes_the_door_too(orders: ibis.Table, door: Door) -> None:
    asked = orders.alias("mine").sql("SELECT max(id) AS top FROM mine")
    assert asked.execute()["top"].tolist() == [9]
    assert ibis.to_sql(asked).startswith("WITH")
    assert all("id < 10" not in text for text in door.texts)


@ibis.udf.scalar.python
def doubled(x: int) -> int:
    return 2 * x


def test_what_would_write_or_send_is_refused(orders: ibis.Table, door: Door) -> None:
    backend = orders.get_backend()
    acts = (
        lambda: orders.cache(),
        lambda: backend.create_table("mine", orders),
        lambda: backend.drop_table("orders"),
        lambda: backend.create_view("mine", orders),
        lambda: backend.drop_view("large"),
        lambda: orders.join(ibis.memtable({"id": [1]}), "id").execute(),
        lambda: orders.mutate(twice=doubled(orders.id)).execute(),
    )
    for act in acts:
        with pytest.raises(QuestionError) as caught:
            act()
        assert caught.value.slug == "read-only"
    assert door.texts == []
