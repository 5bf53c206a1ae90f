"""A declared term to its meaning: plain data in which layout, the order of words and spelled-out defaults are gone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from workbench.declare.parser import parse
from workbench.declare.terms import Term
from workbench.declare.unparse import unparse
from workbench.errors import WorkbenchError

EXPRESSIONS = frozenset({"expr", "filter", "where", "having"})
"""Keys whose text is of the expression language, wherever they stand."""
UNORDERED = frozenset({"tags", "synonyms", "audience", "members", "can", "except", "to", "env"})
"""Lists of words that say the same in any order."""
PROSE = frozenset({"description", "label", "reason", "title", "text"})

Plain = Mapping[str, Any]


def normal(term: Term) -> Plain:
    """The keys of a term that say something, each in one spelling; two terms that mean the same give equal ones."""
    return dict(_normal("", term.model_dump(mode="json", by_alias=True, exclude_defaults=True)))


def fingerprint(term: Term) -> str:
    """A hash of what a term means: the same for another layout, another for anything else."""
    return sha256(json.dumps(normal(term), sort_keys=True).encode()).hexdigest()


def _normal(key: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _normal(name, part) for name, part in value.items()}
    if isinstance(value, list):
        parts = [_normal(key, part) for part in value]
        return sorted(parts) if key in UNORDERED and all(isinstance(part, str) for part in parts) else parts
    if isinstance(value, str):
        return _text(key, value)
    return value


def _text(key: str, text: str) -> str:
    if key in EXPRESSIONS:
        try:
            return unparse(parse(text))
        except WorkbenchError:
            return text  # wrong either way: validation says so
    return " ".join(text.split()) if key in PROSE else text
