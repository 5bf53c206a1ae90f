"""A session's warehouse and ledger to what is known of the keys that its questions rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.graph.keys import KeyRead
from workbench.warehouse.keys import Keys, Statements

if TYPE_CHECKING:
    from workbench.warehouse.engine import Engine
    from workbench.warehouse.ledger import Ledger


def keys_of(engine: Engine, ledger: Ledger | None) -> Keys:
    """The keys of a warehouse; what the ledger knows of this version of the data is not looked at again."""

    def statements(read: KeyRead) -> Statements:
        from workbench.plan.lower_keys import uniqueness_sql  # ibis is heavy; most first questions find all recorded

        return uniqueness_sql(read, engine.schema, engine.dialect, engine.catalog)

    return Keys(engine, ledger, statements)
