"""What an exchange format cannot say: the difference between two trees of plain data, put back on import.

A change remembers the value it replaces. Where a document was edited elsewhere, that value is no longer there, and the
edit goes before the change.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

Patch = dict[str, Any]
FORMULA = ("expr", "filter", "inputs", "model", "conversion", "fill_nulls_with")
"""Keys that mean something together: if one was edited, none of the others is put back."""


def difference(have: dict[str, Any], want: dict[str, Any]) -> Patch:
    """What turns ``have`` into ``want``: changed keys, changes inside mappings, and the order of keys."""
    patch: Patch = {}
    for key in (*want, *(k for k in have if k not in want)):
        if key in have and key in want and _same(have[key], want[key]):
            continue
        if key in have and key in want and isinstance(have[key], dict) and isinstance(want[key], dict):
            patch.setdefault("inside", {})[key] = difference(have[key], want[key])
            continue
        change = {"was": have[key]} if key in have else {}
        patch.setdefault("change", {})[key] = {**change, "now": want[key]} if key in want else change
    if list(_applied(have, patch, (), [])) != list(want):
        patch["order"] = list(want)
    return patch


def apply(have: dict[str, Any], patch: Patch) -> tuple[dict[str, Any], list[tuple[str, ...]]]:
    """``have`` with the changes of a patch, and the paths where it was edited, so that a change was not made."""
    edited: list[tuple[str, ...]] = []
    return _applied(have, patch, (), edited), edited


def _applied(
    have: dict[str, Any], patch: Patch, path: tuple[str, ...], edited: list[tuple[str, ...]]
) -> dict[str, Any]:
    changes: dict[str, Any] = patch.get("change", {})
    moot = {key for key, change in changes.items() if not _is_as_it_was(have, key, change)}
    if len(path) == 2 and moot & {*FORMULA}:
        moot |= changes.keys() & {*FORMULA}
    edited.extend((*path, key) for key in changes if key in moot)
    out = dict(have)
    for key, change in changes.items():
        if key in moot:
            continue
        out.pop(key, None)
        if "now" in change:
            out[key] = change["now"]
    for key, inner in patch.get("inside", {}).items():
        if isinstance(out.get(key), dict):
            out[key] = _applied(out[key], inner, (*path, key), edited)
        else:
            edited.append((*path, key))
    order = patch.get("order", list(have))
    return {key: out[key] for key in (*(k for k in order if k in out), *(k for k in out if k not in order))}


def _is_as_it_was(have: dict[str, Any], key: str, change: dict[str, Any]) -> bool:
    if "was" not in change:
        return key not in have
    return key in have and _same(have[key], change["was"])


def _same(one: Any, other: Any) -> bool:
    """Equal, and of the same types all the way down: 1, 1.0 and true differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and bool(one == other)


def to_json(data: Any) -> str:
    """Plain data as JSON; dates, which JSON lacks, under keys with a dollar."""
    return json.dumps(_marked(data), ensure_ascii=False, separators=(",", ":"))


def from_json(text: str) -> Any:
    """The data of `to_json`; raises `ValueError` where the text is none."""
    return _unmarked(json.loads(text))


def _marked(data: Any) -> Any:
    match data:
        case datetime():
            return {"$datetime": data.isoformat()}
        case date():
            return {"$date": data.isoformat()}
        case dict():
            inner = {str(key): _marked(value) for key, value in data.items()}
            return {"$": inner} if any(key.startswith("$") for key in inner) else inner
        case list() | tuple():
            return [_marked(value) for value in data]
    return data


def _unmarked(data: Any) -> Any:
    match data:
        case {"$datetime": str(text), **rest} if not rest:
            return datetime.fromisoformat(text)
        case {"$date": str(text), **rest} if not rest:
            return date.fromisoformat(text)
        case {"$": dict(inner), **rest} if not rest:
            return {key: _unmarked(value) for key, value in inner.items()}
        case dict():
            return {key: _unmarked(value) for key, value in data.items()}
        case list():
            return [_unmarked(value) for value in data]
    return data


def keys_of(patch: Patch, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all that a patch changes."""
    for key, change in patch.get("change", {}).items():
        if "now" in change:
            yield (*path, key)
    for key, inner in patch.get("inside", {}).items():
        yield from keys_of(inner, (*path, key))
