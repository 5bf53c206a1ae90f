"""Sealed files: what was put aside comes back as it was, and nothing that anybody else wrote is believed."""

from __future__ import annotations

import json
import os
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.declare import sealed
from workbench.declare.sealed import FOLDER, is_plain, seal, unseal

DATA = {"day": date(2013, 7, 10), "moment": datetime(2013, 7, 10, 12, 30, tzinfo=timezone(timedelta(hours=2))), "n": 1}
MOMENTS = st.dates() | st.datetimes(timezones=st.none() | st.just(timezone(timedelta(hours=2)))).map(
    lambda moment: moment.replace(fold=0)  # which no text can say
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | MOMENTS | st.text(max_size=5)
PLAIN = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user's secret is kept during a test."""
    folder = tmp_path / "home"
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


def secret(home: Path) -> Path:
    """The file of the secret."""
    return home / "workbench" / "secret"


@given(data=PLAIN)
def test_plain_data_comes_back_as_it_was(root: Path, data: Any) -> None:
    if is_plain(data):
        seal(root, "it", data)
        assert repr(unseal(root, "it")) == repr(data)


def test_dates_are_plain_and_what_looks_like_one_is_not() -> None:
    assert is_plain(DATA)
    assert not is_plain([{"": "2013-07-10"}])
    assert not is_plain({"a": {"": 1}})
    assert not is_plain((1, 2))
    assert not is_plain({1: 2})
    assert not is_plain({"a": object()})


def test_the_secret_is_the_users_alone(root: Path, home: Path) -> None:
    seal(root, "it", DATA)
    assert unseal(root, "it") == DATA
    assert secret(home).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in (root / FOLDER).iterdir()) == ["it"]


def test_other_data_under_an_old_seal_is_not_believed(root: Path) -> None:
    seal(root, "it", {"roles": ["viewer"]})
    file = root / FOLDER / "it"
    file.write_bytes(file.read_bytes().replace(b"viewer", b"admin"))
    assert unseal(root, "it") is None


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"{}", b'\n{"a": 1}', b"0" * 64 + b"\n{}", b"\xff\xfe\n\xff", b"None\n1"]
)
def test_what_has_no_seal_is_not_believed(root: Path, content: bytes) -> None:
    (root / FOLDER).mkdir()
    (root / FOLDER / "it").write_bytes(content)
    assert unseal(root, "it") is None


@given(at=st.integers(0), bit=st.integers(0, 7))
def test_a_damaged_file_is_not_believed(root: Path, at: int, bit: int) -> None:
    seal(root, "it", DATA)
    file = root / FOLDER / "it"
    content = bytearray(file.read_bytes())
    content[at % len(content)] ^= 1 << bit
    file.write_bytes(content)
    assert unseal(root, "it") is None
    file.write_bytes(file.read_bytes()[: at % len(content)])
    assert unseal(root, "it") is None


def test_one_file_is_not_believed_in_the_place_of_another(root: Path) -> None:
    seal(root, "it", DATA)
    (root / FOLDER / "it").rename(root / FOLDER / "other")
    assert unseal(root, "other") is None


def test_what_other_code_wrote_is_not_believed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seal(root, "it", DATA)
    monkeypatch.setattr(sealed, "_code", lambda: b"the next version")
    assert unseal(root, "it") is None
    seal(root, "it", [1])
    assert unseal(root, "it") == [1]


def test_what_another_user_sealed_is_not_believed(root: Path, home: Path) -> None:
    seal(root, "it", DATA)
    secret(home).unlink()
    assert unseal(root, "it") is None
    seal(root, "it", [1])
    assert unseal(root, "it") == [1]


def test_a_secret_that_others_may_read_is_no_secret(root: Path, home: Path) -> None:
    seal(root, "it", DATA)
    secret(home).chmod(0o644)
    assert unseal(root, "it") is None
    seal(root, "it", [1])
    assert b"\n[1]" not in (root / FOLDER / "it").read_bytes()


def test_a_secret_inside_the_workspace_is_no_secret(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the home is the workspace, a repository could bring both the secret and what it seals."""
    monkeypatch.setenv("XDG_STATE_HOME", str(root / "state"))
    seal(root, "it", DATA)
    assert list(root.iterdir()) == []
    link = root.parent / "link"
    link.symlink_to(root)
    monkeypatch.setenv("XDG_STATE_HOME", str(link / "state"))
    seal(root, "it", DATA)
    assert list(root.iterdir()) == []


def test_a_broken_secret_seals_nothing(root: Path, home: Path) -> None:
    secret(home).parent.mkdir(parents=True)
    secret(home).touch(0o600)
    seal(root, "it", DATA)
    assert unseal(root, "it") is None
    assert list(root.iterdir()) == []


def test_without_a_place_nothing_is_kept_and_nothing_fails(
    root: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.write_text("a file where the folder should be")
    seal(root, "it", DATA)
    assert unseal(root, "it") is None
    monkeypatch.setenv("XDG_STATE_HOME", str(home.parent / "elsewhere"))
    (root / FOLDER).write_text("a file where the folder should be")
    seal(root, "it", DATA)
    assert unseal(root, "it") is None


def test_nobodys_home_is_no_place(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.delenv("HOME", raising=False)

    def nowhere() -> Path:
        raise RuntimeError("could not determine home directory")

    monkeypatch.setattr(Path, "home", nowhere)
    seal(root, "it", DATA)
    assert list(root.iterdir()) == []


def test_the_body_is_readable_json(root: Path) -> None:
    seal(root, "it", {"a": [1, "x"]})
    _, body = (root / FOLDER / "it").read_text("ascii").split("\n")
    assert json.loads(body) == {"a": [1, "x"]}
    assert os.listdir(root) == [FOLDER]
