"""A reviewed commit to a release: its manifest, its files, and what differs between two of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from workbench.access.publication import Follows
from workbench.access.release_paths import RELEASED
from workbench.declare.manifest import Digest, Manifest, digest, listed
from workbench.declare.workspace import Workspace
from workbench.errors import Problem, ReviewError
from workbench.review.changes import KINDS
from workbench.review.normal import fingerprint
from workbench.review.people import People
from workbench.review.repository import Entry, Repository, contents, entries, first_parent


@dataclass(frozen=True, slots=True)
class Differing:
    """One thing that two releases say differently: a file of rules, or a declaration by its meaning."""

    what: str
    how: str
    risk: str = ""
    why: str = ""


def files_of(repo: Repository, tree: Mapping[str, Entry]) -> Mapping[str, bytes]:
    """The files of a release by their paths in the workspace; raises `ReviewError` (not-a-plain-file)."""
    inside = tuple(repo.prefix + folder for folder in RELEASED)
    wanted = [e for e in tree.values() if any(e.path == one or e.path.startswith(f"{one}/") for one in inside)]
    odd = [entry.path for entry in wanted if not entry.is_plain]
    if odd:
        hint = "Commit the file itself."
        raise ReviewError(Problem("not-a-plain-file", f"'{odd[0]}' is a link or another repository.", hint=hint))
    return {entry.path.removeprefix(repo.prefix): content for entry, content in contents(repo, wanted)}


def before(repo: Repository, commit: str) -> Digest:
    """What the files of a release were before a commit was merged; '' where there was none before."""
    parent = first_parent(repo, commit)
    return listed(_digests(files_of(repo, entries(repo, parent)))) if parent else ""


def manifest_of(
    made: Workspace,
    files: Mapping[str, bytes],
    commit: str,
    people: People,
    onto: Digest,
    follows: Follows,
    by: str,
    report: bytes,
    at: datetime,
) -> Manifest:
    """The manifest of a release that follows what is served now."""
    return Manifest(
        workspace=follows.workspace,
        environment=follows.environment,
        number=follows.highest + 1,
        previous=digest(follows.current) if follows.current else "",
        commit=commit,
        made=at,
        by=by,
        authors=people.authors,
        approvals=people.approvers,
        vouched=people.source,
        onto=onto,
        report=sha256(report).hexdigest() if report else "",
        files=_digests(files),
        terms=dict(_terms(made)),
    )


def merged(event: bytes, commit: str) -> str:
    """The head of the merged pull request that made a commit; raises `ReviewError` (bad-event, other-head)."""
    try:
        request = json.loads(event)["pull_request"]
        head, made, is_merged = str(request["head"]["sha"]), str(request["merge_commit_sha"]), request["merged"]
    except (ValueError, KeyError, TypeError):
        raise ReviewError(Problem("bad-event", "this is no event of a merged pull request.")) from None
    if is_merged is not True or made != commit:
        said = f"the event's pull request did not make the commit '{commit[:12]}'."
        raise ReviewError(Problem("other-head", said, hint="Release the commit that the merge made."))
    return head


def differing(old: Manifest, new: Manifest) -> Iterator[Differing]:
    """What a release changes: declarations by meaning, files of rules and settings by content."""
    yield from _compared(old.terms, new.terms)
    rules = [{p: d for p, d in one.files.items() if p.startswith("access/") or "/" not in p} for one in (old, new)]
    yield from _compared(rules[0], rules[1])


def _compared(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Differing]:
    for what in sorted(old.keys() | new.keys()):
        if old.get(what) != new.get(what):
            yield Differing(what, "added" if what not in old else "removed" if what not in new else "changed")


def _digests(files: Mapping[str, bytes]) -> dict[str, Digest]:
    return {path: sha256(content).hexdigest() for path, content in sorted(files.items())}


def _terms(workspace: Workspace) -> Iterator[tuple[str, str]]:
    for kind, held in KINDS.items():
        for name, declared in sorted(getattr(workspace, held).items()):
            yield term_name(kind, name), fingerprint(declared.term)


def term_name(kind: str, name: str) -> str:
    """What manifests call a declared thing."""
    return f"{kind.replace('_', ' ')} {name}"
