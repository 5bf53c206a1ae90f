"""A plan to its steps in words, in the order in which they happen: what explanations print, and pictures draw."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from workbench.access.restriction import RowFilter
from workbench.declare.expression import Call, Column, Expression, rebuild
from workbench.declare.expression import Literal as Constant
from workbench.declare.parser import unparse
from workbench.graph.resolve import WHOLE
from workbench.graph.timing import NOW, Offset
from workbench.plan.steps import Among, Attach, Follow, Keep, Leg, Level, Moments, Move, Plan, Source

Kind = Literal[
    "read", "restricted", "join", "keep", "moments", "group", "number", "combine", "level", "derive", "shape"
]
Keys = Literal["verified", "trusted"]

_SCANNED = re.compile(r"^__(\d+)$")


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its kind, what is said of it, how deep it stands, and the leg it belongs to, 0 for all together."""

    kind: Kind
    text: str
    depth: int = 0
    leg: int = 0


def outline(plan: Plan, keys: Keys = "verified") -> tuple[Step, ...]:
    """The steps of a plan, with restrictions where they act; ``keys`` says why joins on them are safe."""
    return tuple(_plan(plan, keys))


def _plan(plan: Plan, keys: Keys) -> Iterator[Step]:
    for number, leg in enumerate(plan.legs, 1):
        yield Step("read", f"leg {number}: read {leg.source.table} ({leg.source.model})", 0, number)
        yield from (replace(step, depth=step.depth + 1, leg=number) for step in _leg(leg, keys))
    if len(plan.legs) > 1:
        by = f"the groups of {', '.join(plan.keys)}" if plan.keys else "their totals"
        yield Step("combine", f"combine: {len(plan.legs)} legs on {by}; a group stays if any leg has it")
    yield from (Step("level", _level(level)) for level in plan.levels)
    for one in plan.derived:
        if not one.name.startswith("__"):  # of a plan inside a plan, whose numbers are named above
            yield Step("derive", f"derive: {one.name} = {_text(one.tree)}")
    shape = plan.shape
    if shape.having is not None:
        yield Step("shape", f"keep groups where {_text(shape.having)}")
    if shape.extremes:
        yield Step("shape", f"keep the least and the greatest of {', '.join(plan.keys)}")
    if shape.order:
        order = ", ".join(f"{name} desc" if descending else name for name, descending in shape.order)
        yield Step("shape", f"order by {order}, empty groups last")
    if shape.limit is not None:
        yield Step("shape", f"limit {shape.limit}")


def _level(level: Level) -> str:
    said = f"rows of '{level.label}'" if level.label else "whole, to take shares of"
    return f"{said}: the same question by {', '.join(level.keys) or 'nothing'}, answered from rows and not from groups"


def _leg(leg: Leg, keys: Keys) -> Iterator[Step]:
    yield from _restrictions(leg.source)
    yield from _joins((a for a in leg.attached if not a.late), keys)
    for among in leg.among:
        yield from _among(among, keys)
    yield from _kept(leg.keep)
    if leg.latest is not None:
        within = f" for each {', '.join(map(_text, leg.latest.within))}" if leg.latest.within else ""
        said = f"the {leg.latest.take} {_text(leg.latest.of)}{within}: a level is not added up over it"
        yield Step("keep", f"keep the rows of {said}")
    if leg.follow is not None:
        yield Step("keep", _followed(leg.follow))
    if leg.move is not None and leg.moments is not None:
        yield from (Step("moments", text) for text in _moved(leg.move, leg.moments))
    if leg.first is not None:
        by = ", ".join(map(_text, leg.first.by)) or "nothing"
        yield Step("group", f"aggregate by {by} first, so that what follows reads few groups and not all rows")
    if leg.final:
        yield Step("group", "what is joined to these groups has a name of its own for each: their numbers are final")
    if leg.top is not None:
        yield Step("shape", f"go on with those that can be among the first {leg.top.n}, ties included")
    yield from _joins((a for a in leg.attached if a.late), keys)
    yield from _groups(leg)
    for one in leg.summaries:
        where = f" where {_text(one.condition)}" if one.condition is not None else ""
        yield Step("number", f"{_shown(one.name)} = {_text(one.aggregate)}{where}")
    if leg.pad is not None:
        yield Step("moments", "add the periods that have no rows")


def _kept(keep: Keep) -> Iterator[Step]:
    if keep.asked is not None:
        yield Step("keep", f"keep rows where {_text(keep.asked)}")
    if keep.needed is not None:
        yield Step("keep", f"keep rows that a metric counts: {_text(keep.needed)}")
    if keep.implied is not None:
        yield Step("keep", f"read only rows that can count then: {_text(keep.implied)}")


def _joins(attached: Iterable[Attach], keys: Keys) -> Iterator[Step]:
    for attach in attached:
        yield Step("join", ("before its parent is joined, " if attach.nested else "") + _attach(attach, keys))
        yield from (replace(step, depth=1) for step in _restrictions(attach.source))


