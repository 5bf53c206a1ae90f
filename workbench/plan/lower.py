"""A plan to an ibis expression over tables that the session finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.datatypes as dt

from workbench.access.restriction import FENCE, rule_without_column
from workbench.declare.expression import Aggregate, Call, Column, Expression, conjunction, conjuncts, walk
from workbench.declare.unparse import unparse
from workbench.errors import DeclarationError, Problem, QuestionError
from workbench.graph.allocation import WEIGHT
from workbench.graph.bind import HERE
from workbench.graph.formulas import SCANNED
from workbench.graph.resolve import EXTREMES, OTHER
from workbench.plan.lower_bridge import numbered, once, weighed
from workbench.plan.lower_calendar import with_bounds
from workbench.plan.lower_first import Names
from workbench.plan.lower_followed import followed
from workbench.plan.lower_joined import attached, met_by_values, summarized_twice
from workbench.plan.lower_lifted import text_of
from workbench.plan.lower_moved import moments, moved, padded
from workbench.plan.lower_scalar import lower, lower_aggregate, lower_condition
from workbench.plan.lower_text import sql_text
from workbench.plan.parts import whole
from workbench.plan.steps import RANK, TOTAL, Among, Derive, Latest, Leg, Level, Named, Plan, Source

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from workbench.access.restriction import RowFilter

SchemaOf = Callable[[str], "ibis.Schema"]
FindTable = Callable[[str], "ir.Table"]


def to_sql(plan: Plan, schema_of: SchemaOf, dialect: str, catalog: str = "") -> str:
    """The SQL of a plan's answer; ``schema_of`` gives the columns of a table, ``catalog`` goes before its name."""

    def find(name: str) -> ir.Table:
        schema, _, table = name.rpartition(".")
        return ibis.table(schema_of(name), name=table, catalog=catalog or None, database=schema or None)

    return sql_text(to_ibis(plan, find), dialect)


def to_ibis(plan: Plan, find: FindTable, *, raw: bool = False) -> ir.Table:
    """The ibis table of a plan's answer; ``find`` gives the table of a name. With ``raw``, nothing is renamed in it."""
    legs = [_leg(leg, find) for leg in plan.legs]
    if not any(leg.summaries for leg in plan.legs):
        combined = reduce(lambda left, right: left.cross_join(right), legs)
    else:
        combined = legs[0] if len(legs) == 1 else _combine(plan, legs)
    return _shape(plan, combined, find, raw)


def _leg(leg: Leg, find: FindTable) -> ir.Table:
    table, names = _joined(leg, find)

    def column(of: Column) -> ir.Value:
        return table[names[of.relation, of.name]]

    keep = conjunction(leg.keep.asked, leg.keep.needed, leg.keep.implied)
    rows = table.filter(lower_condition(keep, column)) if keep is not None else table
    if leg.latest is not None and leg.move is None:
        rows = _latest(leg.latest, rows, names)
    if leg.overlaps:
        leg, rows, names = once(leg, rows, names)
    if leg.follow is not None:
        later, later_names = _joined(leg.follow.leg, find)
        out = followed(leg, rows, names, _values(leg.follow.leg, later, later_names))
    elif leg.move is not None:
        out = moved(leg, rows, names, moments(leg, table, names, _source, find), _source, find)
    elif leg.first is not None:
        out = summarized_twice(leg, rows, names, lambda source: _source(source, find))
    else:
        out = _summarized(leg, rows, names)
    if leg.pad is not None:
        out = padded(leg, out, moments(leg, table, names, _source, find))
    # Where no row was looked at there was nothing to count: an empty count is 0 here as everywhere.
    empty = {one.name: out[one.name].fill_null(one.empty) for one in leg.summaries if one.empty is not None}
    return out.mutate(**empty) if empty and (leg.move or leg.pad or leg.crosses) else out


