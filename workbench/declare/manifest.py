"""A release to the one text that is signed, and back: what it holds, who approved it, and what it follows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Literal

from pydantic import Field, ValidationError

from workbench.declare.terms import Name, Term
from workbench.errors import Problem, ReviewError

Digest = str
"""64 hex digits of a SHA-256."""


class Manifest(Term):
    """What one release of a workspace to one environment consists of."""

    format: Literal[1] = 1
    workspace: str
    environment: Name
    number: int = Field(ge=1, description="Counts up in an environment; a lower one is an old release played again.")
    previous: Digest = Field("", description="The digest of the release that was served before; '' for the first.")
    commit: str
    made: datetime
    by: str
    authors: tuple[str, ...] = ()
    approvals: tuple[str, ...] = ()
    vouched: str = Field("", description="Who told of authors and approvals: the forge, or signatures.")
    onto: Digest = Field("", description="What the files were that an approved pull request was merged on top of.")
    report: Digest = Field("", description="The digest of the review that was read.")
    files: dict[str, Digest] = Field(description="Each path of the release with the digest of its content.")
    terms: dict[str, Digest] = Field({}, description="Each declared thing, as 'metric revenue', with its meaning.")


def listed(files: Mapping[str, Digest]) -> Digest:
    """What the files of a release are known by together, whoever released them and when."""
    return sha256(json.dumps(files, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class Signed(Term):
    """A manifest with the signature of its text by one key, or by a forge that vouches for a job."""

    manifest: Manifest
    key: str = Field(description="The id of the key: the first 16 digits of its digest; or 'oidc'.")
    signature: str = Field(description="Ed25519 over the manifest's text, in hex digits; or the token of the job.")


def text(manifest: Manifest) -> bytes:
    """The one spelling of a manifest that is hashed and signed."""
    return json.dumps(manifest.model_dump(mode="json"), sort_keys=True, separators=(",", ":")).encode()


def digest(manifest: Manifest) -> Digest:
    """What a release is known by."""
    return sha256(text(manifest)).hexdigest()


def read_signed(content: bytes) -> Signed:
    """A signed manifest from JSON; raises `ReviewError` (bad-manifest)."""
    try:
        return Signed.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise ReviewError(Problem("bad-manifest", f"this is no signed manifest: {where}: {first['msg']}.")) from None
