"""Remembering: whatever happens to files and to what was kept of them, a load gives what a first load gives."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.access.check import problems as access_problems
from workbench.declare import kept
from workbench.declare.reader import Document, read_documents
from workbench.declare.sealed import FOLDER, seal, unseal
from workbench.declare.workspace import Workspace, load
from workbench.errors import Problem
from workbench.graph.build import build
from workbench.graph.check import check
from workbench.quality.problems import find_problems

NAMES = ("metrics/a.yml", "metrics/b.yaml", "metrics/deep/c.yml", "access/roles.yml", "notebooks/dashboards/d.yml")
TEXTS = (
    b"semantic_model: orders\ntable: main.orders\nprimary_key: id\n",
    b"semantic_model: orders\ntable: main.orders\nrelationships: {who: {to: people, on: k}}\n",
    b"semantic_model: people\ntable: main.people\nprimary_key: k\n---\nmetric: heads\nmodel: people\nexpr: count(*)\n",
    b"metric: orders\nmodel: orders\nexpr: count(*)\n",
    b"# moved down by a comment\n\nmetric: orders\nmodel: orders\nexpr: count(*)\n",
    b"metric: wrong\nmodel: nowhere\nexpr: count(*)\n",
    b"metric: half\nexpr: orders / 2 +\n",
    b"metric: old\nmodel: orders\nexpr: sum(n)\ndeprecated: {since: 2024-01-01, until: 2025-06-30}\n"
    b"tests:\n- {given: {orders: [{n: 1.0, at: 2024-01-01 10:00:00, '': 2024-01-01}]}, expect: 1}\n",
    b"metric: odd\nmodel: orders\nexpr: sum(n)\ntests: [{given: {orders: [{n: {'': '2024-01-01'}}]}, expect: 1}]\n",
    b"metric: typed\nmodel: 12\nexpr: yes\nunknown: [true, 1, 1.0, '1', null, .nan, 1e400]\n",
    b"metric: twice\nmetric: twice\n",
    b"roles: {viewer: {can: 'read:metric'}, everyone: {extends: viewr}}\n",
    b"dashboard: page\ntitle: Page\nrows: [[{number: orders}], [{number: gone}]]\n",
    b"a: [1\n",
    b"\xff\xfe",
    b"",
)
EDITS = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(NAMES), st.sampled_from(TEXTS)),
    st.tuples(st.just("remove"), st.sampled_from(NAMES), st.none()),
    st.tuples(st.just("move"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
    st.tuples(st.just("settle"), st.sampled_from((b"", b"[tool.workbench]\nname = 'x'\n", b"[tool")), st.none()),
    st.tuples(st.just("damage"), st.sampled_from((kept.DOCUMENTS, kept.PROBLEMS)), st.integers(0, 10_000)),
    st.tuples(st.just("forget"), st.sampled_from((FOLDER, "secret")), st.none()),
)


@pytest.fixture(autouse=True, scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the user's secret is kept; even the smallest workspace is worth remembering here."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        patch.setattr(kept, "WORTHWHILE", 0)
        yield folder


def anew(root: Path) -> tuple[Workspace, tuple[Problem, ...]]:
    """The workspace and its problems, nothing remembered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept, "WORTHWHILE", 10**9)
        workspace = load(root)
    return workspace, (*workspace.problems, *check(build(workspace), workspace), *access_problems(workspace))


def edit(root: Path, home: Path, act: str, what: object, how: object) -> None:
    """Do one edit to the files, or one mischief to what is kept of them."""
    file = root / str(what)
    file.parent.mkdir(parents=True, exist_ok=True)
    match act, how:
        case "write", bytes():
            file.write_bytes(how)
        case "remove", _:
            file.unlink(missing_ok=True)
        case "move", str() if file.exists():
            (root / how).parent.mkdir(parents=True, exist_ok=True)
            file.replace(root / how)
        case "settle", _:
            assert isinstance(what, bytes)
            (root / "pyproject.toml").write_bytes(what)
        case "damage", int() if (root / FOLDER / str(what)).exists():
            content = bytearray((root / FOLDER / str(what)).read_bytes())
            content[how % len(content)] ^= 1
            (root / FOLDER / str(what)).write_bytes(content)
        case "forget", _ if what == FOLDER:
            shutil.rmtree(root / FOLDER, ignore_errors=True)
        case "forget", _:
            (home / "workbench" / "secret").unlink(missing_ok=True)


