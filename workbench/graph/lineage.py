"""A resolved question to its lineage: which columns of which tables each number and group comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeGuard

from workbench.declare.expression import Column, Expression, walk
from workbench.graph.bind import HERE
from workbench.graph.build import Graph
from workbench.graph.formulas import SCANNED, Aggregation
from workbench.graph.joins import table_at
from workbench.graph.resolve import Resolved
from workbench.graph.timing import TIME


@dataclass(frozen=True, slots=True)
class Origin:
    """A column of an answer, and the columns of the warehouse it is computed from."""

    name: str
    columns: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} <- {', '.join(self.columns) or 'rows'}"


def lineage(graph: Graph, resolved: Resolved) -> tuple[Origin, ...]:
    """Where each column of the answer comes from, direct and through filters."""
    out = []
    for key in resolved.keys:
        shown = [
            (leg, tree)
            for leg in resolved.legs
            for name, tree in zip(leg.names, leg.keys, strict=True)
            if name == key.name
        ]
        read = [column for leg, tree in shown for column in columns_read(graph, leg.model, tree)]
        out.append(Origin(key.name, tuple(dict.fromkeys(read))))
    for number in resolved.numbers:
        used = [resolved.aggregations[int(c.name)] for c in walk(number.tree) if _is_scanned(c)]
        out.append(
            Origin(number.name, tuple(dict.fromkeys(c for one in used for c in aggregation_columns(graph, one))))
        )
    return tuple(out)


def aggregation_columns(graph: Graph, one: Aggregation) -> tuple[str, ...]:
    """The columns an aggregation reads; its table where it counts rows."""
    counted = one.following.model if one.following else one.model
    read = [*columns_read(graph, counted, one.aggregate)]
    read += [column for tree in one.filters for column in columns_read(graph, one.model, tree)]
    return tuple(dict.fromkeys(read)) or (graph.model(one.model).table,)


def columns_read(graph: Graph, base: str, tree: Expression) -> tuple[str, ...]:
    """``table.column`` for each column in a tree bound from ``base``."""
    return tuple(
        f"{table_at(graph, base, part.relation)}.{part.name}"
        for part in walk(tree)
        if isinstance(part, Column) and part.relation not in (SCANNED, TIME) and part.name != HERE
    )


def _is_scanned(part: Expression) -> TypeGuard[Column]:
    return isinstance(part, Column) and part.relation == SCANNED
