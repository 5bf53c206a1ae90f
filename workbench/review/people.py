"""What a forge tells of a pull request, or signatures of commits, to who wrote a change and who approved it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.access.principal import same_name
from workbench.access.publication import SIGNED
from workbench.errors import Problem, ReviewError
from workbench.review.repository import Entry, Repository, Signed, contents, signed_commits

SIGNERS = "access/allowed_signers"
"""The keys by which people sign, in the form of ssh-keygen; the base's file is believed, never the change's."""
APPROVES = "approve"
"""An empty signed commit whose message starts with this word approves all before it."""


@dataclass(frozen=True, slots=True)
class People:
    """Who had a hand in a change, and who approved it as it stands now; ``source`` says who vouches for that.

    Of ``unknown`` commits nobody says whose they are: whoever approves may have written them.
    """

    authors: tuple[str, ...]
    approvers: tuple[str, ...]
    stale: tuple[str, ...] = ()
    source: str = "nobody"
    unknown: tuple[str, ...] = ()


def from_github(event: bytes, reviews: bytes, commits: bytes, head: str) -> People:
    """From GitHub's own payloads: the event, the list of reviews, the list of commits.

    People are called ``github:<login>``. Whoever pushed a commit is an author; an approval counts for the very commit
    it was given to. Raises `ReviewError` (bad-event).
    """
    payload, given, pushed = (
        _read(name, text) for name, text in (("event", event), ("reviews", reviews), ("commits", commits))
    )
    request = payload.get("pull_request") if isinstance(payload, dict) else None
    if not isinstance(request, dict) or not isinstance(given, list) or not isinstance(pushed, list):
        raise ReviewError(
            Problem("bad-event", "this is no event of a pull request with its reviews and commits.",
                    hint="Give the files of GITHUB_EVENT_PATH, and of the API's lists of reviews and commits.")
        )  # fmt: skip
    stands = str(_at(request, "head", "sha"))
    if stands != head:
        raise ReviewError(
            Problem("other-head", f"the event is about commit '{stands[:12]}', and '{head[:12]}' is reviewed.",
                    hint="Review the commit that the pull request's head names.")
        )  # fmt: skip
    if isinstance(request.get("commits"), int) and request["commits"] > len(pushed):
        raise ReviewError(
            Problem("bad-event", f"the pull request has {request['commits']} commits, and {len(pushed)} are listed.",
                    hint="Whoever pushed the others is not known: squash them, or make smaller changes of it.")
        )  # fmt: skip
    authors, unknown = [_login(request.get("user"))], []
    for one in pushed:
        said = one if isinstance(one, dict) else {}
        hands = [_login(said.get(role)) for role in ("author", "committer")]
        authors += hands
        if not hands[0]:  # who committed may have been the forge, or somebody who took another's work over
            unknown.append(str(said.get("sha", ""))[:12])
    latest: dict[str, tuple[str, str]] = {}
    for review in given:
        if isinstance(review, dict) and review.get("pull_request_url", request.get("url")) != request.get("url"):
            continue  # what was approved elsewhere would be merged elsewhere
        if isinstance(review, dict) and review.get("state") in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED"):
            latest[_login(review.get("user"))] = str(review["state"]), str(review.get("commit_id"))
    approved = [who for who, (state, commit) in latest.items() if who and (state, commit) == ("APPROVED", head)]
    stale = [who for who, (state, commit) in latest.items() if who and state == "APPROVED" and commit != head]
    known = dict.fromkeys(who for who in authors if who and who != "github:web-flow")
    return People(tuple(known), tuple(approved), tuple(stale), "github", tuple(unknown))


def from_signatures(repo: Repository, base_tree: Mapping[str, Entry], base: str, head: str) -> People:
    """From signatures that the base's keys bear out; raises `ReviewError` (unsigned-commit) where one is missing."""
    entry = base_tree.get(repo.prefix + SIGNERS)
    if entry is None:
        raise ReviewError(
            Problem("no-signers", f"the base has no '{SIGNERS}', so no signature can be verified.",
                    hint="A steward adds it: one line for each person, as 'ssh-keygen' reads it.")
        )  # fmt: skip
    ((_, keys),) = contents(repo, [entry])
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        file = Path(folder) / "allowed_signers"
        file.write_bytes(keys)
        commits = signed_commits(repo, base, head, file)
    for one in commits:
        if not one.signer:
            raise ReviewError(
                Problem("unsigned-commit", f"the commit '{one.commit[:12]}' has no valid signature of a known key.",
                        hint="Sign each of yours: git rebase --exec 'git commit --amend --no-edit -S' BASE. A steward "
                         "adds new keys, in another change.")
            )  # fmt: skip
    work = {one.commit: same_name(one.signer) for one in commits if one.adds}
    seen: dict[str, set[str]] = {}  # each commit with all of the change that it stands on
    for one in commits:
        seen[one.commit] = {one.commit}.union(*(seen.get(parent, set()) for parent in one.parents))
    single = [one for one in commits if not one.adds and len(one.parents) == 1]
    # Who approves has seen what their approval stands on; one that does not stand on all of the work is of other work.
    approvers = [same_name(one.signer) for one in single if _approves(one) and work.keys() <= seen[one.commit]]
    authors = [*work.values(), *(same_name(one.signer) for one in single if not _approves(one))]
    return People(tuple(dict.fromkeys(authors)), tuple(dict.fromkeys(approvers)), (), SIGNED)


def _approves(one: Signed) -> bool:
    return one.message.lower().startswith(APPROVES)


def _read(name: str, text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ReviewError(Problem("bad-event", f"the file of the {name} is not JSON: {error}.")) from None


def _at(data: Any, *path: str) -> Any:
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    return data


def _login(user: Any) -> str:
    login = _at(user, "login")
    return same_name(f"github:{login}") if isinstance(login, str) and login else ""
