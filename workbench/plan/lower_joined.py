"""A leg's joins to one table: those of rows first, those of groups after a first aggregation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from workbench.declare.expression import Aggregate, Call, Cast, Column, Expression, Literal, walk
from workbench.graph.joins import CALENDAR
from workbench.plan.lower_keys import same
from workbench.plan.lower_moved import Names, whole
from workbench.plan.lower_scalar import lower, lower_aggregate
from workbench.plan.steps import Attach, Leg, Source, Summary

if TYPE_CHECKING:
    import ibis.expr.types as ir

Read = Callable[[Source], "ir.Table"]
"""A source as a table under its restrictions."""

_FOLDS = {"count": "sum", "count_if": "sum", "sum": "sum", "min": "min", "max": "max"}
"""How an aggregate of parts becomes that of the whole."""


def attached(leg: Leg, joined: ir.Table, names: Names, read: Read, *, late: bool) -> ir.Table:
    """The rows, or with ``late`` the groups, with their partners."""
    wanted = [a for a in leg.attached if a.late == late]
    tables = {a.source.relation: _named(a.source, names, read) for a in wanted}
    for attach in reversed(wanted):  # the far ends of chains first
        if attach.nested:
            parent, mine = tables[attach.parent], tables[attach.source.relation]
            tables[attach.parent] = parent.left_join(mine, _on(attach, parent, mine, names))
    for attach in wanted:
        if attach.nested:
            continue
        right = tables[attach.source.relation]
        on = _on(attach, joined, right, names)
        # Values without a metric: a partner that no row leads to has values too, but a calendar's are not asked for.
        whole_partner = not leg.summaries and CALENDAR not in attach.source.relation
        joined = joined.outer_join(right, on) if whole_partner else joined.left_join(right, on)
    return joined


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
        at, ends = lower(moment, left_column), lower(end, right_column)
        on += [at >= lower(start, right_column), (at < ends) | ends.isnull()]
    return on


def summarized_twice(leg: Leg, rows: ir.Table, names: Names, read: Read) -> ir.Table:
    """The groups of a leg: aggregated by what late joins and coarse keys need, joined, aggregated by the keys."""
    late = {a.source.relation for a in leg.attached if a.late}
    after = {name for name, tree in leg.keys if name in leg.coarse or late & _relations(tree)}
    held = {f"__k{i}": tree for i, (name, tree) in enumerate(leg.keys) if name not in after}
    needed = [ours for a in leg.attached if a.late for ours, _ in a.pairs]
    needed += [tree for name, tree in leg.keys if name in after]
    used = (part for tree in needed for part in walk(tree) if isinstance(part, Column))
    columns = dict.fromkeys(part for part in used if part.relation not in late)
    carried = {(c.relation, c.name): f"__g{i}" for i, c in enumerate(columns)}

    def column(of: Column) -> ir.Value:
        return rows[names[of.relation, of.name]]

    by = {name: lower(tree, column) for name, tree in held.items()}
    by |= {carried[c.relation, c.name]: column(c) for c in columns}
    parts = {part: tree for one in leg.summaries for part, tree in _parts(one).items()}
    first = {part: lower_aggregate(tree, column, rows) for part, tree in parts.items()}
    groups = rows.group_by(**by).aggregate(**first)
    found = {**names, **carried}
    joined = attached(leg, groups, found, read, late=True)

    def joined_column(of: Column) -> ir.Value:
        return joined[found[of.relation, of.name]]

    keys = {
        name: joined[f"__k{i}"] if f"__k{i}" in held else lower(tree, joined_column)
        for i, (name, tree) in enumerate(leg.keys)
    }
    second = {n: lower_aggregate(_fold(n, tree), lambda of: joined[of.name], joined) for n, tree in parts.items()}
    out = joined.group_by(**keys).aggregate(**second)
    numbers = {one.name: lower(_finished(one), lambda of: out[of.name]) for one in leg.summaries}
    return out.select(*keys, **numbers)


def _relations(tree: Expression) -> set[str]:
    return {part.relation for part in walk(tree) if isinstance(part, Column)}


def _parts(one: Summary) -> dict[str, Aggregate]:
    """What must be aggregated first, by name: a mean is a sum and a count."""
    aggregate = whole(one)
    if aggregate.function != "avg":
        return {one.name: aggregate}
    real = Cast(aggregate.arguments[0], "float")
    return {
        f"{one.name}_sum": Aggregate("sum", (real,), condition=aggregate.condition),
        f"{one.name}_count": Aggregate("count", aggregate.arguments, condition=aggregate.condition),
    }


def _fold(name: str, part: Aggregate) -> Aggregate:
    return Aggregate(_FOLDS[part.function], (Column("", name),))


def _finished(one: Summary) -> Expression:
    assert isinstance(one.aggregate, Aggregate)
    if one.aggregate.function != "avg":
        return Column("", one.name)
    total, count = Column("", f"{one.name}_sum"), Column("", f"{one.name}_count")
    return Call("/", (total, Call("nullif", (count, Literal(0)))))
