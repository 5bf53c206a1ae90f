"""A plan to the text that its SQL hangs on, and to the values in it that only fill places.

Two plans of one fingerprint have the same SQL but for their values, whoever asks: what a principal is kept from, the
masks, the tables with their columns and types, and the dialect are all part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from hashlib import sha256
from typing import Any, cast

from pydantic import BaseModel

from workbench.access.masks import Salt
from workbench.access.restriction import RowFilter
from workbench.declare.expression import Call, Literal
from workbench.declare.lifted import Lifted
from workbench.declare.temporal import as_timestamp
from workbench.plan.steps import Plan, Source
from workbench.plan.template import stepped

Columns = Mapping[str, str]


def without_values(plan: Plan, given: int) -> tuple[Plan, tuple[Any, ...]]:
    """The plan with places for the values of row rules and for the salt, after the ``given`` ones of its question.

    What is the same in several legs has the same places, so that the same rows are still read once.
    """
    values: list[Any] = []
    taken: dict[RowFilter | Salt, Any] = {}

    def place(value: Any) -> Lifted:
        values.append(value)
        return Lifted(given + len(values) - 1, "text")

    def take(node: Any) -> Any:
        if isinstance(node, RowFilter) and node.values:
            rule = replace(node, name="", values=tuple(map(str, node.values)))  # 1 and true are equal, and read apart
            if rule not in taken:
                taken[rule] = replace(rule, values=cast("Any", tuple(map(place, rule.values))))
            return taken[rule]
        if isinstance(node, Literal) and isinstance(node.value, Salt):
            if node.value not in taken:
                taken[node.value] = place(str(node.value))
            return replace(node, value=taken[node.value])
        return None

    return cast("Plan", _rebuilt(replace(plan, restrictions=(), notes=()), take)), tuple(values)


def with_values(plan: Plan, values: tuple[Any, ...]) -> Plan:
    """The plan with the values of its question in their places, as people are shown it."""

    def put(node: Any) -> Any:
        if isinstance(node, Literal) and isinstance(node.value, Lifted):
            value = stepped(values[node.value.index], node.value.steps)
            reads = node.value.kind in ("day", "moment") and isinstance(value, str)
            return replace(node, value=as_timestamp(value) if reads else value)
        if isinstance(node, Call) and node.function == "in":
            last = node.arguments[-1]
            if isinstance(last, Literal) and isinstance(last.value, Lifted) and last.value.many:
                listed = (Literal(value) for value in values[last.value.index])
                return replace(node, arguments=(*(_rebuilt(one, put) for one in node.arguments[:-1]), *listed))
        return None

    return cast("Plan", _rebuilt(plan, put)) if values else plan


def fingerprint(plan: Plan, columns_of: Callable[[str], Columns], *surroundings: str) -> str:
    """64 hex digits that change with anything the SQL of a plan without values hangs on."""
    tables = {node.table for node in _nodes(plan) if isinstance(node, Source)}
    parts: list[str] = []
    _write((surroundings, tuple((table, tuple(columns_of(table).items())) for table in sorted(tables)), plan), parts)
    return sha256("".join(parts).encode()).hexdigest()


@cache
def _names(kind: Any) -> tuple[str, ...]:
    """The fields that tell two of a class apart."""
    if issubclass(kind, BaseModel):
        return tuple(kind.model_fields)
    return tuple(field.name for field in fields(kind) if field.compare)


def _names_of(node: Any) -> tuple[str, ...]:
    kind: Any = type(node)
    return _names(kind)


def _nodes(node: Any) -> Any:
    if isinstance(node, tuple):
        for part in node:
            yield from _nodes(part)
    elif is_dataclass(node):
        yield node
        for name in _names_of(node):
            yield from _nodes(getattr(node, name))


def _rebuilt(node: Any, change: Callable[[Any], Any]) -> Any:
    """The node with ``change`` applied wherever it gives something, and everything else as it is."""
    if isinstance(node, tuple):
        parts = tuple(_rebuilt(part, change) for part in node)
        return node if all(one is other for one, other in zip(parts, node, strict=True)) else parts
    if not is_dataclass(node):
        return node
    found = change(node)
    if found is not None:
        return found
    changed = {}
    for name in _names_of(node):
        part = getattr(node, name)
        new = _rebuilt(part, change)
        if new is not part:
            changed[name] = new
    return replace(cast("Any", node), **changed) if changed else node


def _write(node: Any, out: list[str]) -> None:
    """A node as text, from which it could be read again: no two different ones are written alike."""
    kind = type(node)
    if node is None or kind in (bool, int, float, str, Decimal, date, datetime):
        out.append(f"{kind.__name__}:{node!r};")
    elif kind is tuple:
        out.append("(")
        for part in node:
            _write(part, out)
        out.append(")")
    elif is_dataclass(node) or isinstance(node, BaseModel):
        out.append(f"{kind.__qualname__}{{")
        for name in _names_of(node):
            _write(getattr(node, name), out)
        out.append("}")
    elif isinstance(node, Mapping):
        _write(tuple(sorted(node.items())), out)
    else:
        raise TypeError(f"a plan cannot hold a {kind.__name__}")
