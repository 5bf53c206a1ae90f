"""Which dimensions hold the same values: a foreign key and the key it points at are one thing."""

from __future__ import annotations

from workbench.declare.expression import Column
from workbench.graph.bind import column_of
from workbench.graph.build import Graph
from workbench.graph.paths import Field

Cell = tuple[str, str]
"""A model and a column of its table."""


def same_values(graph: Graph, one: Field, other: Field) -> bool:
    """Whether two fields name the same thing, so that groups of one may be merged with groups of the other."""
    if one.grain != other.grain or one.part != other.part:
        return False
    if (one.model, one.dimension) == (other.model, other.dimension):
        return True
    first, second = _cell(graph, one.model, one.dimension), _cell(graph, other.model, other.dimension)
    return first is not None and second is not None and second in _equal_cells(graph, first)


def _cell(graph: Graph, model: str, name: str) -> Cell | None:
    """The column that a dimension or key plainly is, None where it is computed."""
    tree = column_of(graph, model, name)
    return (model, tree.name) if isinstance(tree, Column) and not tree.relation else None


def _equal_cells(graph: Graph, cell: Cell) -> set[Cell]:
    """Every column tied to ``cell`` by relationships on a single pair of columns."""
    ties: dict[Cell, set[Cell]] = {}
    for model, declared in graph.models.items():
        for relationship in declared.term.relationships.values():
            pairs = relationship.pairs()
            if relationship.to in graph.models and len(pairs) == 1:
                ours, theirs = _cell(graph, model, pairs[0][0]), _cell(graph, relationship.to, pairs[0][1])
                if ours and theirs:
                    ties.setdefault(ours, set()).add(theirs)
                    ties.setdefault(theirs, set()).add(ours)
    reached, frontier = {cell}, [cell]
    while frontier:
        for tied in ties.get(frontier.pop(), ()):
            if tied not in reached:
                reached.add(tied)
                frontier.append(tied)
    return reached