@given(rounds=st.lists(st.lists(EDITS, max_size=4), min_size=2, max_size=5))
def test_a_remembered_load_is_a_first_load(home: Path, rounds: list[list[tuple[str, object, object]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for number, edits in enumerate(rounds):
            for act, what, how in edits if number else [("write", n, t) for n, t in zip(NAMES, TEXTS, strict=False)]:
                edit(root, home, act, what, how)
            workspace = load(root)
            expected, problems = anew(root)
            assert repr(workspace) == repr(expected)  # tells 1 from 1.0 and from true, and is equal for nan
            assert find_problems(workspace) == problems
            for one, other in zip(workspace.metrics.values(), expected.metrics.values(), strict=True):
                assert one.document.marks == other.document.marks


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace that was loaded and judged before."""
    for name, text in (("metrics/a.yml", TEXTS[0]), ("metrics/b.yml", TEXTS[3]), ("access/roles.yml", TEXTS[11])):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(text)
    find_problems(load(tmp_path))
    return tmp_path


def never(*_: object) -> None:
    """What must not be called."""
    raise AssertionError("called")


def test_an_unchanged_workspace_is_neither_parsed_nor_judged(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, problems = anew(root)
    monkeypatch.setattr(kept, "read_documents", never)
    monkeypatch.setattr("workbench.quality.problems.check", never)
    workspace = load(root)
    assert repr(workspace) == repr(expected)
    assert find_problems(workspace) == problems
    assert "unknown-role" in [problem.slug for problem in problems]


def test_only_the_changed_file_is_parsed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "metrics/b.yml").write_bytes(TEXTS[4])
    parsed: list[str] = []

    def read(text: str, file: str) -> tuple[Document, ...]:
        parsed.append(file)
        return read_documents(text, file)

    monkeypatch.setattr(kept, "read_documents", read)
    load(root)
    load(root)
    assert parsed == ["metrics/b.yml"]


def test_a_file_that_is_gone_is_forgotten(root: Path) -> None:
    before = len(unseal(root, kept.DOCUMENTS))
    (root / "metrics/b.yml").unlink()
    load(root)
    assert len(unseal(root, kept.DOCUMENTS)) == before - 1


def test_a_cache_that_came_with_a_repository_is_not_believed(root: Path, home: Path) -> None:
    """Whoever can make others check out files must not be able to show one rule and have another applied."""
    files = unseal(root, kept.DOCUMENTS)
    for documents in files.values():
        for data, _ in documents:
            data.update({"roles": {"everyone": {"can": "*"}}} if "roles" in data else {})
    (home / "workbench" / "secret").rename(home / "ours")
    seal(root, kept.DOCUMENTS, files)  # with the secret of the one who wrote it
    seal(root, kept.PROBLEMS, {"fingerprint": load(root).fingerprint, "problems": []})
    (home / "ours").replace(home / "workbench" / "secret")
    assert "viewer" in load(root).roles
    assert "unknown-role" in [problem.slug for problem in find_problems(load(root))]


def test_little_is_not_worth_a_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(root / FOLDER)
    monkeypatch.setattr(kept, "WORTHWHILE", 1000)
    load(root)
    assert not (root / FOLDER).exists()


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_remembered_as_it_was_read(root: Path, name: str, text: bytes) -> None:
    edit(root, root, "write", name, text)
    for _ in range(2):
        workspace = load(root)
        expected, problems = anew(root)
        assert repr(workspace) == repr(expected)
        assert find_problems(workspace) == problems


def test_a_change_that_keeps_the_length_is_seen(root: Path) -> None:
    (root / "metrics/b.yml").write_bytes(TEXTS[3].replace(b"count(*)", b"count(*("))
    assert "bad-expression" in [problem.slug for problem in find_problems(load(root))]


def test_a_file_that_moved_is_told_by_its_new_name(root: Path) -> None:
    (root / "access/roles.yml").rename(root / "access/rules.yml")
    assert "access/rules.yml" in [problem.place.file for problem in find_problems(load(root)) if problem.place]


@pytest.mark.parametrize("name", ["metrics/c.yml", "access/c.yml", "notebooks/dashboards/c.yml", "pyproject.toml"])
def test_every_input_changes_the_fingerprint(root: Path, name: str) -> None:
    before = load(root).fingerprint
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("[tool.workbench]\nname = 'x'\n")
    assert load(root).fingerprint != before
