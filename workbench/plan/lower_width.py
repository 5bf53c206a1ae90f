"""A tree of the expression language to the text it may make of one row, refused where that is out of proportion."""

from __future__ import annotations

import math
from collections.abc import Mapping

from workbench.declare.expression import Call, Case, Cast, Column, Expression, Literal, children
from workbench.declare.functions import SCALARS
from workbench.errors import DeclarationError, Problem

MOST = 65_536
"""Characters that the calls of one expression may make of one row; an engine holds them for thousands of rows at once,
uncounted, and a question runs in the process that answers everybody."""

_COLUMN, _VALUE = 32, 32
"""Characters that a column's text is taken to have, and that any other value has as text."""
_GREATEST: Mapping[str, int] = {
    "year": 9_999, "quarter": 4, "month": 12, "week": 53, "day": 31, "day_of_week": 7, "day_of_year": 366, "hour": 23,
    "minute": 59, "second": 59, "sign": 1,
}  # fmt: skip
_PASSING = frozenset({"coalesce", "nullif", "greatest", "least"})
"""Calls whose value is one of their arguments, so no text of their own."""


def check_width(tree: Expression) -> None:
    """Pass unless the tree's calls make too much text of a row; raises `DeclarationError` (too-complex).

    Expects a tree whose depth is bounded.
    """
    made = [0.0]
    _width(tree, made)
    if made[0] > MOST:
        said = f"The expression may make more than {MOST:,} characters of one row."
        hint = "Repeat and fill to fewer, and say how many in numbers: repeat('*', least(n, 10))."
        raise DeclarationError(Problem("too-complex", said, hint=hint))


def _width(tree: Expression, made: list[float]) -> float:
    """The characters of a tree's value as text; those that its calls make are added to ``made``."""
    match tree:
        case Literal(value=str(text)):
            return len(text)
        case Column():
            return _COLUMN
        case Cast(operand=operand):
            return max(_width(operand, made), _VALUE)
    parts = [_width(part, made) for part in children(tree)]
    if isinstance(tree, Case) or not isinstance(tree, Call) or tree.function in _PASSING:
        return max(parts, default=_VALUE)
    if SCALARS[tree.function].result != "string":
        return _VALUE
    own = _made(tree, parts)
    made[0] += own
    return own


def _made(call: Call, parts: list[float]) -> float:
    """The characters that a call of a function of text gives."""
    match call.function, call.arguments:
        case "repeat", (_, times):
            return parts[0] * _most(times, parts[1]) if parts[0] else 0
        case (("lpad" | "rpad"), (_, length, _)):
            return _most(length, parts[1])
        case "replace", (_, Literal(value=str(old)), _):
            return max(parts[0], parts[0] * parts[2] / max(len(old), 1))
        case "replace", _:
            return parts[0] * max(parts[2], 1)
        case (("concat" | "||"), _):
            return sum(parts)
    return max(parts, default=_VALUE)


def _most(number: Expression, width: float) -> float:
    """The greatest value of a number, as far as it can be told; ``width`` is that of its text."""
    match number:
        case Literal(value=int(value)):
            return max(value, 0)
        case Literal(value=None) | Call(function="negate", arguments=(Literal(),)):
            return 0
        case Call(function="least", arguments=arguments):
            return min(_most(one, width) for one in arguments)
        case Call(function="%" | "mod", arguments=(_, by)):
            return _most(by, width)
        case Call(function="length", arguments=(text,)):
            return _width(text, [0.0])
        case Call(function=function) if function in _GREATEST:
            return _GREATEST[function]
    return math.inf
