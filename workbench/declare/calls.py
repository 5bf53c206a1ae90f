"""Judges the calls and constants of an expression against the catalogue, and gives them their one spelling."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from workbench.declare import functions
from workbench.declare.expression import Call, Cast, Expression, Literal
from workbench.declare.grains import GRAINS
from workbench.declare.temporal import FORMS, as_date, as_timestamp, is_time
from workbench.declare.tokens import Refused, Token
from workbench.errors import did_you_mean

_PARTS = {
    "year": "year", "quarter": "quarter", "month": "month", "week": "week", "day": "day", "hour": "hour",
    "minute": "minute", "second": "second", "isodow": "day_of_week", "doy": "day_of_year",
    "day_of_week": "day_of_week", "day_of_year": "day_of_year",
}  # fmt: skip
TYPED_LITERALS = ("date", "timestamp", "timestamptz", "time")


def number(token: Token) -> int | float | Decimal:
    """Whole numbers are exact integers, numbers with a point exact decimals, numbers with an exponent floats."""
    if token.text.isdecimal():
        return integer(token.text, token.at)
    if "e" in token.text.lower():
        value = float(token.text)
        if value == float("inf"):
            raise Refused("bad-expression", f"The number {token.text} is too large.", token.at)
        return value
    if sum(map(str.isdigit, token.text)) > 38:
        raise Refused("bad-expression", f"The number {token.text} has more than 38 digits.", token.at)
    return Decimal(token.text.rstrip("."))


def integer(text: str, at: int) -> int:
    """A whole number that every engine can hold."""
    value = int(text) if len(text) < 25 else 2**64
    if abs(value) >= 2**63:
        raise Refused("bad-expression", f"The number {text[:40]} is too large for a whole number.", at)
    return value


def typed_literal(kind: Token, value: Token) -> Expression:
    """The constant of date '2024-01-31' and its like."""
    if kind.word == "time":
        if is_time(value.text):
            return Cast(Literal(value.text, value.at), "time", kind.at)
    elif (
        found := as_date(value.text) if kind.word == "date" else as_timestamp(value.text, "tz" in kind.word)
    ) is not None:
        return Literal(found, kind.at)
    raise Refused("bad-date", f"'{value.text}' is not a {kind.word}.", value.at, FORMS[kind.word])


def interval(written: Sequence[str], sign: int, at: int) -> tuple[Literal, Literal]:
    """How many of which unit an interval adds."""
    unit = written[1].lower().removesuffix("s") if len(written) == 2 else ""
    if unit not in GRAINS or not re.fullmatch("-?[0-9]+", written[0]):
        hint = did_you_mean(unit, GRAINS, "Write interval '3' day: a whole number and one unit.")
        raise Refused("bad-expression", f"'interval {' '.join(written)}' is no interval.", at, hint)
    return Literal(sign * integer(written[0], at), at), Literal(unit, at)


def date_part(part: Token, operand: Expression, at: int) -> Call:
    """The part that extract(part from x) names."""
    word = part.text.lower()
    if word in ("dow", "dayofweek", "weekday"):
        said = f"'{part.text}' counts differently on every engine."
        raise Refused("not-allowed", said, part.at, functions.REFUSED["dow"])
    if word not in _PARTS:
        raise Refused("bad-expression", f"There is no date part '{part.text}'.", part.at, did_you_mean(word, _PARTS))
    return Call(_PARTS[word], (operand,), at)


def call(name: str, token: Token, arguments: Sequence[Expression]) -> Call:
    """A call of a scalar function, its arguments counted and its units in their one spelling."""
    signature = functions.FUNCTIONS[name]
    check_arguments(signature, token, arguments)
    return Call(
        name,
        tuple(
            replace(argument, value=str(argument.value).lower().removesuffix("s"))
            if isinstance(argument, Literal) and signature.parameter(position) == "unit"
            else argument
            for position, argument in enumerate(arguments)
        ),
        token.at,
    )


def check_arguments(signature: functions.Signature, token: Token, arguments: Sequence[Expression]) -> None:
    """Refuse the wrong number of arguments, and wrong constants among them."""
    if not signature.takes(len(arguments)):
        some = "argument" if signature.arity in ("1", "at least 1") else "arguments"
        said = f"'{token.text}' takes {signature.arity} {some}; there are {len(arguments)}."
        raise Refused("bad-expression", said, token.at, signature.doc)
    for position, argument in enumerate(arguments):
        wanted = signature.parameter(position)
        value = argument.value if isinstance(argument, Literal) else None
        if wanted == "unit" and (not isinstance(value, str) or value.lower().removesuffix("s") not in GRAINS):
            hint = did_you_mean(str(value), GRAINS, f"Units are {', '.join(reversed(GRAINS))}.")
            raise Refused("bad-expression", f"'{token.text}' wants a unit of time, such as 'month'.", argument.at, hint)
        if wanted == "fraction" and not _is_fraction(value):
            raise Refused("bad-expression", f"'{token.text}' wants a number from 0 to 1, such as 0.9.", argument.at)


def check_aggregate(name: str, token: Token, arguments: Sequence[Expression], distinct: bool, star: bool) -> None:
    """Refuse * and distinct where they have no meaning, and the wrong number of arguments."""
    if star and name != "count":
        raise Refused("bad-expression", f"'{token.text}(*)' has no meaning.", token.at, "Only count takes *.")
    if distinct and name != "count":
        said = f"'{token.text}(distinct ...)' is not part of the expression language."
        raise Refused("not-allowed", said, token.at, "Only count takes distinct.")
    if name == "count" and not star and len(arguments) != 1:
        said = f"'{token.text}' takes 1 argument; there are {len(arguments)}."
        raise Refused(
            "bad-expression", said, token.at, "Write count(*) for rows, or concat the values of several columns."
        )
    check_arguments(functions.AGGREGATES[name], token, arguments)


def unknown(token: Token) -> Refused:
    """Why there is no such function."""
    if hint := functions.REFUSED.get(token.word):
        return Refused("not-allowed", f"'{token.text}' is not part of the expression language.", token.at, hint)
    hint = did_you_mean(token.word, (*functions.FUNCTIONS, *functions.AGGREGATES, "cast", "extract"))
    return Refused("unknown-function", f"There is no function '{token.text}'.", token.at, hint)


def _is_fraction(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool) and 0 <= value <= 1
