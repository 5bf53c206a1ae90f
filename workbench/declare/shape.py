"""A finding of pydantic about a shape to the words of a person who writes YAML, TOML or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel

_SAID = {
    "extra_forbidden": "there is no such key",
    "missing": "it is missing",
    "dict_type": "it is a mapping of keys to values",
    "string_pattern_mismatch": "write it in small letters, digits and '_', as in long_flights",
}


def said(detail: Mapping[str, Any]) -> str:
    """What is wrong, as a sentence's second half without its full stop, unless it ends in a question."""
    kind = str(detail["type"])
    if kind == "string_pattern_mismatch" and detail["ctx"]["pattern"] != "^[a-z][a-z0-9_]*$":
        return str(detail["msg"])
    return _SAID.get(kind) or str(detail["msg"]).removeprefix("Value error, ")


def keys_of(kind: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """The keys that a mapping at ``path`` of this kind may have."""
    for step in path:
        if isinstance(step, int):
            continue
        found = next((f for n, f in kind.model_fields.items() if (f.alias or n) == step), None)
        inner = _model_in(found.annotation) if found else None
        kind = inner or kind
    return [field.alias or name for name, field in kind.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
