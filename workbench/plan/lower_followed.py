"""A leg whose rows are events that others follow: each later event counts with the last one before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis

from workbench.declare.expression import Column
from workbench.plan.lower_first import Names
from workbench.plan.lower_scalar import add_interval, lower, lower_aggregate, truncate
from workbench.plan.parts import whole
from workbench.plan.steps import Leg

if TYPE_CHECKING:
    import ibis.expr.types as ir


def followed(leg: Leg, rows: ir.Table, names: Names, later: ir.Table) -> ir.Table:
    """The groups of a leg, counting the events of ``later`` that follow its rows.

    Of several earlier events the last one counts, so that nothing is counted twice (last-touch attribution).
    """
    follow = leg.follow
    assert follow is not None

    def column(of: Column) -> ir.Value:
        return rows[names[of.relation, of.name]]

    keys = {name: lower(tree, column) for name, tree in leg.keys}
    same = {f"__s{i}": lower(tree, column) for i, tree in enumerate(follow.same)}
    # The row's number tells apart events that agree in everything, and settles which of two at one moment counts.
    first = rows.select(__from=lower(follow.at, column), **same, **keys).mutate(__row=ibis.row_number())
    then = later.mutate(__id=ibis.row_number())
    on = [first[f"__s{i}"] == then[f"__e{i}"] for i in range(len(follow.same))]
    # What is known by the month may lie anywhere in it: an event of the same month does follow.
    ends = [truncate(at, follow.grain) if follow.grain else at for at in (first["__from"], then["__at"])]
    on.append(ends[0] <= ends[1])
    if follow.within is not None:
        on.append(ends[0] > add_interval(ends[1], -follow.within.count, follow.within.grain))
    met = first.inner_join(then, on)
    order = [ibis.desc("__from"), ibis.asc("__row")]
    met = met.mutate(__n=ibis.row_number().over(group_by="__id", order_by=order))
    met = met.filter(met["__n"] == 0)
    numbers = {one.name: lower_aggregate(whole(one), lambda of: met[of.name], met) for one in leg.summaries}
    return met.group_by(list(keys)).aggregate(**numbers) if keys else met.aggregate(**numbers)
