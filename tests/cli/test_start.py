"""`workbench init`: proposals borne out by the data, that validate and answer at once, and overwrite nothing."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.cli.conftest import Run


def test_a_proposed_workspace_validates_and_answers(run: Run, shop: Path, tmp_path: Path) -> None:
    team = tmp_path / "team"
    assert run("init", str(shop), str(team), "--owner", "sales").code == 0
    checked = run("validate", "--data", at=team)
    assert (checked.code, checked.out) == (0, ""), checked.err
    answer = run("query", "orders", "total_amount", "--by", "customer.land", "--format", "json", at=team)
    with duckdb.connect(str(shop), read_only=True) as connection:
        wanted = connection.execute(
            "select land, count(*), sum(amount) from orders left join customers on customer_id = id "
            "group by land order by land nulls last"
        ).fetchall()
    got = [(row["customer.land"], row["orders"], row["total_amount"]) for row in answer.json]
    assert got == [(land, count, float(total)) for land, count, total in wanted]
    assert any(land is None for land, _, _ in got), "the orphan and the NULL key form a group"


def test_what_was_verified_stands_in_the_files(run: Run, shop: Path, tmp_path: Path) -> None:
    run("init", str(shop), str(tmp_path / "team"))
    orders = (tmp_path / "team/metrics/models/orders.yml").read_text()
    assert "primary_key: [order_id]" in orders
    assert "customer: customer_id -> customers.id: 1 of 499 values find no row; 1 rows have none." in orders
    assert "time_dimension: ordered_at" in orders
    lines = (tmp_path / "team/metrics/models/order_lines.yml").read_text()
    assert "primary_key: [order_id, line]" in lines
    assert "every value finds its row." in lines
    customers = (tmp_path / "team/metrics/models/customers.yml").read_text()
    assert "found by its values, not its name" in customers
    assert "full_name: {expr: '\"Full Name\"'" in customers


def test_a_wrong_key_is_never_proposed(run: Run, tmp_path: Path) -> None:
    """Looks like a key by name and nearly by count: one value stands twice."""
    file = tmp_path / "near.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "create table items as select case when i = 99 then 98 else i end as item_id from range(100) t(i)"
        )
    run("init", str(file), str(tmp_path / "team"))
    text = (tmp_path / "team/metrics/models/items.yml").read_text()
    assert "primary_key" not in text
    assert "No key found" in text


def test_numbers_alone_are_no_link(run: Run, tmp_path: Path) -> None:
    """Small integers occur in every key; only a name makes them a relationship."""
    file = tmp_path / "numbers.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create table boxes as select i as box_id, i % 5 as colour from range(50) t(i)")
        connection.execute("create table shelves as select i as shelf_id, i as height from range(50) t(i)")
    run("init", str(file), str(tmp_path / "team"))
    assert "relationships" not in (tmp_path / "team/metrics/models/boxes.yml").read_text()


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_folders_of_files(run: Run, tmp_path: Path, suffix: str) -> None:
    data, team = tmp_path / "data", tmp_path / "team"
    (data / "sales").mkdir(parents=True)
    duckdb.execute(f"copy (select i as shop_id, 'shop ' || i as label from range(3) t(i)) to '{data}/shops.{suffix}'")
    for part in (0, 1):
        duckdb.execute(
            f"copy (select {part} * 50 + i as sale_id, i % 3 as shop_id, date '2024-01-01' + i::int as day, "
            f"i * 1.5 as amount from range(50) t(i)) to '{data}/sales/part{part}.{suffix}'"
        )
    assert run("init", str(data), str(team)).code == 0
    got = run("query", "sales", "--by", "shop.label", "--format", "csv", at=team)
    assert got.out == "shop.label,sales\nshop 0,34\nshop 1,34\nshop 2,32\n", got.err
    # A new delivery is seen: the warehouse is built again from the files as they are now.
    duckdb.execute(
        f"copy (select 1000 as sale_id, 1 as shop_id, date '2024-03-01' as day, 2.5 as amount) "
        f"to '{data}/sales/part2.{suffix}'"
    )
    assert run("query", "sales", "--format", "csv", at=team).out == "sales\n101\n"


def test_nothing_is_overwritten(run: Run, shop: Path, tmp_path: Path) -> None:
    team = tmp_path / "team"
    mine = team / "metrics" / "models" / "orders.yml"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    (team / "pyproject.toml").write_text('[project]\nname = "mine"\n')
    ran = run("init", str(shop), str(team))
    assert mine.read_text() == "mine"
    assert "kept     metrics/models/orders.yml" in ran.out
    assert "[tool.workbench]" in ran.err, "what to add to one's own file is told"
    before = {file: file.read_bytes() for file in team.rglob("*") if file.is_file()}
    assert run("init", str(shop), str(team)).code == 0
    assert {file: file.read_bytes() for file in team.rglob("*") if file.is_file()} == before


def test_a_dry_run_writes_nothing(run: Run, shop: Path, tmp_path: Path) -> None:
    ran = run("init", str(shop), str(tmp_path / "team"), "--dry-run")
    assert ran.code == 0
    assert "would write    metrics/models/orders.yml" in ran.out
    assert not (tmp_path / "team").exists()


@pytest.mark.parametrize(
    ("name", "content", "slug"),
    [
        ("empty", None, "no-data"),
        ("broken.parquet", b"PAR1 no", "unreadable-data"),
        ("broken.duckdb", b"x" * 9000, "warehouse-broken"),
    ],
)
def test_data_that_is_none(run: Run, tmp_path: Path, name: str, content: bytes | None, slug: str) -> None:
    data = tmp_path / name
    data.mkdir() if content is None else data.write_bytes(content)
    ran = run("init", str(data), str(tmp_path / "team"))
    assert ran.code == 5
    assert f"[{slug}]" in ran.err
    assert not (tmp_path / "team").exists()
