"""The meaning of expressions, row by row in plain Python: the oracle that lowered SQL is held against."""

from __future__ import annotations

import calendar
import math
import operator
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from workbench.declare.expression import Call, Case, Cast, Column, Expression, Literal

Row = Mapping[str, Any]

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def value_of(tree: Expression, row: Row) -> Any:
    """The value of a resolved tree on one row, None for NULL."""
    match tree:
        case Literal(value=value):
            return float(value) if isinstance(value, Decimal) else value
        case Column(name=name):
            return row[name]
        case Case(branches=branches, default=default):
            for condition, value in branches:
                if value_of(condition, row) is True:
                    return value_of(value, row)
            return None if default is None else value_of(default, row)
        case Cast(operand=operand, type=type_):
            return _cast(value_of(operand, row), type_)
        case Call(function=name, arguments=arguments):
            return _applied(name, [value_of(argument, row) for argument in arguments])
    raise AssertionError(tree)


def _cast(value: Any, type_: str) -> Any:
    if value is None:
        return None
    if type_ == "string":
        return str(value).lower() if isinstance(value, bool) else str(value)
    return {"integer": int, "float": float, "boolean": bool}[type_](value)


def _applied(name: str, values: list[Any]) -> Any:
    """The functions that treat NULL in their own way, then the rest, for which one NULL makes the whole NULL."""
    match name:
        case "and":
            return False if False in _bools(values) else None if None in values else True
        case "or":
            return True if True in _bools(values) else None if None in values else False
        case "is_null":
            return values[0] is None
        case "is_true" | "is_false":
            return values[0] is (name == "is_true")
        case "is_distinct":
            return values[0] != values[1] if None not in values else values[0] is not values[1]
        case "in":
            return _applied("or", [_applied("=", [values[0], other]) for other in values[1:]])
        case "between":
            first = _applied(">=", [values[0], values[1]])
            return _applied("and", [first, _applied("<=", [values[0], values[2]])])
        case "coalesce":
            return next((value for value in values if value is not None), None)
        case "nullif":
            return None if _applied("=", values) is True else values[0]
        case "greatest" | "least":
            known = [value for value in values if value is not None]
            return (max if name == "greatest" else min)(known, default=None)
        case "concat":
            return "".join(_cast(value, "string") for value in values if value is not None)
    return None if None in values else _strict(name, values)


def _bools(values: list[Any]) -> list[Any]:
    return [value for value in values if value is not None]


def _strict(name: str, values: list[Any]) -> Any:
    if compare := _COMPARISONS.get(name):
        return compare(*values)
    if name in ("/", "%", "mod") and values[1] == 0:
        return None
    return _FUNCTIONS[name](*values)


def _like(text: str, pattern: str) -> bool:
    parts = [{"%": ".*", "_": "."}.get(mark, re.escape(mark)) for mark in pattern]
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _remainder(left: Any, right: Any) -> Any:
    found = math.fmod(left, right)
    return int(found) if isinstance(left, int) and isinstance(right, int) else found


def _moved(value: date, count: int, unit: str) -> date:
    if unit in ("month", "quarter", "year"):
        months = value.year * 12 + value.month - 1 + count * {"month": 1, "quarter": 3, "year": 12}[unit]
        year, month = divmod(months, 12)
        return value.replace(year=year, month=month + 1, day=min(value.day, calendar.monthrange(year, month + 1)[1]))
    step = timedelta(**{f"{unit}s": count})
    if not isinstance(value, datetime) and unit not in ("day", "week"):
        value = datetime(value.year, value.month, value.day)
    return value + step


def _truncated(unit: str, value: date) -> date:
    start = date(value.year, value.month, value.day)
    match unit:
        case "year":
            return start.replace(month=1, day=1)
        case "quarter":
            return start.replace(month=(value.month - 1) // 3 * 3 + 1, day=1)
        case "month":
            return start.replace(day=1)
        case "week":
            return start - timedelta(days=start.weekday())
        case "day":
            return start
    clock = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    kept = {"hour": {"minute": 0, "second": 0, "microsecond": 0}, "minute": {"second": 0, "microsecond": 0}}
    return clock.replace(**kept.get(unit, {"microsecond": 0}))  # type: ignore[arg-type]


def _difference(unit: str, start: date, end: date) -> int:
    if unit in ("year", "quarter", "month"):
        size = {"year": 12, "quarter": 3, "month": 1}[unit]
        return (end.year * 12 + end.month - 1) // size - (start.year * 12 + start.month - 1) // size
    step = {"week": timedelta(weeks=1), "day": timedelta(days=1), "hour": timedelta(hours=1)}[unit]
    return (_truncated(unit, end) - _truncated(unit, start)) // step


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "not": operator.not_,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda left, right: float(left) / float(right),
    "%": _remainder,
    "mod": _remainder,
    "negate": operator.neg,
    "like": _like,
    "ilike": lambda text, pattern: _like(text.lower(), pattern.lower()),
    "||": operator.add,
    "lower": str.lower,
    "upper": str.upper,
    "trim": lambda text: text.strip(" "),
    "ltrim": lambda text: text.lstrip(" "),
    "rtrim": lambda text: text.rstrip(" "),
    "length": len,
    "substring": lambda text, start, length: text[start - 1 : start - 1 + length],
    "replace": lambda text, old, new: text.replace(old, new) if old else text,
    "left": lambda text, length: text[:length],
    "right": lambda text, length: text[-length:] if length else "",
    "lpad": lambda text, length, fill: (fill * length)[: max(length - len(text), 0)] + text[:length],
    "rpad": lambda text, length, fill: text[:length] + (fill * length)[: max(length - len(text), 0)],
    "position": lambda text, part: text.find(part) + 1,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
    "contains": lambda text, part: part in text,
    "split_part": lambda text, mark, number: (text.split(mark) + [""] * number)[number - 1],
    "reverse": lambda text: text[::-1],
    "repeat": operator.mul,
    "abs": abs,
    "floor": math.floor,
    "ceil": math.ceil,
    "sqrt": lambda value: math.sqrt(value) if value >= 0 else None,
    "sign": lambda value: (value > 0) - (value < 0),
    "ln": lambda value: math.log(value) if value > 0 else None,
    "add_interval": _moved,
    "date_trunc": _truncated,
    "date_diff": _difference,
    "year": lambda value: value.year,
    "quarter": lambda value: (value.month - 1) // 3 + 1,
    "month": lambda value: value.month,
    "week": lambda value: value.isocalendar().week,
    "day": lambda value: value.day,
    "day_of_week": lambda value: value.isoweekday(),
    "day_of_year": lambda value: value.timetuple().tm_yday,
    "hour": lambda value: value.hour,
    "minute": lambda value: value.minute,
    "second": lambda value: value.second,
}
