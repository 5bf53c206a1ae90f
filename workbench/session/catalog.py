"""What there is to ask for, as cards: plain facts about metrics, models and dimensions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class MetricCard:
    """The facts of one metric, as shown beside its numbers."""

    name: str
    label: str
    description: str
    owner: str
    domain: str
    tags: tuple[str, ...]
    synonyms: tuple[str, ...]
    unit: str
    format: str
    better: Literal["higher", "lower"] | None
    expr: str
    filter: str
    models: tuple[str, ...]
    state: Literal["public", "internal", "ad hoc"]
    place: str
    tests: int
    fresh_until: datetime | None = None
    deprecated_since: date | None = None
    deprecated_until: date | None = None
    replaced_by: str = ""


@dataclass(frozen=True, slots=True)
class DimensionCard:
    """The facts of one path that may group or filter."""

    path: str
    label: str
    description: str
    type: Literal["categorical", "time", "number", "boolean"]
    model: str
    grains: tuple[str, ...] = ()
    masked: bool = False
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The facts of one semantic model."""

    name: str
    label: str
    description: str
    owner: str
    table: str
    primary_key: tuple[str, ...]
    relationships: tuple[str, ...]
    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]
    place: str


class Cards(tuple[Any, ...]):
    """A list of cards that draws itself where something to draw with was given."""

    draw: Callable[[Any, Any], Any] | None

    def __new__(cls, cards: Iterable[Any], draw: Callable[[Any, Any], Any] | None = None) -> Cards:
        """The cards, and what draws them."""
        made = super().__new__(cls, tuple(cards))
        made.draw = draw
        return made

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any] | None:
        drawn = self.draw(self, "bundle") if self.draw else None
        return drawn if isinstance(drawn, dict) else None

    def __repr__(self) -> str:
        drawn = self._repr_mimebundle_()
        return str(drawn["text/plain"]) if drawn else tuple.__repr__(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        # IPython prints any tuple by itself, past the bundle; a terminal shall see the list as well.
        printer.text(repr(self))
