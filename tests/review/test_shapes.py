"""Repositories of odd shapes are reviewed rightly, or a clear error says what to do."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.review.play import WORKSPACE, Git
from workbench.errors import ReviewError
from workbench.review.people import People
from workbench.review.repository import branch_with, repository
from workbench.review.review import Review, review, sides

REVENUE = "metrics/sales/revenue.yml"
NEW = WORKSPACE[REVENUE].replace("amount", "net")


@pytest.fixture
def git(tmp_path: Path) -> Git:
    git = Git(tmp_path / "repo")
    git.commit(dict(WORKSPACE))
    git("checkout", "-q", "-b", "change")
    return git


def cloned(git: Git, name: str, *options: str) -> Git:
    where = git.folder.parent / name
    subprocess.run(["git", "clone", "-q", *options, f"file://{git.folder}", where], check=True, capture_output=True)
    return Git(where)


def looked(folder: Path, base: str = "main", head: str | None = "HEAD") -> Review:
    repo = repository(folder)
    with sides(repo, base, head) as given:
        return review(repo, given, People((), ()))


def changed(folder: Path, base: str = "main", head: str | None = "HEAD") -> list[str]:
    found = looked(folder, base, head)
    assert not [problem for problem in found.problems if problem.severity == "error"]
    return [f"{change.name} {change.how}" for change in found.changes]


def refusal(folder: Path, base: str = "main", head: str | None = "HEAD") -> str:
    with pytest.raises(ReviewError) as raised:
        looked(folder, base, head)
    return f"{raised.value.problems[0].hint} [{raised.value.slug}]"


def test_a_second_work_tree_of_one_repository(git: Git) -> None:
    git("worktree", "add", "-q", str(git.folder.parent / "beside"), "main")
    beside = git.folder.parent / "beside"
    (beside / REVENUE).write_text(NEW)
    assert changed(beside, head=None) == ["revenue changed"]
    assert changed(git.folder, head=None) == []


def test_a_clone_that_holds_only_some_files(git: Git) -> None:
    git("checkout", "-q", "main")
    part = cloned(git, "part")
    part("sparse-checkout", "set", "--no-cone", "/metrics/sales/*", "/access/*")
    assert not (part.folder / "metrics/models/orders.yml").exists()
    assert changed(part.folder, head=None) == []
    (part.folder / REVENUE).write_text(NEW)
    assert changed(part.folder, head=None) == ["revenue changed"]


def test_a_clone_that_holds_no_contents(git: Git) -> None:
    git.commit({REVENUE: NEW})
    git("config", "uploadpack.allowFilter", "true")
    part = cloned(git, "part", "--filter=blob:none", "--no-checkout")
    told = refusal(part.folder, "origin/main", "origin/change")
    assert told.startswith("This clone leaves contents out: run 'git fetch --refetch --no-filter'.")


def test_a_shallow_clone_in_which_two_branches_never_meet(git: Git) -> None:
    git.commit({REVENUE: NEW})
    git("checkout", "-q", "main")
    git.commit({"README.md": "Words."})
    part = cloned(git, "part", "--depth", "1", "--no-single-branch")
    assert refusal(part.folder, "origin/main", "origin/change") == (
        "This clone is shallow: run 'git fetch --unshallow'. [no-common-ancestor]"
    )


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    git = Git(tmp_path / "new")
    assert refusal(git.folder).endswith("[unknown-revision]")


def test_a_submodule_that_was_not_fetched(git: Git) -> None:
    git("update-index", "--add", "--cacheinfo", f"160000,{git('rev-parse', 'HEAD')},vendor/lib")
    (git.folder / "vendor/lib").mkdir(parents=True)
    git("commit", "-q", "-m", "sub")
    git.commit({REVENUE: NEW})
    assert changed(git.folder) == ["revenue changed"]
    assert changed(git.folder, head=None) == ["revenue changed"]


def test_line_ends_as_windows_has_them(git: Git) -> None:
    git("config", "core.autocrlf", "true")
    for name, text in WORKSPACE.items():
        (git.folder / name).write_bytes(text.replace("\n", "\r\n").encode())
    assert changed(git.folder, head=None) == []
    (git.folder / REVENUE).write_bytes(NEW.replace("\n", "\r\n").encode())
    assert changed(git.folder, head=None) == ["revenue changed"]


def test_a_detached_head_and_a_tag(git: Git) -> None:
    git.commit({REVENUE: NEW})
    git("tag", "-a", "v1", "-m", "one")
    git("checkout", "-q", "--detach")
    git("branch", "-q", "-D", "change")
    assert changed(git.folder) == changed(git.folder, head="v1") == ["revenue changed"]


def test_branches_that_were_merged_across_each_other(git: Git) -> None:
    git.commit({REVENUE: NEW})
    git("checkout", "-q", "main")
    git.commit({"README.md": "Words."})
    mine, theirs = git("rev-parse", "change"), git("rev-parse", "main")
    git("merge", "-q", "--no-edit", mine)
    git("checkout", "-q", "change")
    git("merge", "-q", "--no-edit", theirs)
    git.commit({"metrics/sales/orders.yml": WORKSPACE["metrics/sales/orders.yml"] + "filter: country = 'AT'\n"})
    assert "orders_placed changed" in changed(git.folder), "whichever of both common commits is looked at"


def test_a_merge_that_is_not_finished(git: Git) -> None:
    git.commit({REVENUE: NEW})
    git("checkout", "-q", "main")
    git.commit({REVENUE: WORKSPACE[REVENUE].replace("amount", "gross")})
    with pytest.raises(subprocess.CalledProcessError):
        git("merge", "-q", "change")
    found = looked(git.folder, head=None)
    assert [p.place.file for p in found.problems if p.slug == "bad-yaml" and p.place] == [REVENUE]


def test_a_name_that_is_no_text(git: Git) -> None:
    with open(os.fsencode(git.folder / "metrics/sales") + b"/\xff.yml", "w") as file:
        file.write("metric: other\nowner: sales\nmodel: orders\nexpr: max(amount)\n")
    git.commit({})
    assert changed(git.folder) == ["other added"]


def test_hashes_of_another_length(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "-b", "main", "--object-format=sha256", tmp_path / "repo"], check=True)
    git = Git(tmp_path / "repo")
    start = git.commit(dict(WORKSPACE))
    git("config", "user.name", "Ana")
    git("config", "user.email", "ana@example.org")
    branch_with(repository(git.folder), "propose/x", start, REVENUE, NEW.encode(), "Change")
    assert changed(git.folder, head="propose/x") == ["revenue changed"]
