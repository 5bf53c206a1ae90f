"""The audit: nothing runs without its record, and nothing in it can be changed, removed or moved unseen."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from tests.warehouse.on_postgres import started
from tests.warehouse.postgres import Postgres
from workbench.errors import AccessDenied, WarehouseError
from workbench.warehouse import audit as module
from workbench.warehouse.audit import Audit
from workbench.warehouse.audit_entry import FIELDS
from workbench.warehouse.audit_head import SLOT
from workbench.warehouse.ledger import Run
from workbench.warehouse.ledger_store import LedgerStore
from workbench.warehouse.tokens import Tokens

KEY = b"k" * 32


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A server of its own: it is killed here."""
    yield from started()


def opened(folder: Path, url: str | None = None, key: bytes = KEY) -> Audit:
    return Audit(url or f"sqlite:///{folder / 'ledger.db'}", key, folder / "head")


def fill(audit: Audit, questions: int = 3) -> None:
    """So many questions with their ends, and one refusal: 2n + 1 entries."""
    for number in range(questions):
        id = audit.begin(
            principal="ana", verb="query:adhoc", resources=["gold.flights"], rules=["role 'analyst'"], sql="select 1"
        )
        audit.end(id, "answered", rows=number, seconds=0.25)
    audit.decision(principal="ida", verb="query:adhoc", allowed=False, resources=["gold.salaries"], rules=["denied"])
    audit.flush()


def test_who_saw_what(tmp_path: Path) -> None:
    audit = opened(tmp_path)
    fill(audit)
    refused, *answered = audit.search()
    assert (refused.principal, refused.decision, refused.resources) == ("ida", "deny", ("gold.salaries",))
    assert [one.rows for one in answered] == [2, 1, 0]
    assert {one.seconds for one in answered} == {0.25}
    assert {one.outcome for one in answered} == {"answered"}
    assert audit.search(denied=True) == audit.search(user="ida") == audit.search(table="gold.salaries") == (refused,)
    assert audit.search(table="gold.salarie") == audit.search(since="2999-01-01") == ()
    assert len(audit.search(since=answered[0].at)) == 2
    assert len(audit.search(limit=1)) == 1
    audit.begin(principal="ana", verb="read:metric")
    assert audit.search(limit=1)[0].outcome == "unfinished"
    audit.close()


def test_sql_is_kept_as_a_keyed_fingerprint(tmp_path: Path) -> None:
    audit, other = opened(tmp_path), opened(tmp_path, key=b"o" * 32)
    assert (
        audit.fingerprint("select 'hush'") == audit.fingerprint("select 'hush'") != other.fingerprint("select 'hush'")
    )
    fill(audit)
    audit.close()
    assert not any(b"select" in file.read_bytes().lower().split(b"create ")[-1] for file in tmp_path.glob("head"))


