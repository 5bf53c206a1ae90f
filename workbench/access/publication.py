"""A signed release and what is served now to whether it may be served instead: pure decisions, each with its rule."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from workbench.declare.manifest import Manifest, Signed, digest, text
from workbench.errors import Problem, ReviewError

KEYS = "access/release_keys"
"""The public keys that releases are signed with, one line each: ed25519:<base64> and a name."""
_PREFIX = "ed25519:"


@dataclass(frozen=True, slots=True)
class Served:
    """What an environment has: the release served now, all it ever had, and those of the environment before it."""

    current: Manifest | None
    highest: int
    before: str
    earlier: tuple[Manifest, ...]


def read_keys(content: str) -> Mapping[str, bytes]:
    """The public keys of a file by their ids; raises `ReviewError` (bad-release-key)."""
    keys: dict[str, bytes] = {}
    for number, line in enumerate(content.splitlines(), 1):
        word = line.split()[0] if line.split() else "#"
        if word.startswith("#"):
            continue
        try:
            raw = base64.b64decode(word.removeprefix(_PREFIX), validate=True) if word.startswith(_PREFIX) else b""
        except binascii.Error:
            raw = b""
        if len(raw) != 32:
            said = f"line {number} of '{KEYS}' is no key."
            raise ReviewError(Problem("bad-release-key", said, hint="Write ed25519:<base64> and a name."))
        keys[key_id(raw)] = raw
    return keys


def key_id(public: bytes) -> str:
    """What a public key is known by."""
    return sha256(public).hexdigest()[:16]


def written_key(public: bytes, name: str) -> str:
    """A public key as it stands in the file of keys."""
    return f"{_PREFIX}{base64.b64encode(public).decode()} {name}"


def sign(manifest: Manifest, private: bytes) -> Signed:
    """A manifest signed with a private key of 32 bytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(private)
    return Signed(
        manifest=manifest, key=key_id(key.public_key().public_bytes_raw()), signature=key.sign(text(manifest)).hex()
    )


def admit(
    signed: Signed, content: Mapping[str, bytes], keys: Mapping[str, bytes], workspace: str, served: Served
) -> None:
    """Pass if a release may be served; raises `ReviewError` with the rule that it breaks.

    ``keys`` are those of what is served now, so that a release cannot bring its own.
    """
    manifest = signed.manifest
    _genuine(signed, keys)
    _whole(manifest, content)
    if manifest.workspace != workspace:
        raise _refused("other-workspace", f"it is a release of '{manifest.workspace}', and this is '{workspace}'.")
    if manifest.number <= served.highest:
        said = f"its number is {manifest.number}, and {served.highest} was here already."
        raise _refused("replayed-release", said, "An earlier release is served again by 'workbench rollback'.")
    current = digest(served.current) if served.current else ""
    if manifest.previous != current:
        said = "it does not follow the release that is served now: another came in between."
        raise _refused("not-next", said, "Make it again on top of that one.")
    _approved(manifest)
    if served.before and not any(one.files == manifest.files for one in served.earlier):
        said = f"'{served.before}' has never served what it holds."
        raise _refused("skipped-environment", said, f"Release the same commit to '{served.before}' first.")


def _genuine(signed: Signed, keys: Mapping[str, bytes]) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if signed.key not in keys:
        hint = f"A steward adds keys to '{KEYS}', in a release signed by a key that is known."
        raise _refused("unknown-key", f"the key '{signed.key}' is not one of this environment.", hint)
    try:
        Ed25519PublicKey.from_public_bytes(keys[signed.key]).verify(
            bytes.fromhex(signed.signature), text(signed.manifest)
        )
    except (InvalidSignature, ValueError):
        raise _refused("bad-signature", "its signature is not of this text.") from None


def _whole(manifest: Manifest, content: Mapping[str, bytes]) -> None:
    """Every file is there, is what was signed, and no other is."""
    if manifest.files.keys() != content.keys():
        other = sorted(manifest.files.keys() ^ content.keys())
        raise _refused("other-content", f"its files are not those it lists: {', '.join(other[:3])}.")
    wrong = [path for path, one in manifest.files.items() if sha256(content[path]).hexdigest() != one]
    if wrong:
        raise _refused("other-content", f"'{wrong[0]}' is not the file that was signed.")
    unsafe = [path for path in content if path.startswith(("/", "\\")) or ".." in path.split("/") or "\\" in path]
    if unsafe:
        raise _refused("other-content", f"'{unsafe[0]}' leads out of the release.")


def _approved(manifest: Manifest) -> None:
    others: Iterable[str] = (who for who in manifest.approvals if who not in manifest.authors)
    if not manifest.authors or not any(others):
        said = "nobody but its authors approved it." if manifest.authors else "it does not say who wrote it."
        raise _refused("missing-approval", said, "Release what a review let through.")


def order_of(environments: Sequence[str], environment: str) -> str:
    """The environment that a release must have gone through before this one; '' for the first."""
    at = list(environments).index(environment) if environment in environments else 0
    return environments[at - 1] if at else ""


def _refused(slug: str, message: str, hint: str = "") -> ReviewError:
    return ReviewError(Problem(slug, f"the release is refused: {message}", hint=hint))
