"""A release to the JSON that carries it to a gateway, and back: nothing is guessed, and nothing is left over."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from workbench.declare.manifest import Signed
from workbench.declare.terms import Term
from workbench.errors import Problem, QuestionError, ReviewError

MOST = 20_000
"""Files of a release."""


class Parcel(Term):
    """A signed manifest, and the content of each file it lists in base64."""

    release: Signed
    files: dict[str, str]


def packed(signed: Signed, files: Mapping[str, bytes]) -> Any:
    """A release as plain data."""
    content = {path: base64.b64encode(text).decode("ascii") for path, text in files.items()}
    return Parcel(release=signed, files=content).model_dump(mode="json")


def unpacked(body: bytes) -> tuple[Signed, Mapping[str, bytes]]:
    """A release from the body of a request; raises `QuestionError` (not-json), `ReviewError` (bad-manifest)."""
    try:
        said = json.loads(body, object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        raise QuestionError(Problem("not-json", "the body is not JSON.", hint="Send it as application/json.")) from None
    try:
        parcel = Parcel.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))[:100] or "it"
        raise _bad(f"{where}: {first['msg']}") from None
    if len(parcel.files) > MOST:
        raise _bad(f"it has more than {MOST} files")
    return parcel.release, {path: _content(path, text) for path, text in parcel.files.items()}


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys stand there once: of two, another reader might take the other."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _bad(f"'{twice[:100]}' stands there twice")
    return found


def _content(path: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _bad(f"'{path[:100]}' is not base64") from None


def _bad(why: str) -> ReviewError:
    return ReviewError(Problem("bad-manifest", f"this is no release: {why}.", hint="'workbench release' makes one."))
