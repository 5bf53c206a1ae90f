"""Tokens of our own: shown once, kept as hashes, dead when revoked or expired, and never more than their owner."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.access.principal import Principal
from workbench.access.scope import ALL, SCOPES, checked, narrowed
from workbench.access.verbs import VERBS
from workbench.errors import AccessDenied, QuestionError, WarehouseError
from workbench.warehouse import tokens as module
from workbench.warehouse.tokens import Tokens

WEEK = timedelta(days=7)


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'ledger.db'}"


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    return Tokens(url(tmp_path))


def refused(tokens: Tokens, text: str, kind: module.Kind = "token") -> str:
    with pytest.raises(AccessDenied) as error:
        tokens.verify(text, kind)
    assert text == "" or text not in str(error.value)  # a refusal is logged; a secret must not be
    return error.value.slug


def test_a_token_is_shown_once_and_kept_as_a_hash(tokens: Tokens, tmp_path: Path) -> None:
    text, token = tokens.issue(" Ana@skyways.example ", WEEK, ["query"], "sam")
    assert re.fullmatch(r"wbt_[0-9a-f]{12}_[\w-]{43}", text)
    assert token.name == "ana@skyways.example"
    assert tokens.verify(text).id == token.id
    tokens.close()
    secret = text.split("_", 2)[2].encode()  # which may hold an underscore itself
    assert not any(secret in file.read_bytes() for file in tmp_path.iterdir())
    assert len({tokens.issue("ana", WEEK)[0] for _ in range(20)}) == 20


def test_what_is_none_of_ours_is_refused(tokens: Tokens) -> None:
    text, token = tokens.issue("ana", WEEK)
    changed = text[:-1] + ("A" if text[-1] != "A" else "B")
    for bad in (
        "",
        "x",
        "wbt_",
        f"wbt_{token.id}",
        f"wbt_{token.id}_",
        changed,
        text + "x",
        "wbt__",
        "\ud800",
        f"wbt_{token.id}_\0",
    ):
        assert refused(tokens, bad) == "bad-token"
    assert refused(tokens, text.replace("wbt_", "wbs_"), "session") == "bad-token"
    assert refused(tokens, text, "session") == "bad-token"
    session, _ = tokens.issue("ana", WEEK, [ALL], kind="session")
    assert refused(tokens, session) == "bad-token"
    assert tokens.verify(session, "session").kind == "session"


@given(st.text(max_size=80))
def test_no_text_is_a_token_by_chance(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    tokens = _SHARED.setdefault("tokens", Tokens(url(tmp_path_factory.mktemp("tokens"))))
    for word in (text, f"wbt_{text}", f"wbs_{text}"):
        with pytest.raises(AccessDenied):
            tokens.verify(word)


_SHARED: dict[str, Tokens] = {}


def test_expired_and_revoked_say_so(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    short, _ = tokens.issue("ana", timedelta(minutes=1))
    tokens.verify(short)
    text, token = tokens.issue("ana", WEEK)
    tokens.verify(text)

    class InAMinute(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(minutes=1)

    monkeypatch.setattr(module, "datetime", InAMinute)
    assert refused(tokens, short) == "token-expired"  # though it was read a moment ago
    assert tokens.revoke(token.id).state == "revoked"
    assert refused(tokens, text) == "token-revoked"
    moment = tokens.listed()[0].revoked
    assert tokens.revoke(token.id).revoked == moment


@pytest.mark.slow
def test_a_revoked_token_stops_in_every_process_within_five_seconds(tokens: Tokens, tmp_path: Path) -> None:
    text, token = tokens.issue("ana", WEEK)
    code = (
        "import sys\nfrom workbench.warehouse.tokens import Tokens\nfrom workbench.errors import AccessDenied\n"
        "import time\ntokens = Tokens(sys.argv[1])\ntokens.verify(sys.argv[2])\nprint('ready', flush=True)\n"
        "ends = time.monotonic() + 10\nwhile time.monotonic() < ends:\n    try:\n"
        "        tokens.verify(sys.argv[2])\n        time.sleep(0.01)\n"
        "    except AccessDenied as error:\n        print(error.slug, flush=True)\n        break\n"
    )
    other = subprocess.Popen([sys.executable, "-c", code, url(tmp_path), text], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "ready\n"
    began = time.monotonic()
    tokens.revoke(token.id)
    assert other.stdout.readline() == "token-revoked\n"
    assert time.monotonic() - began < 5
    other.wait(10)


def test_the_last_use_is_kept_about(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    text, _ = tokens.issue("ana", WEEK)
    assert tokens.listed()[0].last_used is None
    tokens.verify(text)
    used = tokens.listed()[0].last_used
    assert used is not None
    assert datetime.now(UTC) - used < timedelta(minutes=1)
    fresh = Tokens(str(tokens._url), remembered=0)
    fresh.verify(text)
    assert tokens.listed()[0].last_used == used
    monkeypatch.setattr(module, "USED", timedelta(0))
    fresh.verify(text)
    assert tokens.listed()[0].last_used > used  # type: ignore[operator]


def test_listed_by_owner(tokens: Tokens) -> None:
    for name in ("ana", "bo", "ana"):
        tokens.issue(name, WEEK)
    assert [token.name for token in tokens.listed("Ana")] == ["ana", "ana"]
    assert len(tokens.listed()) == 3
    theirs = tokens.listed("bo")[0]
    for id, name in (("nope", ""), (theirs.id, "ana")):
        with pytest.raises(QuestionError) as error:
            tokens.revoke(id, name)
        assert error.value.slug == "unknown-token"


@pytest.mark.parametrize(
    ("name", "lasts", "scope", "slug"),
    [
        ("ana", timedelta(0), ["query"], "bad-expiry"),
        ("ana", timedelta(days=367), ["query"], "bad-expiry"),
        ("ana", -WEEK, ["query"], "bad-expiry"),
        ("ana", WEEK, [], "unknown-scope"),
        ("ana", WEEK, ["query", "everything"], "unknown-scope"),
        (" ", WEEK, ["query"], "no-name"),
    ],
)
def test_bad_wishes_are_refused(tokens: Tokens, name: str, lasts: timedelta, scope: list[str], slug: str) -> None:
    with pytest.raises(QuestionError) as error:
        tokens.issue(name, lasts, scope)
    assert error.value.slug == slug
    assert tokens.listed() == ()


@given(
    st.lists(st.sampled_from([*VERBS, "unmask:pii"]), unique=True),
    st.lists(st.sampled_from([*SCOPES, *VERBS, "unmask:pii", "unmask:other"]), min_size=1),
)
def test_a_scope_only_narrows(can: list[str], scope: list[str]) -> None:
    owner = Principal("ana", roles=("analyst",), can=tuple(can))
    left = set(narrowed(owner, checked(scope)).can)
    assert left <= set(can)
    assert left == set(can) & {verb for word in scope for verb in SCOPES.get(word, (word,))}
    assert narrowed(owner, [ALL]) == owner
    assert narrowed(owner, ["nonsense"]).can == ()
    assert set(narrowed(narrowed(owner, scope), [ALL]).can) == left


def test_without_a_database_nobody_is_believed(tmp_path: Path) -> None:
    tokens = Tokens(url(tmp_path), remembered=0)
    text, _ = tokens.issue("ana", WEEK)
    tokens.close()
    for file in tmp_path.iterdir():
        file.unlink()
    (tmp_path / "ledger.db").mkdir()
    with pytest.raises(WarehouseError) as error:
        tokens.verify(text)
    assert error.value.slug == "tokens-unavailable"
