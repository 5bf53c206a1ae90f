"""A workspace to the records of its gateway: the audit, and the tokens."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workbench.commands.options import Asker

if TYPE_CHECKING:
    from workbench.warehouse.audit import Audit
    from workbench.warehouse.tokens import Tokens


@contextmanager
def open_records_of(asker: Asker) -> Iterator[tuple[Audit, Tokens]]:
    """The audit and the tokens of a workspace; raises `WorkbenchError` (no-keys) for whoever may not read its keys."""
    from workbench.declare.settings import read_settings
    from workbench.gateway.keyring import open_keyring
    from workbench.gateway.trust import open_records

    os.umask(0o077)  # what is made here is the gateway's, and nobody else's
    root = asker.workspace_root()
    gateway = read_settings(root).gateway
    audit, tokens = open_records(root, gateway, open_keyring(root, gateway))
    try:
        yield audit, tokens
    finally:
        audit.close()
        tokens.close()


def this_user() -> str:
    """Who does it, as far as this machine knows: whoever may read the gateway's keys."""
    return f"os:{getpass.getuser()}"
