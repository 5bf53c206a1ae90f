"""A key to the SQL that counts its rows, its NULLs and what is wrong with it, in one scan."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Any

import ibis
from ibis.common.exceptions import IbisTypeError

from workbench.declare.expression import Column
from workbench.errors import Problem, QuestionError
from workbench.graph.keys import KeyRead
from workbench.plan.lower_scalar import add_interval, lower, truncate
from workbench.plan.lower_text import sql_text

if TYPE_CHECKING:
    import ibis.expr.types as ir

SchemaOf = Callable[[str], "ibis.Schema"]
FindTable = Callable[[str], "ir.Table"]
KeySql = tuple[str, Callable[[], str]]
"""SQL for one row of counts (rows, nulls, faults), and what gives SQL for a few faults with their rows counted last."""

SAMPLES = 3
"""Faults that are quoted."""
KEPT = 256
"""Keys whose SQL is kept."""


def uniqueness_sql(read: KeyRead, schema_of: SchemaOf, dialect: str, catalog: str = "") -> KeySql:
    """Whether values repeat: ``faults`` counts values, none of them NULL, that several rows share.

    In a history, these are the values with rows whose periods overlap; in a calendar whose periods are counted, the
    moments that don't follow the one before, by a step of the calendar and in the same or a later period.
    """
    tables = dict.fromkeys((read.table, *(one.table for one in read.relations)))
    # Equal trees may still hold 1 and true, which the identity tells apart.
    return _uniqueness_sql(read.identity, read, tuple((name, schema_of(name)) for name in tables), dialect, catalog)


@lru_cache(KEPT)
def _uniqueness_sql(
    identity: str, read: KeyRead, schemas: tuple[tuple[str, ibis.Schema], ...], dialect: str, catalog: str
) -> KeySql:
    """Each version of the data is looked at by the same SQL, which takes longer to write than to run."""
    keyed = _keyed(read, _finder(dict(schemas).__getitem__, catalog), "k")
    if read.ordered:
        marked = _out_of_order(keyed, read.ordered)
        return _sql(marked, marked["wrong"].ifelse(1, 0), marked["wrong"], len(read.key), dialect)
    grouped = _grouped(keyed) if read.valid is None else _overlaps(keyed)
    repeated = _whole(grouped) & (grouped["rows"] > 1 if read.valid is None else grouped["overlaps"])
    return _sql(grouped, repeated.ifelse(1, 0), repeated, len(read.key), dialect)


def coverage_sql(ours: KeyRead, theirs: KeyRead, schema_of: SchemaOf, dialect: str, catalog: str = "") -> KeySql:
    """Whether rows find their partner: ``faults`` counts rows with a value, no part of it NULL, that has none."""
    find = _finder(schema_of, catalog)
    grouped = _grouped(_keyed(ours, find, "k"))
    partners = _keyed(theirs, find, "p").distinct().mutate(is_there=ibis.literal(True))
    named = (f"'{a}' and '{b}' of '{theirs.model}'" for a, b in zip(ours.key, theirs.key, strict=True))
    on = [same(grouped[f"k{i}"], partners[f"p{i}"], said) for i, said in enumerate(named)]
    met = grouped.left_join(partners, on)
    orphaned = _whole(met) & met["is_there"].isnull()
    return _sql(met, orphaned.ifelse(met["rows"], 0), orphaned, len(ours.key), dialect)


def same(ours: Any, theirs: Any, said: str) -> Any:
    """Whether two values are equal; raises `QuestionError` (type-mismatch) where their types can't be compared."""
    try:
        return ours == theirs
    except IbisTypeError:
        kinds = f"{ours.type()} and {theirs.type()}".replace("!", "")
        raise QuestionError(
            Problem(
                "type-mismatch",
                f"{said} can't be joined: they are {kinds}.",
                hint="Declare a dimension that casts one of them, and join on that.",
            )
        ) from None


def _sql(counted: ir.Table, faults: Any, is_faulty: Any, width: int, dialect: str) -> KeySql:
    """Each value stands once in ``counted``, with its number of rows."""
    rows = counted["rows"]
    counts = counted.aggregate(
        rows=rows.sum().fill_null(0),
        nulls=_whole(counted).ifelse(0, rows).sum().fill_null(0),
        faults=faults.sum().fill_null(0),
    )
    keys = [f"k{i}" for i in range(width)]

    def sample() -> str:
        few = counted.filter(is_faulty).select(*keys, "rows").order_by(keys).limit(SAMPLES)
        return sql_text(few, dialect)

    return sql_text(counts, dialect), sample


