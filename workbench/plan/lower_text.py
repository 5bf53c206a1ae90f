"""An ibis expression to the SQL text of an engine."""

from __future__ import annotations

from typing import Any

import ibis


def sql_text(expr: Any, dialect: str) -> str:
    """The SQL of an expression as the engine of that name speaks it; what it can't say the same way is refused."""
    if dialect == "postgres":
        from workbench.plan.lower_postgres import postgres_sql

        return postgres_sql(expr)
    if dialect == "duckdb":
        from workbench.plan.lower_duckdb import duckdb_sql

        return duckdb_sql(expr)
    return str(ibis.to_sql(expr, dialect=dialect))
