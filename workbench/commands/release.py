"""A reviewed commit to what an environment serves, and back to an earlier one."""

from __future__ import annotations

import os
import secrets
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from workbench.commands.exits import say, tell
from workbench.commands.options import Asker, as_someone, debuggable, examples, in_workspace, printed
from workbench.commands.printer import print_rows
from workbench.errors import Problem, ReviewError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.declare.manifest import Manifest
    from workbench.declare.workspace import Workspace
    from workbench.review.people import People
    from workbench.review.repository import Entry, Repository

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
PRIVATE = "WORKBENCH_RELEASE_KEY"
"""The variable with the private key, in hex digits."""


@click.command(
    epilog=examples(
        "workbench release dev --signed --since v1.2",
        "workbench release staging --event $GITHUB_EVENT_PATH --reviews r.json --commits c.json",
    )
)
@click.argument("target", metavar="ENVIRONMENT")
@click.option("--commit", "revision", default="HEAD", show_default=True, metavar="REV", help="What to release.")
@click.option("--event", type=FILE, help="GitHub's event of the merged pull request, with --reviews and --commits.")
@click.option("--reviews", type=FILE, help="GitHub's list of the pull request's reviews.")
@click.option("--commits", type=FILE, help="GitHub's list of the pull request's commits.")
@click.option("--signed", is_flag=True, help="Tell who it was by the signatures of the commits after --since.")
@click.option("--since", metavar="REV", help="With --signed: the commit of the release before.")
@click.option("--report", type=FILE, help="The review's report, whose digest goes into the manifest.")
@as_someone
def release(
    asker: Asker,
    target: str,
    revision: str,
    event: Path | None,
    reviews: Path | None,
    commits: Path | None,
    signed: bool,
    since: str | None,
    report: Path | None,
) -> None:
    """Serve a reviewed commit in ENVIRONMENT: signed, whole, in order, or not at all.

    The private key is in WORKBENCH_RELEASE_KEY; its public half stands in access/release_keys of what is served now.
    """
    from workbench.access.publication import admit, sign
    from workbench.declare.workspace import load
    from workbench.review.notices import of_release, send
    from workbench.review.release import files_of, manifest_of, served_in
    from workbench.review.repository import commit_of, entries, repository
    from workbench.warehouse.releases import releases

    here = load(asker.workspace_root()).require()
    here.settings.environment(target)
    repo = repository(here.root)
    commit = commit_of(repo, revision)
    tree = entries(repo, commit)
    files = files_of(repo, tree)
    people = _people(repo, tree, commit, event, reviews, commits, signed, since)
    served = served_in(here, target)
    publisher = _allowed(asker, here, target, served.current, "publish:metric")
    with TemporaryDirectory(prefix="workbench-") as folder:
        made = _sound(here, files, Path(folder), target)
        manifest = manifest_of(
            made, files, target, commit, people, served, publisher, report.read_bytes() if report else b"",
            datetime.now(UTC),
        )  # fmt: skip
    done = sign(manifest, _private())
    name = made.settings.name or here.root.name
    keys = _keys(here, served.current)
    releases(here.root, target).publish(done, files, lambda: admit(done, files, keys, name, served_in(here, target)))
    say(f"Release {manifest.number} of '{name}' is served in '{target}': {len(manifest.terms)} declarations.")
    for problem in send(here.settings.notices, of_release(manifest, served.current)):
        tell(problem)


@click.command(name="releases", epilog=examples("workbench releases prod", "workbench releases --format json"))
@click.argument("target", metavar="[ENVIRONMENT]", required=False)
@printed("table", "json", "csv")
@in_workspace
def releases_(asker: Asker, target: str | None, form: str) -> None:
    """List the releases of an environment, or of all; the one that is served is marked."""
    from workbench.declare.manifest import digest
    from workbench.declare.workspace import load
    from workbench.warehouse.releases import releases

    here = load(asker.workspace_root())
    rows = []
    for name in [target] if target else here.settings.environments:
        here.settings.environment(name)
        store = releases(here.root, name)
        current = store.current()
        for one in store.history():
            m = one.manifest
            rows.append(
                {"environment": name, "number": m.number, "served": "yes" if one == current else "",
                 "commit": m.commit[:12], "made": m.made.isoformat(timespec="seconds"), "by": m.by,
                 "approved by": ", ".join(m.approvals), "digest": digest(m)[:12]}
            )  # fmt: skip
    columns = ("environment", "number", "served", "commit", "made", "by", "approved by", "digest")
    print_rows(rows, columns, form)


