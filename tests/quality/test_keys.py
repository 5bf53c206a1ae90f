"""Declared keys against real data: what is told of them, what they refuse, and when the refusal ends."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

import workbench
from tests.plan.rows import hold
from workbench.access.principal import identify
from workbench.declare.workspace import Workspace, load
from workbench.errors import Unanswerable, WorkbenchError
from workbench.quality.keys import verify_keys
from workbench.quality.proof import prove
from workbench.session.session import Session
from workbench.warehouse.duckdb_engine import DuckDBEngine
from workbench.warehouse.ledger import KeyFact, Ledger

FILES = {
    "pyproject.toml": "[tool.workbench.environments.dev]\nwarehouse = 'data.duckdb'\n",
    "metrics/models/sales.yml": """
semantic_model: sales
table: gold.sales
primary_key: [sale]
relationships:
  shop: {to: shops, on: {shop_id: id}}
  day: {to: days, on: {country: land, on_day: day}}
dimensions:
  sale: {}
  country: {}
""",
    "metrics/models/shops.yml": """
semantic_model: shops
table: gold.shops
primary_key: [id]
unique_keys: [[code]]
relationships:
  town: {to: towns, on: town}
dimensions:
  id: {}
  code: {tags: [secret]}
  name: {}
""",
    "metrics/models/towns.yml": """
semantic_model: towns
table: gold.towns
primary_key: [town]
dimensions:
  town: {}
  people: {type: number}
""",
    "metrics/models/days.yml": """
semantic_model: days
table: gold.days
primary_key: [land, day]
dimensions:
  land: {}
  kind: {}
""",
    "metrics/amount.yml": """
metric: amount
model: sales
expr: sum(amount)
tests:
  - {expect: 60}
  - {where: "shop.name = 'A'", expect: 30}
""",
    "access/roles.yml": """
roles:
  analyst: {can: ["query:adhoc", "read:metric"]}
  steward: {extends: analyst, can: ["unmask:secret"]}
""",
    "access/groups.yml": """
groups:
  stewards: {role: steward, members: [sue]}
  partners: {role: analyst, members: [pat], attributes: {town: [X]}}
""",
    "access/policies/gold.yml": """
resource: gold.*
grant:
  - {to: [analyst]}
mask:
  - {tag: secret, with: hash}
---
resource: gold.shops
restrict:
  - {name: own_town, to: ["group:partners"], rows: {column: town, op: in, attribute: town}}
""",
}
DATA = """
create schema gold;
create table gold.sales (sale int, shop_id int, country varchar, on_day date, amount int);
insert into gold.sales values (1, 1, 'de', '2024-01-01', 10), (2, 1, 'de', '2024-01-02', 20),
    (3, 2, 'fr', '2024-01-01', 15), (4, 9, 'fr', '2024-01-09', 5), (5, null, null, '2024-01-01', 10);
