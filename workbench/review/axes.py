"""Metrics to the ways in which their values are grouped: what the change touches, then time, rows, and what is near."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from workbench.graph.build import Graph
from workbench.graph.formulas import base_models
from workbench.graph.paths import METRIC_TIME, Field, legal

MONTHS = f"{METRIC_TIME}.month"


@dataclass(frozen=True, slots=True)
class Path:
    """One way to group metrics; the one of lower rank tells more. By a key there is a group for each row."""

    by: str
    rank: int
    is_key: bool = False


Bases = tuple[tuple[str, ...], tuple[str, ...]]
"""The models whose rows are counted by the old definition, and by the new one."""


def by_bases(before: Graph, after: Graph, names: Sequence[tuple[str, str]]) -> Mapping[Bases, list[int]]:
    """The numbers of metrics that count rows of the same models: they can be grouped alike."""
    found: dict[Bases, list[int]] = {}
    for number, (was, now) in enumerate(names):
        found.setdefault((base_models(before, was), base_models(after, now)), []).append(number)
    return found


def paths(before: Graph, after: Graph, bases: Bases, first: frozenset[str]) -> list[Path]:
    """The paths both definitions may be grouped by, those that name one of ``first`` before all others."""
    old, new = (
        {one.by: one for one in _paths(graph, models)} for graph, models in zip((before, after), bases, strict=True)
    )
    common = [replace(one, rank=0) if first & set(by.split(".")) else one for by, one in new.items() if by in old]
    return sorted(common, key=lambda one: one.rank)


def _paths(graph: Graph, models: tuple[str, ...]) -> Iterator[Path]:
    """Paths over at most one hop, of all models whose rows are counted."""
    if all(graph.model(model).time_dimension for model in models):
        yield Path(MONTHS, 1)
    options = [{path: field for path, field in legal(graph, model) if len(field.roles) <= 1} for model in models]
    for path, field in options[0].items() if options else ():
        if all(path in option and option[path].meaning == field.meaning for option in options):
            near, is_key = len(field.roles), _is_key(graph, field)
            # Row by row nothing hides behind something else; the keys of partners tell what ours have told.
            rank = (5 if near else 2) if is_key else 3 + near
            is_time = graph.dimension(field.model, field.dimension).type == "time"
            yield Path(f"{path}.month" if is_time else path, rank, is_key and not is_time)


def _is_key(graph: Graph, field: Field) -> bool:
    column = graph.dimension(field.model, field.dimension).expr or field.dimension
    return (column,) in graph.model(field.model).declared_keys()