def _restrictions(source: Source) -> Iterator[Step]:
    yield from (Step("restricted", _rule(rule, source.table)) for rule in source.filters)
    for mask in source.masks:
        if mask.column in source.columns:
            yield Step("restricted", f"restricted: {mask.column} masked ({mask.kind})")


def _among(among: Among, keys: Keys) -> Iterator[Step]:
    if among.rank:
        yield Step("join", f"rank the groups of {among.text}, and put all but the first together:")
    else:
        yield Step("join", f"join what '{among.text}' needs, by {', '.join(_text(ours) for ours, _ in among.pairs)}:")
    yield from (replace(step, depth=step.depth + 1) for step in _plan(among.plan, keys))


def _groups(leg: Leg) -> Iterator[Step]:
    if leg.every:
        yield Step("group", "show for each row " + ", ".join(f"{name} = {_text(tree)}" for name, tree in leg.keys))
    elif leg.keys:
        yield Step("group", "group by " + ", ".join(_key(name, tree) for name, tree in leg.keys))


def _key(name: str, tree: Expression) -> str:
    text = _text(tree)
    return text if text == name or name.startswith("__") else f"{name} = {text}"


def _followed(follow: Follow) -> str:
    within = f", within {follow.within}" if follow.within else ""
    same = ", ".join(map(_text, follow.same))
    return f"meet later rows of {follow.leg.source.table} with the same {same}{within}; each counts once"


def _moved(move: Move, moments: Moments) -> Iterator[str]:
    """When the rows of a leg count, and which moments are shown."""
    timing = move.timing
    where = f"calendar '{moments.calendar.name}'" if moments.calendar else "data"
    kept = f" where {_text(moments.keep)}" if moments.keep is not None else ""
    yield f"moments asked for: each {moments.grain} of the {where}{kept}"
    for anchor in timing.anchors:
        yield f"look {anchor.by} earlier" if isinstance(anchor, Offset) else f"look at the start of the {anchor.grain}"
    if moments.inside is not None:
        yield f"leave out moments that look elsewhere than {_text(moments.inside)}"
    if timing.window:
        yield f"count rows of the {timing.window} up to then"
    if timing.to_date:
        yield f"count rows from the start of the {timing.to_date} up to then"
    if timing.running:
        yield "count all rows up to then"
    pick = timing.shown(bool(moments.shows))
    each = Call("truncate", (NOW, Constant(moments.grain)))
    if not moments.shows and pick:
        yield f"shown is the {pick} of these moments"
    elif pick and any(tree != each for _, tree in moments.shows):
        shown = "average of its moments" if pick == "average" else f"value of its {pick} moment"
        yield f"{', '.join(name for name, _ in moments.shows)} shows the {shown}"


def _attach(attach: Attach, keys: Keys) -> str:
    on = " and ".join(f"{_text(ours)} = {_text(theirs)}" for ours, theirs in attach.pairs)
    stay = "every row has a partner" if attach.met else "rows without a partner stay"
    sure = "verified on the data" if keys == "verified" else "trusted as declared"
    join = f"join {attach.source.table} as {attach.source.relation} on {on}"
    if attach.valid is not None:
        moment, start, end = map(_text, attach.valid)
        return f"{join}, the row valid at {moment} (from {start}, until {end}; one at a time, {sure}; {stay})"
    if attach.many:
        return f"{join} (to many of its rows: nothing is counted; {stay})"
    if attach.source.parts is not None:
        one = attach.source.parts
        falls = f"by {_text(one.by)}" if one.by is not None else "equally"
        split = "each has the whole row, and it counts once in a group" if one.whole else f"a row is split {falls}"
        return f"{join} (a declared bridge to several partners: {split}; rows without a partner stay whole)"
    return f"{join} (to-one: a key of '{attach.source.model}', {sure}, so no row multiplies; {stay})"


def _rule(rule: RowFilter, table: str) -> str:
    values = ", ".join(map(repr, rule.values)) or "nothing"
    return f"restricted: rows of {table} where {rule.column} {rule.op} {values} (rule '{rule.name}')"


def _text(tree: Expression) -> str:
    return unparse(_named(tree))


def _named(tree: Expression) -> Expression:
    """Aggregates by short names: where they were computed is said above."""
    if isinstance(tree, Column) and tree.relation.startswith(WHOLE):
        return Column("whole", _shown(tree.name))
    if isinstance(tree, Column) and not tree.relation[:1].isalpha():
        return Column("its" if tree.relation.startswith("?") else "", _shown(tree.name))
    return rebuild(tree, _named)


def _shown(name: str) -> str:
    """What an aggregate is called in the steps: n1, n2 and so on."""
    found = _SCANNED.match(name)
    return f"n{int(found[1]) + 1}" if found else name
