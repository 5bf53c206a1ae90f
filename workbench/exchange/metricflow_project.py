"""A MetricFlow project as plain facts: what its YAML says, each part with its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.errors import Place

NAME = re.compile(r"[a-z][a-z0-9_]*")
BAD_NAME = "a name consists of lower case letters, digits and underscores"
JOINABLE = ("primary", "unique", "natural")
"""The kinds of entity that a join may land on."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that was not taken over: what it is, its name, where it stands and why."""

    kind: str
    name: str
    place: Place
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.kind} '{self.name}' is not taken over: {self.reason}."


@dataclass(frozen=True, slots=True)
class Entity:
    """A key of a model, by which others may be joined."""

    name: str
    kind: str
    expr: str
    place: Place


@dataclass(frozen=True, slots=True)
class MfDimension:
    """Something to group by; ``bound`` says that it starts or ends a row's validity."""

    name: str
    kind: str
    expr: str
    grain: str | None
    partition: bool
    bound: str
    label: str
    description: str
    place: Place


@dataclass(frozen=True, slots=True)
class Level:
    """What must not be added up over time: the rows of the first or last moment stand for a period."""

    over: str
    take: str
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """An aggregate of one model; ``refusal`` says why it has no counterpart here."""

    name: str
    model: str
    agg: str
    expr: str
    axis: str | None
    percentile: float | None
    discrete: bool
    approximate: bool
    creates_metric: bool
    label: str
    description: str
    refusal: str
    place: Place
    level: Level | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """One semantic model; ``primary`` names its primary entity, which may have no column."""

    name: str
    table: str
    label: str
    description: str
    axis: str | None
    primary: str | None
    entities: tuple[Entity, ...]
    dimensions: tuple[MfDimension, ...]
    measures: tuple[Measure, ...]
    place: Place

    def entity(self, name: str) -> Entity | None:
        """The entity of that name."""
        return next((e for e in self.entities if e.name == name), None)

    def dimension(self, name: str) -> MfDimension | None:
        """The dimension of that name."""
        return next((d for d in self.dimensions if d.name == name), None)

    @property
    def identities(self) -> tuple[str, ...]:
        """The entities that may stand before a dimension of this model's own."""
        own = [e.name for e in self.entities if e.kind in JOINABLE]
        return tuple(dict.fromkeys(([self.primary] if self.primary else []) + own))

    @property
    def partitions(self) -> tuple[str, ...]:
        """The dimensions by which its table is partitioned."""
        return tuple(d.name for d in self.dimensions if d.partition)

    @property
    def is_history(self) -> bool:
        """Whether its rows are valid for a time only."""
        return any(d.bound for d in self.dimensions)

    @property
    def validity(self) -> tuple[str, str] | None:
        """The dimensions in which the validity of its rows starts and ends."""
        bounds = {d.bound: d.name for d in self.dimensions if d.bound}
        return (bounds["start"], bounds["end"]) if len(bounds) == 2 else None


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter as written, with its template calls, and where."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class MetricInput:
    """A metric used inside another."""

    metric: str
    alias: str
    conditions: tuple[Condition, ...]
    place: Place
    offset: str = ""
    offset_to: str = ""


@dataclass(frozen=True, slots=True)
class Cumulative:
    """Rows of more than one moment: of a window, since the start of a period, or with neither of all time."""

    window: str
    to_date: str
    period: str


@dataclass(frozen=True, slots=True)
class MeasureUse:
    """A measure used by a metric."""

    measure: str
    conditions: tuple[Condition, ...]
    fill: float | int | None
    spine: bool


@dataclass(frozen=True, slots=True)
class MfConversion:
    """Events of one measure followed by those of another; ``first`` and ``then`` name metrics of the two."""

    base: MeasureUse
    converted: MeasureUse
    entity: str
    window: str
    constant: tuple[tuple[str, str], ...]
    calculation: str
    first: str = ""
    then: str = ""


@dataclass(frozen=True, slots=True)
class MfMetric:
    """A metric: over one measure (simple, cumulative), two (conversion), or over other metrics (ratio, derived).

    One that is ``hidden`` is written nowhere: it is the events of a conversion.
    """

    name: str
    kind: str
    label: str
    description: str
    measure: str | None
    expr: str
    inputs: tuple[MetricInput, ...]
    conditions: tuple[Condition, ...]
    grain: str | None
    fill: float | int | None
    refusal: str
    place: Place
    cumulative: Cumulative | None = None
    spine: bool = False
    later: tuple[Condition, ...] = ()
    """Its conditions that are not those of its measure: with a spine, they hold for added periods as well."""
    conversion: MfConversion | None = None
    hidden: bool = False

    @property
    def counted(self) -> str | None:
        """The measure whose rows it is computed from and whose time it has, None where other metrics say."""
        return self.conversion.base.measure if self.conversion else self.measure


@dataclass(frozen=True, slots=True)
class MfSavedQuery:
    """A question with a name, its parts as written."""

    name: str
    label: str
    description: str
    metrics: tuple[str, ...]
    by: tuple[str, ...]
    where: tuple[Condition, ...]
    order_by: tuple[str, ...]
    limit: int | None
    place: Place


@dataclass(frozen=True, slots=True)
class TimeSpine:
    """A table of moments; ``grains`` are periods of the project's own, each with its column."""

    name: str
    table: str
    column: str
    grain: str
    grains: Mapping[str, str]
    description: str
    place: Place


@dataclass(frozen=True, slots=True)
class Project:
    """Everything that was read, and what could not be."""

    models: Mapping[str, Model] = field(default_factory=dict)
    metrics: Mapping[str, MfMetric] = field(default_factory=dict)
    saved: Mapping[str, MfSavedQuery] = field(default_factory=dict)
    spines: Mapping[str, TimeSpine] = field(default_factory=dict)
    losses: tuple[Loss, ...] = ()

    @property
    def measures(self) -> Mapping[str, Measure]:
        """Every measure by its name."""
        return {m.name: m for model in self.models.values() for m in model.measures}

    @property
    def grains(self) -> frozenset[str]:
        """The grains of its own."""
        return frozenset(grain for spine in self.spines.values() for grain in spine.grains)

    def bases(self, metric: str) -> tuple[str, ...]:
        """The models whose rows a metric is computed from."""
        return tuple(dict.fromkeys(self._bases(metric, ())))

    def _bases(self, metric: str, chain: tuple[str, ...]) -> list[str]:
        found = self.metrics.get(metric)
        if found is None or metric in chain:
            return []
        if found.counted is not None:
            measure = self.measures.get(found.counted)
            return [measure.model] if measure else []
        return [base for one in found.inputs for base in self._bases(one.metric, (*chain, metric))]
