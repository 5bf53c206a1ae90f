"""Random well-typed trees over the columns of a small table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache

from hypothesis import strategies as st

from workbench.declare.expression import Call, Case, Cast, Column, Expression, Literal
from workbench.errors import DeclarationError
from workbench.plan.lower_width import check_width

COLUMNS = {
    "a": "integer", "b": "integer", "x": "float", "s": "string", "t": "string", "p": "boolean", "q": "boolean",
    "d": "date", "e": "date", "m": "timestamp",
}  # fmt: skip
_UNITS = ["day", "week", "month", "quarter", "year"]
_TEXTS = ["", "a", "B", "ab-c", "%", "a_"]


@cache
def trees(type_: str, depth: int = 3) -> st.SearchStrategy[Expression]:
    """Trees of a type, at most so many levels deep."""
    leaves = _leaves(type_)
    if depth == 0:
        return leaves
    calls = _CALLS[type_](depth - 1)
    return st.one_of(leaves, _anywhere(type_, depth - 1), *calls, *calls)


def is_narrow(tree: Expression) -> bool:
    """Whether it makes no more text of a row than is allowed."""
    try:
        check_width(tree)
    except DeclarationError:
        return False
    return True


@cache
def _leaves(type_: str) -> st.SearchStrategy[Expression]:
    columns = st.sampled_from([Column("", name) for name, kind in COLUMNS.items() if kind == type_])
    values: dict[str, st.SearchStrategy[object]] = {
        "integer": st.integers(-9, 9),
        "float": st.sampled_from([0.5, -2.25, 3.0]) | st.sampled_from([Decimal("0.5"), Decimal("1.25")]),
        "string": st.sampled_from(_TEXTS),
        "boolean": st.booleans(),
        "date": st.sampled_from([date(2024, 2, 29), date(2023, 12, 31)]),
        "timestamp": st.sampled_from([datetime(2024, 2, 29, 23, 59, 30), datetime(2024, 1, 1)]),
    }
    literals = st.builds(Literal, values[type_])  # type: ignore[arg-type]
    return st.one_of(columns, columns, literals, st.just(Literal(None)))


def _call(names: str | Sequence[str], *parts: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    one_of = st.just(names) if isinstance(names, str) else st.sampled_from(names)
    return st.tuples(one_of, *parts).map(lambda drawn: Call(drawn[0], drawn[1:]))


@cache
def _anywhere(type_: str, depth: int) -> st.SearchStrategy[Expression]:
    """What every type has."""
    one, condition = trees(type_, depth), trees("boolean", depth)
    branch = st.tuples(condition, one)
    choices = [
        st.builds(
            lambda branches, default: Case(tuple(branches), default),
            st.lists(branch, min_size=1, max_size=2),
            st.none() | one,
        ),
        _call("coalesce", one, one),
        _call("nullif", one, one),
    ]
    if type_ != "boolean":
        choices += [_call("greatest", one, one, one), _call("least", one, one)]
    return st.one_of(*choices)


def _booleans(depth: int) -> list[st.SearchStrategy[Expression]]:
    truth, number, text, day = (trees(kind, depth) for kind in ("boolean", "integer", "string", "date"))
    pairs = [trees(kind, depth) for kind in ("integer", "float", "string", "date", "timestamp", "boolean")]
    comparisons = ["=", "<>", "<", "<=", ">", ">=", "is_distinct"]
    patterns = st.sampled_from(["%", "a%", "_b%", "", "%C", "a-%"]).map(Literal)
    return [
        _call("and", truth, truth),
        _call("or", truth, truth),
        _call("not", truth),
        _call("is_true", truth),
        _call("is_false", truth),
        st.one_of(*(_call(comparisons, one, one) for one in pairs)),
        st.one_of(*(_call("in", one, one, one) for one in pairs)),
        st.one_of(*(_call("is_null", one) for one in pairs)),
        _call("between", number, number, trees("float", depth)),
        _call("between", day, day, day),
        _call("=", number, trees("float", depth)),
        _call(["like", "ilike"], text, patterns),
        _call(["starts_with", "ends_with", "contains"], text, text),
    ]


def _integers(depth: int) -> list[st.SearchStrategy[Expression]]:
    number, text, day = trees("integer", depth), trees("string", depth), trees("date", depth)
    parts = ["year", "quarter", "month", "week", "day", "day_of_week", "day_of_year"]
    units = st.sampled_from([*_UNITS, "hour"]).map(Literal)
    return [
        _call(["+", "-", "%", "mod"], number, number),
        _call("*", number, _leaves("integer")),
        _call(["negate", "abs", "sign"], number),
        _call(["floor", "ceil", "sign"], trees("float", depth)),
        _call("length", text),
        _call("position", text, text),
        _call(parts, day | trees("timestamp", depth)),
        _call(["hour", "minute", "second"], trees("timestamp", depth)),
        _call("date_diff", units, day, day | trees("timestamp", depth)),
        st.builds(lambda tree: Cast(tree, "integer"), trees("boolean", depth)),
    ]


def _floats(depth: int) -> list[st.SearchStrategy[Expression]]:
    number, whole = trees("float", depth), trees("integer", depth)
    return [
        _call("/", whole, whole),
        _call("/", number, whole),
        _call(["+", "-"], number, number | whole),
        _call("*", number, _leaves("integer")),
        _call("%", number, _leaves("integer")),
        _call(["negate", "abs", "sqrt"], number),
        st.builds(lambda tree: Cast(tree, "float"), whole),
    ]


def _strings(depth: int) -> list[st.SearchStrategy[Expression]]:
    text, small = trees("string", depth), st.integers(1, 4).map(Literal)
    return [
        _call("||", text, text),
        _call(["lower", "upper", "trim", "ltrim", "rtrim", "reverse"], text),
        _call(["left", "right", "repeat"], text, small),
        _call(["lpad", "rpad"], text, small, st.just(Literal("*"))),
        _call("substring", text, small, small),
        _call("replace", text, st.sampled_from(["a", "-"]).map(Literal), text),
        _call("split_part", text, st.just(Literal("-")), small),
        _call("concat", text, trees("integer", depth), trees("boolean", depth)),
    ]


def _dates(depth: int) -> list[st.SearchStrategy[Expression]]:
    day, moment = trees("date", depth), trees("timestamp", depth)
    units = st.sampled_from(_UNITS).map(Literal)
    return [
        _call("date_trunc", units, day | moment),
        _call("add_interval", day, st.integers(-5, 5).map(Literal), units),
    ]


def _timestamps(depth: int) -> list[st.SearchStrategy[Expression]]:
    day, moment = trees("date", depth), trees("timestamp", depth)
    fine = st.sampled_from(["hour", "minute", "second"]).map(Literal)
    steps = st.integers(-5, 5).map(Literal)
    return [
        _call("date_trunc", fine, day | moment),
        _call("add_interval", moment, steps, st.sampled_from(_UNITS).map(Literal)),
        _call("add_interval", day | moment, steps, fine),
    ]


_CALLS = {
    "boolean": _booleans,
    "integer": _integers,
    "float": _floats,
    "string": _strings,
    "date": _dates,
    "timestamp": _timestamps,
}
