"""Every trick that has been thought of to change a number or a right unseen is refused, by the rule it names.

The first part is the list of the project's plan; the other is our own. Unless an attack says otherwise, the change is
written by a contributor and approved by owners of all it touches, so that nothing but the trick itself can stop it.
"""

from __future__ import annotations

import json
import subprocess
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.review.play import WORKSPACE, Git
from workbench.errors import ReviewError
from workbench.review.people import People, from_github, from_signatures
from workbench.review.repository import repository
from workbench.review.review import Review, review, sides

REVENUE, AVERAGE, ROLES = "metrics/sales/revenue.yml", "metrics/sales/average.yml", "access/roles.yml"
GROUPS, POLICY, PAGE = "access/groups.yml", "access/policies/orders.yml", "notebooks/dashboards/page.yml"
NEW = "metric: revenue\nowner: sales\nmodel: orders\nexpr: sum(net)\n"
OWNERS = ("noah", "fred")
STEWARDS = ("sam", "stella")


@dataclass(frozen=True)
class Attack:
    """What is done to a branch, by whom, who approves the head, and the rule that must stop it."""

    rule: str
    do: Callable[[Git], object] | dict[str, str | None]
    author: str = "cora"
    approvers: tuple[str, ...] = OWNERS


def bent(name: str, old: str, new: str) -> dict[str, str | None]:
    assert old in WORKSPACE[name]
    return {name: WORKSPACE[name].replace(old, new)}


def link(to: str, at: str) -> Callable[[Git], None]:
    def do(git: Git) -> None:
        (git.folder / at).unlink(missing_ok=True)
        (git.folder / at).symlink_to(to)

    return do


def raw(name: str, content: bytes) -> Callable[[Git], object]:
    return lambda git: (git.folder / name).write_bytes(content)


def submodule(at: str) -> Callable[[Git], None]:
    def do(git: Git) -> None:
        git.commit({".gitmodules": f'[submodule "x"]\npath = {at}\nurl = ./x\nignore = all\n'})
        git("config", "diff.ignoreSubmodules", "all")
        git("update-index", "--add", "--cacheinfo", f"160000,{git('rev-parse', 'HEAD')},{at}")
        git("commit", "-q", "--allow-empty", "-m", "sub")  # git would say that nothing changed

    return do


def merged(git: Git) -> None:
    """A merge whose own content is on neither side."""
    git.commit({"README.md": "Words."})
    git("checkout", "-q", "-b", "side", "main")
    git.commit({"notebooks/n.md": "Words."})
    git("checkout", "-q", "change")
    git("merge", "-q", "--no-commit", "--no-ff", "side")
    git.commit({REVENUE: NEW})


def octopus(git: Git) -> None:
    for name, text in (("one", "a"), ("two", "b")):
        git("checkout", "-q", "-b", name, "main")
        git.commit({f"notebooks/{name}.md": text})
    git("checkout", "-q", "change")
    git.commit({REVENUE: NEW})
    git("merge", "-q", "--no-edit", "one", "two")


def replaced(git: Git) -> None:
    """A commit that changes a number, and another that git would show in its place."""
    harmless = git.commit({"README.md": "Words."})
    git("reset", "-q", "--hard", "main")
    git("replace", git.commit({REVENUE: NEW}), harmless)
    git("reset", "-q", "--hard")  # whoever looks here sees the harmless one


def grafted(git: Git) -> None:
    """A history in which the change would seem to start at its own end."""
    start = git("rev-parse", "main")
    head = git.commit({REVENUE: NEW})
    info = git.folder / ".git/info"
    info.mkdir(exist_ok=True)
    (info / "grafts").write_text(f"{start} {head}\n")


def renamed(git: Git) -> None:
    git("mv", REVENUE, "metrics/sales/other.yml")
    git.commit({"metrics/sales/other.yml": NEW})


def in_the_future(git: Git) -> None:
    git.commit({REVENUE: NEW}, "--date", "2099-01-01T00:00:00")


SOON = date.today() + timedelta(days=3)
CAFE = "metrics/sales/caf\u00e9.yml"
OTHER = "metric: coffee\nowner: sales\nmodel: orders\nexpr: count(*)\n"