def _values(leg: Leg, table: ir.Table, names: Names) -> ir.Table:
    """The rows a leg keeps, as the values of its keys."""

    def column(of: Column) -> ir.Value:
        return table[names[of.relation, of.name]]

    keys = {name: lower(tree, column) for name, tree in leg.keys}
    kept = table.filter(lower_condition(leg.keep.asked, column)) if leg.keep.asked is not None else table
    return kept.select(**keys)


def _summarized(leg: Leg, rows: ir.Table, names: Names) -> ir.Table:
    def column(of: Column) -> ir.Value:
        return rows[names[of.relation, of.name]]

    keys = {name: lower(tree, column) for name, tree in leg.keys}
    if not leg.summaries:
        # Without keys the leg is a condition on the other legs: that any row meets it.
        shown = rows.select(**(keys or {"__any": ibis.literal(True)}))
        return shown if leg.every else shown.distinct()
    numbers = {one.name: lower_aggregate(whole(one), column, rows) for one in leg.summaries}
    return rows.group_by(**keys).aggregate(**numbers) if keys else rows.aggregate(**numbers)


def _latest(latest: Latest, rows: ir.Table, names: Names) -> ir.Table:
    """The rows of the first or last moment, found for each group they are taken for."""

    def column(of: Column) -> ir.Value:
        return rows[names[of.relation, of.name]]

    moment = lower(latest.of, column)
    within = ibis.window(group_by=[lower(tree, column) for tree in latest.within])
    chosen = moment.min() if latest.take == "first" else moment.max()
    return rows.filter(moment == chosen.over(within))


def _joined(leg: Leg, find: FindTable) -> tuple[ir.Table, Names]:
    """The base with its joins, and where each needed column is found in it."""
    base = _source(leg.source, find, leg.keep.implied if leg.moments is None else None)  # these are told from all rows
    if not leg.attached and not leg.among:
        return base, {("", name): name for name in leg.source.columns}
    names = {
        (source.relation, name): f"{source.relation}.{name}" if source.relation else name
        for source in (leg.source, *(a.source for a in leg.attached))
        for name in source.columns
    }
    rows = base.select(**{name: base[name] for name in leg.source.columns})
    rows = numbered(rows) if leg.overlaps else rows
    if not leg.summaries:
        leg, rows, names = met_by_values(leg, rows, names)
    joined = attached(leg, rows, names, lambda source: _source(source, find), late=False)
    for among in leg.among:
        joined = _with_condition(joined, among, names, find)
        columns = (*(one.name for one in among.plan.derived), *([among.rank] if among.rank else ()))
        names |= {(among.name, column): f"{among.name}.{column}" for column in columns}
    return joined, names


def _with_condition(joined: ir.Table, among: Among, names: Names, find: FindTable) -> ir.Table:
    """The rows with the aggregates of the entity they belong to; an entity without any has NULLs."""
    groups = to_ibis(among.plan, find)
    if among.rank:
        order = [_direction(name, descending) for name, descending in among.plan.shape.order]
        groups = groups.mutate(**{among.rank: ibis.row_number().over(order_by=order) + 1})
    right = groups.select(**{f"{among.name}.{column}": groups[column] for column in groups.columns})
    on = []
    for ours, key in among.pairs:
        value = lower(ours, lambda of: joined[names[of.relation, of.name]])
        theirs = right[f"{among.name}.{key}"]
        on.append(value.identical_to(theirs) if among.rank else value == theirs)
    return joined.left_join(right, on)


