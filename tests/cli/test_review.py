"""`workbench review` reads two revisions, prints one report in four forms, and its exit code stops a merge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.review.play import WORKSPACE, Git

REVENUE = "metrics/sales/revenue.yml"


@pytest.fixture
def git(tmp_path: Path) -> Git:
    git = Git(tmp_path / "repo")
    git.commit(dict(WORKSPACE))
    git("checkout", "-q", "-b", "change")
    git.commit({REVENUE: WORKSPACE[REVENUE].replace("amount", "net")})
    return git


def test_every_form(run: Run, git: Git) -> None:
    words = ("review", "--base", "main", "--head", "HEAD", "--no-values")
    told = run(*words, "--format", "json", at=git.folder)
    assert told.code == 1, "nobody vouched for the author"
    assert [change["name"] for change in told.json["changes"]] == ["revenue"]
    assert (told.json["passed"], told.json["verdict"]) == (False, "waits")
    assert run(*words, "--format", "sarif", at=git.folder).json["version"] == "2.1.0"
    for form in ("text", "markdown"):
        ran = run(*words, "--format", form, at=git.folder)
        assert "# Review: not yet approved" in ran.out
        assert "revenue of 'sales': nobody who answers for it approved. Ask a member of 'sales'" in ran.out
        assert "not yet approved" in ran.err
    git.commit({REVENUE: "metric: revenue\nmodel: orders\nexpr: sum(\n"})
    assert "# Review: must not be merged" in run(*words, at=git.folder).out


def test_the_forges_word(run: Run, git: Git, tmp_path: Path) -> None:
    head = git("rev-parse", "HEAD")
    said = {
        "event": {"pull_request": {"user": {"login": "cora"}, "head": {"sha": head}}},
        "reviews": [{"user": {"login": "noah"}, "state": "APPROVED", "commit_id": head}],
        "commits": [{"author": {"login": "cora"}, "committer": None}],
    }
    words = ["review", "--base", "main", "--head", "HEAD", "--no-values"]
    for name, payload in said.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(payload))
        words += [f"--{name}", str(tmp_path / f"{name}.json")]
    ran = run(*words, at=git.folder)
    # 'average' of finance is computed from it, but only what was changed itself needs its owner.
    assert (ran.code, "may be merged" in ran.out) == (0, True), ran.out
    assert run(*words[:-2], at=git.folder).code == 2, "an event alone tells not who approved"


@pytest.mark.parametrize(
    ("words", "slug"),
    [(("--base", "nowhere"), "unknown-revision"), (("--base", "main", "--head", "gone"), "unknown-revision")],
)
def test_a_revision_that_is_none_is_told_in_a_line(run: Run, git: Git, words: tuple[str, ...], slug: str) -> None:
    ran = run("review", *words, at=git.folder)
    assert (ran.code, slug in ran.err, "Traceback" in ran.err) == (2, True, False)