create table gold.shops (id int, code varchar, name varchar, town varchar);
insert into gold.shops values (1, 'c1', 'A', 'X'), (2, 'c2', 'B', 'Y'), (3, null, 'C', 'Y'), (4, null, 'D', null);
create table gold.towns (town varchar, people int);
insert into gold.towns values ('X', 100), ('Y', 200);
create table gold.days (land varchar, day date, kind varchar);
insert into gold.days values ('de', '2024-01-01', 'feast'), ('de', '2024-01-02', 'work'), ('fr', '2024-01-01', 'feast');
"""


def change(root: Path, sql: str) -> None:
    """Publish the data once more with a change, as a build does: a new file in the place of the old."""
    new = root / "new.duckdb"
    if (root / "data.duckdb").exists():
        shutil.copy(root / "data.duckdb", new)
    with duckdb.connect(str(new)) as connection:
        connection.execute(sql)
    new.replace(root / "data.duckdb")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    change(tmp_path, DATA)
    return tmp_path


@contextmanager
def session(root: Path, who: str = "sue") -> Iterator[Session]:
    with workbench.connect(root, as_user=who) as opened:
        yield opened


def verified(root: Path) -> dict[str, KeyFact]:
    ledger = Ledger.open(f"sqlite:///{root / 'facts.db'}")
    with closing(DuckDBEngine(root / "data.duckdb")) as engine, closing(ledger):
        facts = verify_keys(load(root).require(), engine, ledger)
        ledger.flush()
        assert ledger.key_facts(engine.version()) == facts
    return {f"{fact.model}.{fact.role or ','.join(fact.key)}": fact for fact in facts}


def amounts(opened: Session, by: str) -> dict[object, int]:
    return {row[by]: int(row["amount"]) for row in opened.query("amount", by=by).rows()}


def refusal(opened: Session, **question: object) -> str:
    with pytest.raises(Unanswerable) as refused:
        opened.query("amount", **question)
    assert refused.value.slug == "broken-key"
    return str(refused.value)


# ---------------------------------------------------------------------- what is told


def test_sound_keys_and_coverage_are_facts(root: Path) -> None:
    facts = verified(root)
    assert {name: fact.verdict for name, fact in facts.items()} == dict.fromkeys(facts, "sound")
    assert set(facts) == {
        *("days.land,day", "sales.sale", "sales.shop", "sales.day"),
        *("shops.id", "shops.code", "shops.town", "towns.town"),
    }
    shop = facts["sales.shop"]
    assert (shop.rows, shop.nulls, shop.orphans, shop.matched, shop.duplicates) == (5, 1, 1, 3, 0)
    assert shop.sample == ("shop_id = 9 (1 row)",)
    day = facts["sales.day"]
    assert (day.rows, day.nulls, day.orphans, day.matched) == (5, 1, 1, 3)
    assert day.sample == ("country = 'fr', on_day = '2024-01-09' (1 row)",)
    assert (facts["shops.code"].rows, facts["shops.code"].nulls) == (4, 2)


def test_values_that_repeat_break_a_key(root: Path) -> None:
    change(root, "insert into gold.shops select * from gold.shops where id < 3")
    change(root, "insert into gold.shops values (1, 'z', 'Z', 'X')")
    fact = verified(root)["shops.id"]
    assert (fact.verdict, fact.rows, fact.duplicates) == ("broken", 7, 2)
    assert fact.sample == ("id = 1 (3 rows)", "id = 2 (2 rows)")


def test_no_more_than_three_samples(root: Path) -> None:
    change(root, "insert into gold.shops select i % 10 + 10, i::varchar, 'x', 'X' from range(30) r(i)")
    fact = verified(root)["shops.id"]
    assert fact.duplicates == 10
    assert fact.sample == ("id = 10 (3 rows)", "id = 11 (3 rows)", "id = 12 (3 rows)")


def test_parts_of_a_composite_key_may_repeat(root: Path) -> None:
    change(root, "insert into gold.days values ('fr', '2024-01-02', 'work'), ('de', null, 'a'), ('de', null, 'b')")
    assert verified(root)["days.land,day"].duplicates == 0
    change(root, "insert into gold.days values ('fr', '2024-01-02', 'feast')")
    assert verified(root)["days.land,day"].sample == ("land = 'fr', day = '2024-01-02' (2 rows)",)


def test_null_breaks_a_primary_key_and_no_other(root: Path) -> None:
    change(root, "insert into gold.shops values (null, 'n', 'N', 'X'), (null, 'm', 'M', 'X')")
    facts = verified(root)
    assert (facts["shops.id"].verdict, facts["shops.id"].nulls, facts["shops.id"].duplicates) == ("broken", 2, 0)
    assert facts["shops.code"].verdict == "sound"


def test_an_empty_table_has_sound_keys(root: Path) -> None:
    change(root, "delete from gold.shops")
    facts = verified(root)
    assert (facts["shops.id"].verdict, facts["shops.id"].rows) == ("sound", 0)
    assert facts["sales.shop"].orphans == 4


def test_a_key_may_be_computed(root: Path) -> None:
    model = root / "metrics/models/towns.yml"
    model.write_text(model.read_text().replace("town: {}", "town: {expr: upper(name)}"))
    change(root, "alter table gold.towns rename town to name; insert into gold.towns values ('x', 3)")
    fact = verified(root)["towns.town"]
    assert (fact.verdict, fact.sample) == ("broken", ("town = 'X' (2 rows)",))
    with session(root) as opened:
        assert "town = 'X' (2 rows)" in refusal(opened, by="shop.town.people")


def test_what_is_not_there_is_told_once_all_else_is_recorded(root: Path) -> None:
    change(root, "drop table gold.days")
    ledger = Ledger.open(f"sqlite:///{root / 'facts.db'}")
    with closing(DuckDBEngine(root / "data.duckdb")) as engine, closing(ledger):
        with pytest.raises(WorkbenchError) as missing:
            verify_keys(load(root).require(), engine, ledger)
        ledger.flush()
        assert len(ledger.key_facts(engine.version())) == 6
    assert {(p.slug, p.place.file if p.place else "") for p in missing.value.problems} == {
        ("missing-table", "metrics/models/days.yml"),
        ("missing-table", "metrics/models/sales.yml"),
    }


# ---------------------------------------------------------------------- what is refused


def test_a_broken_key_refuses_the_joins_on_it_and_no_other(root: Path) -> None:
    change(root, "insert into gold.shops values (1, 'c9', 'A again', 'Y')")
    with session(root) as opened:
        told = refusal(opened, by="shop.name")
        for word in ("'sales'", "'shops'", "'shop'", "['id']", "id = 1 (2 rows)", "metrics/models/shops.yml:4"):
            assert word in told
        refusal(opened, where="shop.name = 'A'")
        refusal(opened, by="shop.town.people")
        assert amounts(opened, "day.kind") == {"feast": 25, "work": 20, None: 15}
        assert amounts(opened, "country") == {"de": 30, "fr": 20, None: 10}
        assert opened.query("amount").rows() == [{"amount": 60}]


def test_a_join_further_on_is_named_by_its_own_ends(root: Path) -> None:
    change(root, "insert into gold.towns values ('Y', 1)")
    with session(root) as opened:
        told = refusal(opened, by="shop.town.people")
        assert "'shops' to 'towns'" in told
        assert "town = 'Y' (2 rows)" in told
        assert amounts(opened, "shop.name") == {"A": 30, "B": 15, None: 15}


def test_a_composite_key_refuses_too(root: Path) -> None:
    change(root, "insert into gold.days values ('de', '2024-01-01', 'work')")
    with session(root) as opened:
        assert "land = 'de', day = '2024-01-01' (2 rows)" in refusal(opened, by="day.kind")
        assert amounts(opened, "shop.name") == {"A": 30, "B": 15, None: 15}


def test_null_keys_meet_nothing_and_refuse_nothing(root: Path) -> None:
    change(root, "insert into gold.shops values (null, 'n', 'N', 'X'), (null, 'm', 'M', 'X')")
    with session(root) as opened:
        assert amounts(opened, "shop.name") == {"A": 30, "B": 15, None: 15}


def test_a_broken_key_that_no_join_uses_refuses_nothing(root: Path) -> None:
    change(root, "update gold.shops set code = 'same'")
    assert verified(root)["shops.code"].verdict == "broken"
    with session(root) as opened:
        assert amounts(opened, "shop.name") == {"A": 30, "B": 15, None: 15}


def test_what_is_joined_on_without_a_declared_key_is_looked_at_as_well(root: Path) -> None:
    model = root / "metrics/models/shops.yml"
    model.write_text(model.read_text().replace("primary_key: [id]\n", ""))
    with session(root) as opened:
        assert amounts(opened, "shop.name") == {"A": 30, "B": 15, None: 15}
    change(root, "insert into gold.shops values (1, 'c9', 'A again', 'Y')")
    with session(root) as opened:
        refusal(opened, by="shop.name")


def test_joins_behind_a_condition_or_a_conversion_are_looked_at_as_well(root: Path) -> None:
    (root / "metrics/more.yml").write_text(
        "metric: in_a\nmodel: sales\nexpr: sum(amount)\nfilter: shop.name = 'A'\n---\n"
        "metric: sales\nmodel: sales\nexpr: count(*)\n---\n"
        "metric: bought\nmodel: sales\nexpr: count(*)\nfilter: shop.name = 'A'\n---\n"
        "metric: converted\nconversion: {from: sales, to: bought, entity: country, calculate: count}\n"
    )
    model = root / "metrics/models/sales.yml"
    text = model.read_text().replace("  sale: {}", "  sale: {}\n  on_day: {type: time}")
    model.write_text(text.replace("primary_key: [sale]", "primary_key: [sale]\ntime_dimension: on_day"))
    with session(root) as opened:
        assert opened.query("amount", where="shop has in_a > 5").rows() == [{"amount": 30}]
        assert opened.query("converted").rows() == [{"converted": 2}]
        change(root, "insert into gold.shops values (1, 'c9', 'A', 'Y')")
        refusal(opened, where="shop has in_a > 5")
        with pytest.raises(Unanswerable, match="broken-key"):
            opened.query("converted")


def test_mending_the_data_lifts_the_refusal_in_the_same_session(root: Path) -> None:
    with session(root) as opened:
        assert amounts(opened, "shop.name") == {"A": 30, "B": 15, None: 15}
        change(root, "insert into gold.shops values (1, 'c9', 'A again', 'Y')")
        refusal(opened, by="shop.name")
        change(root, "delete from gold.shops where name = 'A again'")
        assert amounts(opened, "shop.name") == {"A": 30, "B": 15, None: 15}


def test_another_declaration_of_the_key_is_looked_at_anew(root: Path) -> None:
    with session(root) as opened:
        assert amounts(opened, "shop.name") == {"A": 30, "B": 15, None: 15}
    change(root, "create table gold.shops2 as select * from gold.shops union all values (1, 'c9', 'A again', 'Y')")
    with session(root) as opened:
        amounts(opened, "shop.name")
    model = root / "metrics/models/shops.yml"
    model.write_text(model.read_text().replace("table: gold.shops", "table: gold.shops2"))
    with session(root) as opened:  # the same data, in whose ledger 'shops' by 'id' is sound
        refusal(opened, by="shop.name")


def test_a_recorded_verdict_is_not_looked_for_again(root: Path) -> None:
    with session(root) as opened:
        amounts(opened, "shop.name")
    ran: list[str] = []
    with session(root) as opened:
        run = opened._engine.run
        opened._engine.run = lambda sql, parameters=(): ran.append(sql) or run(sql, parameters)  # type: ignore[method-assign, func-returns-value]
        amounts(opened, "shop.name")
        assert len(ran) == 1


def test_an_environment_may_trust_its_keys(root: Path) -> None:
    change(root, "insert into gold.shops values (1, 'c9', 'A again', 'Y')")
    settings = root / "pyproject.toml"
    settings.write_text(settings.read_text() + "keys = 'trusted'\n")
    with session(root) as opened:
        assert amounts(opened, "shop.name") == {"A": 30, "A again": 30, "B": 15, None: 15}


def test_tests_of_metrics_are_refused_as_well(root: Path) -> None:
    with closing(DuckDBEngine(root / "data.duckdb")) as engine:
        assert [one.passed for one in prove(load(root).require(), engine)] == [True, True]
    change(root, "insert into gold.shops values (1, 'c9', 'A', 'Y')")
    with closing(DuckDBEngine(root / "data.duckdb")) as engine:
        whole, joined = prove(load(root).require(), engine)
    assert whole.passed
    assert [problem.slug for problem in joined.problems] == ["broken-key"]


def test_sql_of_ones_own_is_ones_own(root: Path) -> None:
    change(root, "insert into gold.shops values (1, 'c9', 'A again', 'Y')")
    with session(root) as opened:
        joined = opened.sql("select sum(amount) as amount from gold.sales join gold.shops on shop_id = id")
        assert joined.rows() == [{"amount": 75}]
        assert opened.table("gold.shops").count().execute() == 5


# ---------------------------------------------------------------------- histories, calendars, types

HISTORY = """
create table gold.prices (shop int, since date, till date, price varchar);
insert into gold.prices values (1, '2024-01-01', '2024-01-02', 'low'), (1, '2024-01-02', null, 'high'),
    (2, '2023-01-01', '2025-01-01', 'low'), (null, '2023-01-01', null, 'none'), (1, null, null, 'never'),
    (2, '2024-06-01', '2024-06-01', 'empty');
