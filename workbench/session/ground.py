"""What the sessions of several people at one workspace share: declarations, warehouse, keys and salt."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from workbench.declare.workspace import Workspace
from workbench.graph.build import build
from workbench.session.cache import Recent, Templates
from workbench.session.keys import keys_of
from workbench.session.release import short_commit
from workbench.session.salt import salt_of

if TYPE_CHECKING:
    from workbench.warehouse.engine import Engine
    from workbench.warehouse.ledger import Ledger

MOMENTS = 1_000
"""Answers kept of how fresh the rows are that somebody may see, by the data and the SQL."""


class Ground:
    """One version of the declarations over one warehouse; any thread may use it."""

    def __init__(self, workspace: Workspace, engine: Engine, ledger: Ledger | None, release: str | None = None) -> None:
        """``release`` names what is served; the commit that lies here unless said."""
        self.workspace = workspace
        self.release = short_commit(workspace.root) if release is None else release
        self.engine = engine
        self.ledger = ledger
        self.graph = build(workspace)
        self.keys = keys_of(engine, ledger)
        self.templates = Templates(workspace.root)
        self.moments: Recent[tuple[str, str], tuple[datetime | None]] = Recent(MOMENTS)

    @cached_property
    def salt(self) -> str:
        """The one salt of all masks, so that masked values of several people can be compared."""
        return salt_of(self.workspace.root)
