"""The steps of a plan, as plain data: what is read, joined, kept, summarized, combined, derived and shown."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.access.restriction import Mask, RowFilter
from workbench.declare.expression import Expression


@dataclass(frozen=True, slots=True)
class Source:
    """A table read under the asker's restrictions; ``relation`` is its name in the leg, '' for the base."""

    relation: str
    model: str
    table: str
    columns: tuple[str, ...]
    filters: tuple[RowFilter, ...] = ()
    masks: tuple[Mask, ...] = ()


@dataclass(frozen=True, slots=True)
class Attach:
    """A to-one LEFT JOIN of a source by equal pairs (value on the left, value of the source)."""

    source: Source
    role: str
    parent: str
    pairs: tuple[tuple[Expression, Expression], ...]


@dataclass(frozen=True, slots=True)
class Keep:
    """The rows a leg keeps: what the question asked, and what all or any of its metrics need."""

    asked: Expression | None = None
    needed: Expression | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """One aggregate of a leg under its column name, over the rows that meet ``condition``."""

    name: str
    aggregate: Expression
    condition: Expression | None
    empty: int | None


@dataclass(frozen=True, slots=True)
class Leg:
    """One scan: a source, its joins, the rows kept, the groups and their aggregates."""

    source: Source
    attached: tuple[Attach, ...]
    keep: Keep
    keys: tuple[tuple[str, Expression], ...]
    summaries: tuple[Summary, ...]


@dataclass(frozen=True, slots=True)
class Derive:
    """A column of the answer computed from aggregates (``Column('#', name)``)."""

    name: str
    tree: Expression


@dataclass(frozen=True, slots=True)
class Shape:
    """Which groups are shown, in which order, and how many."""

    having: Expression | None
    order: tuple[tuple[str, bool], ...]
    limit: int | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A question as steps, its restrictions inside; legs are combined on their keys before columns are derived.

    Time windows, offsets and the spine of periods stand between combining and deriving.
    """

    legs: tuple[Leg, ...]
    keys: tuple[str, ...]
    derived: tuple[Derive, ...]
    shape: Shape
    restrictions: tuple[str, ...] = ()

    def tables(self) -> tuple[str, ...]:
        """Every table the plan reads."""
        sources = (s for leg in self.legs for s in (leg.source, *(a.source for a in leg.attached)))
        return tuple(dict.fromkeys(source.table for source in sources))
