"""Whoever bends the rules of review is refused, with the rule named; who keeps them is let through."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.review.play import WORKSPACE, Git
from workbench.declare.workspace import FOLDERS, Workspace, load
from workbench.errors import ReviewError
from workbench.review.changes import changes
from workbench.review.gate import Ruling, judge
from workbench.review.paths import touched, tricks
from workbench.review.people import People, from_github, from_signatures
from workbench.review.repository import branch_with, entries, lay_out, moved, repository
from workbench.review.rights import widened

Files = dict[str, str | None]


@pytest.fixture
def git(tmp_path: Path) -> Git:
    git = Git(tmp_path / "repo")
    git.commit(dict(WORKSPACE))
    return git


def payloads(author: str, approvals: dict[str, str], head: str, pushers: tuple[str, ...] = ()) -> tuple[bytes, ...]:
    """The event, reviews and commits as GitHub sends them; ``approvals`` are logins with the commit each approved."""
    event = {"pull_request": {"user": {"login": author}, "head": {"sha": head}}}
    reviews = [{"user": {"login": w}, "state": "APPROVED", "commit_id": commit} for w, commit in approvals.items()]
    commits = [{"author": {"login": who}, "committer": {"login": "web-flow"}} for who in (author, *pushers)]
    return tuple(json.dumps(part).encode() for part in (event, reviews, commits))


def ruled(git: Git, files: Files, author: str, *approvers: str, pushers: tuple[str, ...] = ()) -> tuple[Ruling, ...]:
    base = git("rev-parse", "HEAD")
    head = git.commit(files)
    people = from_github(*payloads(author, dict.fromkeys(approvers, head), head, pushers), head)
    return rulings(git, base, head, people)


def rulings(git: Git, base: str, head: str, people: People) -> tuple[Ruling, ...]:
    repo = repository(git.folder)
    trees: list[Workspace] = []
    for commit in (base, head):
        folder = git.folder.parent / commit
        lay_out(repo, entries(repo, commit), (*FOLDERS, "pyproject.toml"), folder)
        trees.append(load(folder))
    paths = touched(moved(repo, base, head))
    return judge(people, trees[0], trees[0], trees[1], paths, changes(*trees), widened(*trees))


def broken(given: tuple[Ruling, ...]) -> set[str]:
    assert all(ruling.message for ruling in given)
    return {ruling.rule for ruling in given if not ruling.kept}


REVENUE = "metrics/sales/revenue.yml"
NEW = "metric: revenue\nowner: sales\nmodel: orders\nexpr: sum(net)\n"
GROUPS = "access/groups.yml"


def edited(name: str, old: str, new: str) -> Files:
    assert old in WORKSPACE[name]
    return {name: WORKSPACE[name].replace(old, new)}


TWO = {"steward-approval", "widening"}
"""What a widening breaks that two stewards have not approved."""
PROMOTED = edited(GROUPS, '"github:sam",', '"github:sam", "github:cora",')

ATTACKS: dict[str, tuple[Files, str, tuple[str, ...], set[str]]] = {
    "an analyst changes a number": ({REVENUE: NEW}, "ana", ("noah",), {"contributor"}),
    "a stranger changes a number": ({REVENUE: NEW}, "mallory", ("noah",), {"contributor"}),
    "nobody approves": ({REVENUE: NEW}, "cora", (), {"owner-approval"}),
    "one's own approval": ({REVENUE: NEW}, "cora", ("cora",), {"owner-approval"}),
    "one's own approval in other letters": ({REVENUE: NEW}, "cora", ("Cora",), {"owner-approval"}),
    "the approval of one who owns something else": ({REVENUE: NEW}, "cora", ("fred",), {"owner-approval"}),
    "the approval of an analyst": ({REVENUE: NEW}, "cora", ("paula",), {"owner-approval"}),
    "a new owner approves what he takes over": (
        {REVENUE: NEW.replace("owner: sales", "owner: finance")}, "cora", ("fred",), {"owner-approval"},
    ),
    "an owner that does not exist": (
        {"metrics/new.yml": NEW.replace("metric: revenue", "metric: new").replace("sales", "ghosts")},
        "cora", ("noah",), {"owner-approval"},
    ),
    "a metric is removed by one who does not own it": (
        {"metrics/sales/average.yml": None}, "cora", ("noah",), {"owner-approval"},
    ),
    "a file is renamed out of its class": (
        {REVENUE: None, "archive/revenue.yml": WORKSPACE[REVENUE]}, "mallory", (), {"contributor", "owner-approval"},
    ),
    "one promotes oneself": (
        PROMOTED, "cora", ("noah",), TWO,
    ),
    "one promotes oneself and one steward agrees": (
        PROMOTED, "cora", ("sam",), TWO,
    ),
    "a steward widens rights with one other": (
        edited("access/policies/orders.yml", "columns: [margin]", "columns: [none]"), "sam", ("stella",), TWO,
    ),
    "rules and numbers together": (
        {REVENUE: NEW} | edited(GROUPS, "attributes: {country: [AT]}", "attributes: {country: []}"),
        "sam", ("stella",), {"one-purpose"},
    ),
    "the workflow that judges": ({".github/workflows/review.yml": "on: push"}, "cora", ("noah",), {"steward-approval"}),
    "the code owners go": ({"CODEOWNERS": "* @cora"}, "cora", ("noah",), {"steward-approval"}),
    "the settings": ({"pyproject.toml": "[tool.workbench]\n"}, "cora", ("noah",), {"steward-approval"}),
    "a policy goes": ({"access/policies/orders.yml": None}, "cora", ("noah",), {"steward-approval"}),
    "a tag that masks goes, in a change of metrics": (
        edited("metrics/models/orders.yml", "mail: {tags: [pii]}", "mail: {}"), "cora", ("noah",),
        TWO,
    ),
    "a table moves to one without policies' masks": (
        edited("metrics/models/orders.yml", "tags: [pii]", "tags: [pi]"), "cora", ("sam",), TWO,
    ),
    "access in other letters": ({"Access/groups.yml": "groups: {}"}, "cora", ("noah",), {"steward-approval"}),
    "access in wide letters": ({"ａccess/groups.yml": "groups: {}"}, "cora", ("noah",), {"steward-approval"}),
    "metrics in other letters": ({"METRICS/x.yml": "x: 1"}, "mallory", (), {"contributor", "owner-approval"}),
    "a page that is a program": ({"notebooks/dashboards/p.py": "import os"}, "cora", (), {"owner-approval"}),
    "a program beside a number, read by its owner alone": (
        {"notebooks/dashboards/p.py": "import os", REVENUE: NEW}, "noah", ("noah",), {"owner-approval"},
    ),
    "words in a file of numbers": ({"metrics/notes.md": "Words."}, "cora", ("paula",), {"owner-approval"}),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_are_refused_by_the_rule_that_is_meant_for_them(git: Git, attack: str) -> None:
    files, author, approvers, expected = ATTACKS[attack]
    assert broken(ruled(git, files, author, *approvers)) == expected


@pytest.mark.parametrize(
    ("files", "author", "approvers"),
    [
        ({REVENUE: NEW}, "cora", ("noah",)),
        ({REVENUE: NEW}, "cora", ("sam",)),
        ({REVENUE: NEW}, "CORA", ("Noah",)),
        ({REVENUE: NEW, "notebooks/try.ipynb": "{}"}, "fred", ("fred", "noah")),
        ({"metrics/sales/average.yml": None}, "cora", ("fred",)),
        ({"notebooks/try.ipynb": "{}", "README.md": "Words."}, "ana", ()),
        (edited(GROUPS, ', "github:noah"', ""), "cora", ("sam",)),
        (PROMOTED, "cora", ("sam", "stella")),
        (edited("access/policies/orders.yml", "with: hash", "with: 'null'"), "sam", ("stella",)),
    ],
)
def test_a_change_that_keeps_the_rules_is_let_through(
    git: Git, files: Files, author: str, approvers: tuple[str, ...]
) -> None:
    given = ruled(git, files, author, *approvers)
    assert not {r for r in given if not r.kept}


def test_an_approval_before_the_last_push_is_stale(git: Git) -> None:
    base = git("rev-parse", "HEAD")
    first = git.commit({REVENUE: NEW})
    head = git.commit({REVENUE: NEW.replace("net", "gross")})
    people = from_github(*payloads("cora", {"noah": first}, head), head)
    assert broken(rulings(git, base, head, people)) == {"owner-approval", "fresh-approval"}


def test_who_pushed_a_commit_is_an_author_too(git: Git) -> None:
    assert "owner-approval" in broken(ruled(git, {REVENUE: NEW}, "cora", "noah", pushers=("noah",)))


def test_an_approval_taken_back_is_none(git: Git) -> None:
    head = git.commit({REVENUE: NEW})
    event, _, commits = payloads("cora", {}, head)
    user: dict[str, Any] = {"user": {"login": "noah"}, "commit_id": head}
    reviews = [user | {"state": "APPROVED"}, user | {"state": "COMMENTED"}, user | {"state": "CHANGES_REQUESTED"}]
    assert from_github(event, json.dumps(reviews).encode(), commits, head).approvers == ()
    assert from_github(event, json.dumps(reviews[:2]).encode(), commits, head).approvers == ("github:noah",)


@pytest.mark.parametrize("event", [b"", b"[]", b"{}", b'{"pull_request": 1}', b"\xff", b'{"pull_request": {}}'])
def test_an_event_of_no_pull_request(event: bytes) -> None:
    with pytest.raises(ReviewError) as raised:
        from_github(event, b"[]", b"[]", "abc")
    assert raised.value.slug in ("bad-event", "other-head")


def test_an_event_about_another_commit(git: Git) -> None:
    with pytest.raises(ReviewError, match="is reviewed"):
        from_github(*payloads("cora", {}, "0" * 40), git("rev-parse", "HEAD"))


def test_without_anybody_to_vouch_nothing_governed_passes(git: Git) -> None:
    base = git("rev-parse", "HEAD")
    head = git.commit({REVENUE: NEW})
    given = rulings(git, base, head, People((), ()))
    assert broken(given) == {"known-author", "owner-approval"}
    assert all(ruling.waits for ruling in given), "nothing is wrong with the change itself"


def test_links_submodules_and_twins_are_told(git: Git) -> None:
    base = git("rev-parse", "HEAD")
    (git.folder / "metrics/link.yml").symlink_to("../access/groups.yml")
    git.commit({"metrics/sales/Revenue.yml": NEW, "notebooks/link.txt": "x", "Metrics/y.yml": "y: 1"})
    git("update-index", "--add", "--cacheinfo", f"160000,{base},access/policies/more")
    git("commit", "-q", "-m", "sub")
    repo, head = repository(git.folder), git("rev-parse", "HEAD")
    found = [(p.slug, str(p.place).split(":")[0]) for p in tricks(moved(repo, base, head), entries(repo, head))]
    assert set(found) == {
        ("not-a-plain-file", "metrics/link.yml"),
        ("not-a-plain-file", "access/policies/more"),
        ("look-alike-path", "metrics/sales/Revenue.yml"),
        ("look-alike-path", "Metrics/y.yml"),
    }


# ------------------------------------------------------------------ signatures


@pytest.fixture
def sign(git: Git) -> Callable[..., str]:
    """Commit files signed with the key of a person; keys of all but mallory stand in the base."""
    keys = git.folder.parent / "keys"
    keys.mkdir()
    lines = []
    for who in ("cora", "noah", "sam", "mallory"):
        made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", who, "-f", str(keys / who)]
        subprocess.run(made, check=True)
        if who != "mallory":
            lines.append(f"{who}@example.org {(keys / f'{who}.pub').read_text().strip()}")
    git.commit({"access/allowed_signers": "\n".join(lines) + "\n"})

    def commit(who: str, files: Files, message: str = "work") -> str:
        git("config", "gpg.format", "ssh")
        git("config", "user.signingkey", str(keys / who))
        return git.commit(files, "-S", "--author", "Sam <sam@example.org>", message=message)

    return commit


def signed(git: Git, base: str) -> People:
    repo = repository(git.folder)
    return from_signatures(repo, entries(repo, base), base, git("rev-parse", "HEAD"))


@pytest.mark.skipif(
    shutil.which("ssh-keygen") is None and "CI" not in os.environ, reason="signatures of commits need ssh-keygen"
)
class TestSignatures:
    def test_the_key_tells_who_it_was_whatever_the_commit_says(self, git: Git, sign: Callable[..., str]) -> None:
        base = git("rev-parse", "HEAD")
        sign("cora", {REVENUE: NEW})
        sign("noah", {}, "Approve: looks right")
        people = signed(git, base)
        assert (people.authors, people.approvers) == (("cora@example.org",), ("noah@example.org",))
        assert not broken(rulings(git, base, git("rev-parse", "HEAD"), people))

    def test_what_comes_after_an_approval_is_not_approved(self, git: Git, sign: Callable[..., str]) -> None:
        base = git("rev-parse", "HEAD")
        sign("noah", {}, "Approve")
        sign("cora", {REVENUE: NEW})
        assert signed(git, base).approvers == ()

    def test_an_approval_that_changes_something_is_work(self, git: Git, sign: Callable[..., str]) -> None:
        base = git("rev-parse", "HEAD")
        sign("cora", {REVENUE: NEW})
        sign("noah", {REVENUE: NEW.replace("net", "gross")}, "Approve")
        assert signed(git, base).authors == ("cora@example.org", "noah@example.org")

    def test_a_proposal_is_signed_where_its_author_signs(self, git: Git, sign: Callable[..., str]) -> None:
        sign("noah", {})
        base = git("rev-parse", "HEAD")
        for key, value in (("commit.gpgSign", "true"), ("user.name", "Noah"), ("user.email", "n@example.org")):
            git("config", key, value)
        branch_with(repository(git.folder), "propose/x", base, "metrics/x.yml", b"metric: x\n", "Propose")
        git("checkout", "-q", "propose/x")
        assert signed(git, base).authors == ("noah@example.org",)

    def test_no_signature_or_an_unknown_key_is_refused(self, git: Git, sign: Callable[..., str]) -> None:
        base = git("rev-parse", "HEAD")
        git.commit({REVENUE: NEW})
        with pytest.raises(ReviewError, match="no valid signature"):
            signed(git, base)
        git("reset", "-q", "--hard", base)
        sign("mallory", {REVENUE: NEW})
        with pytest.raises(ReviewError, match="no valid signature"):
            signed(git, base)

    def test_keys_that_the_change_brings_count_for_nothing(self, git: Git, sign: Callable[..., str]) -> None:
        base = git("rev-parse", "HEAD")
        key = (git.folder.parent / "keys/mallory.pub").read_text()
        sign("mallory", {"access/allowed_signers": f"sam@example.org {key}"})
        with pytest.raises(ReviewError, match="no valid signature"):
            signed(git, base)

    def test_a_program_of_the_repository_is_not_asked(self, git: Git, sign: Callable[..., str]) -> None:
        base = git("rev-parse", "HEAD")
        sign("mallory", {REVENUE: NEW})
        for name in ("gpg.ssh.program", "gpg.program"):
            git("config", name, "touch asked; true")
        with pytest.raises(ReviewError, match="no valid signature"):
            signed(git, base)
        assert not list(git.folder.rglob("asked"))

    def test_a_base_without_keys(self, git: Git) -> None:
        with pytest.raises(ReviewError) as raised:
            signed(git, git("rev-parse", "HEAD"))
        assert raised.value.slug == "no-signers"