@given(st.lists(st.text(max_size=8), min_size=1, max_size=4))
def test_any_text_comes_back_as_it_was_hashed(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    audit = opened(tmp_path_factory.mktemp("audit"))
    for text in texts:
        audit.begin(principal=text, verb=text, resources=[text, text], sql=text, request=text)
    assert audit.verify().entries == len(texts)
    assert audit.verify()
    audit.close()


# ---------------------------------------------------------------- tampering


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A database of eleven entries and its head."""
    folder = tmp_path_factory.mktemp("filled")
    audit = opened(folder)
    fill(audit, 5)
    audit.close()
    return (folder / "ledger.db").read_bytes(), (folder / "head").read_bytes()


Tamper = Callable[[sqlite3.Connection], object]


def verdict(folder: Path, filled: tuple[bytes, bytes], tamper: Tamper) -> str:
    """What verification says after somebody with every right on the database was there."""
    for name, content in zip(("ledger.db", "head"), filled, strict=True):
        (folder / name).write_bytes(content)
    with closing(sqlite3.connect(folder / "ledger.db")) as connection:
        connection.executescript("DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete")
        tamper(connection)
        connection.commit()
    audit = opened(folder)
    try:
        found = audit.verify()
        return "" if found else str(found.problem)
    finally:
        audit.close()


_ENTRY = st.integers(1, 11)
_CHANGE = st.one_of(
    st.tuples(st.just("edit"), _ENTRY, st.sampled_from([*FIELDS, "hash"]), st.text("ab\u00e91 ", max_size=6)),
    st.tuples(st.just("count"), _ENTRY, st.sampled_from(["rows", "micros"]), st.integers(-5, 99)),
    st.tuples(st.just("delete"), _ENTRY, st.integers(1, 11)),
    st.tuples(st.just("swap"), _ENTRY, _ENTRY),
    st.tuples(st.just("move"), _ENTRY, st.integers(12, 40)),
    st.tuples(st.just("copy"), _ENTRY, st.just(12)),
)


@given(_CHANGE)
def test_any_edit_deletion_or_reorder_is_found(
    tmp_path_factory: pytest.TempPathFactory, filled: tuple[bytes, bytes], change: tuple[str, int, int]
) -> None:
    def rows(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
        return connection.execute("SELECT * FROM audit ORDER BY number").fetchall()

    states = []

    def tamper(connection: sqlite3.Connection) -> None:
        states.append(rows(connection))
        match change:
            case ("edit" | "count", number, column, value):
                connection.execute(f"UPDATE audit SET {column} = ? WHERE number = ?", (value, number))
            case ("delete", first, last):
                connection.execute("DELETE FROM audit WHERE number BETWEEN ? AND ?", (first, last))
            case ("swap", one, other):
                for old, new in ((one, -1), (other, one), (-1, other)):
                    connection.execute("UPDATE audit SET number = ? WHERE number = ?", (new, old))
            case ("move", old, new):
                connection.execute("UPDATE audit SET number = ? WHERE number = ?", (new, old))
            case ("copy", old, new):
                connection.execute("CREATE TEMP TABLE t AS SELECT * FROM audit WHERE number = ?", (old,))
                connection.execute("UPDATE t SET number = ?", (new,))
                connection.execute("INSERT INTO audit SELECT * FROM t")
        states.append(rows(connection))

    said = verdict(tmp_path_factory.mktemp("audit"), filled, tamper)
    assert bool(said) == (states[0] != states[1]), change
    assert not said or "[audit-broken]" in said


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE audit SET principal = 'bo' WHERE number = 4", "entry 4 is not as it was written. The 3 entries"),
        ("DELETE FROM audit WHERE number IN (4, 5)", "entries 4 to 5 are missing"),
        ("DELETE FROM audit WHERE number > 9", "entries 10 to 11 are missing at the end"),
        ("DELETE FROM audit", "entries 1 to 11 are missing at the end"),
    ],
)
def test_the_first_bad_entry_is_named(tmp_path: Path, filled: tuple[bytes, bytes], statement: str, said: str) -> None:
    assert said in verdict(tmp_path, filled, lambda connection: connection.execute(statement))


@pytest.mark.parametrize("column", [*FIELDS, "hash"])
def test_every_field_of_an_entry_counts(tmp_path: Path, filled: tuple[bytes, bytes], column: str) -> None:
    value = "7" if column in ("rows", "micros") else "'x'"
    said = verdict(tmp_path, filled, lambda c: c.execute(f"UPDATE audit SET {column} = {value} WHERE number = 4"))
    assert "entry 4 is not as it was written" in said


def test_an_entry_of_another_past_is_found(tmp_path: Path, filled: tuple[bytes, bytes]) -> None:
    """One with the right key and the right number, from a ledger that was begun anew."""
    (tmp_path / "other").mkdir()
    other = opened(tmp_path / "other")
    fill(other, 5)
    other.close()

    def splice(connection: sqlite3.Connection) -> None:
        connection.execute("ATTACH ? AS other", (str(tmp_path / "other" / "ledger.db"),))
        connection.execute("DELETE FROM audit WHERE number = 4")
        connection.execute("INSERT INTO audit SELECT * FROM other.audit WHERE number = 4")

    assert "entry 4 is not as it was written" in verdict(tmp_path, filled, splice)


def test_the_database_itself_refuses_changes(tmp_path: Path, filled: tuple[bytes, bytes]) -> None:
    (tmp_path / "ledger.db").write_bytes(filled[0])
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        for statement in ("UPDATE audit SET principal = 'bo'", "DELETE FROM audit"):
            with pytest.raises(sqlite3.IntegrityError, match="only added to"):
                connection.execute(statement)


def test_nothing_is_added_to_a_chain_without_its_end(tmp_path: Path, filled: tuple[bytes, bytes]) -> None:
    verdict(tmp_path, filled, lambda connection: connection.execute("DELETE FROM audit WHERE number > 8"))
    audit = opened(tmp_path)
    for _ in range(2):
        with pytest.raises(WarehouseError) as refused:
            audit.begin(principal="ana", verb="query:adhoc")
        assert refused.value.slug == "audit-broken"
    assert "entries 9 to 11" in str(audit.verify().problem)
    audit.close()


def test_a_forged_or_lost_head_is_found(tmp_path: Path, filled: tuple[bytes, bytes]) -> None:
    assert not verdict(tmp_path, filled, lambda _: None)
    forged = b"".join(line.replace(b" ", b" f", 1) for line in filled[1].splitlines(keepends=True))
    assert "was not written by this gateway" in verdict(tmp_path, (filled[0], forged), lambda _: None)
    (tmp_path / "head").unlink()
    audit = opened(tmp_path)
    assert "is missing" in str(audit.verify().problem)
    assert "entry 1 is not as it was" in str(opened(tmp_path, key=b"x" * 32).verify().problem)
    audit.close()


def test_a_torn_head_leaves_the_one_before(tmp_path: Path, filled: tuple[bytes, bytes]) -> None:
    audit = opened(tmp_path)
    fill(audit, 5)
    heads = (tmp_path / "head").read_bytes()
    newest = 0 if heads[:2] == b"11" else SLOT
    (tmp_path / "head").write_bytes(heads[:newest] + b"\0" * 40 + heads[newest + 40 :])
    assert audit.verify()
    audit.begin(principal="ana", verb="read:metric")
    assert audit.verify().entries == 12
    audit.close()


# ---------------------------------------------------------------- many at once, and killed


def _together(audits: list[Audit], each: int) -> None:
    def ask(audit: Audit) -> None:
        for _ in range(each):
            audit.end(audit.begin(principal="ana", verb="read:metric"), "answered")

    threads = [Thread(target=ask, args=(audit,)) for audit in audits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_threads_and_gateways_keep_one_chain(tmp_path: Path) -> None:
    first, second = opened(tmp_path), opened(tmp_path)
    _together([first, first, first, second, second, second], 15)
    first.close()
    second.close()
    audit = opened(tmp_path)
    assert audit.verify().entries == 180
    assert audit.verify()
    assert len({one.number for one in audit.search(limit=500)}) == 90
    audit.close()


KILLED = """
import sys
from pathlib import Path
from threading import Thread
from workbench.warehouse import audit as module
from workbench.warehouse.audit import Audit

folder, url = Path(sys.argv[1]), sys.argv[2]
audit = Audit(url, b"k" * 32, folder / "head")
audit.begin(principal="ready", verb="read:metric")
print("ready", flush=True)

def ask():
    while True:
        id = audit.begin(principal="ana", verb="query:adhoc", resources=["gold.flights"], sql="select 1")
        sys.stdout.write(id + "\\n")  # what a query that runs would do
        sys.stdout.flush()
        audit.end(id, "answered")

for _ in range(4):
    Thread(target=ask).start()
"""


@pytest.mark.slow
def test_killed_at_any_moment_no_query_is_without_its_record(tmp_path: Path) -> None:
    url, ran, dice, kills = f"sqlite:///{tmp_path / 'ledger.db'}", set[str](), random.Random(7), 0
    # A busy machine runs few before a kill: then it is killed more often.
    while kills < int(os.environ.get("WORKBENCH_EXAMPLES", 4)) or len(ran) <= 20:
        kills += 1
        assert kills < 100 or len(ran) > 20, "hardly anything is run"
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path), url], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(dice.uniform(0.02, 0.25))
        process.send_signal(signal.SIGKILL)
        ran |= {line.strip() for line in process.stdout.read().splitlines() if len(line.strip()) == 32}
        process.wait()
    audit = opened(tmp_path)
    assert audit.verify(), audit.verify().problem
    with sa.create_engine(url).connect() as connection:
        begun = set(connection.execute(sa.text("SELECT id FROM audit WHERE kind = 'begin'")).scalars())
    assert ran <= begun
    audit.close()


@pytest.mark.slow
def test_postgres_keeps_the_same_chain_through_its_own_death(tmp_path: Path, postgres: Postgres) -> None:
    first, second = opened(tmp_path, postgres.url), opened(tmp_path, postgres.url)
    _together([first, first, second, second], 10)
    second.flush()
    fill(first, 1)
    assert first.verify().entries == 83
    assert first.search(denied=True)[0].principal == "ida"
    late = first.begin(principal="ana", verb="read:metric")
    postgres.kill()
    with pytest.raises(WarehouseError) as refused:
        first.begin(principal="ana", verb="read:metric")
    assert refused.value.slug == "audit-unwritable"
    first.end(late, "answered", rows=5)
    postgres.start()
    first.begin(principal="ana", verb="read:metric")
    assert first.verify(), first.verify().problem
    assert {one.outcome for one in first.search(limit=2)} == {"answered", "unfinished"}
    with (
        sa.create_engine(postgres.url).connect() as connection,
        pytest.raises(sa.exc.SQLAlchemyError, match="only add"),
    ):
        connection.execute(sa.text("DELETE FROM audit"))
    first.close()
    second.close()


@pytest.mark.slow
def test_tokens_and_notes_live_in_the_same_database(postgres: Postgres) -> None:
    tokens, other = Tokens(postgres.url), Tokens(postgres.url, remembered=0)
    text, token = tokens.issue("Ana", timedelta(days=1), ["query"], claimed={"groups": ["g"]})
    found = other.verify(text)
    assert (found.name, found.scope, found.claimed, found.expires) == (
        "ana",
        ("query",),
        {"groups": ["g"]},
        token.expires,
    )
    tokens.revoke(token.id)
    with pytest.raises(AccessDenied, match="revoked"):
        other.verify(text)
    assert other.listed()[0].last_used is not None
    run = Run("ana", "metric", ("flights",), "f", 1, 0.5, "answered")
    LedgerStore(postgres.url).append([run])
    assert LedgerStore(postgres.url).recent(1, "ana") == (run,)
    tokens.close()
    other.close()


def test_without_a_ledger_nothing_may_begin(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").mkdir()
    audit = opened(tmp_path)
    with pytest.raises(WarehouseError) as refused:
        audit.begin(principal="ana", verb="query:adhoc")
    assert refused.value.slug == "audit-unwritable"
    audit.end("x", "failed")
    audit.close()


def test_an_end_is_written_once_where_nobody_knew_that_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit that broke off on its way back has written, and what is tried again must not stand there twice."""
    audit = opened(tmp_path)
    id = audit.begin(principal="ana", verb="read:metric")

    def full(head: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as disk:
        disk.setattr(audit._head, "advance", full)
        audit.end(id, "answered", rows=1)
        audit.flush()
        assert audit._pending
    fill(audit, 1)
    assert [one.outcome for one in audit.search(user="ana")] == ["answered", "answered"]
    assert audit.verify().entries == 5
    audit.close()


def test_whether_it_can_be_written_is_told_without_writing(tmp_path: Path, filled: tuple[bytes, bytes]) -> None:
    assert (audit := opened(tmp_path)).is_writable()
    fill(audit)
    before = audit.verify()
    assert audit.is_writable()
    assert audit.verify() == before
    audit.close()
    (tmp_path / "head").write_bytes(filled[1])  # another's end
    assert not audit.is_writable()
    audit.close()
    (tmp_path / "other" / "ledger.db").mkdir(parents=True)
    assert not opened(tmp_path / "other").is_writable()


def test_the_thread_that_writes_ends_goes_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE", 0.05)
    audit = opened(tmp_path)
    for number in range(3):
        audit.end(audit.begin(principal="ana", verb="read:metric"), "answered", rows=number)
        waited = time.monotonic() + 20
        while audit._follower is not None and time.monotonic() < waited:
            time.sleep(0.02)
        assert audit._follower is None
        with sa.create_engine(f"sqlite:///{tmp_path / 'ledger.db'}").connect() as connection:
            assert connection.execute(sa.text("SELECT count(*) FROM audit")).scalar() == 2 * (number + 1)
    audit.close()
