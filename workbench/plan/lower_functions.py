"""Turns each scalar function of the catalogue into ibis: a table of small recipes over lowered arguments."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import partial, reduce
from types import MappingProxyType
from typing import Any

import ibis
from ibis.expr.operations import Cast, Literal

from workbench.plan.lower_time import date_part

# Functions that every engine has under one name and one meaning; ibis would emulate them at length, or differently.


@ibis.udf.scalar.builtin(name="substring", signature=(("string", "int64"), "string"))
def _rest(text, start): ...  # type: ignore[no-untyped-def]


@ibis.udf.scalar.builtin(name="substring", signature=(("string", "int64", "int64"), "string"))
def _middle(text, start, length): ...  # type: ignore[no-untyped-def]


@ibis.udf.scalar.builtin(name="left", signature=(("string", "int64"), "string"))
def _left(text, length): ...  # type: ignore[no-untyped-def]


@ibis.udf.scalar.builtin(name="right", signature=(("string", "int64"), "string"))
def _right(text, length): ...  # type: ignore[no-untyped-def]


@ibis.udf.scalar.builtin(name="lpad", signature=(("string", "int64", "string"), "string"))
def _lpad(text, length, fill): ...  # type: ignore[no-untyped-def]


@ibis.udf.scalar.builtin(name="rpad", signature=(("string", "int64", "string"), "string"))
def _rpad(text, length, fill): ...  # type: ignore[no-untyped-def]


@ibis.udf.scalar.builtin(name="split_part", signature=(("string", "string", "int64"), "string"))
def _split_part(text, separator, number): ...  # type: ignore[no-untyped-def]


def counted(value: Any) -> Any:
    """A boolean as 1, 0 or NULL: not every engine casts one to a number."""
    return ibis.cases((value, 1), (~value, 0), else_=ibis.null("int64"))


def wide(value: Any) -> Any:
    """A whole number in 64 bits."""
    return value if value.type() == ibis.dtype("int64") else value.cast("int64")


def real(value: Any) -> Any:
    """A number in floating point."""
    return value if value.type() == ibis.dtype("float64") else value.cast("float64")


def _arithmetic(apply: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Whole numbers are widened first: an engine would overflow 32 bits where ibis expects 64."""

    def calculate(left: Any, right: Any) -> Any:
        if left.type().is_integer() and right.type().is_integer():
            left, right = wide(left), wide(right)
        return apply(left, right)

    return calculate


def _comparison(apply: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Equality with a constant NULL is NULL; ibis would make IS NULL of it."""

    def compare(left: Any, right: Any) -> Any:
        if any(isinstance(value.op(), Literal) and value.op().value is None for value in (left, right)):
            return ibis.null("boolean")
        return apply(left, right)

    return compare


def _divisor(value: Any) -> Any:
    """The value, or NULL where it is zero: a constant needs no test."""
    return value if _constant(value) not in (None, 0) else value.nullif(ibis.literal(0))


def _constant(value: Any) -> Any:
    """The number that a constant is, None for anything else."""
    found = value.op()
    found = found.arg if isinstance(found, Cast) else found  # a floating constant is written as a cast
    if not isinstance(found, Literal) or not value.type().is_numeric() or found.value is None:
        return None
    return float(found.value) if value.type().is_floating() else found.value


def _divide(left: Any, right: Any) -> Any:
    return real(left) / _divisor(right if _constant(right) else real(right))


def _remainder(left: Any, right: Any) -> Any:
    return _arithmetic(operator.mod)(left, _divisor(right))


def _only(value: Any, condition: Any) -> Any:
    """The value where the condition holds, else NULL: engines disagree on what lies outside a function's domain."""
    return ibis.ifelse(condition, value, ibis.null(value.type()))


def _above_zero(value: Any) -> Any:
    """The value, or NULL where it is not above zero; named once, so that nested calls do not multiply."""
    return ibis.greatest(real(value), ibis.literal(0)).nullif(ibis.literal(0))


def _log(base: Any, value: Any) -> Any:
    base = real(base)
    return _above_zero(value).ln() / _divisor(_above_zero(base).ln())


def _power(base: Any, exponent: Any) -> Any:
    base, constant = real(base), _constant(exponent)
    exponent = real(exponent)
    if not (isinstance(constant, int) and constant >= 0):
        whole = exponent == exponent.floor().cast("float64")
        base = _only(base, (base > 0) | ((base < 0) & whole) | ((base == 0) & (exponent >= 0)))
    return base.pow(exponent)


def _round(value: Any, places: Any = None) -> Any:
    kind, digits = value.type(), 0 if places is None else _constant(places)
    if kind.is_integer():
        return wide(value) if isinstance(digits, int) and digits >= 0 else real(value).round(places).cast("int64")
    if kind.is_decimal() and (not isinstance(digits, int) or digits < 0):
        value = real(value)
    if value.type().is_decimal() and isinstance(digits, int):
        return value.round(digits) if digits < (kind.scale or 0) else value
    # Not a plain 0: by that ibis would make a whole number of a float, which overflows.
    return value.round(ibis.literal(0).cast("int32") if digits == 0 else places)


def _whole(value: Any, towards: str) -> Any:
    return wide(value) if value.type().is_integer() else getattr(value, towards)().cast("int64")


def _concat(*values: Any) -> Any:
    texts = [value if value.type().is_string() else value.cast("string") for value in values]
    return reduce(operator.add, [text.fill_null("") for text in texts])


def _substring(text: Any, start: Any, length: Any = None) -> Any:
    return _rest(text, start) if length is None else _middle(text, start, length)


COPIES: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "power": (4, 4), "sqrt": (2,), "ln": (4,), "log10": (4,), "log": (4, 4), "date_diff": (1, 2, 2),
        "ends_with": (2, 2), "nullif": (2, 1), "/": (1, 2), "%": (1, 2), "mod": (1, 2),
        "between": (2, 1, 1), "in": (3, 1),
    }
)  # fmt: skip
"""How often a recipe, or an engine under it, repeats each argument: nested, they multiply. The last one repeats."""