PLANNED = {
    "self-promotion in the same change": Attack(
        "one-purpose", bent(GROUPS, '"github:sam",', '"github:sam", "github:cora",') | {REVENUE: NEW},
        approvers=STEWARDS,
    ),
    "editing the workflow that judges": Attack(
        "steward-approval", {".github/workflows/workbench-review.yml": "on: push"}
    ),
    "deleting the code owners": Attack(
        "steward-approval", lambda git: git.commit({"CODEOWNERS": "* @cora"}) and git.commit({"CODEOWNERS": None})
        and git.commit({"docs/CODEOWNERS": "* @cora"}),
    ),
    "approving one's own change from a second commit": Attack("owner-approval", {REVENUE: NEW}, "noah", ("noah",)),
    "a grant behind an anchor": Attack(
        "yaml-alias", {POLICY: "resource: gold.orders\ngrant: [&a {to: [analyst], columns: '*'}, *a]\n"}, "sam",
        ("stella", "sam"),
    ),
    "a grant behind a merge key": Attack(
        "yaml-alias", {POLICY: "resource: &a gold.orders\ngrant: [{<<: *a, to: ['*'], columns: '*'}]\n"}, "sam",
        STEWARDS,
    ),
    "a grant behind a duplicate key": Attack(
        "duplicate-key", {POLICY: WORKSPACE[POLICY] + 'grant: [{to: ["*"], columns: "*"}]\n'}, "sam", STEWARDS
    ),
    "a link to a file of other rules": Attack("not-a-plain-file", link("../../access/groups.yml", REVENUE)),
    "a path in other letters": Attack("look-alike-path", {"metrics/sales/Revenue.yml": OTHER}),
    "a folder in other letters": Attack("look-alike-path", {"Metrics/sales/coffee.yml": OTHER}),
    "a metric redefined through an include": Attack("unknown-key", {REVENUE: NEW + "include: ../../notebooks/x.yml\n"}),
    "a metric redefined by a tag": Attack("unknown-kind", {REVENUE: "!include ../../notebooks/x.yml\n"}),
    "a name that looks like a public metric's": Attack(
        "bad-value", {"metrics/sales/more.yml": OTHER.replace("coffee", "r\u0435venue")}
    ),
    "a file renamed out of its class": Attack(
        "owner-approval", lambda git: git("mv", REVENUE, "notebooks/revenue.yml"), approvers=()
    ),
}  # fmt: skip

