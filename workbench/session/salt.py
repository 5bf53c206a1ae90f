"""The secret that hashes of masked values are salted with."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from workbench.declare.sealed import derived


def salt_of(root: Path) -> str:
    """The salt of a workspace: WORKBENCH_SALT, or one that follows from the user's own secret.

    Nothing of it lies in the workspace, where somebody else could have put a salt they know. Without a secret there is
    a salt for this session alone: masked values then differ from session to session.
    """
    return os.environ.get("WORKBENCH_SALT") or derived(root, "salt") or secrets.token_hex(32)
