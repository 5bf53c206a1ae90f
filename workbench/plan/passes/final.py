"""A plan to one that joins names to the groups asked for, where keys tell these apart as well, or only to the first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from workbench.declare.expression import Column, Expression, walk
from workbench.graph.formulas import SCANNED
from workbench.plan.passes.facts import Facts
from workbench.plan.passes.levels import with_legs
from workbench.plan.steps import Attach, Leg, Plan, Top

_EXACT = frozenset({"integer", "date"})
"""Types of which no two values are ever one to a join, as near floats, and texts of some collations, are."""


def final(plan: Plan, facts: Facts) -> Plan:
    """The plan with groups made before names are joined to them, where no two partners have the same name."""
    return with_legs(plan, lambda legs: [_final(leg, facts) for leg in legs])


def top(plan: Plan) -> Plan:
    """The plan with only those groups named that can be among the first ones asked for."""
    leg, shape = plan.legs[0], plan.shape
    numbers = {one.name: one.tree for one in plan.derived}
    alone = len(plan.legs) == 1 and leg.final and not (plan.levels or plan.named or shape.extremes)
    if not alone or shape.limit is None or not shape.order or shape.order[0][0] not in numbers:
        return plan
    by, descending = numbers[shape.order[0][0]], shape.order[0][1]
    read = [part for tree in (by, shape.having) if tree is not None for part in walk(tree) if isinstance(part, Column)]
    own = {one.name for one in leg.summaries}
    if not any(a.late for a in leg.attached) or any(c.relation != SCANNED or c.name not in own for c in read):
        return plan
    return replace(plan, legs=(replace(leg, top=Top(shape.limit, by, descending, shape.having)),))


def _final(leg: Leg, facts: Facts) -> Leg:
    if leg.first is None or leg.move is not None or not leg.keys:
        return leg
    shown = {tree for _, tree in leg.keys}
    types = {s.relation: facts.types_of(s.table) for s in (leg.source, *(a.source for a in leg.attached))}

    def kind(tree: Expression) -> str | None:
        return types[tree.relation].get(tree.name) if isinstance(tree, Column) else None

    attached = tuple(replace(a, told=_told(a, shown, facts, kind)) for a in leg.attached)
    edge = [a for a in attached if a.late and all(o.source.relation != a.parent for o in attached if o.late)]
    is_final = bool(edge) and all(a.told or all(ours in shown for ours, _ in a.pairs) for a in edge)
    return replace(leg, attached=attached, final=True) if is_final else leg


def _told(
    attach: Attach, shown: set[Expression], facts: Facts, kind: Callable[[Expression], str | None]
) -> tuple[str, ...]:
    """The columns among the groups asked for that tell the partner, and with it what our rows meet it by."""
    columns = [t.name for t in shown if isinstance(t, Column) and t.relation == attach.source.relation]
    alike = all(kind(ours) == kind(theirs) and kind(ours) in _EXACT for ours, theirs in attach.pairs)
    if not (attach.late and attach.met and alike and columns):
        return ()
    columns.sort()
    return tuple(columns) if facts.is_met(attach.source.model, tuple(columns)) else ()
