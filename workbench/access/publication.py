"""A signed release and what is served now to whether it may be served instead: pure decisions, each with its rule."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from workbench.access.principal import same_name
from workbench.access.release_paths import unsafe
from workbench.access.signers import KEYS, VOUCHED, Signers, key_id, trusted
from workbench.declare.manifest import Manifest, Signed, digest, listed, text
from workbench.errors import Problem, ReviewError

SIGNED = "signatures"
"""Who tells of authors and approvals where each commit since what is served is signed, and none is a forge's word."""
PUBLISH, PUBLISH_PAGE, CHANGE_ACCESS, ROLLBACK = "publish:metric", "publish:dashboard", "change:access", "rollback"


@dataclass(frozen=True, slots=True)
class Follows:
    """What the next release is made on top of: where, what is served there now, and the highest number there was."""

    workspace: str
    environment: str
    current: Manifest | None
    highest: int


@dataclass(frozen=True, slots=True)
class Served(Follows):
    """What decides on the next release: also what this environment and the one before it had, and who may sign."""

    history: tuple[Manifest, ...]
    before: str
    earlier: tuple[Manifest, ...]
    signers: Signers


May = Callable[[str], Container[str]]
"""From a person's name to what they may do by the rules in force."""


def sign(manifest: Manifest, private: bytes) -> Signed:
    """A manifest signed with a private key of 32 bytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(private)
    return Signed(
        manifest=manifest, key=key_id(key.public_key().public_bytes_raw()), signature=key.sign(text(manifest)).hex()
    )


def vouch(manifest: Manifest, token: str) -> Signed:
    """A manifest signed by a forge: with a token of its job, whose audience is this manifest and nothing else."""
    return Signed(manifest=manifest, key=VOUCHED, signature=token)


def audience(manifest: Manifest) -> str:
    """Whom a forge's token is for that signs this manifest."""
    return f"workbench:{digest(manifest)}"


def needed(manifest: Manifest, current: Manifest | None) -> tuple[str, ...]:
    """What whoever publishes a release must be allowed to do."""
    pages = any(path.startswith("notebooks/") for path in _changed(manifest, current))
    return (PUBLISH, PUBLISH_PAGE) if pages else (PUBLISH,)


def admit(
    signed: Signed,
    content: Mapping[str, bytes],
    served: Served,
    may: May,
    claims: Mapping[str, object] | None = None,
) -> None:
    """Pass if a release may be served; raises `ReviewError` with the rule that it breaks.

    Keys and rights are those of what is served now, so that a release cannot bring its own. ``claims`` are those of
    the forge's token that signed it, once its issuer bore it out.
    """
    manifest = signed.manifest
    _genuine(signed, served, claims)
    _whole(manifest, content)
    if manifest.workspace != served.workspace:
        said = f"it is a release of '{manifest.workspace}', and this is '{served.workspace}'."
        raise _refused("other-workspace", said)
    if manifest.environment != served.environment:
        said = f"it is a release for '{manifest.environment}', and this is '{served.environment}'."
        raise _refused("other-environment", said)
    if manifest.number <= served.highest:
        said = f"its number is {manifest.number}, and {served.highest} was here already."
        raise _refused("replayed-release", said, "An earlier release is served again by 'workbench rollback'.")
    if manifest.previous != (digest(served.current) if served.current else ""):
        said = "it does not follow the release that is served now: another came in between."
        raise _refused("not-next", said, "Make it again on top of that one.")
    _approved(manifest, served, may)
    _covered(manifest, served)
    if served.before and not any(one.files == manifest.files for one in served.earlier):
        said = f"'{served.before}' has never served what it holds."
        raise _refused("skipped-environment", said, f"Release the same commit to '{served.before}' first.")


def _genuine(signed: Signed, served: Served, claims: Mapping[str, object] | None) -> None:
    if signed.key == VOUCHED:
        _vouched(signed.manifest, served, claims)
        return
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    public = served.signers.keys.get(signed.key)
    if public is None:
        hint = f"A steward adds keys to '{KEYS}', in a release signed by a key that is known."
        raise _refused("unknown-key", f"the key '{signed.key}' is not one of this environment.", hint)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(bytes.fromhex(signed.signature), text(signed.manifest))
    except (InvalidSignature, ValueError):
        raise _refused("bad-signature", "its signature is not of this text.") from None


