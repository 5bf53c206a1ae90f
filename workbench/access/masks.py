"""A kind of mask to the expression that stands in for the column: the one meaning, for every lane."""

from __future__ import annotations

from workbench.access.restriction import MaskKind
from workbench.declare.expression import Call, Case, Cast, Column, Expression, Literal

HASH_DIGITS = 16
"""Hex digits kept of a hash: 64 bits, so that even a million values hardly ever share one."""

KEEPS_NULL = frozenset({"hash", "last4"})
"""Kinds that are NULL exactly where the value is."""

KEEPS_DISTINCT = frozenset({"hash"})
"""Kinds by which equal values stay equal and others differ, so that counting distinct ones counts the real ones."""

_NUMBERS = frozenset({"integer", "decimal", "float"})
_TIMES = frozenset({"date", "timestamp", "timestamptz"})


class Salt(str):
    """A secret text that does not show when the plan that holds it is printed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'<salt>'"


def masked(kind: MaskKind, column: Column, type_name: str, salt: str) -> Expression:
    """What is shown instead of ``column``, whose type is one of `typenames.TYPES`.

    - ``null``: nothing.
    - ``constant``: ``***`` in every row.
    - ``bucket``: a number to the ten below, a time to its year, text to its first letter, anything else to nothing.
    - ``last4``: ``****`` and the last four characters of a value that has eight or more, else ``****`` alone.
    - ``hash``: 16 hex digits of the SHA-256 of the salt and the value: equal values stay equal, and can be counted.
      Without a salt, trying out values would undo it, so then it shows nothing.
    """
    match kind:
        case "constant":
            return Literal("***")
        case "bucket":
            return _bucket(column, type_name)
        case "last4":
            return _last4(_text(column, type_name))
        case "hash" if salt:
            digest = Call("sha256", (Call("||", (Literal(Salt(salt)), _text(column, type_name))),))
            return Call("substring", (digest, Literal(1), Literal(HASH_DIGITS)))
    return _nothing(column)


def conceal(sql: str, salt: str) -> str:
    """A statement as it may be shown: with the salt in it, a reader could try out values until one fits."""
    return sql.replace(salt.replace("'", "''"), "<salt>").replace(salt, "<salt>") if salt else sql


def _text(column: Column, type_name: str) -> Expression:
    return column if type_name == "string" else Cast(column, "string")


def _nothing(column: Column) -> Expression:
    """NULL of the column's own type."""
    return Case(((Literal(False), column),))


def _bucket(column: Column, type_name: str) -> Expression:
    if type_name in _NUMBERS:
        return Call("*", (Call("floor", (Call("/", (column, Literal(10))),)), Literal(10)))
    if type_name in _TIMES:
        return Call("date_trunc", (Literal("year"), column))
    return Call("left", (column, Literal(1))) if type_name == "string" else _nothing(column)


def _last4(text: Expression) -> Expression:
    hidden = Literal("****")
    is_long = Call(">=", (Call("length", (text,)), Literal(8)))
    is_there = Call("not", (Call("is_null", (text,)),))
    return Case(((is_long, Call("||", (hidden, Call("right", (text, Literal(4)))))), (is_there, hidden)))
