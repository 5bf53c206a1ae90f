"""Turns a tree back into the one canonical text of its meaning: for fingerprints, messages and review."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal

from workbench.declare.expression import (
    Aggregate,
    Call,
    Case,
    Cast,
    Column,
    Expression,
    Has,
    Literal,
    Name,
    Parameter,
    Value,
)
from workbench.declare.lifted import Lifted
from workbench.declare.tokens import RESERVED

_OR, _AND, _NOT, _COMPARE, _TEXT, _SUM, _PRODUCT, _SIGN, _WHOLE = range(1, 10)
_CHAINS = {"or": _OR, "and": _AND, "||": _TEXT, "+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "%": _PRODUCT}
_COMPARED = {**{s: s for s in ("=", "<>", "<", "<=", ">", ">=", "like", "ilike")}, "is_distinct": "is distinct from"}
_TESTS = {"is_null": "is null", "is_true": "is true", "is_false": "is false"}
_PLAIN = re.compile(r"[^\W\d]\w*")
_WORDS = RESERVED | {"date", "timestamp", "timestamptz", "time", "interval"}


def unparse(tree: Expression) -> str:
    """The canonical text: parsing it gives the same tree.

    >>> from workbench.declare.parser import parse
    >>> unparse(parse("SUM( a )/count( * )"))
    'sum(a) / count(*)'
    """
    return _written(tree)[0]


def _written(tree: Expression) -> tuple[str, int]:
    """The text of a node and how tightly it holds together."""
    match tree:
        case Literal(value=value):
            return _literal(value)
        case Name(path=path):
            return ".".join([quoted(path[0]), *(quoted(part, first=False) for part in path[1:])]), _WHOLE
        case Column(relation=relation, name=name):
            return f"{quoted(relation)}.{quoted(name)}" if relation else quoted(name), _WHOLE
        case Cast(operand=operand, type=type_):
            return f"cast({_at(operand, _OR)} as {type_})", _WHOLE
        case Case(branches=branches, default=default):
            parts = [f"when {_at(condition, _OR)} then {_at(value, _OR)}" for condition, value in branches]
            tail = [] if default is None else [f"else {_at(default, _OR)}"]
            return " ".join(["case", *parts, *tail, "end"]), _WHOLE
        case Aggregate():
            return _aggregate(tree), _WHOLE
        case Parameter(name=name):
            return f":{name}", _WHOLE
        case Has(entity=entity, condition=condition, via=via):
            over = f" via {_at(via, _WHOLE)}" if via else ""
            return f"{_at(entity, _WHOLE)}{over} has ({_at(condition, _OR)})", _COMPARE
    return _called(tree)


def _at(tree: Expression, level: int) -> str:
    """The text, in parentheses where it holds together less than its surroundings."""
    text, own = _written(tree)
    return text if own >= level else f"({text})"


def _called(call: Call) -> tuple[str, int]:
    name, arguments = call.function, call.arguments
    if level := _CHAINS.get(name):
        return f"{_at(arguments[0], level)} {name} {_at(arguments[1], level + 1)}", level
    if symbol := _COMPARED.get(name):
        return f"{_at(arguments[0], _TEXT)} {symbol} {_at(arguments[1], _TEXT)}", _COMPARE
    if test := _TESTS.get(name):
        return f"{_at(arguments[0], _TEXT)} {test}", _COMPARE
    match name:
        case "not":
            return _negated(arguments[0])
        case "negate":
            return f"-{_at(arguments[0], _WHOLE)}" if not _numeric(
                arguments[0]
            ) else f"-({_at(arguments[0], _OR)})", _SIGN
        case "in":
            return f"{_at(arguments[0], _TEXT)} in ({_listed(arguments[1:])})", _COMPARE
        case "between":
            low, high = (_at(argument, _TEXT) for argument in arguments[1:])
            return f"{_at(arguments[0], _TEXT)} between {low} and {high}", _COMPARE
        case "add_interval":
            return _moved(arguments), _SUM
    return f"{name}({_listed(arguments)})", _WHOLE


def _negated(operand: Expression) -> tuple[str, int]:
    """NOT, in its place inside a test: x is not null, x not in (...)."""
    text, _ = _written(operand)
    if isinstance(operand, Call):
        if operand.function in _TESTS or operand.function == "is_distinct":
            left = _at(operand.arguments[0], _TEXT)
            return f"{left} is not {text[len(left) + len(' is ') :]}", _COMPARE
        if operand.function in ("in", "between", "like", "ilike"):
            left = _at(operand.arguments[0], _TEXT)
            return f"{left} not{text[len(left) :]}", _COMPARE
    return f"not {_at(operand, _NOT)}", _NOT


def _moved(arguments: tuple[Expression, ...]) -> str:
    value, count, unit = arguments
    assert isinstance(count, Literal)
    assert isinstance(unit, Literal)
    assert isinstance(count.value, int)
    sign = "-" if count.value < 0 else "+"
    return f"{_at(value, _SUM)} {sign} interval '{abs(count.value)}' {unit.value}"


def _aggregate(tree: Aggregate) -> str:
    inside = ("distinct " if tree.distinct else "") + _listed(tree.arguments)
    if tree.function == "count" and not tree.arguments:
        inside = "*"
    tail = f" filter (where {_at(tree.condition, _OR)})" if tree.condition is not None else ""
    return f"{tree.function}({inside}){tail}"


def _listed(trees: tuple[Expression, ...]) -> str:
    return ", ".join(_at(tree, _OR) for tree in trees)


def _numeric(tree: Expression) -> bool:
    return isinstance(tree, Literal) and isinstance(tree.value, int | float | Decimal)


def _literal(value: Value) -> tuple[str, int]:
    match value:
        case None:
            return "null", _WHOLE
        case Lifted():
            return f"${value.index + 1}", _WHOLE
        case bool():
            return ("true" if value else "false"), _WHOLE
        case datetime():
            kind = "timestamp" if value.tzinfo is None else "timestamptz"
            return f"{kind} '{value.isoformat(' ')}'", _WHOLE
        case date():
            return f"date '{value.isoformat()}'", _WHOLE
        case str():
            return "'" + value.replace("'", "''") + "'", _WHOLE
    return _number(value), _SIGN if value < 0 else _WHOLE


def _number(value: float | Decimal) -> str:
    """A number in the spelling that keeps its kind: decimals have a point, floats an exponent."""
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text if "." in text else text + ".0"
    if isinstance(value, float):
        text = repr(value)
        return text if "e" in text else text + "e0"
    return str(value)


def quoted(name: str, first: bool = True) -> str:
    """A name as the language spells it, in double quotes where it has to be."""
    if _PLAIN.fullmatch(name) and not (first and name.lower() in _WORDS):
        return name
    return '"' + name.replace('"', '""') + '"'
