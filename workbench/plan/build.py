"""A Pass to a plan: legs with the asker's restrictions inside, ready to lower."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from workbench.access.guard import Pass
from workbench.access.masks import masked
from workbench.access.restriction import Mask, Restriction, RowFilter
from workbench.declare.expression import Call, Column, Expression, Has, conjunction, rebuild, walk
from workbench.declare.functions import AGGREGATES
from workbench.declare.grains import GRAINS
from workbench.declare.terms import Calendar
from workbench.declare.unparse import unparse
from workbench.errors import AccessDenied, Problem
from workbench.graph.allocation import allocated
from workbench.graph.calendars import plain_column
from workbench.graph.formulas import SCANNED, Aggregation
from workbench.graph.legs import Condition
from workbench.graph.legs import Leg as ResolvedLeg
from workbench.graph.resolve import Resolved
from workbench.graph.timing import TIME
from workbench.plan.passes.facts import Facts, IsMet
from workbench.plan.passes.order import improve
from workbench.plan.ranked import by_rank
from workbench.plan.steps import (
    RANK,
    Among,
    Attach,
    CalendarSource,
    Counted,
    Derive,
    Follow,
    Keep,
    Latest,
    Leg,
    Level,
    Moments,
    Move,
    Named,
    Pad,
    Parts,
    Plan,
    Shape,
    Source,
    Summary,
)

CARRIED = "+"
"""The relation of columns that are carried along to a condition on both row and moment."""

Hide = Callable[[Expression], Expression]
TypesOf = Callable[[str], Mapping[str, str]]
"""The columns of a table with their types in the expression language; asked only where something is masked."""

SizeOf = Callable[[str], int | None]
"""About how many rows a table has; None where nobody knows."""


def build(
    granted: Pass,
    types_of: TypesOf,
    salt: str,
    size_of: SizeOf = lambda table: None,
    is_met: IsMet = lambda model, role: False,
) -> Plan:
    """The plan of a granted question; nothing but a Pass makes one. ``salt`` goes into hashes of masked values.

    ``size_of`` tells which order of work is cheaper; the answer never depends on it. ``is_met`` tells of a model's
    role whether all rows have their partner; the plan holds for data in which its `Plan.met` joins have.
    """
    read = _columns_read(granted.resolved)
    sentences = (s for table, r in granted.restrictions.items() for s in r.sentences(read.get(table, ())))
    plan = _plan(granted, granted.resolved, types_of, salt)
    plan = replace(plan, restrictions=tuple(dict.fromkeys(sentences)), notes=tuple(_notes(granted)))
    return improve(plan, Facts(size_of, types_of, is_met))


def _notes(granted: Pass) -> Iterator[str]:
    """A sentence for each table of which one row has several, where every row is listed."""
    for leg in granted.resolved.legs if granted.resolved.question.every_row else ():
        models = {"": leg.model, **{r.name: r.model for r in leg.relations}}
        for r in leg.relations:
            if r.many or r.bridge is not None:
                columns = [c for _, theirs in r.pairs for c in walk(theirs) if isinstance(c, Column)]
                shown = all(granted.restrictions[r.table].shows(c.name) for c in columns)
                by = f", met by {' and '.join(c.name for c in columns)}" if shown else ""
                several = f"may have several of '{r.model}' ({r.table}{by})"
                yield f"one row of '{models[r.parent]}' {several}: each of them is a line."


def _columns_read(resolved: Resolved) -> dict[str, set[str]]:
    """For each table the columns, in lower case, that groups and aggregates of the answer read."""
    read: dict[str, set[str]] = {}
    for leg in resolved.legs:
        tables = {"": leg.table, **{r.name: r.table for r in leg.relations}}
        used = [resolved.aggregations[i] for i in leg.aggregations]
        trees = (*leg.keys, *(tree for one in used for tree in (one.aggregate, *one.filters)))
        for part in (part for tree in trees for part in walk(tree)):
            if isinstance(part, Column) and part.relation in tables:
                read.setdefault(tables[part.relation], set()).add(part.name.lower())
    return read


def _plan(granted: Pass, resolved: Resolved, types_of: TypesOf, salt: str) -> Plan:
    names = tuple(key.name for key in resolved.keys)
    legs = tuple(_leg(granted, leg, resolved.aggregations, leg.names, types_of, salt) for leg in resolved.legs)
    named = None
    if resolved.ranking is not None:
        one = resolved.ranking
        named = Named(one.key, one.n, one.other, one.label)
        ranked = _plan(granted, one.resolved, types_of, salt)
        legs = tuple(by_rank(leg, named, ranked) for leg in legs)
    derived = tuple(Derive(number.name, _by_name(number.tree)) for number in (*resolved.numbers, *resolved.hidden))
    having = _by_name(resolved.having) if resolved.having is not None else None
    ordered: dict[str, bool] = {}
    for name, descending in resolved.order:  # a column that is named again decides nothing any more
        ordered.setdefault(name, descending)
    # The keys break ties, so that the same question gives the same rows in the same order.
    order = (*ordered.items(), *((name, False) for name in names if name not in ordered))
    if named is not None:
        names = (*names, RANK)
        at = next(i for i, (name, _) in enumerate(order) if name == named.key)
        order = (*order[:at], (RANK, False), *order[at:]) if named.key not in ordered else (*order, (RANK, False))
    levels = tuple(Level(o.name, o.keys, _plan(granted, o.resolved, types_of, salt), o.label) for o in resolved.levels)
    asked = resolved.question
    if asked.extremes:
        order = tuple(ordered.items())
    legs = tuple(replace(leg, every=bool(leg.keys)) for leg in legs) if asked.every_row else legs
    hidden = (*(one.name for one in resolved.hidden), *((RANK,) if named else ()))
    shape = Shape(having, order, resolved.limit, asked.extremes, hidden)
    return Plan(legs, names, derived, shape, levels=levels, named=named)


def _leg(
    granted: Pass,
    leg: ResolvedLeg,
    aggregations: tuple[Aggregation, ...],
    names: tuple[str, ...],
    types_of: TypesOf,
    salt: str,
    shown: bool = True,
) -> Leg:
    scanned = [aggregations[i] for i in leg.aggregations]
    meant = {condition.has: condition.tree for condition in leg.conditions}
    common, rest = _conditions(scanned)
    tables = {"": leg.table, **{r.name: r.table for r in leg.relations}}

    def hide(tree: Expression) -> Expression:
        """The tree with every masked column replaced by its mask, and every ``has`` by what it means."""
        if isinstance(tree, Has):
            return meant[tree]
        if not isinstance(tree, Column):
            return rebuild(tree, hide)
        restriction = granted.restrictions.get(tables.get(tree.relation, ""))
        mask = restriction.mask_of(tree.name) if restriction else None
        if mask is None:
            return tree
        return masked(mask.kind, tree, types_of(tables[tree.relation]).get(tree.name, ""), salt)

    follow = _follow(granted, leg, types_of, salt)
    summaries = tuple(
        Summary(
            _name(i),
            leg.following.aggregate if leg.following else allocated(hide(one.aggregate), leg.relations),
            _all(map(hide, rest[at])),
            _empty(one),
        )
        for at, (i, one) in enumerate(zip(leg.aggregations, scanned, strict=True))
    )
    show = hide if shown else lambda tree: tree  # the keys of a condition are compared, never shown
    keys = tuple((name, show(tree)) for name, tree in zip(names, leg.keys, strict=True))
    among = tuple(_among(granted, condition, types_of, salt) for condition in leg.conditions)
    needed = conjunction(_all(map(hide, common)), _any([s.condition for s in summaries]) if keys else None)
    keep = Keep(hide(leg.where) if leg.where is not None else None, needed)
    move = _move(leg, hide, meant)
    latest, moments, pad = _latest(leg, hide), _moments(granted, leg, hide), _pad(leg)
    used = _used(leg, keys, keep, summaries, latest, moments, move)
    sources = {
        name: Source(name, model, table, used.get(name, ()), *_restriction(granted.restrictions.get(table)))
        for name, model, table in (("", leg.model, leg.table), *((r.name, r.model, r.table) for r in leg.relations))
    }
    for r in leg.relations:
        if r.bridge is not None:
            of = tuple(theirs for _, theirs in r.pairs)
            sources[r.name] = replace(sources[r.name], parts=Parts(of, r.weight, r.bridge.is_whole))
    attached = tuple(Attach(sources[r.name], r.role, r.parent, r.pairs, r.valid, many=r.many) for r in leg.relations)
    return Leg(sources[""], attached, keep, keys, summaries, latest, moments, move, pad, among, follow)


def _among(granted: Pass, condition: Condition, types_of: TypesOf, salt: str) -> Among:
    """The aggregates behind a condition, by the key of the entity."""
    names = tuple(key for _, key in condition.pairs)
    aggregations = condition.aggregations
    legs = tuple(_leg(granted, leg, aggregations, names, types_of, salt, shown=False) for leg in condition.legs)
    derived = tuple(Derive(_name(i), Column(SCANNED, _name(i))) for i in range(len(aggregations)))
    plan = Plan(legs, names, derived, Shape(None, (), None))
    return Among(condition.name, unparse(condition.has), plan, condition.pairs)


def _follow(granted: Pass, leg: ResolvedLeg, types_of: TypesOf, salt: str) -> Follow | None:
    """The events that follow those of a leg, as rows of values."""
    if leg.following is None:
        return None
    values = len(leg.following.same)
    arguments = len(leg.following.leg.keys) - 1 - values
    names = ("__at", *(f"__e{i}" for i in range(values)), *(f"__v{i}" for i in range(arguments)))
    inner = _leg(granted, leg.following.leg, (), names, types_of, salt, shown=False)
    following = leg.following
    return Follow(inner, following.same, following.at, following.within, following.grain)


def _latest(leg: ResolvedLeg, hide: Hide) -> Latest | None:
    moment = leg.moment
    if moment is None:
        return None
    return Latest(hide(moment.of), moment.take, tuple(map(hide, (*moment.by, *leg.moment_keys))))


def _moments(granted: Pass, leg: ResolvedLeg, hide: Hide) -> Moments | None:
    """The spine of a leg, its calendars under the asker's restrictions."""
    spine = leg.spine
    if spine is None:
        return None
    trees = (*(tree for _, tree in spine.shows), *(tree for tree in (spine.keep, leg.later) if tree is not None))
    read = {c.name for tree in trees for c in walk(tree) if isinstance(c, Column) and c.relation == TIME}

    def source(calendar: Calendar, *more: str) -> CalendarSource:
        own = {name.partition(".")[2] for name in read if name.partition(".")[0] == calendar.calendar}
        own |= {calendar.grains[grain] for grain in more}
        rows = granted.restrictions.get(calendar.table)
        if more and rows is not None and (rows.rows or any(rows.mask_of(plain_column(name)) for name in own)):
            raise AccessDenied(_hidden_periods(calendar, more[0]))
        columns = (calendar.column, *sorted(own))
        read_from = Source("", calendar.calendar, calendar.table, columns, *_restriction(rows))
        return CalendarSource(calendar.calendar, read_from, calendar.column, calendar.grain, tuple(sorted(own)))

    counted = tuple(Counted(grain, source(one, grain), one.grains[grain]) for grain, one in spine.counted)
    by_periods = spine.calendar is not None and spine.grain in spine.calendar.grains and spine.grain not in GRAINS
    calendar = source(spine.calendar, *((spine.grain,) if by_periods else ())) if spine.calendar else None
    periods = spine.calendar.grains[spine.grain] if spine.calendar and by_periods else ""
    joined = tuple(source(one) for one in spine.joined)
    return Moments(
        spine.grain,
        hide(spine.at),
        spine.shows,
        spine.keep,
        calendar,
        joined,
        periods,
        counted,
        spine.whole,
        spine.inside,
    )


