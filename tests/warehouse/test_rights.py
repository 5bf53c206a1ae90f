"""Under every shape of policy, an answer is that of the same question where the rest of the data does not exist."""

from __future__ import annotations

import os
import random
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from tests.nightly import is_nightly
from workbench.access.restriction import Mask, Restriction, RowFilter
from workbench.errors import QuestionError, WorkbenchError
from workbench.warehouse.duckdb_errors import statement_error
from workbench.warehouse.duckdb_file import HARDENED
from workbench.warehouse.redact import redacted
from workbench.warehouse.sandbox import Relations, Scoped, scope
from workbench.warehouse.stand_in import select_left

pytestmark = pytest.mark.slow

PIECES: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("rights.yml").read_text(encoding="utf-8"))
PYTHON = "python_enable_replacements"
SALT = "pepper-that-nobody-may-see"
HIDDEN = ("SECRET", "98765", "1987-06", SALT)
"""Every value that some policy holds back has one of these in it."""
COLUMNS = {
    "gold.t": {
        "id": "BIGINT",
        "carrier": "VARCHAR",
        "tailnum": "VARCHAR",
        "dest": "VARCHAR",
        "day": "DATE",
        "left_on": "DATE",
        "shop": "INTEGER",
        "paid": "DECIMAL(18,2)",
        "notes": "VARCHAR",
    },
    "gold.p": {"tailnum": "VARCHAR", "year": "INTEGER"},
}


def rows(shape: str) -> list[tuple[Any, ...]]:
    """Thirty rows that the shape leaves, and ten that it does not; a masked or hidden column is marked in each row."""
    policy = PIECES["shapes"][shape]
    concealed = {*policy.get("masks", ()), *policy.get("hidden", ())}
    if "columns" in policy:
        concealed |= set(COLUMNS["gold.t"]) - set(policy["columns"])
    found = []
    for n in range(1, 41):
        out = n > 30
        dests = ("LAX", "7", None, "SFO", "2013-02-03", "T12")
        dest = "SECRETDEST" if out else ("SECRET" if "dest" in concealed else "") + (dests[n % 6] or "") or None
        paid = 98765.4 if out or "paid" in concealed else n / 4
        day = "1987-06-05" if out else f"2013-0{1 + n % 9}-0{1 + n % 7}"
        left_on = "1987-06-06" if out else None
        row = (
            987650 + n if out else n,
            ("DL", None)[n % 2] if out else ("UA", "AA")[n % 2 if shape in ("in_two", "in_several") else 0],
            f"SECRET{n % 5}SECRET" if "tailnum" in concealed or out else f"N{n % 5}N",
            dest,
            day,
            left_on,
            987650 if out else 1,
            paid,
            "SECRETNOTE" if out or "notes" in concealed else str(n),
        )
        found.append(row)
    return found


def restriction(shape: str) -> Restriction:
    """The policy as what is left of the table."""
    policy = PIECES["shapes"][shape]
    return Restriction(
        "gold.t",
        rows=tuple(
            RowFilter(f"r{n}", r["column"], r["op"], tuple(r.get("values", ()))) for n, r in enumerate(policy["rows"])
        ),
        masks=tuple(Mask(column, "tag", kind) for column, kind in policy.get("masks", {}).items()),
        hidden=tuple(policy.get("hidden", ())),
        columns=tuple(policy["columns"]) if "columns" in policy else None,
    )


