"""Tagged dimensions to tagged columns: what a mask by tag has to cover in the warehouse."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.declare.expression import Column, walk
from workbench.graph.bind import HERE, column_of
from workbench.graph.build import Graph
from workbench.graph.joins import hops


def column_tags(graph: Graph) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """For each table, the tags of each column that a tagged dimension reads."""
    out: dict[str, dict[str, dict[str, None]]] = {}
    for name, declared in graph.models.items():
        for dimension, term in declared.term.dimensions.items():
            if not term.tags:
                continue
            for part in walk(column_of(graph, name, dimension)):
                if isinstance(part, Column) and part.name != HERE:
                    roles = tuple(part.relation.split(".")) if part.relation else ()
                    model = hops(graph, name, roles)[-1].model if roles else name
                    tags = out.setdefault(graph.model(model).table, {}).setdefault(part.name, {})
                    tags.update(dict.fromkeys(term.tags))
    return {table: {column: tuple(tags) for column, tags in columns.items()} for table, columns in out.items()}
