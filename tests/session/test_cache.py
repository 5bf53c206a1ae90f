"""Compiled SQL that is used again: for values of any number, by whoever may, and never with somebody else's."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.session.typed_shop import PEOPLE, SALT, quoted, salt, session, workspace
from workbench.declare import sealed
from workbench.declare.question import Question
from workbench.declare.workspace import Workspace
from workbench.plan.template import MARK, Place, Template
from workbench.session.cache import COMPILED, Recent, Templates
from workbench.session.compiling import Compiler

__all__ = ["salt", "workspace"]


class Counted(Templates):
    """Templates that count what had to be compiled."""

    compiled = 0

    def keep(self, fingerprint: str, template: Any) -> None:
        """Keep the SQL of a plan."""
        self.compiled += 1
        super().keep(fingerprint, template)


# ---------------------------------------------------------------------- what is a hit

SPANS = (("2024-01-01", "2024-02-01"), ("2023-12-24", "2024-01-01"))


@pytest.mark.parametrize(
    "parts",
    [
        [{"where": f"status = '{value}'"} for value in ("open", "it''s", "", "place_0")],
        [{"where": f"status in ({values})"} for values in ("'a'", "'a', 'b'", "'x', 'y', 'it''s'")],
        [{"where": f"units between {low} and {low + 3}"} for low in (-3, 0, 10**9)],
        [{"where": f"amount > {value}"} for value in ("1.25", "7.50")],
        [{"where": f"amount in ({values})"} for values in ("1.25", "1.25, 2.50", "7.50, 9.99")],
        [{"where": f"day >= '{day}'"} for day in ("2024-01-01", "2024-02-29")],
        [{"where": f"placed < '{day}'"} for day in ("2024-01-01", "2024-02-29")],
        [{"where": f"metric_time.month = '{day}'"} for day in ("2024-01-01", "2024-02-01")],
        [{"where": f"status like '{pattern}'"} for pattern in ("a%", "%b%")],
        [{"having": f"orders > {count}"} for count in (1, 2, 3)],
        [{"by": "metric_time.month", "time": span} for span in SPANS],
        [{"time": span, "compare": "1 year"} for span in SPANS],
        [{"time": (start, None)} for start in ("2024-01-01", "2024-02-29")],
        [{"by": "status", "metrics": [], "where": f"units > {count}"} for count in (1, 2)],
    ],
    ids=lambda parts: str(parts[0]),
)  # fmt: skip
@pytest.mark.parametrize("metric", ["orders", "orders_so_far"])
def test_another_value_is_not_compiled_again(workspace: Workspace, metric: str, parts: list[dict[str, Any]]) -> None:
    templates = Counted()
    asking = session(workspace, "bob", templates)
    found = {asking._compile(Question(**{"metrics": metric, "by": "metric_time.day", **one})).sql for one in parts}
    assert len(found) == len(parts)
    assert templates.compiled == 1
    assert len(asking._compiler._shapes) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"limit": 1}, {"limit": 2}),
        ({"where": "status = 'a'"}, {"where": "status <> 'a'"}),
        ({"where": "status = 'a'"}, {"where": "customer.tier = 'a'"}),
        ({"where": "weight > 1"}, {"where": "weight > 1.5"}),
        ({"where": "placed > '2024-01-01'"}, {"where": "placed > '2024-01-01 10:30'"}),
        ({"where": "units in (1, null)"}, {"where": "units in (1, 2)"}),
        ({"where": "status = 'a'"}, {"having": "orders > 1"}),
        ({"by": "status"}, {"by": "customer.tier"}),
        ({"time": ("2024-01-01", None)}, {"time": (None, "2024-01-01")}),
        ({"compare": "1 year", "by": "metric_time.month"}, {"compare": "1 month", "by": "metric_time.month"}),
    ],
)
def test_what_steers_the_compiler_is_part_of_the_shape(
    workspace: Workspace, one: dict[str, Any], other: dict[str, Any]
) -> None:
    templates = Counted()
    asking = session(workspace, "steward", templates)
    for parts in (one, other, one):
        asking._compile(Question(metrics=["orders"], **parts))
    assert templates.compiled == 2


def test_a_list_that_needs_more_than_its_values_is_compiled_as_it_stands(workspace: Workspace) -> None:
    asking = session(workspace, "steward", Templates())
    times = "cast(placed as time) in ('10:30:00', '02:30:00')"
    finer = "amount in (1.250, 2.500)"  # than the column, which is cast for it: a list fits into no cast
    for where, orders in ((times, 32), (times.replace(", '02:30:00'", ""), 16), (finer, 2), ("amount in (1.255)", 0)):
        assert asking.query("orders", where=where).rows() == [{"orders": orders}]


def test_a_value_that_looks_like_a_place_stays_a_value(workspace: Workspace) -> None:
    asking = session(workspace, "steward", Templates())
    for text in (f"{MARK}('1:text')", "$1", "', status)--", "\u0001"):
        for _ in range(2):
            where = f"status = {quoted(text)} or status in ('open', {quoted(text)})"
            assert asking.query("orders", where=where).rows() == [{"orders": 10}]


# ---------------------------------------------------------------------- one for all, and nobody's values for another


def test_people_share_what_they_compile_and_never_their_values(workspace: Workspace) -> None:
    templates = Counted()
    asking = {who: session(workspace, who, templates) for who in PEOPLE}
    question = Question(metrics=["orders"], by=["status", "customer.email"], where="units < 5")
    sql = {who: asked._compile(question).sql for who, asked in asking.items()}
    assert templates.compiled == 3  # bob's rules are ann's but for their values; cid has more of these, steward none
    assert len(templates._held) == 3
    for who in ("ann", "bob", "cid"):
        for other in ("ann", "bob", "cid"):
            assert (f"secret-of-{other}" in sql[who]) == (who == other)
    assert "sha256" not in sql["steward"].lower()
    seen = {who: {row["status"] for row in asked.ask(question).rows()} for who, asked in asking.items()}
    assert seen["ann"] == {"open"}
    assert seen["bob"] == {"paid"}
    for template in templates._held._held.values():
        assert "secret-of" not in str(template)
        assert SALT.replace("'", "''") not in str(template)
        assert "salt of this" not in str(template)


def test_the_salt_is_a_value_of_its_own(workspace: Workspace) -> None:
    templates = Counted()
    one, other = session(workspace, "ann", templates), session(workspace, "ann", templates)
    other._compiler = Compiler(other._engine, lambda: "another", templates)
    question = Question(metrics=[], by=["customers.email"])
    assert one._compile(question).sql == other._compile(question).sql.replace("another", SALT.replace("'", "''"))
    assert templates.compiled == 1


def test_many_threads_get_their_own_values(workspace: Workspace) -> None:
    asking = session(workspace, "steward", Templates())

    def ask(number: int) -> bool:
        sql = asking._compile(Question(metrics=["orders"], where=f"units = {number} and status = 'n{number}'")).sql
        return f"'n{number}'" in sql and f" {number}\n" in sql

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(1_000, 1_200)))


def test_a_draft_drawn_up_again_is_compiled_again(workspace: Workspace) -> None:
    asking = session(workspace, "ann", Templates())
    for condition in ("units < 2", "units < 99"):
        asking.draft(f"metric: few\nmodel: orders\nexpr: count(*)\nfilter: {condition}")
        assert condition.split()[-1] in asking._compile(Question(metrics=["adhoc.few"])).sql


def test_the_least_used_is_let_go() -> None:
    recent: Recent[str, int] = Recent(2)
    recent.keep("a", 1)
    recent.keep("b", 2)
    assert recent.find("a") == 1
    recent.keep("c", 3)
    assert [recent.find(key) for key in "abc"] == [1, None, 3]


# ---------------------------------------------------------------------- a later process


QUESTION = Question(metrics=["orders"], by=["status"], where="units = 3")


def kept_files(root: Path) -> list[Path]:
    """The files of compiled SQL."""
    return sorted((root / sealed.FOLDER / COMPILED).iterdir())


@pytest.fixture
def kept(workspace: Workspace, tmp_path: Path) -> tuple[Path, str, str]:
    """A folder with one file of compiled SQL, and the SQL and fingerprint that it was kept under."""
    sql = session(workspace, "ann", Templates(tmp_path))._compile(QUESTION).sql
    (file,) = kept_files(tmp_path)
    return tmp_path, sql, file.name


def compiles(workspace: Workspace, root: Path) -> int:
    """How often the question is compiled by one who comes later."""
    templates = Counted(root)
    session(workspace, "ann", templates)._compile(QUESTION)
    return templates.compiled


def test_what_was_compiled_before_is_not_again(workspace: Workspace, kept: tuple[Path, str, str]) -> None:
    root, sql, fingerprint = kept
    assert compiles(workspace, root) == 0
    assert session(workspace, "ann", Templates(root))._compile(QUESTION).sql == sql
    assert Templates(root).find(fingerprint) is not None
    text = kept_files(root)[0].read_text()
    assert "secret-of-ann" not in text
    assert "salt of this" not in text


@pytest.mark.parametrize("harm", ["planted", "tampered", "moved", "outdated", "foreign", "cut"])
def test_what_is_not_ours_is_not_believed(
    workspace: Workspace, kept: tuple[Path, str, str], harm: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: Any
) -> None:
    root, sql, fingerprint = kept
    (file,) = kept_files(root)
    content = file.read_bytes()
    if harm == "planted":
        file.write_text('0\n["SELECT 666 AS orders"]')
    elif harm == "tampered":
        file.write_bytes(content.replace(b"COUNT", b"count"))
    elif harm == "moved":
        session(workspace, "ann", Templates(root))._compile(replace_limit(QUESTION))
        other = next(one for one in kept_files(root) if one.name != fingerprint)
        file.write_bytes(other.read_bytes())
    elif harm == "outdated":
        monkeypatch.setattr(sealed, "_code", lambda: b"another version")
    elif harm == "foreign":
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("elsewhere")))
    else:
        file.write_bytes(content[:-9])
    assert Templates(root).find(fingerprint) is None
    assert session(workspace, "ann", Templates(root))._compile(QUESTION).sql == sql


def replace_limit(question: Question) -> Question:
    """Another question."""
    return question.model_copy(update={"limit": 3})


def test_another_compiler_writes_its_own(
    workspace: Workspace, kept: tuple[Path, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.session.compiling._compilers", lambda: ("ibis of tomorrow",))
    assert compiles(workspace, kept[0]) == 1


def test_a_table_with_another_column_is_compiled_again(workspace: Workspace, kept: tuple[Path, str, str]) -> None:
    templates = Counted(kept[0])
    asking = session(workspace, "ann", templates)
    engine: Any = asking._engine
    engine._types["shop.orders"] = {**engine.types("shop.orders"), "units": "SMALLINT"}
    asking._compile(QUESTION)
    assert templates.compiled == 1


def test_files_do_not_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.session.cache.KEPT_IN_FILES", 4)
    templates = Templates(tmp_path)
    for number in range(9):
        templates.keep(f"{number}", Template((f"SELECT {number} = ", Place(0, "timestamp", (("floor", 1, "day"),)))))
        os.utime(tmp_path / sealed.FOLDER / COMPILED / f"{number}", (number, number))
    assert 2 < len(kept_files(tmp_path)) <= 4
    assert Templates(tmp_path).find("8") == templates.find("8")


def test_what_is_forgotten_is_compiled_again(workspace: Workspace, kept: tuple[Path, str, str]) -> None:
    templates = Counted(kept[0])
    templates.forget()
    assert kept_files(kept[0]) == []
    session(workspace, "ann", templates)._compile(QUESTION)
    assert templates.compiled == 1


@pytest.mark.parametrize("link", [sealed.FOLDER, f"{sealed.FOLDER}/{COMPILED}"])
def test_nothing_is_thrown_away_where_a_link_leads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str) -> None:
    """A repository that somebody cloned must not have files of theirs deleted."""
    monkeypatch.setattr("workbench.session.cache.KEPT_IN_FILES", 2)
    home, root = tmp_path / "home", tmp_path / "clone"
    theirs = home / COMPILED if link == sealed.FOLDER else home
    theirs.mkdir(parents=True)
    (root / link).parent.mkdir(parents=True, exist_ok=True)
    (root / link).symlink_to(home)
    for number in range(9):
        (theirs / f"letter {number}").write_text("mine")
    templates = Templates(root)
    templates.keep("0" * 64, Template(("SELECT 1",)))
    templates.forget()
    assert len(list(theirs.glob("letter *"))) == 9


SCRIPT = """
import sys
from workbench import connect
where, time = f"units < {sys.argv[2]}", ("2023-12-01", "2024-03-01")
answer = connect(sys.argv[1], as_user="ann").query("orders", by="status", where=where, time=time)
print(sorted(map(str, answer.rows())), "ibis" in sys.modules, "pandas" in sys.modules)
"""


@pytest.mark.slow
def test_a_later_process_answers_without_the_compiler(workspace: Workspace, tmp_path: Path) -> None:
    (workspace.root / "pyproject.toml").write_text('[tool.workbench.environments.dev]\nwarehouse = "data.duckdb"\n')
    env = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}

    def run(units: int) -> list[str]:
        command = [sys.executable, "-c", SCRIPT, str(workspace.root), str(units)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        return done.stdout.rsplit(" ", 2)

    first, again, other = run(2), run(2), run(3)
    assert [first[1], again[1], other[1]] == ["True", "False", "False"]
    assert again[0] == first[0]
    assert again[2].strip() == "False"


def test_an_engine_of_another_dialect_gets_its_questions_whole(workspace: Workspace) -> None:
    asking = session(workspace, "ann", Templates())
    engine: Any = asking._engine
    engine.dialect = "snowflake"
    compiled = asking._compile(QUESTION)
    assert compiled.values == ()
    assert replace(compiled, sql="").plan == compiled.outline
