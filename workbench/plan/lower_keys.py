"""A key to the SQL that counts its rows, its NULLs and what is wrong with it, in one scan."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING, Any

import ibis

from workbench.declare.expression import Column
from workbench.errors import Problem, QuestionError, did_you_mean
from workbench.graph.keys import KeyRead
from workbench.plan.lower_scalar import lower

if TYPE_CHECKING:
    import ibis.expr.types as ir

SchemaOf = Callable[[str], "ibis.Schema"]
KeySql = tuple[str, Callable[[], str]]
"""SQL for one row of counts (rows, nulls, faults), and what gives SQL for a few faults with their rows counted last."""

SAMPLES = 3
"""Faults that are quoted."""


def uniqueness_sql(read: KeyRead, schema_of: SchemaOf, dialect: str, catalog: str = "") -> KeySql:
    """Whether values repeat: ``faults`` counts values, none of them NULL, that several rows share."""
    grouped = _grouped(read, _finder(schema_of, catalog))
    repeated = _whole(grouped) & (grouped["rows"] > 1)
    return _sql(grouped, repeated.ifelse(1, 0), repeated, len(read.key), dialect)


def coverage_sql(ours: KeyRead, theirs: KeyRead, schema_of: SchemaOf, dialect: str, catalog: str = "") -> KeySql:
    """Whether rows find their partner: ``faults`` counts rows with a value, no part of it NULL, that has none."""
    find = _finder(schema_of, catalog)
    grouped = _grouped(ours, find)
    partners = _keyed(theirs, find, "p").distinct().mutate(is_there=ibis.literal(True))
    on = [grouped[f"k{i}"] == partners[f"p{i}"] for i in range(len(ours.key))]
    met = grouped.left_join(partners, on)
    orphaned = _whole(met) & met["is_there"].isnull()
    return _sql(met, orphaned.ifelse(met["rows"], 0), orphaned, len(ours.key), dialect)


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
        return str(ibis.to_sql(few, dialect=dialect))

    return str(ibis.to_sql(counts, dialect=dialect)), sample


def _whole(table: ir.Table) -> Any:
    """Whether no part of the key is NULL: only such values can meet in a join."""
    parts = [table[name].notnull() for name in table.columns if name.startswith("k")]
    return reduce(lambda one, other: one & other, parts)


def _grouped(read: KeyRead, find: Callable[[str], ir.Table]) -> ir.Table:
    keyed = _keyed(read, find, "k")
    return keyed.group_by(keyed.columns).aggregate(rows=lambda table: table.count())


def _keyed(read: KeyRead, find: Callable[[str], ir.Table], prefix: str) -> ir.Table:
    """The values of the key, one row for each of the table, as k0, k1 and so on."""
    tables = {"": find(read.table), **{r.name: find(r.table) for r in read.relations}}
    joined = tables[""].select(**_renamed("", tables[""]))

    def column_in(held: ir.Table) -> Callable[[Column], ir.Value]:
        def column(of: Column) -> ir.Value:
            columns = tables[of.relation].columns
            if of.name not in columns:
                raise _missing(of.name, read, columns)
            return held[f"{of.relation}.{of.name}"]

        return column

    for one in read.relations:
        right = tables[one.name].select(**_renamed(one.name, tables[one.name]))
        on = [lower(a, column_in(joined)) == lower(b, column_in(right)) for a, b in one.pairs]
        joined = joined.left_join(right, on)
    return joined.select(**{f"{prefix}{i}": lower(tree, column_in(joined)) for i, tree in enumerate(read.trees)})


def _renamed(relation: str, table: ir.Table) -> dict[str, Any]:
    return {f"{relation}.{name}": table[name] for name in table.columns}


def _finder(schema_of: SchemaOf, catalog: str) -> Callable[[str], ir.Table]:
    def find(name: str) -> ir.Table:
        schema, _, table = name.rpartition(".")
        return ibis.table(schema_of(name), name=table, catalog=catalog or None, database=schema or None)

    return find


def _missing(name: str, read: KeyRead, columns: tuple[str, ...]) -> QuestionError:
    return QuestionError(
        Problem(
            "missing-column",
            f"the table '{read.table}' of '{read.model}' has no column '{name}'.",
            hint=did_you_mean(name, columns, f"It has {', '.join(columns)}."),
        )
    )