"""


@pytest.fixture
def with_history(root: Path) -> Path:
    sales = root / "metrics/models/sales.yml"
    text = sales.read_text().replace("  sale: {}", "  sale: {}\n  on_day: {type: time}")
    text = text.replace(
        "dimensions:", "  price: {to: prices, on: {shop_id: shop}, valid: {from: since, to: till}}\ndimensions:"
    )
    sales.write_text(text.replace("primary_key: [sale]", "primary_key: [sale]\ntime_dimension: on_day"))
    (root / "metrics/models/prices.yml").write_text(
        "semantic_model: prices\ntable: gold.prices\nprimary_key: [shop, since]\ndimensions:\n  price: {}\n"
    )
    change(root, HISTORY)
    return root


def test_periods_that_follow_each_other_are_sound(with_history: Path) -> None:
    fact = verified(with_history)["prices.shop,since,till"]
    assert (fact.verdict, fact.rows, fact.nulls) == ("sound", 6, 1)
    with session(with_history) as opened:
        assert amounts(opened, "price.price") == {"low": 25, "high": 20, None: 15}


@pytest.mark.parametrize("period", ["'2023-01-01', '2024-01-02'", "'2024-05-05', '2024-05-06'", "'2024-01-02', null"])
def test_periods_that_overlap_refuse_the_join(with_history: Path, period: str) -> None:
    change(with_history, f"insert into gold.prices values (1, {period}, 'more')")
    fact = verified(with_history)["prices.shop,since,till"]
    assert (fact.verdict, fact.duplicates, fact.sample) == ("broken", 1, ("shop = 1 (4 rows)",))
    with session(with_history) as opened:
        told = refusal(opened, by="price.price")
        assert "only one row of 'prices' should be valid at a time" in told
        assert "shop = 1 (4 rows)" in told
        assert amounts(opened, "shop.name") == {"A": 30, "B": 15, None: 15}


def test_a_calendar_has_each_moment_once(root: Path) -> None:
    sales = root / "metrics/models/sales.yml"
    text = sales.read_text().replace("  sale: {}", "  sale: {}\n  on_day: {type: time}")
    sales.write_text(text.replace("primary_key: [sale]", "primary_key: [sale]\ntime_dimension: on_day"))
    (root / "metrics/fiscal.yml").write_text(
        "calendar: fiscal\ntable: gold.fiscal\ncolumn: moment\ngrains: {season: season}\n"
    )
    change(root, "create table gold.fiscal as select d::date as moment, date '2024-01-01' as season "
                 "from range(date '2024-01-01', date '2024-01-20', interval 1 day) t(d)")  # fmt: skip
    assert verified(root)["fiscal.moment"].verdict == "sound"
    with session(root) as opened:
        (row,) = opened.query("amount", by="on_day.season").rows()
        assert row["amount"] == 60
    change(root, "insert into gold.fiscal values ('2024-01-01', '2024-01-01')")
    assert verified(root)["fiscal.moment"].sample == ("moment = '2024-01-01' (2 rows)",)
    with session(root) as opened:
        assert "the calendar 'fiscal'" in refusal(opened, by="on_day.season")


@pytest.mark.parametrize("kind", ["double", "float"])
def test_keys_that_are_one_float_are_one_key(root: Path, kind: str) -> None:
    near = 2**53 if kind == "double" else 2**24
    change(root, f"alter table gold.shops alter id type bigint; alter table gold.sales alter shop_id type {kind}")
    change(root, f"insert into gold.shops values ({near}, 'x', 'P', 'X'), ({near + 1}, 'y', 'Q', 'X')")
    change(root, f"insert into gold.sales values (6, {near}, null, null, 1)")
    assert verified(root)["shops.id"].verdict == "sound"
    with session(root) as opened:
        assert "(2 rows)" in refusal(opened, by="shop.name")
    change(root, f"delete from gold.shops where id = {near}")
    with session(root) as opened:
        amounts(opened, "shop.name")


def test_types_that_can_not_be_compared_are_told(root: Path) -> None:
    change(root, "alter table gold.shops alter id type varchar")
    with closing(DuckDBEngine(root / "data.duckdb")) as engine, pytest.raises(WorkbenchError) as told:
        verify_keys(load(root).require(), engine, None)
    assert told.value.slug == "type-mismatch"
    assert "'shop_id' and 'id' of 'shops' can't be joined" in str(told.value)
    assert str(told.value).startswith("metrics/models/sales.yml:6")
    with session(root) as opened, pytest.raises(WorkbenchError) as refused:
        opened.query("amount", by="shop.name")
    assert refused.value.slug == "type-mismatch"
    assert "'shop'" in str(refused.value)


# ---------------------------------------------------------------------- who is told what


@pytest.mark.parametrize("who", ["ann", "pat"])
def test_values_are_kept_from_who_may_not_see_every_row_as_it_is(root: Path, who: str) -> None:
    change(root, "insert into gold.shops values (2, 'c9', 'B again', 'Y')")  # rows that pat may not see
    with session(root) as opened:
        assert "id = 2 (2 rows)" in refusal(opened, by="shop.name")
    with session(root, who) as opened:
        told = refusal(opened, by="shop.name")
    assert "'shops'" in told
    assert "id = 2" not in told
    assert "rows)" not in told
    assert "1 value" not in told


# ---------------------------------------------------------------------- whatever the data

keys = st.one_of(st.none(), st.integers(0, 3))
facts_rows = st.lists(st.tuples(keys, keys, st.integers(1, 9)), max_size=8)
dims_rows = st.lists(st.tuples(keys, keys, st.sampled_from("pqr")), max_size=5)
others_rows = st.lists(st.tuples(keys, st.sampled_from("uv")), max_size=5)
MODELS = """
semantic_model: facts
table: facts
relationships:
  pair: {to: dims, on: {a: x, b: y}}
  one: {to: others, on: {a: z}}
