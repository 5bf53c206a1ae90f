"""The one door as everybody sees it, here or behind a gateway: the same methods, answers and errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from workbench.access.principal import Principal
from workbench.declare.dashboard import Dashboard
from workbench.declare.question import Question
from workbench.plan.outline import Step
from workbench.session.answer import Answer
from workbench.session.catalog import DimensionCard, MetricCard, ModelCard
from workbench.session.drafts import Draft

if TYPE_CHECKING:
    from pathlib import Path

    import ibis.expr.types as ir


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """How a question would be answered: the steps in words, and the SQL."""

    text: str
    sql: str
    restrictions: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"{self.text}\n\n{self.sql}"


@dataclass(frozen=True, slots=True)
class About:
    """Which workspace a door leads to: its name, where it is, the commit it serves, and the environment."""

    name: str
    place: str
    release: str = ""
    environment: str = ""


class Door(Protocol):
    """A session here, or a client of one over there."""

    @property
    def principal(self) -> Principal:
        """Who asks."""
        ...

    @property
    def about(self) -> About:
        """Which workspace this is."""
        ...

    def query(self, *metrics: Any, **parts: Any) -> Answer:
        """Ask for metrics by dimensions; see `Question` for each part."""
        ...

    def ask(self, question: Question) -> Answer:
        """Answer a question."""
        ...

    def saved(self, name: str, /, **values: Any) -> Answer:
        """Answer a saved query by its name, with values for its parameters."""
        ...

    def explain(self, *metrics: Any, **parts: Any) -> Explanation:
        """How a question would be answered, without running it."""
        ...

    def sql(self, text: str) -> Answer:
        """Answer one SELECT over the visible tables."""
        ...

    def table(self, name: str) -> ir.Table:
        """A table of the warehouse as an ibis table."""
        ...

    @property
    def metrics(self) -> Sequence[MetricCard]:
        """The metrics one may ask for."""
        ...

    @property
    def models(self) -> Sequence[ModelCard]:
        """The semantic models."""
        ...

    def dimensions(self, *metrics: str) -> Sequence[DimensionCard]:
        """The paths that may group or filter all of ``metrics`` together."""
        ...

    def search(self, text: str) -> Sequence[MetricCard | DimensionCard]:
        """Metrics and dimensions that hold every word, best first."""
        ...

    def tables(self) -> Sequence[str]:
        """The tables one may read."""
        ...

    @property
    def dashboards(self) -> Mapping[str, Dashboard]:
        """The dashboards one may open."""
        ...

    def draft(self, text: str | None = None, /, **keys: Any) -> Draft:
        """A metric of one's own, askable as ``adhoc.<name>``."""
        ...

    def publish(self, name: str) -> Path:
        """Write a draft into `metrics/` for a pull request."""
        ...

    def require(self, verb: str, resource: str = "") -> None:
        """Pass if the principal may do ``verb``; raises `AccessDenied` otherwise."""
        ...

    def close(self) -> None:
        """Let go of what is held open."""
        ...