@click.command(epilog=examples("workbench diff prod 3 4", "workbench diff prod 3 4 --format json"))
@click.argument("target", metavar="ENVIRONMENT")
@click.argument("old")
@click.argument("new")
@printed("table", "json", "csv")
@in_workspace
def diff(asker: Asker, target: str, old: str, new: str, form: str) -> None:
    """What one release of ENVIRONMENT changed of another: by meaning, and the files of rules."""
    from workbench.declare.workspace import load
    from workbench.review.release import differing
    from workbench.warehouse.releases import releases

    here = load(asker.workspace_root())
    here.settings.environment(target)
    store = releases(here.root, target)
    found = differing(store.find(old).manifest, store.find(new).manifest)
    print_rows([{"what": one.what, "how": one.how} for one in found], ("what", "how"), form)


@click.command(epilog=examples("workbench rollback prod 3"))
@click.argument("target", metavar="ENVIRONMENT")
@click.argument("number")
@as_someone
def rollback(asker: Asker, target: str, number: str) -> None:
    """Serve an earlier release of ENVIRONMENT again."""
    from workbench.declare.workspace import load
    from workbench.review.notices import of_rollback, send
    from workbench.warehouse.releases import releases

    here = load(asker.workspace_root())
    here.settings.environment(target)
    store = releases(here.root, target)
    current = store.current()
    by = _allowed(asker, here, target, current.manifest if current else None, "rollback")
    found = store.find(number)
    store.serve_again(found)
    say(f"Release {found.manifest.number} of {found.manifest.made:%Y-%m-%d} is served in '{target}' again.")
    for problem in send(here.settings.notices, of_rollback(found.manifest, by)):
        tell(problem)


@click.command(name="release-key", epilog=examples("workbench release-key ci@skyways.example"))
@click.argument("name")
@debuggable
def release_key(name: str) -> None:
    """Make a key for releases: the private half on stdout, for a secret store; the public half on stderr."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from workbench.access.publication import KEYS, written_key

    private = secrets.token_bytes(32)
    public = Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    say(f"Add this line to {KEYS}, and keep the digits below as the secret {PRIVATE}:\n{written_key(public, name)}")
    click.echo(private.hex())


def _people(
    repo: Repository,
    tree: Mapping[str, Entry],
    commit: str,
    event: Path | None,
    reviews: Path | None,
    commits: Path | None,
    signed: bool,
    since: str | None,
) -> People:
    from workbench.review.people import from_github, from_signatures
    from workbench.review.release import merged
    from workbench.review.repository import commit_of, entries

    if signed:
        if since is None:
            raise click.UsageError("--signed goes with --since: whose keys count, and from which commit on.")
        start = commit_of(repo, since)
        return from_signatures(repo, entries(repo, start), start, commit)
    if event is None or reviews is None or commits is None:
        raise click.UsageError("Say who approved it: --event with --reviews and --commits, or --signed.")
    head = merged(event.read_bytes(), commit)
    return from_github(event.read_bytes(), reviews.read_bytes(), commits.read_bytes(), head)


def _allowed(asker: Asker, here: Workspace, target: str, current: Manifest | None, verb: str) -> str:
    """The name of whoever publishes, if they may by the rules that are served now."""
    from workbench.access.principal import identify
    from workbench.access.rules import require
    from workbench.declare.workspace import load
    from workbench.session.identity import local_identity

    rules = load(_root(here, current))
    who = identify(rules.roles, rules.groups, local_identity(asker.user, here.settings.identity), target)
    require(who, verb, roles=rules.roles)
    return who.name


def _root(here: Workspace, current: Manifest | None) -> Path:
    """The files that are served now; before the first release, the workspace as it lies here."""
    from workbench.declare.manifest import digest
    from workbench.warehouse.releases import releases

    return releases(here.root, current.environment).content(digest(current)) if current else here.root


def _sound(here: Workspace, files: Mapping[str, bytes], folder: Path, target: str) -> Workspace:
    """The workspace of the release, held against the data it will be asked of; raises everything wrong in it."""
    from workbench.declare.workspace import load
    from workbench.quality.checks import check_data
    from workbench.quality.problems import find_problems
    from workbench.warehouse.open import open_engine

    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    made = load(folder).require()
    with closing(open_engine(here.root, here.settings.environment(target), say)) as engine:
        found = [p for p in (*find_problems(made), *check_data(made, engine)) if p.severity == "error"]
    if found:
        raise ReviewError(found)
    return made


def _keys(here: Workspace, current: Manifest | None) -> Mapping[str, bytes]:
    """The keys that releases are signed with, by what is served now."""
    from workbench.access.publication import KEYS, read_keys

    try:
        return read_keys((_root(here, current) / KEYS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        said = f"there are no keys of releases: no '{KEYS}'."
        raise ReviewError(Problem("unknown-key", said, hint="Make one: workbench release-key NAME.")) from None


def _private() -> bytes:
    given = os.environ.get(PRIVATE, "")
    try:
        key = bytes.fromhex(given)
    except ValueError:
        key = b""
    if len(key) != 32:
        said = f"{PRIVATE} holds no private key." if given else f"{PRIVATE} is not set."
        raise ReviewError(Problem("bad-release-key", said, hint="Make one: workbench release-key NAME."))
    return key
