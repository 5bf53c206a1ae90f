"""Tokens and the audit on the command line, as whoever runs the gateway types them."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import REFERENCE, Run
from workbench.errors import AccessDenied
from workbench.warehouse.tokens import Tokens


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A workspace that nobody has served yet."""
    for folder in ("access", "metrics"):
        shutil.copytree(REFERENCE / folder, tmp_path / folder)
    (tmp_path / "pyproject.toml").write_text("[tool.workbench]\n")
    return tmp_path


def test_a_token_from_its_issue_to_its_end(run: Run, here: Path) -> None:
    issued = run("token", "issue", "--for", "Ana@skyways.example", "--expires", "12h", at=here)
    assert issued.code == 0
    text = issued.out.strip()
    assert "It is not shown again" in issued.err
    assert text not in issued.err
    tokens = Tokens(f"sqlite:///{here / '.workbench' / 'ledger.db'}", remembered=0)
    assert tokens.verify(text).scope == ("query",)
    (row,) = run("token", "list", "--format", "json", at=here).json
    assert (row["name"], row["scope"], row["state"]) == ("ana@skyways.example", "query", "valid")
    assert run("token", "list", "--for", "bo", "--format", "json", at=here).json == []
    assert run("token", "revoke", row["id"], at=here).code == 0
    with pytest.raises(AccessDenied):
        tokens.verify(text)
    assert "revoked" in run("token", "list", at=here).out
    tokens.close()
    acts = run("audit", "--format", "json", at=here).json
    assert [act["verb"] for act in acts] == ["revoke:token", "issue:token"]
    assert acts[1]["rules"] == ["for 'ana@skyways.example'"]
    verified = run("audit", "verify", at=here)
    assert (verified.code, verified.err) == (0, "All 2 entries are as they were written.\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("token", "issue", "--for", "ana", "--expires", "soon"), "bad-expiry"),
        (("token", "issue", "--for", "ana", "--expires", "99w"), "bad-expiry"),
        (("token", "issue", "--for", "ana", "--scope", "everything"), "unknown-scope"),
        (("token", "revoke", "nope"), "unknown-token"),
        (("audit", "--since", "yesterday"), "bad-time"),
        (("audit", "--since", "tomorrow"), "bad-time"),
        (("audit", "--since", "9999999d"), "bad-time"),
    ],
)
def test_mistakes_are_explained(run: Run, here: Path, words: tuple[str, ...], said: str) -> None:
    ran = run(*words, at=here)
    assert ran.code == 2
    assert f"[{said}]" in ran.err


def test_a_token_that_is_good_for_nothing_is_told(run: Run, here: Path) -> None:
    err = run("token", "issue", "--for", "anna@skyways.example", "--scope", "publish:metric", at=here).err
    assert "names 'anna@skyways.example'. Did you mean 'ana@skyways.example'" in err
    assert "anna@skyways.example may not publish:metric" in err
    useful = run("token", "issue", "--for", "cora@skyways.example", "--scope", "publish:metric", at=here)
    assert "Warning" not in useful.err


def test_the_audit_is_searched_and_an_edit_fails_its_check(run: Run, here: Path) -> None:
    for name in ("ana", "bo", "cy"):
        run("token", "issue", "--for", name, at=here)
    assert run("audit", "--limit", "1", "--format", "csv", at=here).out.count("issue:token") == 1
    assert len(run("audit", "--since", "1h", "--format", "json", at=here).json) == 3
    assert run("audit", "--since", "2999-01-01", "--format", "json", at=here).json == []
    assert run("audit", "--denied", "--format", "json", at=here).json == []
    assert run("audit", "--user", "nobody", "--format", "json", at=here).json == []
    with closing(sqlite3.connect(here / ".workbench" / "ledger.db")) as connection:
        connection.executescript("DROP TRIGGER audit_no_update; UPDATE audit SET verb = 'x' WHERE number = 2")
    checked = run("audit", "verify", at=here)
    assert checked.code == 1
    assert "entry 2 is not as it was written" in checked.err


def test_the_doctor_looks_at_a_gateways_files(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not [one for one in run("doctor", "--format", "json", at=here).json if one["about"] == "gateway"]
    run("token", "issue", "--for", "ana", at=here)
    (here / ".workbench").chmod(0o700)
    (here / ".workbench" / "ledger.db").chmod(0o644)

    def found() -> list[tuple[str, str]]:
        ran = run("doctor", "--format", "json", at=here).json
        return [(one["state"], one["fix"]) for one in ran if one["about"] == "gateway"]

    assert found() == [
        ("warning", f"Give it to the gateway's user alone: chmod go= '{here / '.workbench' / 'ledger.db'}'")
    ]
    (here / ".workbench" / "ledger.db").chmod(0o600)
    assert found() == [("ok", "")]
    monkeypatch.setenv("WORKBENCH_GATEWAY_SECRET", "changeme")
    assert [state for state, _ in found()] == ["failed"]
