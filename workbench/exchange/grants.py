"""Tables that imported models read to the least of access rules that lets people ask."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from workbench.declare.reader import dump

ROLES = {
    "roles": {
        "analyst": {
            "description": "Asks anything of what is granted and keeps private drafts.",
            "can": ["query:adhoc", "read:metric", "read:dashboard", "draft:metric"],
        }
    }
}


def least_access(tables: Iterable[str]) -> dict[str, str]:
    """Files with one role, and a grant to it on each schema of the tables."""
    out = {"access/roles.yml": dump(ROLES)}
    for table in tables:
        schema = table.rpartition(".")[0]
        policy: dict[str, Any] = {"resource": f"{schema}.*" if schema else table, "grant": [{"to": ["analyst"]}]}
        out[f"access/policies/{file_name(schema or table)}.yml"] = dump(policy)
    return out


def file_name(text: str) -> str:
    """A text as the name of a file: letters, digits and underscores."""
    return re.sub(r"[^A-Za-z0-9_]", "_", text)
