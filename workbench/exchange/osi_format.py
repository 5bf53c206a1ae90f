"""The words of the Ossie format (formerly OSI): versions, dialects, keys, and how a document of ours is marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Version = Literal["0.1.1", "0.2.0.dev0"]
VERSIONS: tuple[str, ...] = get_args(Version)
DRAFT = "0.2.0.dev0"

ANSI = "ANSI_SQL"
READABLE = (ANSI, "OSSIE_SQL_2026", "OSI_SQL_2026")
"""Dialects that our own language reads; the later two are the names of a proposed default."""
SQLGLOT: Mapping[str, str] = {"SNOWFLAKE": "snowflake", "DATABRICKS": "databricks", "BIGQUERY": "bigquery"}
DIALECTS = (*READABLE, *SQLGLOT, "MDX", "DAX", "TABLEAU", "MAQL", "SIGMA", "THOUGHTSPOT")

VENDOR = "WORKBENCH"
"""Whose extension holds what the format cannot say."""

DATATYPES: Mapping[str, str] = {
    "integer": "Integer",
    "float": "Float",
    "decimal": "Decimal",
    "string": "String",
    "boolean": "Boolean",
    "date": "Date",
    "timestamp": "DateTime",
    "timestamptz": "DateTimeTz",
    "time": "Time",
}
"""Our types of values to the format's."""

KEYS: Mapping[str, frozenset[str]] = {
    "document": frozenset({"version", "semantic_model", "dialects", "vendors", "$schema"}),
    "semantic model": frozenset(
        {"name", "description", "ai_context", "datasets", "relationships", "metrics", "custom_extensions"}
    ),
    "dataset": frozenset(
        {"name", "source", "primary_key", "unique_keys", "description", "ai_context", "fields", "custom_extensions"}
    ),
    "field": frozenset(
        {"name", "expression", "datatype", "dimension", "label", "description", "ai_context", "custom_extensions"}
    ),
    "relationship": frozenset({"name", "from", "to", "from_columns", "to_columns", "ai_context", "custom_extensions"}),
    "metric": frozenset({"name", "expression", "description", "datatype", "ai_context", "custom_extensions"}),
}
"""What each part of a document may say."""
