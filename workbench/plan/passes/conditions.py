"""A plan to one that aggregates a column by a FILTER, where the condition was written as a CASE around it."""

from __future__ import annotations

from dataclasses import replace

from workbench.declare.expression import Aggregate, Case, Column, Literal, conjunction
from workbench.plan.steps import Leg, Plan, Summary

SKIP_NULLS = frozenset({"sum", "avg", "min", "max", "count"})
"""Aggregates for which a NULL is as good as no row."""


def conditions(plan: Plan) -> Plan:
    """The plan with ``sum(case when c then x end)`` as the sum of x where c, where x is a column.

    A value that must be computed stays in its CASE: the condition may be what keeps the computation from failing.
    """
    return replace(plan, legs=tuple(_leg(leg) for leg in plan.legs))


def _leg(leg: Leg) -> Leg:
    return leg if leg.follow is not None else replace(leg, summaries=tuple(map(_summary, leg.summaries)))


def _summary(one: Summary) -> Summary:
    match one.aggregate:
        case Aggregate(function, (Case(((when, Column() as value),), None | Literal(None)),)) as tree if (
            function in SKIP_NULLS
        ):
            condition = conjunction(when, tree.condition)
            return replace(one, aggregate=replace(tree, arguments=(value,), condition=condition))
    return one
