"""Turns a tree of the expression language into an ibis expression that means the same on every engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.datatypes as dt
from ibis.common.annotations import ValidationError
from ibis.common.exceptions import IbisError

from workbench.declare.expression import Aggregate, Call, Case, Cast, Column, Expression, Literal, children
from workbench.declare.functions import AGGREGATES, CONSTANTS, OPERATORS, SCALARS
from workbench.declare.lifted import Lifted
from workbench.declare.temporal import as_temporal
from workbench.declare.unparse import unparse
from workbench.errors import DeclarationError, InternalError, Problem
from workbench.graph.allocation import WEIGHTED
from workbench.plan.lower_aggregate import lower_aggregation
from workbench.plan.lower_functions import COPIES, LOWERED, counted
from workbench.plan.lower_lifted import fitted_place
from workbench.plan.lower_time import add_interval, date_diff, date_part, local_time, moment_in_utc, moment_of, truncate
from workbench.plan.lower_width import check_width

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["add_interval", "date_part", "local_time", "lower", "lower_aggregate", "truncate"]

FindColumn = Callable[[Column], Any]

_TYPES = {
    "boolean": "boolean", "integer": "int64", "float": "float64", "string": "string", "date": "date",
    "timestamp": "timestamp", "timestamptz": "timestamp('UTC')", "time": "time",
}  # fmt: skip
_NULLS = {
    "number": "float64", "countable": "float64", "integer": "int64", "string": "string", "boolean": "boolean",
    "temporal": "timestamp", "clock": "timestamp",
}  # fmt: skip
_CALENDAR: Mapping[str, Callable[[Any, str], Any]] = {
    "local_time": local_time, "moment": moment_of, "truncate": truncate, "date_part": date_part, "date_trunc": truncate,
}  # fmt: skip


DEEPEST, LARGEST = 60, 10_000
"""Levels and nodes of a resolved tree; beyond them Python's stack or the engine's parser would give up."""

_TIGHT = frozenset(OPERATORS) - {"and", "or", "not"}
"""Operators whose operands must not fall apart."""


def lower(tree: Expression, column: FindColumn) -> ir.Value:
    """The ibis value of a tree whose names are resolved; ``column`` gives the value of each column."""
    _check_size(tree)
    return _lowered(tree, column)


def lower_condition(tree: Expression, column: FindColumn) -> ir.BooleanValue:
    """The ibis value of a condition on rows; raises `DeclarationError` (not-a-condition) for another kind of value."""
    if tree == Literal(None):
        return ibis.null("boolean")
    value = lower(tree, column)
    if not value.type().is_boolean():
        said = f"'{unparse(tree)}' is no condition: it gives {value.type()}, neither true nor false."
        raise DeclarationError(Problem("not-a-condition", said, hint="Compare it with something, such as x > 0."))
    return value


def _check_size(tree: Expression) -> None:
    """Refuse what would not fit: names stand for expressions of their own, and some recipes repeat their arguments."""
    level, depth, size = [(tree, 1)], 0, 0
    while level:
        depth, size = depth + 1, size + sum(weight for _, weight in level)
        if depth > DEEPEST or size > LARGEST:
            said = "The expression is too large once its names are replaced by what they stand for."
            raise DeclarationError(
                Problem("too-complex", said, hint="Split it, or put a column into the model's table.")
            )
        level = [(child, weight * copies) for node, weight in level for child, copies in _parts(node)]
    check_width(tree)


def _parts(node: Expression) -> Iterable[tuple[Expression, int]]:
    """What a node is made of, and how often each part is written for it."""
    parts = children(node)
    copies = COPIES.get(node.function, (1,)) if isinstance(node, Call) else (2,) if isinstance(node, Cast) else (1,)
    return zip(parts, (*copies, *[copies[-1]] * len(parts)), strict=False)


def _lowered(tree: Expression, column: FindColumn) -> ir.Value:
    match tree:
        case Column():
            return column(tree)
        case Literal(value=value):
            return _constant(value)
        case Call():
            return _call(tree, column)
        case Cast(operand=operand, type=type_):
            return _cast(operand, type_, column)
        case Case(branches=branches, default=default):
            conditions = [_aligned([condition], column, "boolean")[0] for condition, _ in branches]
            values = _aligned([*(value for _, value in branches), default or Literal(None)], column)
            return ibis.cases(*zip(conditions, values[:-1], strict=True), else_=values[-1])
    raise InternalError(Problem("not-lowered", f"'{type(tree).__name__}' has no value in a row: {tree}"))


def lower_aggregate(aggregate: Aggregate, column: FindColumn, table: ir.Table) -> ir.Value:
    """The ibis aggregate over the rows of a table, its condition as the FILTER clause."""
    condition = aggregate.condition
    where = None if condition is None else lower_condition(condition, column)
    _check_size(aggregate)
    # A mean of parts of rows is no word of the language: its value and its weight are numbers, as of an average.
    signature = AGGREGATES["avg" if aggregate.function == WEIGHTED else aggregate.function]
    kinds = [signature.parameter(0 if aggregate.function == WEIGHTED else at) for at in range(len(aggregate.arguments))]
    values = [
        _typed(_aligned([argument], column, kind)[0], kind)
        for argument, kind in zip(aggregate.arguments, kinds, strict=True)
    ]
    return _attempt(aggregate, values, lambda: lower_aggregation(aggregate, values, where, table))


def _call(call: Call, column: FindColumn) -> ir.Value:
    name, arguments, signature = call.function, call.arguments, SCALARS[call.function]
    if not CONSTANTS.isdisjoint(signature.parameters):
        return _dated(call, column)
    classes = [signature.parameter(position) for position in range(len(arguments))]
    if len(set(classes)) == 1 and classes[0] != "any":
        values = _aligned(arguments, column, classes[0], bare=signature.result == "boolean")
    else:
        values = [_aligned([one], column, kind)[0] for one, kind in zip(arguments, classes, strict=True)]
    if signature.result in ("same", "number") and values[0].type().is_null():
        return ibis.null()  # nothing but NULLs, so of no type
    values = [_typed(value, kind) for value, kind in zip(values, classes, strict=True)]
    if name in _TIGHT:
        # ibis writes x between 1 and 2 = y without parentheses; a call of one argument keeps the operand together.
        values = [
            ibis.coalesce(value) if isinstance(argument, Call) and value.type().is_boolean() else value
            for argument, value in zip(arguments, values, strict=True)
        ]
    if any(kind == "number" and not _may_be_number(value.type()) for value, kind in zip(values, classes, strict=True)):
        raise _uncomputable(call, values)
    return _attempt(call, values, lambda: LOWERED[name](*values))


def _may_be_number(kind: Any) -> bool:
    """Whether arithmetic takes it on every engine; what is no number to the language may be one to an engine."""
    return not (kind.is_boolean() or kind.is_string() or kind.is_date() or kind.is_timestamp())


def _dated(call: Call, column: FindColumn) -> ir.Value:
    """What is told by a constant which unit, zone or part is meant."""
    match call.function, call.arguments:
        case "add_interval", (value, Literal(value=int(count)), Literal(value=str(unit))):
            moment = _aligned([value], column, "moment")[0]
            return moment if moment.type().is_null() else add_interval(moment, count, unit)
        case "date_diff", (Literal(value=str(unit)), start, end):
            moments = _aligned([start, end], column, "temporal")
            return _attempt(call, moments, lambda: date_diff(unit, *moments))
        case ("date_trunc", (Literal(value=str(word)), value)) | (_, (value, Literal(value=str(word)))):
            recipe = _CALENDAR[call.function]
            moments = _aligned([value], column, "temporal")
            return _attempt(call, moments, lambda: recipe(moments[0], word))
    raise InternalError(Problem("not-lowered", f"'{unparse(call)}' lacks its constant."))


def _attempt(tree: Call | Aggregate, values: Sequence[Any], build: Callable[[], Any]) -> Any:
    """What ``build`` gives; where ibis refuses, types had not been inferred before, and this is a mistake of type."""
    try:
        return build()
    except (IbisError, ValidationError, AttributeError, TypeError) as error:
        raise _uncomputable(tree, values) from error


def _uncomputable(tree: Call | Aggregate, values: Sequence[Any]) -> DeclarationError:
    kinds = ", ".join(str(value.type()) for value in values)
    said = f"'{unparse(tree)}' cannot be computed: '{tree.function}' was given {kinds}."
    return DeclarationError(Problem("type-mismatch", said))


def _typed(value: Any, kind: str) -> Any:
    """A NULL of no type as one of the type that the parameter is for."""
    return ibis.null(_NULLS.get(kind, "string")) if value.type().is_null() else value


def _aligned(trees: Sequence[Expression], column: FindColumn, kind: str = "same", bare: bool = False) -> list[Any]:
    """Values that stand side by side: each constant takes the type of its neighbours.

    ``kind`` is the class of parameter they stand for; ``bare`` constants need no exact type, as in comparisons.
    """
    firm = {at: _lowered(tree, column) for at, tree in enumerate(trees) if not isinstance(tree, Literal)}
    firm = {at: value for at, value in firm.items() if not value.type().is_null()}
    types = [value.type() for value in firm.values()]
    if len({kind.timezone is None for kind in types if kind.is_timestamp()}) > 1:
        firm = {at: local_time(value, "UTC") for at, value in firm.items()}
        types = [value.type() for value in firm.values()]
    loose = {
        at: _fitted(tree, types, kind, bare)
        for at, tree in enumerate(trees)
        if isinstance(tree, Literal) and tree.value is not None
    }
    known = types or [value.type() for value in loose.values()]
    loosely = kind in ("same", "number", "any", "moment")
    fallback = (known[0] if known else dt.null) if loosely else dt.dtype(_NULLS.get(kind, "null"))
    found = {**firm, **loose}
    values = [found[at] if at in found else ibis.null(fallback) for at in range(len(trees))]
    return _as_one_decimal(values) if kind == "same" else values


def _as_one_decimal(values: list[Any]) -> list[Any]:
    """Decimals of different digits as one type that holds them all: ibis compares no others."""
    kinds = {value.type() for value in values if value.type().is_decimal()}
    if len(kinds) < 2:
        return values
    scale = max(kind.scale or 0 for kind in kinds)
    whole = max((kind.precision or 38) - (kind.scale or 0) for kind in kinds)
    common = dt.Decimal(whole + scale, scale) if whole + scale <= 38 else dt.float64
    return [value.cast(common) if value.type().is_decimal() else value for value in values]


def _fitted(literal: Literal, types: Sequence[Any], kind: str, bare: bool) -> ir.Value:
    """A constant as the type its neighbours have."""
    value = literal.value
    if isinstance(value, Lifted):
        return fitted_place(literal, value, types, bare)
    if isinstance(value, Decimal):
        if any(type_.is_decimal() for type_ in types):
            return ibis.literal(value, _digits(value))
        return ibis.literal(float(value)) if bare and len(str(value)) <= 12 else _double(value)
    moment = next((type_ for type_ in types if type_.is_timestamp()), None)
    if isinstance(value, str) and any(type_.is_time() for type_ in types):
        return ibis.literal(value).cast("time")
    dated = (
        moment is not None or any(type_.is_date() for type_ in types) or (kind in ("temporal", "moment") and not types)
    )
    if isinstance(value, str) and dated:
        wanted = "date" if moment is None else "timestamp" if moment.timezone is None else "timestamptz"
        value = _temporal(value, wanted, literal)
    if moment is not None and isinstance(value, date):
        value = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
        if moment.timezone is not None:
            return ibis.literal(value, "timestamp('UTC')")
    return _constant(value)


def _temporal(text: str, wanted: str, literal: Literal) -> date | datetime:
    found = as_temporal(text, wanted)
    if found is None:
        said = f"'{text}' is not a {wanted}."
        raise DeclarationError(Problem("bad-date", said, hint="Write it as 2024-01-31 or 2024-01-31 18:30:00."))
    return found


def _constant(value: Any) -> ir.Value:
    """A constant that stands alone."""
    if value is None:
        return ibis.null()
    if isinstance(value, Lifted):
        return fitted_place(Literal(value), value, ())
    if isinstance(value, bool | str):
        return ibis.literal(value)
    if isinstance(value, int):
        return ibis.literal(value, "int64")
    if isinstance(value, float | Decimal):
        return _double(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return ibis.literal(value, "timestamp('UTC')")
    return ibis.literal(value)


def _double(value: float | Decimal) -> ir.FloatingValue:
    """A floating constant that engines cannot take for a decimal, as they do a bare 0.1."""
    return ibis.literal(str(value)).cast("float64")


def _digits(value: Decimal) -> Any:
    """The narrowest decimal type that holds a value."""
    _, digits, exponent = value.as_tuple()
    scale = max(-int(exponent), 0)
    return dt.Decimal(max(len(digits), scale + 1), scale)


def _cast(operand: Expression, type_: str, column: FindColumn) -> ir.Value:
    wanted = dt.dtype(_TYPES[type_]) if type_ in _TYPES else dt.dtype(type_.replace(" ", ""))
    if isinstance(operand, Literal) and operand.value is None:
        return ibis.null(wanted)
    if isinstance(operand, Literal) and isinstance(operand.value, Decimal) and wanted.is_decimal():
        return ibis.literal(operand.value, _digits(operand.value)).cast(wanted)
    value = _lowered(operand, column)
    kind = value.type()
    if kind.is_boolean() and wanted.is_numeric():
        return counted(value).cast(wanted)
    if wanted.is_timestamp() and wanted.timezone is not None:
        return moment_in_utc(value) if kind.is_date() or kind.is_timestamp() else value.cast(wanted)
    value = local_time(value, "UTC")
    return value.date() if wanted.is_date() and kind.is_timestamp() else value.cast(wanted)
