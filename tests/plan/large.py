"""Small tables that are taken for large ones, so that work is ordered as it is where that pays."""

from __future__ import annotations

from workbench.warehouse.duckdb_engine import DuckDBEngine

FACTS = frozenset({"orders", "refunds", "payments", "sales"})


class Large(DuckDBEngine):
    """An engine whose facts seem to be many and all others few."""

    def size(self, table: str) -> int | None:
        """What orders of work are chosen by."""
        return 10**9 if table.rpartition(".")[2] in FACTS else 10
