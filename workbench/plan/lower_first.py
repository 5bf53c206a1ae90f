"""A first aggregation of rows to its groups, and those to other groups, told from their parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis

from workbench.declare.expression import Aggregate, Cast, Column, Expression
from workbench.plan.lower_scalar import lower, lower_aggregate
from workbench.plan.parts import GROUP, PART, finished, fold
from workbench.plan.steps import First, Summary, Top

if TYPE_CHECKING:
    import ibis.expr.types as ir

Names = Mapping[tuple[str, str], str]
"""(relation, column) to the name it has in the joined table."""

EXACT = 18
"""Digits of a decimal of which as many can be added up as there are rows anywhere, and no sum has too many."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of rows with their parts; ``names`` finds columns in them, and what is joined to them later."""

    table: ir.Table
    first: First
    names: Names

    def value(self, tree: Expression) -> ir.Value:
        """What a tree over rows is for a group."""
        if tree in self.first.by:
            return self.table[f"{GROUP}{self.first.by.index(tree)}"]
        return lower(tree, lambda of: self.table[self.names[of.relation, of.name]])


def first_groups(first: First, rows: ir.Table, names: Names) -> Groups:
    """The groups of a first aggregation."""

    def column(of: Column) -> ir.Value:
        return rows[names[of.relation, of.name]]

    by = {f"{GROUP}{i}": lower(tree, column) for i, tree in enumerate(first.by)}
    parts = {f"{PART}{i}": _part(tree, column, rows) for i, tree in enumerate(first.parts)}
    table = rows.group_by(**by).aggregate(**parts) if by else rows.aggregate(**parts)
    return _held(table, first, names)


def _held(table: ir.Table, first: First, names: Names) -> Groups:
    held = {(c.relation, c.name): f"{GROUP}{i}" for i, c in enumerate(first.by) if isinstance(c, Column)}
    return Groups(table, first, {**names, **held})


def _part(part: Aggregate, column: Any, rows: ir.Table) -> ir.Value:
    """A part of rows; a sum of decimals as floats is that of the decimals, which may be there already."""
    match part:
        case Aggregate("sum", (Cast(operand, "float"),)):
            kind = lower(operand, column).type()
            if kind.is_decimal() and kind.precision is not None and kind.precision <= EXACT:
                exact = Aggregate("sum", (operand,), condition=part.condition)
                return lower_aggregate(exact, column, rows).cast("float64")
    return lower_aggregate(part, column, rows)


def coarser(groups: Groups, by: tuple[Expression, ...], needed: Iterable[int]) -> Groups:
    """Fewer groups, by values that these are told by."""
    if set(by) == set(groups.first.by):
        return groups
    values = {f"{GROUP}{i}": groups.value(tree) for i, tree in enumerate(by)}
    return _held(folded(groups.table, groups.first, values, needed), First(by, groups.first.parts), groups.names)


def topped(top: Top, groups: Groups, summaries: Iterable[Summary]) -> ir.Table:
    """The groups that can be among the first ones: as far from the first as the last of these, or without a value."""
    found = {one.name: finished(one, groups.first) for one in summaries}

    def value(tree: Expression, table: ir.Table) -> ir.Value:
        return lower(tree, lambda of: lower(found[of.name], lambda part: table[part.name]))

    table = groups.table
    if top.having is not None:
        table = table.filter(value(top.having, table))
    ranked = table.select(__of=value(top.by, table))
    if not (ranked["__of"].type().is_numeric() or ranked["__of"].type().is_temporal()):
        return table
    order = ibis.desc("__of", nulls_first=False) if top.descending else ibis.asc("__of", nulls_first=False)
    first = ranked.order_by(order).limit(top.n)
    edge = first.aggregate(__edge=first["__of"].min() if top.descending else first["__of"].max())
    met = table.cross_join(edge)
    of, last = value(top.by, met), met["__edge"]
    return met.filter(of.isnull() | (of >= last if top.descending else of <= last)).drop("__edge")


def regrouped(groups: Groups, by: Mapping[str, Expression], needed: Iterable[int], *, final: bool = False) -> ir.Table:
    """The needed parts of groups by other values, under the names of the parts; ``final`` groups stay what they are."""
    values = {name: groups.value(tree) for name, tree in by.items()}
    if final or set(by.values()) == set(groups.first.by):
        return groups.table.select(**values, **{f"{PART}{i}": groups.table[f"{PART}{i}"] for i in needed})
    return folded(groups.table, groups.first, values, needed)


def folded(table: ir.Table, first: First, by: Mapping[str, Any], needed: Iterable[int]) -> ir.Table:
    """The needed parts of all rows of a table that agree in some values."""
    parts = {f"{PART}{i}": lower_aggregate(fold(i, first), lambda of: table[of.name], table) for i in needed}
    return table.group_by(**by).aggregate(**parts) if by else table.aggregate(**parts)


def numbers(table: ir.Table, first: First, keys: Sequence[str], summaries: Iterable[Summary]) -> ir.Table:
    """The groups with what was asked for, from their parts; a count of nothing is 0."""
    shown = {}
    for one in summaries:
        value = lower(finished(one, first), lambda of: table[of.name])
        # A group has rows; the whole without keys may have none.
        shown[one.name] = value if keys or one.empty is None else value.fill_null(one.empty)
    return table.select(*keys, **shown)