def _source(source: Source, find: FindTable, implied: Expression | None = None) -> ir.Table:
    table = with_bounds(find(source.table), source.columns)
    missing = next((name for name in source.columns if name not in (*table.columns, WEIGHT, HERE)), None)
    if missing is not None:
        raise QuestionError(
            Problem(
                "missing-column",
                # No near names: among them could be columns that the asker may not know of.
                f"the table '{source.table}' of '{source.model}' has no column '{missing}'.",
            )
        )
    # Policies name columns as SQL does, without regard to case.
    spelled = {name.lower(): name for name in table.columns}
    for rule in source.filters:
        if rule.column not in spelled:
            raise rule_without_column(rule, source.table)
    kept = reduce(lambda kept, rule: kept.filter(_row_filter(kept[spelled[rule.column]], rule)), source.filters, table)
    if source.filters:  # what leaves rows out unread must stand before the fence, where it can fail on no row
        ranges = [lower_condition(one, lambda of: table[of.name]) for one in conjuncts(implied) if _is_range(one)]
        kept = kept.filter(*ranges).limit(FENCE) if ranges else kept.limit(FENCE)
    kept = weighed(kept, source.parts) if source.parts is not None else kept
    return kept.mutate(**{HERE: ibis.literal(True)}) if HERE in source.columns else kept


def _is_range(condition: Expression) -> bool:
    """Whether a column of the source, as it is, is compared with what hangs on no row."""
    match condition:
        case Call(">=" | ">" | "<" | "<=", (Column(relation=""), bound)):
            return not any(isinstance(part, Column) for part in walk(bound))
    return False


def _row_filter(column: Any, rule: RowFilter) -> ir.BooleanValue:
    """A row rule on its column; a rule without values lets no row through."""
    if rule.op == "is_null":
        return column.isnull()
    if rule.op == "is_not_null":
        return column.notnull()
    if not rule.values:
        return ibis.literal(False)
    # The literal takes the column's type, never the column the literal's: a cast that fails would quote a hidden row.
    values = [text_of(value).cast(column.type()) for value in rule.values]
    return column.between(*values) if rule.op == "range" else column.isin(values)


def _combine(plan: Plan, legs: list[ir.Table]) -> ir.Table:
    """Legs side by side: stacked with typed NULLs and folded, so that NULL keys meet without a null-safe join."""
    key_types = {key: dt.highest_precedence([leg[key].type() for leg in legs]) for key in plan.keys}
    numbers = {name: leg[name].type() for leg in legs for name in leg.columns if name not in plan.keys}
    stacked = ibis.union(
        *(
            leg.select(
                **{key: leg[key].cast(kind) for key, kind in key_types.items()},
                **{n: leg[n].cast(kind) if n in leg.columns else _none(kind) for n, kind in numbers.items()},
            )
            for leg in legs
        )
    )
    if plan.named is not None and any(leg.pad for leg in plan.legs):
        stacked = _ranked(stacked, plan.named)
    empty = {one.name: one.empty for leg in plan.legs for one in leg.summaries}
    folded = {}
    for name, kind in numbers.items():
        value = stacked[name].arbitrary() if kind.is_boolean() else stacked[name].max()
        folded[name] = value if empty[name] is None else value.fill_null(empty[name])
    return stacked.group_by(list(plan.keys)).aggregate(**folded) if plan.keys else stacked.aggregate(**folded)


def _ranked(stacked: ir.Table, named: Named) -> ir.Table:
    """A period that a leg adds is of the NULL group: of the one that is shown by name, where it is."""
    rank, no_key = stacked[RANK], stacked[named.key].isnull()
    by_name = ibis.ifelse(no_key & (rank <= named.n), rank, ibis.null(rank.type())).max().over(ibis.window())
    return stacked.mutate(**{RANK: ibis.ifelse(no_key, rank.fill_null(by_name), rank)})


def _none(kind: Any) -> Any:
    """NULL as another leg's type; of decimals the engine knows digits that ibis does not, so the engine decides."""
    return _nothing(kind)(1, 1) if kind.is_decimal() else ibis.null(kind)


@lru_cache
def _nothing(kind: Any) -> Callable[..., Any]:
    def nullif(one, other): ...  # type: ignore[no-untyped-def]

    found: Callable[..., Any] = ibis.udf.scalar.builtin(nullif, signature=(("int8", "int8"), kind))
    return found


