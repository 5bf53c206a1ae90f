"""When a metric looks: how the moment asked for becomes the moments whose rows count."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from workbench.declare.declared import Declared
from workbench.declare.expression import Column
from workbench.declare.grains import GRAINS
from workbench.declare.terms import Input, Length, Metric
from workbench.errors import DeclarationError, Place, Problem, did_you_mean
from workbench.graph.build import Graph

TIME = "!"
"""The relation of moments in expressions of a moved leg: ``Column("!", "t")`` is the moment asked for."""

NOW = Column(TIME, "t")

Pick = Literal["first", "last", "average"]


@dataclass(frozen=True, slots=True)
class Offset:
    """The moment that much earlier."""

    by: Length


@dataclass(frozen=True, slots=True)
class OffsetTo:
    """The start of the period that holds the moment."""

    grain: str


Anchor = Offset | OffsetTo


@dataclass(frozen=True, slots=True)
class Timing:
    """From a moment, ``anchors`` lead to another, outermost first; rows count there, or in a span that ends there."""

    anchors: tuple[Anchor, ...] = ()
    window: Length | None = None
    to_date: str | None = None
    running: bool = False
    period: Pick | None = None
    spine: bool = False

    @property
    def spans(self) -> bool:
        """Whether the rows of more than one moment count."""
        return bool(self.window or self.to_date or self.running)

    @property
    def moves(self) -> bool:
        """Whether the rows that count are others than those of the moment itself."""
        return bool(self.anchors) or self.spans

    @property
    def plain(self) -> bool:
        """Whether time is nothing special here."""
        return not self.moves and not self.spine

    @property
    def pick(self) -> Pick | None:
        """Which moment of a coarser period is shown; None where all of them add up."""
        if self.spans:
            return self.period or "last"
        return "first" if any(isinstance(anchor, OffsetTo) for anchor in self.anchors) else None

    def shown(self, by_period: bool) -> Pick | None:
        """Which moment is shown where periods are asked for; without any, a span is that of the last moment."""
        return self.pick if by_period or not self.spans else "last"

    def among_rows(self, by_period: bool) -> bool:
        """Whether that is the first or last moment that has rows, as 'period' means it, and not that of the period."""
        return by_period and self.spans and self.period is not None and not self.spine

    def units(self) -> tuple[str, ...]:
        """The grains that moments must at least be told apart by."""
        offsets = tuple(anchor.by.grain for anchor in self.anchors if isinstance(anchor, Offset))
        spans = (self.window.grain,) if self.window else (self.to_date,) if self.to_date else ()
        return (*offsets, *spans)

    @property
    def daily(self) -> bool:
        """Whether single days matter, however coarse the question is."""
        return self.period is not None or any(isinstance(anchor, OffsetTo) for anchor in self.anchors)


def of_metric(graph: Graph, declared: Declared[Metric], around: Timing) -> Timing:
    """The timing inside a metric, given the one around it; raises `DeclarationError` (nested-window, unknown-grain)."""
    metric = declared.term
    spans = bool(metric.window or metric.to_date or metric.running)
    if around.spans and (spans or metric.offset or metric.offset_to):
        raise DeclarationError(
            Problem(
                "nested-window",
                f"'{metric.metric}' moves in time itself, inside another window.",
                declared.place_of("expr"),
                "Put the window on a metric that has none inside.",
            )
        )
    for key in ("window", "to_date", "offset", "offset_to"):
        _check_grain(graph, getattr(metric, key), declared.place_of(key))
    timing = replace(around, anchors=(*around.anchors, *_anchors(metric)), spine=around.spine or metric.spine)
    if spans:
        timing = replace(
            timing, window=metric.window, to_date=metric.to_date, running=metric.running, period=metric.period
        )
    return timing


def of_input(graph: Graph, used: Input, around: Timing, place: Place) -> Timing:
    """The timing of an input, given the one of the metric that uses it."""
    _check_grain(graph, used.offset, place)
    _check_grain(graph, used.offset_to, place)
    return replace(around, anchors=(*around.anchors, *_anchors(used)))


def _anchors(source: Metric | Input) -> tuple[Anchor, ...]:
    by = (Offset(source.offset),) if source.offset else ()
    return (*by, OffsetTo(source.offset_to)) if source.offset_to else by


def _check_grain(graph: Graph, length: Length | str | None, place: Place) -> None:
    if length is None:
        return
    grain = length if isinstance(length, str) else length.grain
    if grain not in GRAINS:
        raise DeclarationError(
            Problem(
                "unknown-grain",
                f"no grain '{grain}'.",
                place,
                did_you_mean(grain, GRAINS, f"One of {', '.join(GRAINS)}."),
            )
        )
