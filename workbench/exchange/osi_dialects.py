"""Text of our own language to the SQL of another engine."""

from __future__ import annotations

from workbench.exchange.osi_ansi import refused
from workbench.exchange.osi_format import SQLGLOT


def translate(text: str, dialect: str) -> str:
    """An expression in the spelling of one of the format's other SQL dialects; raises `Unanswerable`."""
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        # Our language is a subset of what DuckDB reads, with its meaning.
        return sqlglot.transpile(text, read="duckdb", write=SQLGLOT[dialect])[0]
    except SqlglotError as error:
        raise refused(f"it has no spelling in {dialect}: {str(error).splitlines()[0]}") from None
