"""Who asks on a laptop: the name given, or the one this machine knows."""

from __future__ import annotations

import getpass
import os


def local_identity(as_user: str | None, configured: str | None) -> str:
    """The name of whoever opens a session: the one given, WORKBENCH_USER, the workspace's own, or the login name.

    On a laptop this is advisory, since whoever runs the kernel controls it; behind the gateway a token says who asks.
    """
    return as_user or os.environ.get("WORKBENCH_USER") or configured or getpass.getuser()
