"""A plan to text that an analyst can follow."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.access.restriction import RowFilter
from workbench.declare.expression import Column, Expression, rebuild
from workbench.declare.parser import unparse
from workbench.graph.resolve import WHOLE
from workbench.graph.timing import Offset
from workbench.plan.steps import Attach, Follow, Leg, Level, Moments, Move, Plan


def explain(plan: Plan) -> str:
    """The steps of a plan, one a line, with restrictions where they act."""
    lines: list[str] = []
    for number, leg in enumerate(plan.legs, 1):
        lines.append(f"leg {number}: read {leg.source.table} ({leg.source.model})")
        lines.extend(f"  {line}" for line in _leg(leg))
    if len(plan.legs) > 1:
        keys = f"the groups of {', '.join(plan.keys)}" if plan.keys else "their totals"
        lines.append(f"combine: {len(plan.legs)} legs on {keys}; a group stays if any leg has it")
    lines.extend(_level(level) for level in plan.levels)
    lines.extend(f"derive: {one.name} = {_text(one.tree)}" for one in plan.derived)
    if plan.shape.having is not None:
        lines.append(f"keep groups where {_text(plan.shape.having)}")
    if plan.shape.extremes:
        lines.append(f"keep the least and the greatest of {', '.join(plan.keys)}")
    if plan.shape.order:
        order = ", ".join(f"{name} desc" if descending else name for name, descending in plan.shape.order)
        lines.append(f"order by {order}, empty groups last")
    if plan.shape.limit is not None:
        lines.append(f"limit {plan.shape.limit}")
    return "\n".join(lines)


def _level(level: Level) -> str:
    beside = "beside, to order by" if level.name.startswith(f"{WHOLE}o") else "whole, to take shares of"
    said = f"rows of '{level.label}'" if level.label else beside
    return f"{said}: the same question by {', '.join(level.keys) or 'nothing'}, answered from rows and not from groups"


def _leg(leg: Leg) -> Iterator[str]:
    yield from (_rule(rule, leg.source.table) for rule in leg.source.filters)
    yield from (f"restricted: {m.column} masked ({m.kind})" for m in leg.source.masks if m.column in leg.source.columns)
    for attach in leg.attached:
        yield _moment_of(attach) + _attach(attach)
        yield from (f"  {_rule(rule, attach.source.table)}" for rule in attach.source.filters)
    for among in leg.among:
        if among.rank:
            yield f"rank the groups of {among.text}, and put all but the first together:"
        else:
            yield f"join what '{among.text}' needs, by {', '.join(_text(ours) for ours, _ in among.pairs)}:"
        yield from (f"  {line}" for line in explain(among.plan).splitlines())
    if leg.keep.asked is not None:
        yield f"keep rows where {_text(leg.keep.asked)}"
    if leg.keep.needed is not None:
        yield f"keep rows that a metric counts: {_text(leg.keep.needed)}"
    if leg.latest is not None:
        within = f" for each {', '.join(map(_text, leg.latest.within))}" if leg.latest.within else ""
        yield f"keep the rows of the {leg.latest.take} {_text(leg.latest.of)}{within}: a level is not added up over it"
    if leg.follow is not None:
        yield from _followed(leg.follow)
    if leg.move is not None and leg.moments is not None:
        yield from _moved(leg.move, leg.moments)
    yield from _groups(leg)
    for one in leg.summaries:
        where = f" where {_text(one.condition)}" if one.condition is not None else ""
        yield f"{one.name} = {_text(one.aggregate)}{where}"
    if leg.pad is not None:
        yield "add the periods that have no rows"


def _groups(leg: Leg) -> Iterator[str]:
    if leg.every:
        yield "show for each row " + ", ".join(f"{name} = {_text(tree)}" for name, tree in leg.keys)
    elif leg.keys:
        yield "group by " + ", ".join(f"{name} = {_text(tree)}" for name, tree in leg.keys)
    if leg.coarse:
        yield f"aggregate by day first, and compute {', '.join(leg.coarse)} once a day"


def _moment_of(attach: Attach) -> str:
    """When a join is made, where not right away."""
    if attach.late:
        return "after a first aggregation by it, "
    return "before its parent is joined, " if attach.nested else ""


def _followed(follow: Follow) -> Iterator[str]:
    within = f", within {follow.within}" if follow.within else ""
    same = ", ".join(map(_text, follow.same))
    yield f"meet later rows of {follow.leg.source.table} with the same {same}{within}; each counts once"


def _moved(move: Move, moments: Moments) -> Iterator[str]:
    """When the rows of a leg count."""
    where = f"calendar '{moments.calendar.name}'" if moments.calendar else "data"
    yield f"moments asked for: each {moments.grain} of the {where}" + (
        f" where {_text(moments.keep)}" if moments.keep is not None else ""
    )
    for anchor in move.timing.anchors:
        yield f"look {anchor.by} earlier" if isinstance(anchor, Offset) else f"look at the start of the {anchor.grain}"
    if move.timing.window:
        yield f"count rows of the {move.timing.window} up to then"
    if move.timing.to_date:
        yield f"count rows from the start of the {move.timing.to_date} up to then"
    if move.timing.running:
        yield "count all rows up to then"
    if move.timing.pick:
        yield f"a coarser period shows its {move.timing.pick} moment"


def _attach(attach: Attach) -> str:
    on = " and ".join(f"{_text(ours)} = {_text(theirs)}" for ours, theirs in attach.pairs)
    if attach.valid is not None:
        moment, start, end = map(_text, attach.valid)
        return (
            f"join {attach.source.table} as {attach.source.relation} on {on}, the row valid at {moment} "
            f"(from {start}, until {end}; rows without a partner stay)"
        )
    return (
        f"join {attach.source.table} as {attach.source.relation} on {on} "
        f"(to-one: a key of '{attach.source.model}', so no row multiplies; rows without a partner stay)"
    )


def _rule(rule: RowFilter, table: str) -> str:
    values = ", ".join(map(repr, rule.values)) or "nothing"
    return f"restricted: rows of {table} where {rule.column} {rule.op} {values} (rule '{rule.name}')"


def _text(tree: Expression) -> str:
    return unparse(_named(tree))


def _named(tree: Expression) -> Expression:
    """Aggregates by their bare column names: where they were scanned is said above."""
    if isinstance(tree, Column) and tree.relation.startswith(WHOLE):
        return Column("whole", tree.name)
    if isinstance(tree, Column) and not tree.relation[:1].isalpha():
        return Column("", tree.name)
    return rebuild(tree, _named)