dimensions: {a: {type: number}}
---
semantic_model: dims
table: dims
primary_key: [x, y]
dimensions: {name: {}}
---
semantic_model: others
table: others
unique_keys: [[z]]
dimensions: {word: {}}
---
metric: total
model: facts
expr: sum(v)
---
metric: rows
model: facts
expr: count(*)
"""
QUESTIONS = {
    (): (),
    ("a",): (),
    ("pair.name",): ("dims",),
    ("one.word",): ("others",),
    ("one.word", "pair.name"): ("dims", "others"),
}


SCHEMA = """
CREATE SCHEMA yard;
CREATE TABLE yard.facts (a INTEGER, b INTEGER, v INTEGER);
CREATE TABLE yard.dims (x INTEGER, y INTEGER, name VARCHAR);
CREATE TABLE yard.others (z INTEGER, word VARCHAR);
"""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("drawn")
    files = {name: FILES[name] for name in ("pyproject.toml", "access/roles.yml", "access/groups.yml")}
    policy = "resource: yard.*\ngrant:\n  - {to: [analyst]}\n"
    models = MODELS.replace("table: ", "table: yard.")
    for name, text in {**files, "access/policies/yard.yml": policy, "metrics/all.yml": models}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return load(root).require()


@pytest.fixture(scope="module")
def ledger(drawn: Workspace) -> Iterator[Ledger]:
    """What is known of keys is noted here, for each version of the data anew."""
    with closing(Ledger.open(f"sqlite:///{drawn.root / 'facts.db'}")) as ledger:
        yield ledger


def brute_force(by: tuple[str, ...], facts: list, dims: list, others: list) -> dict[tuple, tuple[int, int]]:
    """The answer over rows, with keys that are true."""
    name = {(x, y): n for x, y, n in dims if None not in (x, y)}
    word = {z: w for z, w in others if z is not None}
    out: dict[tuple, list[int]] = defaultdict(lambda: [0, 0])
    for a, b, v in facts:
        found = {"a": a, "pair.name": name.get((a, b)), "one.word": word.get(a)}
        group = out[tuple(found[path] for path in by)]
        group[0] += v
        group[1] += 1
    return {group: (total, rows) for group, (total, rows) in out.items()}


@pytest.mark.slow
@given(facts=facts_rows, dims=dims_rows, others=others_rows)
def test_refused_if_and_only_if_a_join_would_multiply(
    drawn: Workspace, ledger: Ledger, facts: list, dims: list, others: list
) -> None:
    counted = {
        "dims": Counter((x, y) for x, y, _ in dims if None not in (x, y)),
        "others": Counter(z for z, _ in others if z is not None),
    }
    broken = {table for table, values in counted.items() if max(values.values(), default=0) > 1}
    columns = {"facts": ("a", "b", "v"), "dims": ("x", "y", "name"), "others": ("z", "word")}
    drawn_rows = zip(columns.items(), (facts, dims, others), strict=True)
    tables = {table: [dict(zip(names, row, strict=True)) for row in rows] for (table, names), rows in drawn_rows}
    sue = identify(drawn.roles, drawn.groups, "sue", "dev")
    with Session(drawn, sue, DuckDBEngine(hold(SCHEMA, "yard", tables)), ledger) as opened:
        for by, relied in QUESTIONS.items():
            if broken & set(relied):
                with pytest.raises(Unanswerable, match="broken-key"):
                    opened.query("total", "rows", by=by)
                continue
            rows = opened.query("total", "rows", by=by).rows()
            got = {tuple(row[path] for path in by): (int(row["total"] or 0), row["rows"]) for row in rows}
            expected = brute_force(by, facts, dims, others)
            assert got == (expected or ({} if by else {(): (0, 0)}))