def _vouched(manifest: Manifest, served: Served, claims: Mapping[str, object] | None) -> None:
    """A forge bears out that a job signed it, which is trusted, and which worked on this commit."""
    if claims is None:
        raise _refused("unknown-key", "a forge's token counts at a gateway alone.", "Add --gateway URL, or use a key.")
    odd = trusted(served.signers, claims)
    if odd:
        hint = f"A steward adds jobs to '{KEYS}', in a release signed by one who is known."
        raise _refused("unknown-key", f"the job that signed it is not one of this environment: {odd}.", hint)
    if not served.before and claims.get("sha") != manifest.commit:
        said = f"the job that signed it worked on commit '{str(claims.get('sha'))[:12]}', not '{manifest.commit[:12]}'."
        raise _refused("other-head", said, "Release the commit that the job runs for.")


def _whole(manifest: Manifest, content: Mapping[str, bytes]) -> None:
    """Every file is there, is what was signed, and no other is."""
    if manifest.files.keys() != content.keys():
        other = sorted(manifest.files.keys() ^ content.keys())
        raise _refused("other-content", f"its files are not those it lists: {', '.join(other[:3])}.")
    wrong = [path for path, one in manifest.files.items() if sha256(content[path]).hexdigest() != one]
    if wrong:
        raise _refused("other-content", f"'{wrong[0]}' is not the file that was signed.")
    odd = unsafe(content)
    if odd:
        raise _refused("unsafe-path", odd, "Give each file a plain name of its own, below the folders of a workspace.")


def _approved(manifest: Manifest, served: Served, may: May) -> None:
    """Somebody approved it who wrote none of it, and may; rules take a steward, where they are first released."""
    hint = "Release what a review let through."
    if not manifest.authors:
        raise _refused("missing-approval", "it does not say who wrote it.", hint)
    authors = {same_name(who) for who in manifest.authors}
    others = [who for who in manifest.approvals if same_name(who) not in authors]
    if not others:
        raise _refused("missing-approval", "nobody but its authors approved it.", hint)
    if not any(PUBLISH in may(who) for who in others):
        raise _refused("missing-approval", f"'{others[0]}', who approved it, may not {PUBLISH} themselves.", hint)
    rules = [path for path in _changed(manifest, served.current) if not path.startswith(("metrics/", "notebooks/"))]
    # What an environment after the first serves was approved for the first; what the first starts with, by its host.
    if rules and served.current and not served.before and not any(CHANGE_ACCESS in may(who) for who in others):
        raise _refused("missing-approval", f"it changes '{rules[0]}', and no steward approved that.", hint)


def _covered(manifest: Manifest, served: Served) -> None:
    """What was approved is all that is new: what it was merged on top of was served here, so nothing slips in below."""
    if served.before or not served.current or manifest.vouched == SIGNED:
        return
    if manifest.onto not in {listed(one.files) for one in served.history}:
        said = "it holds more than its pull request: that was merged on top of files that were never served here."
        hint = (
            "Release each merge in its turn (merge commits, or squashed); what was pushed past review goes through it."
        )
        raise _refused("unreviewed-change", said, hint)


def _changed(manifest: Manifest, current: Manifest | None) -> Iterator[str]:
    """The paths whose content is another than in the release served now."""
    was = current.files if current else {}
    return (path for path in sorted(manifest.files.keys() | was) if manifest.files.get(path) != was.get(path))


def order_of(environments: Sequence[str], environment: str) -> str:
    """The environment that a release must have gone through before this one; '' for the first."""
    at = list(environments).index(environment) if environment in environments else 0
    return environments[at - 1] if at else ""


def _refused(slug: str, message: str, hint: str = "") -> ReviewError:
    return ReviewError(Problem(slug, f"the release is refused: {message}", hint=hint))
