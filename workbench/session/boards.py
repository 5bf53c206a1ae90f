"""A dashboard to the part of it that one may see; what is hidden is not on the page."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.declare.dashboard import Dashboard, Tile
from workbench.declare.question import Question
from workbench.errors import WorkbenchError
from workbench.graph.build import Graph
from workbench.graph.resolve import resolve


def seen(page: Dashboard, graph: Graph) -> Dashboard | None:
    """The page without tiles and filters that name what ``graph`` does not have; None where no picture is left."""
    pictures = [tile for row in page.rows for tile in row if tile.kind != "text"]
    left = [tile for tile in pictures if _resolves(graph, tile, [])]
    if pictures and not left:
        return None
    filters = tuple(path for path in page.filters if any(_resolves(graph, tile, [path]) for tile in left))
    if len(left) == len(pictures) and filters == page.filters:
        return page
    rows = tuple(tuple(tile for tile in row if tile.kind == "text" or tile in left) for row in page.rows)
    return page.model_copy(update={"rows": tuple(row for row in rows if row), "filters": filters})


def _resolves(graph: Graph, tile: Tile, filters: Iterable[str]) -> bool:
    conditions = [one for one in (tile.where, *(f"{path} is not null" for path in filters)) if one]
    try:
        resolve(graph, Question(metrics=tile.metrics(), by=tile.by, where=conditions))
    except WorkbenchError:
        return False
    return True
