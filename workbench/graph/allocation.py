"""Numbers over the pairs of a bridge: what of an aggregate falls to each partner, or why nothing can be told."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.declare.expression import Aggregate, Call, Case, Cast, Column, Expression, Literal
from workbench.declare.question import Question
from workbench.errors import Problem, Unanswerable
from workbench.graph.bind import Relation

WEIGHT = "__weight"
"""The column of a bridge's pairs that says which part of a row falls to the partner."""

WEIGHTED = "weighted_avg"
"""The mean of values of which each has a weight."""

SHARED = frozenset({"count", "count_if", "sum", "avg"})
"""Aggregates of parts of rows."""

UNTOUCHED = frozenset({"min", "max", "first", "last", "bool_and", "bool_or"})
"""Aggregates to which it is nothing that a row stands there several times."""


def check_bridges(question: Question, relations: Iterable[Relation], aggregates: Iterable[Aggregate]) -> None:
    """Raise `Unanswerable` (not-allocated) where a number over a bridge would be none; rows may be listed over any."""
    bridges = [one for one in relations if one.bridge is not None]
    if not bridges or question.every_row:
        return
    named = f"the bridge '{bridges[0].model}'"
    wholes = [one for one in bridges if one.bridge and one.bridge.is_whole]
    if len(bridges) > 1 and wholes:
        said = "a question crosses several bridges, and one of them gives each partner the whole."
        raise Unanswerable(Problem("not-allocated", said, hint="Ask by one of them at a time."))
    if wholes and question.share_of:
        said = f"groups overlap over {named}, where each partner has the whole: their shares add up to more than all."
        hint = "Ask for totals instead, or declare 'allocate: equally' or 'allocate: {by: COLUMN}' on the bridge."
        raise Unanswerable(Problem("not-allocated", said, hint=hint))
    for one in aggregates if not wholes else ():
        if one.distinct or one.function not in SHARED | UNTOUCHED:
            what = "count(distinct ...)" if one.distinct else f"'{one.function}'"
            said = f"{what} can't be told of parts of rows, and {named} parts each row among its partners."
            hint = "Declare 'allocate: whole' on the bridge, so that each partner has the whole and groups overlap."
            raise Unanswerable(Problem("not-allocated", said, hint=hint))


def allocated(tree: Expression, relations: Iterable[Relation]) -> Expression:
    """An aggregate of rows as one of the parts that fall to a group; a row without partners is whole."""
    split = [one for one in relations if one.bridge is not None and not one.bridge.is_whole]
    if not split or not isinstance(tree, Aggregate) or tree.function in UNTOUCHED:
        return tree
    weight: Expression = Literal(1.0)
    for number, one in enumerate(split):
        part = Call("coalesce", (Column(one.name, WEIGHT), Literal(1.0)))
        weight = part if number == 0 else Call("*", (weight, part))
    if tree.function == "count" and not tree.arguments:
        return Aggregate("sum", (weight,), condition=tree.condition)
    value = tree.arguments[0]
    if tree.function == "avg":
        return Aggregate(WEIGHTED, (Cast(value, "float"), weight), condition=tree.condition)
    if tree.function == "sum":
        return Aggregate("sum", (Call("*", (Cast(value, "float"), weight)),), condition=tree.condition)
    counts = Call("not", (Call("is_null", (value,)),)) if tree.function == "count" else value
    return Aggregate("sum", (Case(((counts, weight),)),), condition=tree.condition)
