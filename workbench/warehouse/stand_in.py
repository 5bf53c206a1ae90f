"""A table and what is left of it to the subquery that takes its place in a statement."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import lru_cache

from workbench.access.masks import masked
from workbench.access.restriction import FENCE, Restriction, RowFilter, rule_without_column, same_column
from workbench.declare.expression import Call, Case, Cast, Column, Expression, Literal
from workbench.declare.people import Scalar
from workbench.errors import InternalError, Problem
from workbench.warehouse.parsing import Tree, parse


def stand_in(table: str, restriction: Restriction, columns: Mapping[str, str], catalog: str, salt: str) -> Tree:
    """The relation node to splice in; ``columns`` maps every column to its type, and is not empty."""
    return deepcopy(_parsed(select_left(table, restriction, columns, catalog, salt)))


def select_left(table: str, restriction: Restriction, columns: Mapping[str, str], catalog: str, salt: str) -> str:
    """The SELECT of the columns, rows and masked values that are left of a table.

    A rule must find its column here: a name that this table lacks would be looked for around it, where askers have say.
    """
    known = {same_column(name) for name in columns}
    for rule in restriction.rows:
        if rule.column not in known:
            raise rule_without_column(rule, table)
    shown = [_column(name, kind, restriction, salt) for name, kind in columns.items() if restriction.shows(name)]
    schema, _, name = table.partition(".")
    source = ".".join(quoted(part) for part in (catalog, schema, name) if part)
    rows = " AND ".join(map(condition, restriction.rows))
    return f"SELECT {', '.join(shown)} FROM {source}" + (f" WHERE {rows} LIMIT {FENCE}" if rows else "")


def condition(rule: RowFilter) -> str:
    """A row rule as SQL over literals; a comparison without values keeps no row.

    Literals are written as strings: the engine then casts the literal to the column's type, never the column to the
    literal's, which could fail on a row that is not to be seen and quote it.
    """
    column = quoted(rule.column)
    if rule.op == "is_null":
        return f"{column} IS NULL"
    if rule.op == "is_not_null":
        return f"{column} IS NOT NULL"
    if not rule.values:
        return "FALSE"
    values = [literal(value) for value in rule.values]
    if rule.op == "range":
        return f"{column} BETWEEN {values[0]} AND {values[1]}"
    return f"{column} IN ({', '.join(values)})"


def quoted(name: str) -> str:
    """An identifier in quotes."""
    return '"' + name.replace('"', '""') + '"'


@lru_cache(maxsize=256)
def _parsed(select: str) -> Tree:
    relation: Tree = parse(f"SELECT * FROM ({select}) AS t")["node"]["from_table"]
    return relation


def _column(name: str, kind: str, restriction: Restriction, salt: str) -> str:
    mask = restriction.mask_of(name)
    shown = quoted(name) if mask is None else _sql(masked(mask.kind, Column("", name), type_of(kind), salt))
    if mask is not None or restriction.rows:  # the name of such a type lists every value, those of hidden rows too
        plain = _ENUM.sub("VARCHAR", kind)
        shown = shown if plain == kind else f"CAST({shown} AS {plain})"
    return shown if shown == quoted(name) else f"{shown} AS {quoted(name)}"


_ENUM = re.compile(r"\bENUM\('(?:[^']|'')*'(?:, '(?:[^']|'')*')*\)")


_TYPES = {
    "integer": ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"),
    "float": ("DOUBLE", "FLOAT", "REAL", "DOUBLE PRECISION"),
    "string": ("VARCHAR", "STRING", "TEXT", "CHARACTER VARYING", "CHARACTER", "CITEXT", "NAME"),
    "boolean": ("BOOLEAN",),
    "date": ("DATE",),
    "timestamptz": ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"),
}


def type_of(engine_type: str) -> str:
    """The language's name for a type of the engine; '' for one the language doesn't have."""
    name = re.sub(r" ?\(.*?\)", "", engine_type.upper())
    if name in ("DECIMAL", "NUMERIC"):
        return "decimal"
    exact = next((ours for ours, theirs in _TYPES.items() if name in theirs or engine_type == ours), "")
    return exact or ("timestamp" if name.startswith("TIMESTAMP") else "")


_SCALARS: Mapping[str, Callable[..., str]] = {
    "sha256": "sha256({})".format,
    "substring": "substring({}, {}, {})".format,
    "||": "({} || {})".format,
    "*": "({} * {})".format,
    "/": "({} / {})".format,
    ">=": "({} >= {})".format,
    "not": "(NOT {})".format,
    "is_null": "({} IS NULL)".format,
    "length": "length({})".format,
    "left": "left({}, {})".format,
    "right": "right({}, {})".format,
    "floor": "CAST(floor({}) AS BIGINT)".format,
    "date_trunc": "CAST(date_trunc({}, {}) AS DATE)".format,
}


def _sql(tree: Expression) -> str:
    """The few kinds of expression that masks are made of, as SQL."""
    match tree:
        case Column(name=name):
            return quoted(name)
        case Literal(value=bool() as value):
            return str(value).upper()
        case Literal(value=int() as value):
            return str(value)
        case Literal(value=str() as value):
            return literal(value)
        case Cast(operand=operand, type="string"):
            return f"CAST({_sql(operand)} AS VARCHAR)"
        case Call(function=function, arguments=arguments) if function in _SCALARS:
            return _SCALARS[function](*map(_sql, arguments))
        case Case(branches=branches, default=default):
            whens = " ".join(f"WHEN {_sql(when)} THEN {_sql(then)}" for when, then in branches)
            return f"CASE {whens}" + (f" ELSE {_sql(default)}" if default else "") + " END"
    raise InternalError(Problem("mask-expression", f"a mask uses {tree!r}, which has no SQL form here."))


def literal(value: Scalar) -> str:
    """A value as a string in quotes."""
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    return "'" + text.replace("'", "''") + "'"