def _shape(plan: Plan, combined: ir.Table, find: FindTable, raw: bool) -> ir.Table:
    """The groups that are shown, with what is derived, in order."""
    for level in plan.levels:
        if not level.label:
            combined = _with_wholes(combined, level, find)

    def column(of: Column) -> ir.Value:
        return combined[of.name if of.relation == SCANNED else f"{of.relation}.{of.name}"]

    if plan.shape.having is not None:
        combined = combined.filter(lower_condition(plan.shape.having, column))
    if plan.shape.extremes:
        ends = ((key, end, Aggregate(end, (Column(SCANNED, key),))) for key in plan.keys for end in EXTREMES)
        combined = combined.aggregate(
            **{f"{key}.{end}": lower_aggregate(one, column, combined) for key, end, one in ends}
        )
    shown = {name: combined[name] for name in (combined.columns if plan.shape.extremes else plan.keys)}
    shown |= {one.name: _derived(one, column) for one in plan.derived}
    out = combined.select(**shown)
    if raw:
        return out
    out = _labelled(out, plan.named) if plan.named else out
    order = [_direction(name, descending) for name, descending in plan.shape.order]
    totals = [level for level in plan.levels if level.label]
    limited = plan.shape.limit is not None
    if order and (limited or not totals):
        out = out.order_by(order)
    if not totals:
        out = out.drop(*plan.shape.hidden) if plan.shape.hidden else out
        return out.limit(plan.shape.limit) if limited else out
    out = out.limit(plan.shape.limit) if limited else out
    out = _with_totals(out, totals, find).order_by([ibis.asc(TOTAL, nulls_first=True), *order])
    return out.drop(*plan.shape.hidden) if plan.shape.hidden else out


def _derived(one: Derive, column: Callable[[Column], Any]) -> ir.Value:
    """The value of a number; what is wrong with it is said by its name, as aggregates have none that anybody knows."""
    try:
        return lower(one.tree, column)
    except DeclarationError as error:
        told = (replace(p, message=p.message.replace(unparse(one.tree), one.name)) for p in error.problems)
        raise DeclarationError(tuple(told)) from error


def _labelled(out: ir.Table, named: Named) -> ir.Table:
    """The groups with the others called by their name, and a column that tells them from a group of that name."""
    if not named.other:
        return out
    is_other = (out[RANK] > named.n).fill_null(False)
    key = out[named.key] if out[named.key].type().is_string() else out[named.key].cast("string")
    return out.mutate(**{named.key: is_other.ifelse(named.label, key), OTHER: is_other})


def _with_wholes(combined: ir.Table, level: Level, find: FindTable) -> ir.Table:
    """The groups with the values of the whole that each belongs to."""
    wholes = to_ibis(level.plan, find, raw=True)
    wholes = wholes.select(**{f"{level.name}.{name}": wholes[name] for name in wholes.columns})
    if not level.keys:
        return combined.cross_join(wholes)
    keys = (*level.keys, *((RANK,) if level.plan.named else ()))
    on = [combined[key].identical_to(wholes[f"{level.name}.{key}"]) for key in keys]
    return combined.left_join(wholes, on)


def _with_totals(out: ir.Table, totals: list[Level], find: FindTable) -> ir.Table:
    """The groups and the rows of totals; a column says what a row is the total of, NULL for a plain group."""
    kinds = out.schema()
    parts = [out.mutate(**{TOTAL: ibis.null("string")})]
    for level in totals:
        table = to_ibis(level.plan, find)
        row = {n: table[n].cast(k) if n in table.columns else ibis.null(k) for n, k in kinds.items()}
        parts.append(table.select(**row, **{TOTAL: ibis.literal(level.label)}))
    return ibis.union(*parts)


def _direction(name: str, descending: bool) -> Any:
    return ibis.desc(name, nulls_first=False) if descending else ibis.asc(name, nulls_first=False)
