"""The secret of a workspace that hashes of masked values are salted with."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

FILE = Path(".workbench") / "salt"


def salt_of(root: Path) -> str:
    """The workspace's salt: WORKBENCH_SALT, or one made once and kept in a file that only its owner can read.

    Where neither can be had, a salt for this session alone: masked values then differ from session to session.
    """
    given = os.environ.get("WORKBENCH_SALT")
    if given:
        return given
    file = root / FILE
    made = secrets.token_hex(16)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return file.read_text(encoding="ascii").strip() or made
    except OSError:
        return made
    with os.fdopen(handle, "w", encoding="ascii") as out:
        out.write(made)
    return made