def _hidden_periods(calendar: Calendar, grain: str) -> Problem:
    return Problem(
        "no-calendar",
        f"rules keep some of the calendar '{calendar.calendar}' from you, so its periods ('{grain}') can't be counted.",
        hint=f"Grant every row and column of '{calendar.table}' to who asks over time, or count in months.",
    )


def _move(leg: ResolvedLeg, hide: Hide, meant: Mapping[Has, Expression]) -> Move | None:
    """How the rows of a leg move in time; columns that a later condition needs are carried along."""
    if not leg.timing.moves:
        return None
    if leg.later is None:
        return Move(leg.timing, None, ())
    carried: dict[Expression, str] = {}

    def carry(tree: Expression) -> Expression:
        if isinstance(tree, Has):
            return carry(meant[tree])
        if isinstance(tree, Column) and tree.relation != TIME:
            return Column(CARRIED, carried.setdefault(tree, f"__c{len(carried)}"))
        return rebuild(tree, carry)

    later = carry(leg.later)
    return Move(leg.timing, later, tuple((name, hide(tree)) for tree, name in carried.items()))


def _pad(leg: ResolvedLeg) -> Pad | None:
    return Pad(leg.spine.again) if leg.spine and leg.timing.spine and leg.spine.shows else None


def _conditions(scanned: list[Aggregation]) -> tuple[tuple[Expression, ...], list[tuple[Expression, ...]]]:
    """The filters that every metric of a leg shares, and what is left of each."""
    if not scanned:
        return (), []
    common = tuple(f for f in scanned[0].filters if all(f in one.filters for one in scanned))
    return common, [tuple(f for f in one.filters if f not in common) for one in scanned]


