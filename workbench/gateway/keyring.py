"""The gateway's own folder to its secrets: made at random at the first start, readable by its user alone."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.declare.settings import Gateway
from workbench.errors import Problem, WorkbenchError

BYTES = 32
"""Bytes of a secret; a shorter one is refused."""
VARIED = 10
"""Different characters of a secret; fewer were typed by somebody in a hurry."""
KNOWN = ("secret", "changeme", "change-me", "change_me", "password", "default", "example", "insecure", "workbench")
"""What the secrets of manuals are made of."""
SECRET, AUDIT = "WORKBENCH_GATEWAY_SECRET", "WORKBENCH_AUDIT_KEY"
"""Variables that hold the secrets where several machines share them."""


@dataclass(frozen=True, slots=True, repr=False)
class Keyring:
    """The secret that logins are signed with, the key of the audit's chain, and the file of the chain's head."""

    secret: bytes
    audit: bytes
    head: Path

    def signed(self, purpose: str, text: str) -> str:
        """A mark that only this gateway can make, for one purpose."""
        return hmac.digest(self.secret, f"{purpose}\0{text}".encode(), "sha256").hex()


def open_keyring(root: Path, gateway: Gateway, environ: Mapping[str, str] = os.environ) -> Keyring:
    """The secrets of a workspace's gateway; raises `WorkbenchError` (weak-secret, no-keys)."""
    folder = root / gateway.keys
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # by another that starts just now, perhaps
        if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
            # Even root: what it makes here, the gateway could not read afterwards.
            raise PermissionError(None, "they belong to another user")
        secret = _given(SECRET, environ) or _kept(folder / "secret")
        audit = _given(AUDIT, environ) or _kept(folder / "audit.key")
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise WorkbenchError(
            Problem(
                "no-keys", f"the gateway's secrets in '{folder}' cannot be used: {why}.", hint="Run it as its owner."
            )
        ) from None
    return Keyring(secret, audit, folder / "audit.head")


def weakness(secret: str | bytes, needed: int = BYTES) -> str:
    """Why a secret could be guessed; '' where it could not."""
    text = secret.decode("utf-8", "replace") if isinstance(secret, bytes) else secret
    if len(secret) < needed:
        return f"it has {len(secret)} characters, and {needed} are needed"
    if len(set(text)) < VARIED:
        return "it repeats the same few characters"
    known = next((word for word in KNOWN if word in text.lower()), None)
    return f"it contains '{known}', as the secrets of manuals do" if known else ""


def _given(variable: str, environ: Mapping[str, str]) -> bytes:
    text = environ.get(variable)
    if text is None:
        return b""
    why = weakness(text)
    if why:
        raise WorkbenchError(_weak(f"of {variable}", why))
    return text.encode()


def _kept(file: Path) -> bytes:
    """The secret of a file, made if need be; whoever comes second reads what the first one wrote."""
    if not file.exists():
        passing = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
        handle = os.open(passing, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(secrets.token_hex(BYTES).encode())
            out.flush()
            os.fsync(handle)
        try:
            os.link(passing, file)  # never over one that is there: a chain made with it could not be verified again
        except FileExistsError:
            pass
        finally:
            passing.unlink()
    secret = file.read_bytes().strip()
    why = weakness(secret)
    if why:
        raise WorkbenchError(_weak(f"in '{file}'", why))
    return secret


def _weak(where: str, why: str) -> Problem:
    return Problem(
        "weak-secret",
        f"the secret {where} is weak: {why}.",
        hint="Make one with: python -c 'import secrets; print(secrets.token_hex(32))'",
    )
