"""Aggregates to parts that can be aggregated again, and those back to what was asked for."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.declare.expression import Aggregate, Call, Cast, Column, Expression, conjunction
from workbench.plan.steps import First, Summary

_FOLDS = {"count": "sum", "count_if": "sum", "sum": "sum", "min": "min", "max": "max"}
"""How an aggregate of parts becomes that of the whole."""

GROUP, PART = "__g", "__p"
"""What the columns of a first aggregation start with: values that rows are grouped by, and parts."""


def whole(one: Summary) -> Aggregate:
    """The aggregate with every condition on its rows."""
    assert isinstance(one.aggregate, Aggregate)
    condition = conjunction(one.aggregate.condition, one.condition)
    return Aggregate(one.aggregate.function, one.aggregate.arguments, one.aggregate.distinct, condition)


def folds(one: Summary) -> bool:
    """Whether it can be told from aggregates of parts."""
    tree = one.aggregate
    return isinstance(tree, Aggregate) and not tree.distinct and (tree.function in _FOLDS or tree.function == "avg")


def parts_of(one: Summary) -> tuple[Aggregate, ...]:
    """What must be aggregated first: a mean is a sum and a count."""
    aggregate = whole(one)
    if aggregate.function != "avg":
        return (aggregate,)
    real = Cast(aggregate.arguments[0], "float")
    return (
        Aggregate("sum", (real,), condition=aggregate.condition),
        Aggregate("count", aggregate.arguments, condition=aggregate.condition),
    )


def fold(index: int, first: First) -> Aggregate:
    """The part of a whole, from those of its groups."""
    return Aggregate(_FOLDS[first.parts[index].function], (Column("", f"{PART}{index}"),))


def finished(one: Summary, first: First) -> Expression:
    """What was asked for, from parts of the whole."""
    columns = [Column("", f"{PART}{first.parts.index(part)}") for part in parts_of(one)]
    return columns[0] if len(columns) == 1 else Call("/", tuple(columns))


def needed(summaries: Iterable[Summary], first: First) -> tuple[int, ...]:
    """Which parts of a first aggregation these are made of."""
    return tuple(dict.fromkeys(first.parts.index(part) for one in summaries for part in parts_of(one)))