OURS = {
    "a rename that hides another meaning": Attack("owner-approval", renamed, approvers=()),
    "a merge with content of its own": Attack("owner-approval", merged, approvers=()),
    "an octopus of branches": Attack("owner-approval", octopus, approvers=()),
    "a commit that another stands in for": Attack("owner-approval", replaced, approvers=()),
    "a history with other parents": Attack("owner-approval", grafted, approvers=()),
    "a commit of tomorrow": Attack("owner-approval", in_the_future, approvers=()),
    "a policy renamed out of access": Attack(
        "steward-approval", lambda git: git("mv", POLICY, "notebooks/orders.yml")
    ),
    "a policy renamed into a file nobody reads": Attack(
        "steward-approval", lambda git: git("mv", POLICY, "access/policies/orders.yml.bak")
    ),
    "a program among the pages": Attack("owner-approval", {"notebooks/dashboards/x.py": "import os"}, approvers=()),
    "a mode that makes a declaration a program": Attack(
        "owner-approval", lambda git: (git.folder / REVENUE).chmod(0o755), approvers=()
    ),
    "other line ends alone": Attack("owner-approval", {REVENUE: WORKSPACE[REVENUE].replace("\n", "\r\n")},
                                    approvers=()),
    "a mark of byte order alone": Attack("owner-approval", {REVENUE: "\ufeff" + WORKSPACE[REVENUE]}, approvers=()),
    "a folder that is a link": Attack("not-a-plain-file", link("../access", "metrics/more")),
    "a link out of the repository": Attack("not-a-plain-file", link("/etc/hostname", "metrics/more.yml")),
    "another repository among policies": Attack("not-a-plain-file", submodule("access/policies/more"), "sam",
                                                STEWARDS),
    "another repository, and what names it": Attack("one-purpose", submodule("metrics/more"), "sam", STEWARDS),
    "two forms of one name": Attack(
        "look-alike-path",
        {unicodedata.normalize(form, CAFE): OTHER.replace("coffee", f"coffee_{form.lower()}")
         for form in ("NFC", "NFD")},
    ),
    "access in wide letters": Attack("look-alike-path", {"\uff41ccess/groups.yml": "groups: {}"}, "sam", STEWARDS),
    "a tag that would build an object": Attack("unknown-key", {REVENUE: NEW + "x: !!python/name:os.system ''\n"}),
    "bytes that are no text": Attack("unreadable-file", raw(REVENUE, b"metric: revenue\n\xff\xfe\x00")),
    "another encoding": Attack("unreadable-file", raw(REVENUE, NEW.encode("utf-16"))),
    "a zero byte": Attack("bad-yaml", raw(REVENUE, NEW.encode() + b"# \x00 expr: sum(amount)\n")),
    "a file of five megabytes": Attack("too-large", {REVENUE: NEW + "# x\n" * 1_250_000}),
    "a file a thousand lists deep": Attack("bad-yaml", {REVENUE: "[" * 1_000 + "]" * 1_000}),
    "text that turns around": Attack(
        "hidden-character", {REVENUE: NEW.replace("sum(net)", "sum(amount) # \u202e)ten(mus \u2066")}
    ),
    "a word that does not show": Attack("hidden-character", {POLICY: WORKSPACE[POLICY] + "# \u200bdeny\n"}, "sam",
                                        STEWARDS),
    "a second document that nobody scrolls to": Attack(
        "duplicate-name", {"metrics/sales/coffee.yml": OTHER + "\n" * 500 + "---\n" + NEW}
    ),
    "rules declared among the numbers": Attack(
        "wrong-folder", {"metrics/roles.yml": "roles:\n  analyst: {can: ['change:access']}\n"}
    ),
    "numbers declared among the rules": Attack("wrong-folder", {"access/revenue.yml": OTHER}, "sam", STEWARDS),
    "the salt of masks, planted": Attack("machine-state", {".workbench/salt": "0" * 32}),
    "a release, planted": Attack("machine-state", {"team/.Workbench/releases/dev/9/manifest.json": "{}"}),
    "an end moved so near that nobody can move": Attack(
        "announced-removal",
        {REVENUE: WORKSPACE[REVENUE] + f"deprecated: {{since: 2026-01-01, until: {SOON}}}\n"},
    ),
    "an end in the past": Attack(
        "announced-removal", {REVENUE: WORKSPACE[REVENUE] + "deprecated: {since: 2020-01-01, until: 2020-02-01}\n"}
    ),
    "a metric removed under a page": Attack(
        "announced-removal", {REVENUE: None, AVERAGE: None, "metrics/saved_queries/weekly.yml": None}
    ),
    "a metric removed under a notebook": Attack(
        "announced-removal",
        {REVENUE: None, AVERAGE: None, "metrics/saved_queries/weekly.yml": None, PAGE: None,
         "notebooks/n.py": "session.query('revenue')"},
    ),
    "a metric hidden instead of removed": Attack(
        "announced-removal", {REVENUE: WORKSPACE[REVENUE] + "visibility: internal\n"}
    ),
    "a page hidden from the forge's own diff": Attack(
        "steward-approval", {"notebooks/.gitattributes": "dashboards/** linguist-generated=true\n"}
    ),
    "a robot's work": Attack("contributor", {REVENUE: NEW}, "dependabot[bot]"),
    "a robot's approval": Attack("owner-approval", {REVENUE: NEW}, approvers=("github-actions[bot]",)),
    "the mark of a deleted account": Attack("contributor", {REVENUE: NEW}, "ghost"),
    "an owner's name as a prefix": Attack("owner-approval", {REVENUE: NEW}, approvers=("noah2", "github:noah")),
    "rules taken from the change": Attack(
        "steward-approval", bent(ROLES, '"publish:metric", ', '"publish:metric", "change:access", '), "cora",
        ("noah", "fred"),
    ),
    "the settings that lint goes by": Attack(
        "one-purpose", {"pyproject.toml": "[tool.workbench.lint]\nignore = ['known-owner']\n", REVENUE: NEW}, "sam",
        ("stella", "noah"),
    ),
    "whom the gateway believes": Attack(
        "widening", {"pyproject.toml": "[tool.workbench.gateway]\nurl = 'https://evil.example'\n"}, "sam", ("stella",)
    ),
}  # fmt: skip
ATTACKS = PLANNED | OURS


def test_there_are_enough_of_our_own() -> None:
    assert len(OURS) >= 30


