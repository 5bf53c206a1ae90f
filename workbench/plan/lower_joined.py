"""A leg's joins to one table: those of rows first, those of groups after a first aggregation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from workbench.declare.expression import Column, Expression, walk
from workbench.graph.joins import CALENDAR
from workbench.plan.lower_first import Names, coarser, first_groups, numbers, regrouped, topped
from workbench.plan.lower_keys import same
from workbench.plan.lower_scalar import lower
from workbench.plan.lower_time import to_microsecond
from workbench.plan.parts import needed
from workbench.plan.steps import Among, Attach, Leg, Source

if TYPE_CHECKING:
    import ibis.expr.types as ir

T = TypeVar("T", Attach, Among)
Read = Callable[[Source], "ir.Table"]
"""A source as a table under its restrictions."""


def met_by_values(leg: Leg, rows: ir.Table, names: Names) -> tuple[Leg, ir.Table, dict[tuple[str, str], str]]:
    """The leg with what its rows meet others by as columns of them: once a row may be missing, nothing is computed."""
    values: dict[Expression, Column] = {}

    def told(ours: Expression) -> Expression:
        if isinstance(ours, Column) or any(part.relation for part in walk(ours) if isinstance(part, Column)):
            return ours
        return values.setdefault(ours, Column("", f"__met{len(values)}"))

    def met(one: T) -> T:
        return replace(one, pairs=tuple((told(ours), theirs) for ours, theirs in one.pairs))

    leg = replace(leg, attached=tuple(map(met, leg.attached)), among=tuple(map(met, leg.among)))
    found = {at.name: lower(tree, lambda of: rows[names[of.relation, of.name]]) for tree, at in values.items()}
    return leg, rows.mutate(**found) if found else rows, {**names, **{("", name): name for name in found}}


def attached(leg: Leg, joined: ir.Table, names: Names, read: Read, *, late: bool) -> ir.Table:
    """The rows, or with ``late`` the groups, with their partners."""
    wanted = [a for a in leg.attached if a.late == late]
    tables = {a.source.relation: _named(a.source, names, read) for a in wanted}
    for attach in reversed(wanted):  # the far ends of chains first
        if attach.nested:
            parent, mine = tables[attach.parent], tables[attach.source.relation]
            tables[attach.parent] = _joined(attach, parent, mine, _on(attach, parent, mine, names))
    for attach in wanted:
        if attach.nested:
            continue
        right = tables[attach.source.relation]
        on = _on(attach, joined, right, names)
        # Values without a metric: a partner that no row leads to has values too, but a calendar's are not asked for.
        whole_partner = not leg.summaries and CALENDAR not in attach.source.relation
        joined = joined.outer_join(right, on) if whole_partner else _joined(attach, joined, right, on)
    return joined


def _joined(attach: Attach, left: ir.Table, right: ir.Table, on: list[Any]) -> ir.Table:
    return left.inner_join(right, on) if attach.met else left.left_join(right, on)


def _named(source: Source, names: Names, read: Read) -> ir.Table:
    table = read(source)
    return table.select(**{names[source.relation, name]: table[name] for name in source.columns})


def _on(attach: Attach, left: ir.Table, right: ir.Table, names: Names) -> list[Any]:
    def left_column(of: Column) -> ir.Value:
        return left[names[of.relation, of.name]]

    def right_column(of: Column) -> ir.Value:
        return right[names[of.relation, of.name]]

    said = f"the two sides of the relationship '{attach.role}'"
    on = [same(lower(ours, left_column), lower(theirs, right_column), said) for ours, theirs in attach.pairs]
    if attach.valid is not None:
        moment, start, end = attach.valid
        at, ends = to_microsecond(lower(moment, left_column)), lower(end, right_column)
        on += [at >= lower(start, right_column), (at < ends) | ends.isnull()]
    return on


def summarized_twice(leg: Leg, rows: ir.Table, names: Names, read: Read) -> ir.Table:
    """The groups of a leg, told from those of its first aggregation and what is joined to them."""
    assert leg.first is not None
    first = first_groups(leg.first, rows, names)
    keys, parts = dict(leg.keys), needed(leg.summaries, leg.first)
    if leg.final:
        first = coarser(first, _before_names(leg), parts)
    few = topped(leg.top, first, leg.summaries) if leg.top is not None else first.table
    joined = replace(first, table=attached(leg, few, first.names, read, late=True))
    groups = regrouped(joined, keys, parts, final=leg.final)
    return numbers(groups, leg.first, [name for name, _ in leg.keys], leg.summaries)


def _before_names(leg: Leg) -> tuple[Expression, ...]:
    """What tells the groups asked for apart before late joins: keys of rows, and what partners are met by."""
    late = {a.source.relation for a in leg.attached if a.late}
    keys = (tree for _, tree in leg.keys if not any(isinstance(c, Column) and c.relation in late for c in walk(tree)))
    ours = (ours for a in leg.attached if a.late and a.parent not in late for ours, _ in a.pairs)
    return tuple(dict.fromkeys((*keys, *ours)))
