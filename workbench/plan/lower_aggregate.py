"""Turns an aggregate of the expression language into an ibis reduction that means the same on every engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import ibis

from workbench.declare.expression import Aggregate
from workbench.plan.lower_functions import counted, real

if TYPE_CHECKING:
    import ibis.expr.types as ir


@ibis.udf.agg.builtin(name="sum", signature=(("int64",), "decimal(38, 0)"))
def _total(value, where=None): ...  # type: ignore[no-untyped-def]  # engines give more than 64 bits; ibis believes 64


@lru_cache
def _quantile(name: str, kind: Any) -> Callable[..., Any]:
    """The engine's quantile of that name, a value of the type it is of: ibis interpolates every number."""

    def percentile(value, fraction, where=None): ...  # type: ignore[no-untyped-def]

    signature = ((kind, "float64"), kind)
    found: Callable[..., Any] = ibis.udf.agg.builtin(percentile, name=name, signature=signature)
    return found


def lower_aggregation(aggregate: Aggregate, values: Sequence[Any], where: Any, table: ir.Table) -> ir.Value:
    """The reduction of lowered arguments over the rows of a table where the condition holds."""
    if aggregate.function == "count" and not values:
        return table.count(where=where)
    if values:
        values = [_in_rows(values[0], table), *values[1:]]
    if aggregate.distinct:
        return values[0].nunique(where=where)
    return _REDUCTIONS[aggregate.function](*values, where=where)


def _in_rows(value: Any, table: ir.Table) -> Any:
    """A constant as a value of each row, so that it is reduced over the rows of the table and not by itself."""
    if value.op().shape.is_columnar():
        return value
    return ibis.ifelse(table[table.columns[0]].isnull(), value, value)


def _sum(value: Any, where: Any) -> Any:
    kind = value.type()
    if kind.is_boolean():
        value, kind = counted(value), ibis.dtype("int64")
    return _total(value, where=where).cast("int64") if kind.is_integer() else value.sum(where=where)


def _weighted(value: Any, weight: Any, where: Any) -> Any:
    known = value.notnull() if where is None else value.notnull() & where
    return (value * weight).sum(where=known) / weight.sum(where=known)


def _extreme(value: Any, where: Any, name: str, boolean: str) -> Any:
    return getattr(value, boolean if value.type().is_boolean() else name)(where=where)


def _measured(value: Any) -> Any:
    """A number in floating point, before a mean is taken: ibis rounds the mean of a decimal to its digits."""
    return real(counted(value) if value.type().is_boolean() else value)


def _fraction(value: Any) -> float:
    return float(value.op().arg.value) if hasattr(value.op(), "arg") else float(value.op().value)


def _percentile(name: str, value: Any, fraction: Any, where: Any) -> Any:
    return _quantile(name, value.type())(value, _fraction(fraction), where=where)


def _at_edge(value: Any, time: Any, where: Any, edge: str) -> Any:
    """The value at the first or last time; equal times go by the value, so that the answer is the same every run."""
    known = value.notnull() & time.notnull()
    where = known if where is None else known & where
    return getattr(value, edge)(order_by=[time, value], where=where)


_REDUCTIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "count": lambda value, where: value.count(where=where),
        "sum": _sum,
        "min": lambda value, where: _extreme(value, where, "min", "all"),
        "max": lambda value, where: _extreme(value, where, "max", "any"),
        "avg": lambda value, where: _measured(value).mean(where=where),
        "weighted_avg": lambda value, weight, where: _weighted(value, weight, where),
        "median": lambda value, where: _measured(value).quantile(0.5, where=where),
        "percentile": lambda value, fraction, where: _measured(value).quantile(_fraction(fraction), where=where),
        "percentile_disc": partial(_percentile, "quantile_disc"),
        "stddev": lambda value, where: real(value).std(where=where, how="sample"),
        "stddev_pop": lambda value, where: real(value).std(where=where, how="pop"),
        "variance": lambda value, where: real(value).var(where=where, how="sample"),
        "var_pop": lambda value, where: real(value).var(where=where, how="pop"),
        "approx_distinct": lambda value, where: value.approx_nunique(where=where),
        "approx_percentile": partial(_percentile, "approx_quantile"),
        "first": lambda value, time, where: _at_edge(value, time, where, "first"),
        "last": lambda value, time, where: _at_edge(value, time, where, "last"),
        "bool_and": lambda value, where: value.all(where=where),
        "bool_or": lambda value, where: value.any(where=where),
        "count_if": lambda value, where: value.nullif(False).count(where=where),
    }
)
