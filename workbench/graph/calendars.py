"""Declared calendars to grains of one's own: where their periods stand, and which lie in which."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.declare.grains import GRAINS
from workbench.graph.build import Graph

BOUND = ">"
"""Stands in the name of a column that no table has: ``fiscal_month>day>last`` is the last day of a row's period."""


def own_grains(graph: Graph) -> dict[str, tuple[str, str]]:
    """Grains of declared calendars: each with its calendar and the column that holds the periods."""
    return {
        grain: (name, column)
        for name, declared in graph.calendars.items()
        for grain, column in declared.term.grains.items()
    }


def steps_of(graph: Graph, grain: str) -> str:
    """The grain of GRAINS that tells periods of ``grain`` apart: that of its calendar's rows, where it is one's own."""
    return grain if grain in GRAINS else graph.calendars[own_grains(graph)[grain][0]].term.grain


def counted_by(graph: Graph, grains: Iterable[str]) -> str | None:
    """The one of ``grains`` whose periods make up those of all others, where a calendar says so; else None."""
    wanted, own = set(grains), own_grains(graph)
    if not wanted or not wanted <= own.keys():
        return None
    return next((one for one in wanted if wanted <= {one, *around(graph, one)}), None)


def around(graph: Graph, grain: str) -> Iterable[str]:
    """The grains that a grain lies within, nearest first."""
    within = graph.calendars[own_grains(graph)[grain][0]].term.within
    seen = {grain}
    while grain in within and within[grain] not in seen:
        grain = within[grain]
        seen.add(grain)
        yield grain


def bound(graph: Graph, grain: str, which: str) -> str:
    """The column with the ``first`` or ``last`` moment of the period that a row of a calendar lies in."""
    name, column = own_grains(graph)[grain]
    return BOUND.join((column, graph.calendars[name].term.column, which))


def plain_column(name: str) -> str:
    """The column that holds the periods."""
    return name.partition(BOUND)[0]


def grain_of(graph: Graph, calendar: str, column: str) -> str:
    """The grain whose periods a column of a calendar holds."""
    grains = graph.calendars[calendar].term.grains
    return next(grain for grain, held in grains.items() if held == plain_column(column))
