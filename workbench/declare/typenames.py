"""Turns the name of a type, as any of our engines spells it, into a type of the expression language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from workbench.declare.tokens import Refused
from workbench.errors import did_you_mean

TYPES: tuple[str, ...] = (
    "boolean", "integer", "decimal", "float", "string", "date", "timestamp", "timestamptz", "time", "interval",
    "unknown",
)  # fmt: skip
"""``unknown`` goes with everything. A decimal may carry its digits: ``decimal(18, 2)``."""

SPELLINGS: Mapping[str, str] = MappingProxyType(
    {
        **{name: name for name in TYPES if name not in ("interval", "unknown")},
        **dict.fromkeys(("bool", "logical"), "boolean"),
        **dict.fromkeys(("int", "int8", "int16", "int32", "int64", "bigint", "smallint", "tinyint", "long"), "integer"),
        "numeric": "decimal",
        **dict.fromkeys(("double", "double precision", "real", "float4", "float8", "float64"), "float"),
        **dict.fromkeys(("varchar", "text", "char", "character varying", "str"), "string"),
        **dict.fromkeys(("datetime", "timestamp without time zone"), "timestamp"),
        "timestamp with time zone": "timestamptz",
        "time without time zone": "time",
    }
)


def named_type(written: str, digits: Sequence[str], at: int) -> str:
    """The type a cast names.

    >>> named_type("numeric", ["18", "2"], 0)
    'decimal(18, 2)'
    """
    found = SPELLINGS.get(written)
    if found is None:
        hint = did_you_mean(written, SPELLINGS, f"Types are {', '.join(TYPES[:-2])}.")
        raise Refused("unknown-type", f"There is no type '{written}'.", at, hint)
    if found == "decimal":
        whole = [int(digit) for digit in digits if digit.isdecimal() and len(digit) < 3]
        if len(whole) != 2 or len(digits) != 2 or not 0 <= whole[1] <= whole[0] <= 38 or whole[0] == 0:
            hint = "Say how many digits there are, at most 38, and how many of them after the point: decimal(18, 2)."
            raise Refused("unknown-type", f"'{written}' lacks its digits.", at, hint)
        return f"decimal({whole[0]}, {whole[1]})"
    if digits:
        raise Refused("unknown-type", f"The type '{found}' has no size.", at, f"Write {found}.")
    return found


def plain(type_: str) -> str:
    """A type without its digits."""
    return type_.partition("(")[0]
