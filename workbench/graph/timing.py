"""When a metric looks: how the moment asked for becomes the moments whose rows count."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from workbench.declare.declared import Declared
from workbench.declare.expression import Column
from workbench.declare.grains import GRAINS
from workbench.declare.terms import Input, Length, Metric, Shift
from workbench.errors import DeclarationError, Place, Problem, did_you_mean
from workbench.graph.build import Graph
from workbench.graph.calendars import own_grains

TIME = "!"
"""The relation of moments in expressions of a moved leg: ``Column("!", "__now")`` is the moment asked for."""

NOW = Column(TIME, "__now")

LOOKED_AT = Column(TIME, "__end")
"""The moment that one asked for looks at."""

Pick = Literal["first", "last", "average"]


@dataclass(frozen=True, slots=True)
class Offset:
    """The moment that much earlier; with ``each``, every moment of that grain looks back for itself."""

    by: Length
    each: str | None = None


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
        offsets = [one for one in self.anchors if isinstance(one, Offset)]
        spans = (self.window.grain,) if self.window else (self.to_date,) if self.to_date else ()
        return (*(one.by.grain for one in offsets), *spans)

    def apart(self, shown: Collection[str]) -> tuple[str, ...]:
        """The grains of which each moment looks back for itself, unless the periods shown are moved as a whole."""
        offsets = [one for one in self.anchors if isinstance(one, Offset)]
        return tuple(one.each for one in offsets if one.each and not _whole(shown, one.by.grain))

    def own_grains(self) -> tuple[str, ...]:
        """The grains of calendars whose periods are counted."""
        return tuple(dict.fromkeys(grain for grain in (*self.units(), *self.starts()) if grain not in GRAINS))

    def starts(self) -> tuple[str, ...]:
        """The grains of the periods whose start is looked at."""
        return tuple(anchor.grain for anchor in self.anchors if isinstance(anchor, OffsetTo))

    @property
    def looks_back(self) -> bool:
        """Whether it is nothing but moments that look at earlier ones."""
        return bool(self.anchors) and not self.spans and all(isinstance(anchor, Offset) for anchor in self.anchors)

    @property
    def each(self) -> bool:
        """Whether moments look back for themselves, and what several of them look at counts several times."""
        return any(isinstance(anchor, Offset) and anchor.each for anchor in self.anchors)

    @property
    def daily(self) -> bool:
        """Whether single days matter, however coarse the question is."""
        return self.period is not None or bool(self.starts())


def of_metric(graph: Graph, declared: Declared[Metric], around: Timing) -> Timing:
    """The timing inside a metric, given the one around it; raises `DeclarationError` (nested-window, unknown-grain)."""
    metric = declared.term
    spans = bool(metric.window or metric.to_date or metric.running)
    for key in ("window", "to_date", "offset", "offset_to"):
        check_grain(graph, getattr(metric, key), declared.place_of(key))
    if around.spans and spans:
        raise _nested(f"'{metric.metric}' moves in time itself, inside another window.", declared.place_of("expr"))
    _check_inside(metric.metric, metric, around, declared.place_of("expr"))
    timing = replace(around, anchors=(*around.anchors, *_anchors(metric)), spine=around.spine or metric.spine)
    if spans:
        timing = replace(
            timing, window=metric.window, to_date=metric.to_date, running=metric.running, period=metric.period
        )
    return timing


def of_input(graph: Graph, used: Input, around: Timing, place: Place) -> Timing:
    """The timing of an input, given the one of the metric that uses it."""
    check_grain(graph, used.offset, place)
    check_grain(graph, used.offset_to, place)
    _check_inside(used.metric, used, around, place)
    return replace(around, anchors=(*around.anchors, *_anchors(used)))


def _whole(shown: Collection[str], by: str) -> bool:
    """Whether an offset by a period leads from each of the periods shown to another whole one."""
    if by not in _MONTHS:
        return {*shown} == {by}
    return {*shown} <= {*_MONTHS} and not {*shown}.isdisjoint(_MONTHS[: _MONTHS.index(by) + 1])


_EVEN = GRAINS[: GRAINS.index("week") + 1]
"""Grains whose periods are all of one length."""

_MONTHS = GRAINS[len(_EVEN) :]
"""Grains whose periods are whole months."""


def _check_inside(name: str, source: Metric | Input, around: Timing, place: Place) -> None:
    """Raise `DeclarationError` (nested-window) where a window over what is offset could mean two things.

    By steps of one length, the offset of a window is the window of the offset. By months it is not: the month to date
    of a week ago starts on the first, the days of a month to date, each a week ago, do not.
    """
    if not around.spans or not (source.offset or source.offset_to):
        return
    grains = [length.grain for length in (source.offset, around.window) if length]
    if source.offset_to or around.to_date or not all(grain in _EVEN for grain in grains):
        raise _nested(f"'{name}' moves in time by steps of uneven length, inside another window.", place)


def _nested(said: str, place: Place) -> DeclarationError:
    hint = "Put the window on a metric that has none inside, and offset that one."
    return DeclarationError(Problem("nested-window", said, place, hint))


def _anchors(source: Metric | Input) -> tuple[Anchor, ...]:
    by = (_offset(source.offset),) if source.offset else ()
    return (*by, OffsetTo(source.offset_to)) if source.offset_to else by


def _offset(shift: Shift) -> Offset:
    return Offset(Length(count=shift.count, grain=shift.grain), shift.each)


def check_grain(graph: Graph, length: Length | str | None, place: Place | None) -> None:
    """Raise `DeclarationError` (unknown-grain) for a grain that neither everyone nor a calendar has."""
    if length is None:
        return
    grain = length if isinstance(length, str) else length.grain
    known = (*GRAINS, *own_grains(graph))
    if grain not in known:
        hint = did_you_mean(grain, known, f"One of {', '.join(known)}.")
        raise DeclarationError(Problem("unknown-grain", f"no grain '{grain}'.", place, hint))