def _all(parts: Iterable[Expression]) -> Expression | None:
    return conjunction(*parts)


def _any(conditions: list[Expression | None]) -> Expression | None:
    """Rows that some metric counts: a group appears only where an asked metric has rows."""
    out: Expression | None = None
    for condition in dict.fromkeys(conditions):
        if condition is None:
            return None
        out = condition if out is None else Call("or", (out, condition))
    return out


def _empty(one: Aggregation) -> int | None:
    return AGGREGATES[one.aggregate.function].empty


def _name(index: int) -> str:
    """The column of a base aggregate; no alias a person types looks like it."""
    return f"__{index}"


def _by_name(tree: Expression) -> Expression:
    if isinstance(tree, Column) and tree.relation == SCANNED:
        return Column(SCANNED, _name(int(tree.name)))
    return rebuild(tree, _by_name)


def _restriction(restriction: Restriction | None) -> tuple[tuple[RowFilter, ...], tuple[Mask, ...]]:
    return (restriction.rows, restriction.masks) if restriction else ((), ())


def _used(
    leg: ResolvedLeg,
    keys: tuple[tuple[str, Expression], ...],
    keep: Keep,
    summaries: tuple[Summary, ...],
    latest: Latest | None,
    moments: Moments | None,
    move: Move | None,
) -> dict[str, tuple[str, ...]]:
    """The columns that each relation of a leg must give."""
    trees: list[Expression | None] = [keep.asked, keep.needed, *(tree for _, tree in keys)]
    trees += [tree for s in summaries for tree in (s.aggregate, s.condition)]
    trees += [tree for r in leg.relations for pair in r.pairs for tree in pair]
    trees += [tree for r in leg.relations for tree in r.valid or ()]
    trees += [ours for condition in leg.conditions for ours, _ in condition.pairs]
    trees += [*leg.following.same, leg.following.at] if leg.following else []
    trees += [latest.of, *latest.within] if latest else []
    trees += [moments.at] if moments else []
    trees += [tree for _, tree in move.carried] if move else []
    used: dict[str, dict[str, None]] = {}
    for tree in trees:
        for part in walk(tree) if tree is not None else ():
            if isinstance(part, Column):
                used.setdefault(part.relation, {})[part.name] = None
    return {name: tuple(columns) for name, columns in used.items()}
