"""The ledger: written by many, waited for by nobody, and never the reason that an answer fails."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from workbench.errors import WarehouseError
from workbench.warehouse import ledger_database
from workbench.warehouse.ledger import KeyFact, Ledger, Run
from workbench.warehouse.ledger_store import LedgerStore

ONE = Run("ana", "metric", ("flights", "delay"), "abc", 12, 0.25, "answered", 2)


def url(folder: Path) -> str:
    return f"sqlite:///{folder / '.workbench' / 'ledger.db'}"


def test_what_was_noted_comes_back(tmp_path: Path) -> None:
    ledger = Ledger.open(url(tmp_path))
    ledger.note(ONE)
    ledger.note_run(
        asker="bo", kind="sql", subject=["gold.flights"], sql="SELECT 1", rows=1, seconds=0.1, outcome="failed"
    )
    newest, oldest = ledger.recent()
    assert oldest == ONE
    assert (newest.asker, newest.subject, newest.outcome, newest.restrictions) == ("bo", ("gold.flights",), "failed", 0)
    assert timedelta(0) <= datetime.now(UTC) - newest.at < timedelta(minutes=1)
    assert ledger.recent(asker="ana") == (ONE,)
    assert ledger.recent(limit=1) == (newest,)
    ledger.close()
    ledger.close()
    assert [file.name for file in (tmp_path / ".workbench").iterdir()] == ["ledger.db"]
    late = Run("cy", "table", (), "f", 0, 0.0, "stopped")
    ledger.note(late)  # closed is not dead: a note that comes late is not lost
    assert ledger.recent() == (late, newest, ONE)


def test_sql_is_kept_as_a_fingerprint_only(tmp_path: Path) -> None:
    ledger = Ledger.open(url(tmp_path))
    for secret in ("x", "y", "y"):
        sql = f"SELECT '{secret}-hush'"
        ledger.note_run(asker="a", kind="sql", subject=[], sql=sql, rows=0, seconds=0, outcome="answered")
    assert len({run.fingerprint for run in ledger.recent()}) == 2
    ledger.close()
    assert not any(b"hush" in file.read_bytes() for file in (tmp_path / ".workbench").iterdir())


def test_noting_creates_nothing_by_itself(tmp_path: Path) -> None:
    ledger = Ledger.open(url(tmp_path))
    assert not (tmp_path / ".workbench").exists()
    for _ in range(100):
        ledger.note(Run("a", "sql", (), "f", 1, 0.1, "answered"))
    ledger.close()
    assert len(ledger.recent(1000)) == 100


def test_it_is_written_without_a_close(tmp_path: Path) -> None:
    note = (
        "from workbench.warehouse.ledger import Ledger, Run\n"
        f"Ledger.open({url(tmp_path)!r}).note(Run('a', 'sql', (), 'f', 1, 0.1, 'answered'))\n"
        "import sys; assert 'sqlalchemy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", note], check=True)
    assert len(Ledger.open(url(tmp_path)).recent()) == 1


def test_many_processes_write_at_once(tmp_path: Path) -> None:
    note = (
        "from workbench.warehouse.ledger import Ledger, Run\n"
        f"ledger = Ledger.open({url(tmp_path)!r})\n"
        "for i in range(20):\n"
        "    ledger.note(Run('a', 'sql', (), 'f', i, 0.1, 'answered')); ledger.flush()\n"
        "assert ledger.problem is None, ledger.problem\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", note]) for _ in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert len(Ledger.open(url(tmp_path)).recent(100)) == 60


def spoil_by_text(file: Path) -> None:
    file.write_text("not a database, though long enough to look like one " * 100)


def spoil_by_folder(file: Path) -> None:
    file.mkdir()


def spoil_by_other_table(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE runs (something_else INTEGER)")


@pytest.mark.parametrize("spoil", [spoil_by_text, spoil_by_folder, spoil_by_other_table])
def test_a_ledger_that_cannot_be_written_warns_once(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    (tmp_path / ".workbench").mkdir()
    spoil(tmp_path / ".workbench" / "ledger.db")
    ledger = Ledger.open(url(tmp_path))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            ledger.note(ONE)
            ledger.flush()
        ledger.close()
    assert len(caught) == 1
    assert "ledger-unwritable" in str(caught[0].message)
    with pytest.raises(WarehouseError) as refused:
        Ledger.open(url(tmp_path)).recent()
    assert refused.value.slug == "ledger-unreadable"


FACT = KeyFact("shops", ("id", "land"), "", "f00d", "v1", "broken", 9, 1, 2, 0, ("id = 'é', land = 1 (2 rows)",))


def test_what_was_found_of_keys_is_kept_by_version(tmp_path: Path) -> None:
    ledger = Ledger.open(url(tmp_path))
    assert ledger.key_facts("v1") == ()
    assert not (tmp_path / ".workbench").exists()
    orphans = replace(FACT, role="town", verdict="sound", duplicates=0, orphans=3)
    for note in (FACT, ONE, orphans, replace(FACT, version="v2")):
        ledger.note(note)
    ledger.close()
    assert Ledger.open(url(tmp_path)).key_facts("v1") == (FACT, orphans)
    assert LedgerStore(url(tmp_path)).key_facts("v1") == (FACT, orphans), "both ways of reading agree"
    assert Ledger.open(url(tmp_path)).recent() == (ONE,)
    assert (orphans.matched, orphans.multiplies, FACT.multiplies) == (5, False, True)


@pytest.mark.parametrize("content", [b"", b"no database" * 99])
def test_facts_that_cannot_be_read_are_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".workbench").mkdir()
    (tmp_path / ".workbench" / "ledger.db").write_bytes(content)
    assert Ledger.open(url(tmp_path)).key_facts("v1") == ()


OLD = """
CREATE TABLE runs (
    id VARCHAR(32) NOT NULL, at DATETIME NOT NULL, asker TEXT NOT NULL, kind VARCHAR(16) NOT NULL,
    subject JSON NOT NULL, fingerprint VARCHAR(64) NOT NULL, rows BIGINT NOT NULL, seconds FLOAT NOT NULL,
    outcome VARCHAR(16) NOT NULL, restrictions INTEGER NOT NULL, PRIMARY KEY (id)
);
CREATE INDEX ix_runs_at ON runs (at);
INSERT INTO runs VALUES ('a', '2026-01-02 03:04:05.000000', 'ana', 'metric', '["flights"]', 'f', 1, 0.5, 'answered', 0);
"""
"""A ledger from before there were migrations, and before facts about keys."""


def test_an_older_file_is_brought_up_to_date_without_a_loss(tmp_path: Path) -> None:
    (tmp_path / ".workbench").mkdir()
    with closing(sqlite3.connect(tmp_path / ".workbench" / "ledger.db")) as connection:
        connection.executescript(OLD)
    ledger = Ledger.open(url(tmp_path))
    ledger.note(ONE)
    newest, oldest = ledger.recent()
    assert newest == ONE
    assert (oldest.asker, oldest.subject, oldest.at) == ("ana", ("flights",), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    ledger.close()
    with closing(sqlite3.connect(tmp_path / ".workbench" / "ledger.db")) as connection:
        made = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert made == {"runs", "keys", "audit", "tokens", "alembic_version"}


def test_the_newest_migration_is_the_one_that_is_looked_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(ledger_database.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [ledger_database.NEWEST]


def test_tables_of_a_later_version_are_left_alone(tmp_path: Path) -> None:
    LedgerStore(url(tmp_path)).append([ONE])
    with closing(sqlite3.connect(tmp_path / ".workbench" / "ledger.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(WarehouseError) as refused:
        LedgerStore(url(tmp_path)).append([ONE])
    assert refused.value.slug == "ledger-newer"


def test_processes_that_start_together_make_the_tables_once(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom workbench.warehouse.ledger_store import LedgerStore\nLedgerStore(sys.argv[1]).recent(1, None)"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, url(tmp_path)], stderr=subprocess.PIPE) for _ in range(3)]
    assert [(one.communicate()[1], one.returncode) for one in started] == [(b"", 0)] * 3


def test_threads_that_start_together_make_their_tables(tmp_path: Path) -> None:
    found: list[object] = []

    def look(number: int) -> None:
        found.append(LedgerStore(f"sqlite:///{tmp_path / str(number) / 'ledger.db'}").recent(1, None))

    threads = [Thread(target=look, args=(number % 4,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [()] * 8
