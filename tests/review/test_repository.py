"""A real git repository is read as data: any shape of it gives the right files or a clear error."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.review.play import Git
from workbench.errors import ReviewError
from workbench.review.repository import (
    Moved,
    Repository,
    commit_of,
    common_ancestor,
    contents,
    entries,
    lay_out,
    moved,
    repository,
    work_tree,
)


@pytest.fixture
def git(tmp_path: Path) -> Git:
    return Git(tmp_path / "repo")


def slug(action: object) -> str:
    with pytest.raises(ReviewError) as raised:
        action()  # type: ignore[operator]
    return raised.value.slug


def test_what_was_committed_comes_out_byte_by_byte(git: Git, tmp_path: Path) -> None:
    (git.folder / ".gitattributes").write_text("*.yml text eol=crlf filter=evil\n")
    commit = git.commit({"metrics/a.yml": "a: 1\r\nb: é\n", "other.yml": "x: 1\n"})
    git("config", "filter.evil.smudge", "touch evil; cat")
    git("config", "core.fsmonitor", "touch evil")
    repo = repository(git.folder)
    lay_out(repo, entries(repo, commit), ("metrics",), tmp_path / "out")
    (held,) = (e for e in entries(repo, commit).values() if e.path == "metrics/a.yml")
    assert (tmp_path / "out/metrics/a.yml").read_bytes() == next(contents(repo, [held]))[1]
    assert not (tmp_path / "out/other.yml").exists()
    assert not list(git.folder.rglob("evil")), "something of the repository was run"


def test_a_workspace_may_be_a_folder_of_the_repository(git: Git, tmp_path: Path) -> None:
    commit = git.commit({"team/metrics/a.yml": "a: 1", "metrics/b.yml": "b: 1"})
    repo = repository(git.folder / "team")
    assert repo.prefix == "team/"
    lay_out(repo, entries(repo, commit), ("metrics",), tmp_path)
    assert [p.name for p in (tmp_path / "metrics").iterdir()] == ["a.yml"]


def test_links_and_other_repositories_are_seen_and_never_followed(git: Git, tmp_path: Path) -> None:
    (git.folder / "metrics").mkdir()
    (git.folder / "metrics/link.yml").symlink_to("/etc/hostname")
    first = git.commit({"metrics/a.yml": "a: 1"})
    git("update-index", "--add", "--cacheinfo", f"160000,{first},metrics/sub.yml")
    git("commit", "-q", "-m", "sub")
    repo = repository(git.folder)
    for tree in (entries(repo, commit_of(repo, "HEAD")), work_tree(repo)):
        assert not tree["metrics/link.yml"].is_plain
        lay_out(repo, tree, ("metrics",), tmp_path / str(len(tree)))
        assert [p.name for p in (tmp_path / str(len(tree)) / "metrics").iterdir()] == ["a.yml"]
    assert not entries(repo, commit_of(repo, "HEAD"))["metrics/sub.yml"].is_plain


def test_renames_deletions_and_strange_names(git: Git) -> None:
    text = "metric: revenue\nexpr: sum(amount)\nmodel: orders\n"
    base = git.commit({"metrics/a.yml": text, "metrics/b.yml": "b: 1\n" * 20, "metrics/c.yml": "c: 1"})
    git("mv", "metrics/a.yml", "metrics/ü \nname.yml")
    head = git.commit({"metrics/b.yml": None, "metrics/c.yml": "c: 2", "metrics/d.yml": "entirely: other"})
    repo = repository(git.folder)
    assert set(moved(repo, base, head)) == {
        Moved("metrics/a.yml", "metrics/ü \nname.yml"),
        Moved("metrics/b.yml", ""),
        Moved("metrics/c.yml", "metrics/c.yml"),
        Moved("", "metrics/d.yml"),
    }
    assert moved(repo, head, head) == ()


def test_the_work_tree_counts_what_is_not_yet_committed(git: Git) -> None:
    base = git.commit({"metrics/a.yml": "a: 1"})
    (git.folder / "metrics/new.yml").write_text("b: 1")
    (git.folder / "metrics/a.yml").write_text("a: 2")
    repo = repository(git.folder)
    assert set(moved(repo, base, None)) == {Moved("metrics/a.yml", "metrics/a.yml"), Moved("", "metrics/new.yml")}
    read = {e.path: text for e, text in contents(repo, work_tree(repo).values())}
    assert read == {"metrics/a.yml": b"a: 2", "metrics/new.yml": b"b: 1"}


def test_branches_merges_and_a_detached_head(git: Git) -> None:
    start = git.commit({"metrics/a.yml": "a: 1"})
    git("checkout", "-q", "-b", "change")
    git.commit({"metrics/b.yml": "b: 1"})
    git("checkout", "-q", "main")
    ahead = git.commit({"metrics/c.yml": "c: 1"})
    repo = repository(git.folder)
    assert common_ancestor(repo, commit_of(repo, "main"), commit_of(repo, "change")) == start
    git("merge", "-q", "--no-edit", "change")
    git("checkout", "-q", "--detach")
    assert common_ancestor(repo, ahead, commit_of(repo, "HEAD")) == ahead
    assert {m.now for m in moved(repo, ahead, commit_of(repo, "HEAD"))} == {"metrics/b.yml"}


def test_histories_that_never_met(git: Git) -> None:
    one = git.commit({"metrics/a.yml": "a: 1"})
    git("checkout", "-q", "--orphan", "other")
    two = git.commit({"metrics/a.yml": "a: 2"})
    repo = repository(git.folder)
    assert slug(lambda: common_ancestor(repo, one, two)) == "no-common-ancestor"


def test_a_shallow_clone_says_what_to_do(git: Git, tmp_path: Path) -> None:
    first = git.commit({"metrics/a.yml": "a: 1"})
    git.commit({"metrics/a.yml": "a: 2"})
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{git.folder}", tmp_path / "part"], check=True)
    repo = repository(tmp_path / "part")
    with pytest.raises(ReviewError, match="git fetch --unshallow"):
        commit_of(repo, first)


@pytest.mark.parametrize("revision", ["nowhere", "--help", "HEAD~9", "", "main:metrics", "-"])
def test_a_revision_that_is_none(git: Git, revision: str) -> None:
    git.commit({"metrics/a.yml": "a: 1"})
    repo = repository(git.folder)
    assert slug(lambda: commit_of(repo, revision)) == "unknown-revision"


def test_a_branch_that_is_spelled_otherwise(git: Git) -> None:
    git.commit({"metrics/a.yml": "a: 1"})
    subprocess.run(["git", "branch", "propose/long_flights"], cwd=git.folder, check=True)
    with pytest.raises(ReviewError, match="Did you mean 'propose/long_flights'"):
        commit_of(repository(git.folder), "propose/long_flihgts")


def test_no_repository(tmp_path: Path) -> None:
    assert slug(lambda: repository(tmp_path)) == "no-repository"


def test_no_git(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(git.folder))
    assert slug(lambda: repository(git.folder)) == "no-git"


def test_variables_of_git_lead_nowhere_else(git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git.commit({"metrics/a.yml": "a: 1"})
    other = Git(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))
    assert repository(git.folder) == Repository(git.folder, "")
