"""The file of keys of what is served to who may sign the next release: keys, and jobs of a forge."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from workbench.errors import Problem, ReviewError

KEYS = "access/release_keys"
"""Who may sign releases, a line each: ed25519:<base64> and a name, or oidc:<issuer> and the claims of a job."""
VOUCHED = "oidc"
"""What stands in the place of a key's id where a forge's token is the signature."""
PINNED = ("repository", "workflow_ref", "ref")
"""Claims that a line must name: without one of them others could have a forge sign for them."""
_KEY, _JOB = "ed25519:", "oidc:"


@dataclass(frozen=True, slots=True)
class Job:
    """A job of a forge that may sign: who issues its tokens, and the claims that they must have."""

    issuer: str
    claims: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Signers:
    """Who may sign a release: public keys by their ids, and jobs."""

    keys: Mapping[str, bytes] = field(default_factory=dict)
    jobs: tuple[Job, ...] = ()


def read_signers(content: str) -> Signers:
    """Those of a file; raises `ReviewError` (bad-release-key)."""
    keys: dict[str, bytes] = {}
    jobs: list[Job] = []
    for number, line in enumerate(content.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0].startswith(_JOB):
            jobs.append(_job(words, number))
        else:
            raw = _key(words[0], number)
            keys[key_id(raw)] = raw
    return Signers(keys, tuple(jobs))


def trusted(signers: Signers, claims: Mapping[str, object]) -> str:
    """'' for the claims of a job that may sign, each as it is written; else what is wrong with the nearest."""
    odd = [
        [f"'{name}' is '{claims.get(name)}'" for name, value in job.claims.items() if claims.get(name) != value]
        for job in signers.jobs
        if job.issuer == claims.get("iss")
    ]
    nearest = min(odd, key=len, default=[f"nobody trusts '{claims.get('iss')}'"])
    return nearest[0] if nearest else ""


def key_id(public: bytes) -> str:
    """What a public key is known by."""
    return sha256(public).hexdigest()[:16]


def written_key(public: bytes, name: str) -> str:
    """A public key as it stands in the file of keys."""
    return f"{_KEY}{base64.b64encode(public).decode()} {name}"


def _key(word: str, number: int) -> bytes:
    try:
        raw = base64.b64decode(word.removeprefix(_KEY), validate=True) if word.startswith(_KEY) else b""
    except binascii.Error:
        raw = b""
    if len(raw) != 32:
        raise _bad(number, "is no key", "Write ed25519:<base64> and a name.")
    return raw


def _job(words: list[str], number: int) -> Job:
    claims = dict(word.partition("=")[::2] for word in words[1:])
    hint = f"Write oidc:<issuer>, and claims such as {PINNED[0]}=our/metrics."
    missing = [name for name in PINNED if not claims.get(name)]
    if missing:
        raise _bad(number, f"does not say which '{missing[0]}' is trusted", hint)
    if len(claims) != len(words) - 1 or not all(claims.values()):
        raise _bad(number, "names a claim twice, or without its value", hint)
    return Job(words[0].removeprefix(_JOB), claims)


def _bad(number: int, what: str, hint: str) -> ReviewError:
    return ReviewError(Problem("bad-release-key", f"line {number} of '{KEYS}' {what}.", hint=hint))
