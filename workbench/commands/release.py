"""A reviewed commit to a release: made here, signed, and handed to what serves its environment."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from workbench.commands.exits import say, tell
from workbench.commands.options import Asker, as_someone, debuggable, examples
from workbench.commands.shelf import GATEWAY, shelf_of
from workbench.errors import Problem, ReviewError, count

if TYPE_CHECKING:
    from workbench.declare.manifest import Manifest, Signed
    from workbench.review.people import People
    from workbench.review.repository import Repository

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
PRIVATE = "WORKBENCH_RELEASE_KEY"
"""The variable with the private key, in hex digits."""


@click.command(
    epilog=examples(
        "workbench release dev --gateway https://workbench.example --event e.json --reviews r.json --commits c.json",
        "workbench release dev --signed --since 1fb49f6 --as sam@skyways.example",
        "workbench release staging --signed",
    )
)
@click.argument("target", metavar="ENVIRONMENT")
@click.option("--commit", "revision", default="HEAD", show_default=True, metavar="REV", help="What to release.")
@click.option("--event", type=FILE, help="GitHub's event of the merged pull request, with --reviews and --commits.")
@click.option("--reviews", type=FILE, help="GitHub's list of the pull request's reviews.")
@click.option("--commits", type=FILE, help="GitHub's list of the pull request's commits.")
@click.option("--signed", is_flag=True, help="Tell who it was by signatures of the commits since what is served.")
@click.option("--since", metavar="REV", help="With --signed, before a first release: from which commit on.")
@click.option("--report", type=FILE, help="The review's report, whose digest goes into the manifest.")
@GATEWAY
@as_someone
def release(
    asker: Asker,
    target: str,
    gateway: str | None,
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
    Without one, a job of a forge signs by what the forge says of it.
    """
    from workbench.declare.workspace import load
    from workbench.quality.releasable import laid_out
    from workbench.review.notices import of_release, send
    from workbench.review.release import before, files_of, manifest_of
    from workbench.review.repository import commit_of, entries, repository

    here = load(asker.workspace_root()).require()
    repo = repository(here.root)
    commit = commit_of(repo, revision)
    tree = entries(repo, commit)
    files = files_of(repo, tree)
    shelf = shelf_of(asker, target, gateway)
    follows = shelf.follows()
    if signed and follows.current is not None and follows.current.commit == commit:
        said = f"'{target}' serves this commit already, as release {follows.current.number}."
        raise ReviewError(Problem("not-next", said, hint="Commit what is to be released, and have it approved."))
    people = _people(repo, commit, event, reviews, commits, _start(repo, since, follows.current) if signed else None)
    with TemporaryDirectory(prefix="workbench-") as folder:
        made = laid_out(files, Path(folder), target)
        manifest = manifest_of(
            made, files, commit, people, "" if signed else before(repo, commit), follows, shelf.publisher(),
            report.read_bytes() if report else b"", datetime.now(UTC),
        )  # fmt: skip
    shelf.publish(_signed(manifest), files)
    told = f"Release {manifest.number} of '{manifest.workspace}' is served in '{target}'"
    say(f"{told}: {count(len(manifest.terms), 'declaration')}.")
    for problem in send(here.settings.notices, of_release(manifest, follows.current)):
        tell(problem)


@click.command(name="release-key", epilog=examples("workbench release-key ci@skyways.example"))
@click.argument("name")
@debuggable
def release_key(name: str) -> None:
    """Make a key for releases: the private half on stdout, for a secret store; the public half on stderr."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from workbench.access.signers import KEYS, written_key

    private = secrets.token_bytes(32)
    public = Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    say(f"Add this line to {KEYS}, and keep the digits below as the secret {PRIVATE}:\n{written_key(public, name)}")
    click.echo(private.hex())


def _people(
    repo: Repository,
    commit: str,
    event: Path | None,
    reviews: Path | None,
    commits: Path | None,
    signed_since: str | None,
) -> People:
    from workbench.review.people import from_github, from_signatures
    from workbench.review.release import merged
    from workbench.review.repository import entries

    if signed_since is not None:
        return from_signatures(repo, entries(repo, signed_since), signed_since, commit)
    if event is None or reviews is None or commits is None:
        raise click.UsageError("Say who approved it: --event with --reviews and --commits, or --signed.")
    head = merged(event.read_bytes(), commit)
    people = from_github(event.read_bytes(), reviews.read_bytes(), commits.read_bytes(), head)
    if people.unknown:
        said = f"the forge knows nobody who wrote '{people.unknown[0]}', so whoever approved may have."
        raise ReviewError(Problem("bad-event", said, hint="Commit it anew with an address of one's account there."))
    return people


def _start(repo: Repository, since: str | None, served: Manifest | None) -> str:
    """The commit whose keys count, and after which all must be signed: a later one would leave work unseen."""
    from workbench.review.repository import commit_of

    if served is None:
        if since is None:
            raise click.UsageError("before a first release, --signed goes with --since: whose keys count.")
        return commit_of(repo, since)
    start = commit_of(repo, served.commit)
    if since is not None and commit_of(repo, since) != start:
        said = f"'{since}' is not the commit that is served, '{start[:12]}'."
        raise ReviewError(Problem("not-next", said, hint="Leave --since out: all since then must be approved."))
    return start


def _signed(manifest: Manifest) -> Signed:
    """A manifest signed by the key of this job, or by the forge that runs it."""
    from workbench.access.publication import audience, sign, vouch
    from workbench.gateway.forge import has_forge, token_for

    if PRIVATE not in os.environ and has_forge():
        return vouch(manifest, token_for(audience(manifest)))
    return sign(manifest, _private())


def _private() -> bytes:
    given = os.environ.get(PRIVATE, "")
    try:
        key = bytes.fromhex(given)
    except ValueError:
        key = b""
    if len(key) != 32:
        said = f"{PRIVATE} holds no private key." if given else f"{PRIVATE} is not set."
        hint = "Make one: workbench release-key NAME. A job of GitHub needs none with 'permissions: id-token: write'."
        raise ReviewError(Problem("bad-release-key", said, hint=hint))
    return key