def _whole(table: ir.Table) -> Any:
    """Whether no part of the key is NULL: only such values can meet in a join."""
    return reduce(lambda one, other: one & other, [table[name].notnull() for name in _parts(table)])


def _parts(table: ir.Table) -> list[str]:
    return [name for name in table.columns if name.startswith("k")]


def _grouped(keyed: ir.Table) -> ir.Table:
    return keyed.group_by(_parts(keyed)).aggregate(rows=lambda table: table.count())


def _overlaps(keyed: ir.Table) -> ir.Table:
    """Of each value whether any of its periods overlap; sorted by their start, it is enough to look at neighbours."""
    start, end = keyed["start"], keyed["end"]
    # A period that never begins, or ends before it begins, has no moment in it and meets nothing.
    counts = start.notnull() & (end.isnull() | (start < end))
    window = ibis.window(group_by=[*_parts(keyed), "counts"], order_by="start")
    marked = keyed.mutate(counts=counts)
    following = marked["start"].lead().over(window)
    meets = following.notnull() & (marked["end"].isnull() | (following < marked["end"]))
    marked = marked.mutate(overlaps=marked["counts"] & meets)
    return marked.group_by(_parts(keyed)).aggregate(rows=marked.count(), overlaps=marked["overlaps"].any())


def _out_of_order(keyed: ir.Table, grain: str) -> ir.Table:
    """Each moment of a calendar, and whether its place there is none that can be counted."""
    periods = _parts(keyed)[1:]
    follows = ibis.window(order_by="k0")
    marked = keyed.mutate(rows=1, **{f"b{i}": keyed[f"k{i}"].lag().over(follows) for i in range(len(periods) + 1)})
    before, first = marked["b0"], marked["b0"].isnull()
    wrong = marked["k0"].isnull() | (~first & (marked["k0"] != add_interval(before, 1, grain)))
    for name in periods:
        label = marked[name]
        wrong = wrong | label.isnull() | (label < marked[f"b{name[1:]}"])
        if label.type().is_temporal():  # the first period began before the calendar does
            wrong = wrong | (first & (truncate(label, grain) < marked["k0"]))
    if len(periods) == 2:
        finer, coarser = periods
        wrong = wrong | ((marked[finer] == marked["b1"]) & (marked[coarser] != marked["b2"]))
    return marked.mutate(wrong=wrong.fill_null(False))


def _keyed(read: KeyRead, find: FindTable, prefix: str) -> ir.Table:
    """The values of the key, one row for each of the table, as k0, k1 and so on."""
    tables = {"": find(read.table), **{r.name: find(r.table) for r in read.relations}}
    joined = tables[""].select(**_renamed("", tables[""]))

    def column_in(held: ir.Table) -> Callable[[Column], ir.Value]:
        def column(of: Column) -> ir.Value:
            columns = tables[of.relation].columns
            if of.name not in columns:
                raise _missing(of.name, read)
            return held[f"{of.relation}.{of.name}"]

        return column

    for one in read.relations:
        right = tables[one.name].select(**_renamed(one.name, tables[one.name]))
        on = [lower(a, column_in(joined)) == lower(b, column_in(right)) for a, b in one.pairs]
        joined = joined.left_join(right, on)
    parts = {f"{prefix}{i}": lower(tree, column_in(joined)) for i, tree in enumerate(read.trees)}
    for name, cast in zip(parts, read.casts, strict=False):
        parts[name] = parts[name].cast(cast) if cast else parts[name]
    if read.valid is not None:
        parts |= {"start": lower(read.valid[0], column_in(joined)), "end": lower(read.valid[1], column_in(joined))}
    return joined.select(**parts)


def _renamed(relation: str, table: ir.Table) -> dict[str, Any]:
    return {f"{relation}.{name}": table[name] for name in table.columns}


def _finder(schema_of: SchemaOf, catalog: str) -> FindTable:
    def find(name: str) -> ir.Table:
        schema, _, table = name.rpartition(".")
        return ibis.table(schema_of(name), name=table, catalog=catalog or None, database=schema or None)

    return find


def _missing(name: str, read: KeyRead) -> QuestionError:
    # No near names: among them could be columns that the asker may not know of.
    said = f"the table '{read.table}' of '{read.model}' has no column '{name}'."
    return QuestionError(Problem("missing-column", said))