@pytest.fixture
def git(tmp_path: Path) -> Git:
    git = Git(tmp_path / "repo")
    git.commit(dict(WORKSPACE))
    git("checkout", "-q", "-b", "change")
    return git


def forge(author: str, approvers: tuple[str, ...], head: str, **more: Any) -> tuple[bytes, bytes, bytes]:
    """What a forge tells of a change: the event, the reviews and the commits."""
    event = {"pull_request": {"user": {"login": author}, "head": {"sha": head}, "url": "u/7"} | more}
    reviews = [
        {"user": {"login": who}, "state": "APPROVED", "commit_id": head, "pull_request_url": "u/7"} for who in approvers
    ]
    commits = [{"author": {"login": author}, "committer": {"login": "web-flow"}, "sha": head}]
    return json.dumps(event).encode(), json.dumps(reviews).encode(), json.dumps(commits).encode()


def looked(git: Git, people: People) -> Review:
    repo = repository(git.folder)
    with sides(repo, "main", git("rev-parse", "change")) as given:
        return review(repo, given, people)


def refusing(found: Review) -> set[str]:
    rules = {ruling.rule for ruling in found.rulings if not ruling.kept}
    return rules | {problem.slug for problem in found.problems if problem.severity == "error"}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_by_its_rule(git: Git, name: str) -> None:
    attack = ATTACKS[name]
    if isinstance(attack.do, dict):
        git.commit(attack.do)
    else:
        attack.do(git)
        if git("status", "--porcelain"):
            is_staged = git("diff", "--cached", "--name-only") and not git("diff", "--name-only")
            git("commit", "-q", "-m", "work") if is_staged else git.commit({})
    head = git("rev-parse", "change")
    found = looked(git, from_github(*forge(attack.author, attack.approvers, head), head))
    assert attack.rule in refusing(found), (refusing(found), found.rulings)
    assert not found.passed


def handmade(git: Git, *names: bytes) -> str:
    """A commit in whose folder of metrics one file stands below folders, or beside files, of these names."""

    def made(kind: str, content: bytes) -> bytes:
        words = ["git", "hash-object", "-t", kind, "-w", "--literally", "--stdin"]
        done = subprocess.run(words, cwd=git.folder, input=content, capture_output=True, check=True)
        return bytes.fromhex(done.stdout.decode())

    def tree(revision: str) -> bytes:
        return subprocess.run(
            ["git", "cat-file", "tree", revision], cwd=git.folder, capture_output=True, check=True
        ).stdout

    entry = b"100644 planted.yml\0" + made("blob", OTHER.encode())
    for name in names:
        entry = b"40000 " + name + b"\0" + made("tree", entry)
    metrics = made("tree", entry + tree("main:metrics"))
    root = tree("main").replace(bytes.fromhex(git("rev-parse", "main:metrics")), metrics)
    commit = git("commit-tree", made("tree", root).hex(), "-p", "main", "-m", "work")
    git("update-ref", "refs/heads/change", commit)
    return commit


@pytest.mark.parametrize(
    "names", [(b"..", b"..", b".."), (b"..",), (b"hooks", b".git"), (b".",), (b"revenue.yml", b"sales"), (b"sales",)]
)
def test_a_path_made_by_hand_is_written_nowhere(git: Git, tmp_path: Path, names: tuple[bytes, ...]) -> None:
    """Git takes such commits from whoever pushes them, and a review lays out what it reads."""
    git("checkout", "-q", "main")
    if names == (b"sales",):  # a folder that stands there twice, once with a file that stands in the other
        git.commit({"metrics/sales/planted.yml": OTHER})
    handmade(git, *names)
    before = set(tmp_path.parent.rglob("planted.yml"))
    with pytest.raises(ReviewError) as refused:
        looked(git, from_github(*forge("cora", OWNERS, git("rev-parse", "change")), git("rev-parse", "change")))
    assert refused.value.slug == "not-a-plain-file"
    assert set(tmp_path.parent.rglob("planted.yml")) == before


def test_the_same_people_pass_without_a_trick(git: Git) -> None:
    head = git.commit({REVENUE: NEW})
    assert looked(git, from_github(*forge("cora", OWNERS, head), head)).passed
    head = git.commit({REVENUE: WORKSPACE[REVENUE], ROLES: WORKSPACE[ROLES] + "# Words.\n"})
    assert looked(git, from_github(*forge("sam", ("stella",), head), head)).passed