def elsewhere(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row as hidden as this one, with other values throughout."""
    n = row[0] - 987650
    return (n, row[1] and "DL", f"N{n % 5}N", "LAX", "2014-01-01", "2014-01-01", 2, 1.0, str(n))


class Twins:
    """The whole data behind a policy, and beside it a database that holds only what the policy leaves."""

    def __init__(self, shape: str, other: bool = False) -> None:
        left = {"gold.t": restriction(shape), "gold.p": Restriction("gold.p")}
        self.relations = Relations(tuple(COLUMNS), left.get, COLUMNS.__getitem__, salt=SALT)
        config = {name: value for name, value in HARDENED.items() if name not in ("access_mode", PYTHON)}
        self.whole, self.slice = duckdb.connect(config=config), duckdb.connect()
        self.whole.execute("CREATE SCHEMA gold; SET threads = 1; SET max_expression_depth = 250")
        for table, columns in COLUMNS.items():
            self.whole.execute(f"CREATE TABLE {table} ({', '.join(f'{n} {t}' for n, t in columns.items())})")
        found = [elsewhere(row) if other and row[0] > 900_000 else row for row in rows(shape)]
        self.whole.executemany(f"INSERT INTO gold.t VALUES ({', '.join('?' * 9)})", found)
        self.whole.execute("INSERT INTO gold.p VALUES ('N1N', 1999), ('N2N', 2004), ('N4N', 7), ('N9N', 987681)")
        self.slice.execute("CREATE SCHEMA gold; SET search_path = 'gold,main'; SET threads = 1")
        for table, restricted in left.items():
            sql = select_left(table, restricted, COLUMNS[table], "", SALT)
            kept = self.whole.sql(sql).to_arrow_table()
            assert kept.num_rows or shape == "nothing"
            self.slice.execute(f"CREATE TABLE {table} AS FROM kept")

    def restricted(self, text: str) -> list[str] | WorkbenchError:
        """What the asker gets, sorted; or what they are told."""
        try:
            scoped: Scoped = scope(text, self.relations)
            scoped = scoped.with_values([[r[0] for r in self.whole.execute(s).fetchall()] for s in scoped.lookups])
            found = self.whole.execute(scoped.sql)
            return [str([c[0] for c in found.description or ()]), *sorted(map(repr, found.fetchall()))]
        except WorkbenchError as error:
            return error
        except duckdb.Error as error:
            return redacted(statement_error(error))

    def permitted(self, text: str) -> list[str] | duckdb.Error:
        """What a steward gets over the permitted rows alone."""
        try:
            found = self.slice.execute(text)
            return [str([c[0] for c in found.description or ()]), *sorted(map(repr, found.fetchall()))]
        except duckdb.Error as error:
            return error


class Asker:
    """Makes random questions; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def fill(self, template: str) -> str:
        """A template with each {piece} chosen."""
        return re.sub(r"\{(\w+)\}", lambda m: self.piece(m[1]), template)

    def piece(self, name: str) -> str:
        if name == "atom":
            return self.fill(self.random.choice(PIECES["atoms"]))
        if name == "source":
            return str(self.random.choice(PIECES["sources"]))
        return str(self.random.choice(PIECES[name]))

    def condition(self, depth: int = 2) -> str:
        """A predicate of up to four atoms."""
        kind = self.random.random()
        if depth and kind < 0.45:
            word = self.random.choice(["AND", "OR"])
            return f"({self.condition(depth - 1)} {word} {self.condition(depth - 1)})"
        if depth and kind < 0.55:
            return f"NOT ({self.condition(depth - 1)})"
        return self.piece("atom")

    def predicate(self) -> str:
        """A question that hangs on one predicate."""
        shown = self.random.choice(("*", "count(*)", "id", "max(dest)", "id, {text} AS a"))
        return f"SELECT {self.fill(shown)} FROM t WHERE {self.condition()}"

    def question(self) -> str:
        """A question of any form."""
        kind = self.random.random()
        if kind < 0.12:
            return self.fill(self.random.choice(PIECES["verbs"]))
        tail = f"FROM {self.piece('source')} AS t WHERE {self.condition()}"
        if kind < 0.3:
            return f"SELECT {self.fill(self.random.choice(PIECES['grouped']))} {tail} GROUP BY ALL"
        return f"SELECT {self.fill(self.random.choice(PIECES['shown']))} {tail}"


@pytest.fixture(params=PIECES["shapes"], scope="module")
def shape(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def twins(shape: str) -> Twins:
    return Twins(shape)


@pytest.fixture(scope="module")
def changed(shape: str) -> Twins:
    return Twins(shape, other=True)


def examples(request: pytest.FixtureRequest, quick: int, nightly: int) -> tuple[int, int]:
    """How many to try, and the seed, printed so that a failure can be had again."""
    default = nightly if is_nightly(request) else quick
    chosen = random.SystemRandom().randrange(2**32) if default == nightly else 20130101
    seed = int(os.environ.get("WORKBENCH_SEED", chosen))
    print(f"WORKBENCH_SEED={seed}")
    return int(os.environ.get("WORKBENCH_EXAMPLES", default)), seed


FAILS = ("CAST('x' || id AS INTEGER) = 1", "chr(-id::INTEGER) = 'x'", "make_date(2013, id, 1) > day", "1 = ln(-id)")
MET = (
    "t",
    "t SEMI JOIN p ON t.id = p.year",
    "t JOIN p ON t.id = p.year AND p.tailnum <> 'x'",
    "t LEFT JOIN p ON t.id = p.year",
)


@pytest.mark.parametrize("source", MET)
@pytest.mark.parametrize("fails", FAILS)
def test_no_condition_is_tried_on_a_hidden_row(twins: Twins, source: str, fails: str) -> None:
    """Whether it fails there would tell whatever one asks of that row."""
    text = f"SELECT count(*) FROM {source} WHERE CASE WHEN id > 900000 THEN {fails} ELSE true END"
    assert isinstance(twins.restricted(text), list), twins.restricted(text)


def test_nothing_is_left_out_for_what_hidden_rows_hold(twins: Twins, changed: Twins) -> None:
    """Where the engine knows from hidden rows how great an id may be, it need not try what fails on visible ones."""
    told = {
        (str(one.restricted(text)), most)
        for most in (29, 30, 40, 1000, 987_689, 987_690, 2_000_000)
        for text in [f"SELECT count(*) FROM t WHERE (id + (2147483647 - {most}))::INTEGER * 1048576::INTEGER IS NULL"]
        for one in (twins, changed)
    }
    assert len(told) == 7


@pytest.mark.nightly
def test_no_predicate_tells_a_hidden_value(twins: Twins, request: pytest.FixtureRequest) -> None:
    count, seed = examples(request, 60, 10_000)
    asker = Asker(seed)
    answered = 0
    for _ in range(count):
        text = asker.predicate()
        seen = twins.restricted(text)
        told = [h for h in HIDDEN if h in str(seen) and h not in text]
        assert not told, f"{text} told {told}: {seen}"
        answered += isinstance(seen, list)
    assert answered > count / 20


@pytest.mark.nightly
def test_restricted_is_as_if_the_rest_were_not_there(twins: Twins, request: pytest.FixtureRequest) -> None:
    count, seed = examples(request, 12, 2_000 // len(PIECES["shapes"]) + 1)
    asker = Asker(seed)
    compared = tried = 0
    while compared < count:
        tried += 1
        text = asker.question()
        got, expected = twins.restricted(text), twins.permitted(text)
        assert not [h for h in HIDDEN if h in str(got) and h not in text], f"{text}: {got}"
        if isinstance(expected, list) and isinstance(got, list):
            compared += 1
            assert got == expected, text
        elif isinstance(got, QuestionError):  # which condition is tried first, and so may fail, is the engine's affair
            assert got.slug == "bad-sql", f"{text}: {got}"
        assert tried < 60 * count + 200, "hardly anything could be compared"


@pytest.mark.nightly
def test_other_hidden_rows_change_no_answer(twins: Twins, changed: Twins, request: pytest.FixtureRequest) -> None:
    count, seed = examples(request, 12, 2_000)
    asker = Asker(seed)
    differ = 0
    for _ in range(count):
        text = asker.predicate()
        one, other = twins.restricted(text), changed.restricted(text)
        if isinstance(one, list) and isinstance(other, list):
            assert one == other, text
        differ += isinstance(one, list) != isinstance(other, list)
    # The order of joins follows from statistics, and from it whether a condition over visible rows is tried at all.
    assert differ <= 1 + count / 200