LOWERED: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "or": operator.or_,
        "and": operator.and_,
        "not": operator.invert,
        "=": _comparison(operator.eq),
        "<>": _comparison(operator.ne),
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
        "is_distinct": lambda left, right: ~left.identical_to(right),
        "is_null": lambda value: value.isnull(),
        "is_true": lambda value: value.identical_to(True),
        "is_false": lambda value: value.identical_to(False),
        "in": lambda value, *values: value.isin(values),
        "between": lambda value, low, high: value.between(low, high),
        "like": lambda text, pattern: text.like(pattern),
        "ilike": lambda text, pattern: text.ilike(pattern),
        "||": operator.add,
        "sha256": lambda text: text.hexdigest("sha256"),
        "+": _arithmetic(operator.add),
        "-": _arithmetic(operator.sub),
        "*": _arithmetic(operator.mul),
        "/": _divide,
        "%": _remainder,
        "mod": _remainder,
        "negate": operator.neg,
        "coalesce": ibis.coalesce,
        "nullif": lambda value, other: value.nullif(other),
        "greatest": ibis.greatest,
        "least": ibis.least,
        "lower": lambda text: text.lower(),
        "upper": lambda text: text.upper(),
        "trim": lambda text: text.strip(),
        "ltrim": lambda text: text.lstrip(),
        "rtrim": lambda text: text.rstrip(),
        "length": lambda text: text.length().cast("int64"),
        "substring": _substring,
        "replace": lambda text, old, new: text.replace(old, new),
        "concat": _concat,
        "left": _left,
        "right": _right,
        "lpad": _lpad,
        "rpad": _rpad,
        "position": lambda text, part: text.find(part).cast("int64") + 1,
        "starts_with": lambda text, part: text.startswith(part),
        "ends_with": lambda text, part: text.endswith(part),
        "contains": lambda text, part: text.contains(part),
        "split_part": _split_part,
        "reverse": lambda text: text.reverse(),
        "repeat": lambda text, times: text.repeat(times),
        "abs": lambda value: value.abs(),
        "round": _round,
        "floor": partial(_whole, towards="floor"),
        "ceil": partial(_whole, towards="ceil"),
        "sqrt": lambda value: _only(real(value), real(value) >= 0).sqrt(),
        "exp": lambda value: real(value).exp(),
        "ln": lambda value: _above_zero(value).ln(),
        "log10": lambda value: _above_zero(value).log10(),
        "log": _log,
        "power": _power,
        "sign": lambda value: real(value).sign().cast("int64"),
        **{
            part: partial(date_part, part=part)
            for part in ("year", "quarter", "month", "week", "day", "day_of_week", "day_of_year", "hour", "minute")
        },
        "second": partial(date_part, part="second"),
        "make_date": lambda year, month, day: ibis.date(year, month, day),
    }
)
"""Every scalar but those whose first argument is a unit of time or whose last is an interval."""