# ------------------------------------------------------------------ what the forge says


def test_a_right_lost_meanwhile_is_lost(git: Git) -> None:
    head = git.commit({REVENUE: NEW})
    git("checkout", "-q", "main")
    git.commit(bent(GROUPS, ', "github:noah"', ""))
    found = looked(git, from_github(*forge("cora", OWNERS, head), head))
    assert refusing(found) == {"owner-approval"}
    git.commit(bent(GROUPS, '"github:cora", "github:noah"', '"github:noah"'))
    assert refusing(looked(git, from_github(*forge("cora", OWNERS, head), head))) == {"contributor"}


def test_an_owner_changed_meanwhile_is_the_owner(git: Git) -> None:
    head = git.commit({REVENUE: NEW})
    git("checkout", "-q", "main")
    git.commit({REVENUE: WORKSPACE[REVENUE].replace("owner: sales", "owner: finance")})
    assert refusing(looked(git, from_github(*forge("cora", ("noah",), head), head))) == {"owner-approval"}


def test_an_approval_of_another_change_with_the_same_commit(git: Git) -> None:
    head = git.commit({REVENUE: NEW})
    event, reviews, commits = forge("cora", OWNERS, head)
    found = looked(git, from_github(event, reviews.replace(b"u/7", b"u/8"), commits, head))
    assert refusing(found) == {"owner-approval"}


def test_work_of_which_nobody_knows_whose_it_is(git: Git) -> None:
    """Its author may be the one who approves: a forge knows no account for an address that is made up."""
    head = git.commit({REVENUE: NEW})
    event, reviews, commits = forge("cora", OWNERS, head)
    more = [*json.loads(commits), {"author": None, "committer": {"login": "cora"}, "sha": head}]
    found = looked(git, from_github(event, reviews, json.dumps(more).encode(), head))
    assert refusing(found) == {"known-author"}


def test_an_approval_of_an_earlier_commit(git: Git) -> None:
    first = git.commit({REVENUE: NEW})
    event, reviews, commits = forge("cora", OWNERS, git.commit({REVENUE: NEW + "# More.\n"}))
    head = git("rev-parse", "change")
    found = looked(git, from_github(event, reviews.replace(head.encode(), first.encode()), commits, head))
    assert refusing(found) == {"fresh-approval", "owner-approval"}


@pytest.mark.parametrize("said", ["of another commit", "of more commits than are listed"])
def test_an_event_that_does_not_fit(git: Git, said: str) -> None:
    head = git.commit({REVENUE: NEW})
    other = "0" * 40 if said == "of another commit" else head
    with pytest.raises(ReviewError) as raised:
        from_github(*forge("cora", OWNERS, other, commits=251 if other == head else 1), head)
    assert raised.value.slug == ("other-head" if said == "of another commit" else "bad-event")


# ------------------------------------------------------------------ what signatures say


@pytest.fixture
def keys(git: Git) -> Path:
    keys = git.folder.parent / "keys"
    keys.mkdir()
    lines = []
    for who in ("cora", "noah"):
        made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", who, "-f", str(keys / who)]
        subprocess.run(made, check=True)
        lines.append(f"{who}@example.org {(keys / f'{who}.pub').read_text().strip()}\n")
    git("checkout", "-q", "main")
    git.commit({"access/allowed_signers": "".join(lines)})
    git("checkout", "-q", "-B", "change")
    return keys


def sign(git: Git, key: Path, files: dict[str, str | None], message: str = "work") -> None:
    git("config", "gpg.format", "ssh")
    git("config", "user.signingkey", str(key))
    # The name and address in a commit are whatever somebody typed.
    git.commit(files, "-S", "--author", "Sam <sam@example.org>", message=message)


def signed(git: Git) -> People:
    repo = repository(git.folder)
    with sides(repo, "main", "change") as given:
        return from_signatures(repo, given.base.tree, given.old.name, given.new.name)


def test_a_forged_name_and_address_count_for_nothing(git: Git, keys: Path) -> None:
    sign(git, keys / "cora", {REVENUE: NEW})
    assert signed(git).authors == ("cora@example.org",)
    assert refusing(looked(git, signed(git))) == {"owner-approval"}
    git.commit({REVENUE: NEW + "# More.\n"}, "--author", "Noah <noah@example.org>")
    with pytest.raises(ReviewError) as raised:
        signed(git)
    assert raised.value.slug == "unsigned-commit"


