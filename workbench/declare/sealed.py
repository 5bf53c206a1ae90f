"""Plain data to a file in the workspace that later runs of the same user believe, and back.

A workspace is a repository, and so is what lies in its `.workbench`: somebody else may have put it there. Each file
therefore carries a seal made with a secret of the user that is kept outside of any workspace. A file without the right
seal (foreign, damaged, or written by another version of this code) is as good as none.
"""

from __future__ import annotations

import hmac
import json
import os
import platform
import secrets
from contextlib import suppress
from datetime import date, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pydantic
import yaml

FOLDER = ".workbench"
SECRET = 32
"""Bytes of the secret."""
_MOMENT = ""
"""The only key of the mapping that stands for a date; `plain` tells data that has such mappings of its own."""


def unseal(root: Path, name: str) -> Any:
    """What `seal` wrote under ``name``; None where that is nothing, or not to be believed."""
    try:
        given, _, body = (root / FOLDER / name).read_bytes().partition(b"\n")
    except OSError:
        return None
    wanted = _seal(root, name, body)
    return json.loads(body, object_hook=_read_moment) if wanted and hmac.compare_digest(given, wanted) else None


def seal(root: Path, name: str, data: Any) -> None:
    """Write plain data for later runs; does nothing where that can't be done, since nothing depends on it."""
    body = json.dumps(data, default=_written_moment, separators=(",", ":")).encode()
    made = _seal(root, name, body)
    if made is None:
        return
    file = root / FOLDER / name
    passing = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        passing.write_bytes(made + b"\n" + body)
        os.replace(passing, file)
    except OSError:
        with suppress(OSError):
            passing.unlink()


def derived(root: Path, purpose: str) -> str | None:
    """64 hex digits that only this user can make, the same for a workspace and purpose; None where no secret is."""
    secret = _secret(root)
    return hmac.new(secret, f"{purpose}\0{root.resolve()}".encode(), sha256).hexdigest() if secret else None


def is_plain(data: Any) -> bool:
    """Whether data comes back from a file exactly as it went in."""
    try:
        return bool(json.loads(json.dumps(data, default=_written_moment), object_hook=_read_moment) == data)
    except (TypeError, ValueError):
        return False


def _written_moment(value: object) -> dict[str, str]:
    if isinstance(value, date):
        return {_MOMENT: value.isoformat()}
    raise TypeError(f"{type(value).__name__} is not plain")


def _read_moment(data: dict[str, Any]) -> Any:
    if data.keys() != {_MOMENT}:
        return data
    text = str(data[_MOMENT])
    return date.fromisoformat(text) if len(text) == len("2000-01-01") else datetime.fromisoformat(text)


def _seal(root: Path, name: str, body: bytes) -> bytes | None:
    secret = _secret(root)
    signed = b"\n".join((_code(), name.encode(), body))
    return hmac.digest(secret, signed, "sha256").hex().encode() if secret else None


@cache
def _code() -> bytes:
    """What read and judged the data: another version of any of it may come to another result."""
    state = sha256(" ".join((platform.python_version(), yaml.__version__, pydantic.VERSION)).encode())
    for file in sorted(Path(__file__).parents[1].glob("*/*.py")):
        state.update(file.read_bytes())
    return state.digest()


def _secret(root: Path) -> bytes | None:
    """The user's secret, made at its first use; None where there is no place that only the user can write to."""
    try:
        home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        file = home.resolve() / "workbench" / "secret"
        if file.is_relative_to(root.resolve()):
            return None  # a workspace could bring its own
        _make(file)
        is_mine = not hasattr(os, "getuid") or (file.stat().st_uid == os.getuid() and not file.stat().st_mode & 0o077)
        secret = file.read_bytes() if is_mine else b""
    except (OSError, RuntimeError):  # without a home directory, pathlib raises the latter
        return None
    return secret if len(secret) == SECRET else None


def _make(file: Path) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "wb") as out:
        out.write(secrets.token_bytes(SECRET))
