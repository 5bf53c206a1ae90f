"""The pairs of a bridge to parts that add up to the row they are of, or to rows that count once in each group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ibis

from workbench.declare.expression import Column, Expression, walk
from workbench.graph.allocation import WEIGHT
from workbench.graph.timing import TIME
from workbench.plan.lower_scalar import lower
from workbench.plan.ranked import RANKING

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from workbench.plan.steps import Leg, Parts

Names = Mapping[tuple[str, str], str]
ROW = "__row"
"""The column that tells the rows of a leg apart."""

GROUP = "^group"
"""The relation of the groups that rows are in."""


def weighed(pairs: ir.Table, parts: Parts) -> ir.Table:
    """The pairs with the part of their row that falls to each; pairs without any part are none."""
    if parts.whole:
        return pairs

    def column(of: Column) -> Any:
        return pairs[of.name]

    weight: Any = ibis.literal(1.0)
    if parts.by is not None:
        pairs = pairs.filter((lower(parts.by, column) > 0).fill_null(False))
        weight = lower(parts.by, column).cast("float64")
    window = ibis.window(group_by=[lower(tree, column) for tree in parts.of])
    if parts.by is None:
        return pairs.mutate(**{WEIGHT: weight / pairs.count().over(window)})
    return pairs.mutate(**{WEIGHT: weight / weight.sum().over(window)})


def _is_moment(part: Expression) -> bool:
    return isinstance(part, Column) and part.relation == TIME


def numbered(rows: ir.Table) -> ir.Table:
    """The rows of a leg, told apart."""
    return rows.mutate(**{ROW: ibis.row_number()})


def once(leg: Leg, rows: ir.Table, names: Names) -> tuple[Leg, ir.Table, Names]:
    """The leg with each of its rows once in every group, however many partners put it there."""
    crossed = [a.source.relation.removesuffix("/") for a in leg.attached if a.source.parts]

    def is_partner(relation: str) -> bool:
        # Groups are known by now, so that what ranks them is needed no more.
        within = (relation == one or relation.startswith((f"{one}.", f"{one}/")) for one in crossed)
        return relation == RANKING or any(within)

    def column(of: Column) -> Any:
        return rows[names[of.relation, of.name]]

    # A key of the moment that is asked for is none of the row.
    own_keys = [i for i, (_, tree) in enumerate(leg.keys) if not any(_is_moment(part) for part in walk(tree))]
    groups = {f"__g{i}": lower(leg.keys[i][1], column) for i in own_keys}
    own = {place: name for place, name in names.items() if not is_partner(place[0])}
    kept = rows.select(**{ROW: rows[ROW]}, **groups, **{name: rows[name] for name in own.values()}).distinct()
    keys = tuple((name, Column(GROUP, f"__g{i}") if i in own_keys else tree) for i, (name, tree) in enumerate(leg.keys))
    return replace(leg, keys=keys), kept, {**own, **{(GROUP, name): name for name in groups}}