def test_a_key_taken_back_on_the_base_signs_no_more(git: Git, keys: Path) -> None:
    sign(git, keys / "cora", {REVENUE: NEW})
    sign(git, keys / "noah", {}, "Approve: fine")
    assert looked(git, signed(git)).passed
    git("checkout", "-q", "main")
    kept = (git.folder / "access/allowed_signers").read_text().splitlines(keepends=True)[0]
    git.commit({"access/allowed_signers": kept})
    with pytest.raises(ReviewError) as raised:
        signed(git)
    assert raised.value.slug == "unsigned-commit"


def test_an_approval_outlives_a_merge_that_adds_nothing_and_no_other(git: Git, keys: Path) -> None:
    sign(git, keys / "cora", {REVENUE: NEW})
    sign(git, keys / "noah", {}, "Approve: fine")
    approved = git("rev-parse", "change")
    started = git("rev-parse", "main")
    git("checkout", "-q", "-B", "landing", started)
    git("merge", "-q", "-S", "--no-ff", "-m", "Land it", "change")
    git("branch", "-q", "-f", "change", "landing")
    assert signed(git) == People(("cora@example.org",), ("noah@example.org",), (), "signatures")
    # Work on a branch of its own, which the approval does not stand on, is not approved by coming along.
    git("checkout", "-q", "-B", "side", started)
    sign(git, keys / "cora", {AVERAGE: WORKSPACE[AVERAGE].replace("/", "*")})
    git("checkout", "-q", "-B", "change", approved)
    git("merge", "-q", "-S", "--no-ff", "-m", "Take it along", "side")
    assert signed(git).approvers == ()
    # Nor is what the base did meanwhile thrown away unseen.
    git("checkout", "-q", "main")
    git.commit({"metrics/sales/orders.yml": WORKSPACE["metrics/sales/orders.yml"] + "unit: orders\n"})
    git("checkout", "-q", "-B", "change", approved)
    git("merge", "-q", "-S", "-s", "ours", "-m", "Up to date", "main")
    assert [change.name for change in looked(git, signed(git)).changes] == ["orders_placed", "revenue"]
    assert signed(git).approvers == ()


def test_a_signed_merge_approves_nothing(git: Git, keys: Path) -> None:
    sign(git, keys / "cora", {REVENUE: NEW})
    git("checkout", "-q", "-b", "side", "main")
    sign(git, keys / "cora", {"notebooks/n.md": "Words."})
    git("checkout", "-q", "change")
    git("config", "user.signingkey", str(keys / "noah"))
    git("merge", "-q", "-S", "--no-ff", "-m", "Approve: fine", "side")
    assert signed(git).approvers == ()


# ------------------------------------------------------------------ nothing of a repository runs


def test_no_hook_no_filter_and_no_program_of_the_repository_runs(git: Git) -> None:
    ran = git.folder.parent / "ran"
    hooks = git.folder / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    git.commit({".gitattributes": "* filter=evil diff=evil merge=evil ident\n", REVENUE: NEW})
    for name in ("post-checkout", "reference-transaction", "post-index-change", "fsmonitor-watchman", "pre-push"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {ran}\n")
        (hooks / name).chmod(0o755)
    evil = f"touch {ran}; cat"
    for key in (
        *("core.fsmonitor", "core.sshCommand", "core.alternateRefsCommand", "core.pager", "core.editor", "pager.diff"),
        *("filter.evil.smudge", "filter.evil.process", "diff.evil.textconv", "diff.evil.command", "diff.external"),
        *("merge.evil.driver", "gpg.program", "gpg.ssh.program", "gpg.ssh.defaultKeyCommand", "credential.helper"),
    ):
        git("config", key, evil)
    ran.unlink(missing_ok=True)
    found = looked(git, People((), ()))
    assert [change.name for change in found.changes] == ["revenue"]
    assert not ran.exists()


def test_objects_borrowed_from_elsewhere_are_what_their_hash_says(git: Git, tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "-q", "--shared", "-b", "main", git.folder, tmp_path / "borrower"], check=True)
    borrower = Git(tmp_path / "borrower")
    assert (borrower.folder / ".git/objects/info/alternates").exists()
    borrower("checkout", "-q", "-b", "change")
    borrower.commit({REVENUE: NEW})
    assert [change.name for change in looked(borrower, People((), ())).changes] == ["revenue"]
