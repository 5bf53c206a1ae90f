"""What there is to ask for, as cards: plain facts about metrics, models and dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal


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
