"""The steps of a plan, as plain data: what is read, joined, kept, summarized, combined, derived and shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from workbench.access.restriction import Mask, RowFilter
from workbench.declare.expression import Aggregate, Expression
from workbench.declare.terms import Length
from workbench.graph.timing import Timing

Fact = tuple[str, str | tuple[str, ...]]
"""Of a model, a role under which every row has its partner, or columns that tell its rows apart and are never NULL."""


@dataclass(frozen=True, slots=True)
class Source:
    """A table read under the asker's restrictions; ``relation`` is its name in the leg, '' for the base."""

    relation: str
    model: str
    table: str
    columns: tuple[str, ...]
    filters: tuple[RowFilter, ...] = ()
    masks: tuple[Mask, ...] = ()
    parts: Parts | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """What of a row falls to each of its partners: rows that share ``of`` are its pairs, each weighs as much as ``by``.

    Without ``by`` all weigh the same; with ``whole``, each has the whole and nothing is weighed.
    """

    of: tuple[Expression, ...]
    by: Expression | None
    whole: bool


@dataclass(frozen=True, slots=True)
class Attach:
    """A to-one LEFT JOIN of a source by equal pairs (value on the left, value of the source).

    ``valid`` is (moment on the left, start, end of the source): of a history, only the row valid then is joined.
    ``nested`` is joined to its parent before that is joined; ``late`` to groups, between two aggregations.
    Where the data is known to have a partner for every row of the parent, the join is ``met``: an INNER JOIN will do.
    To ``many`` rows, it is no to-one join, and nothing is counted. A partner is ``told`` from the others by columns
    among the groups asked for, where the data is known to have no two of these values.
    """

    source: Source
    role: str
    parent: str
    pairs: tuple[tuple[Expression, Expression], ...]
    valid: tuple[Expression, Expression, Expression] | None = None
    nested: bool = False
    late: bool = False
    met: bool = False
    many: bool = False
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Keep:
    """The rows a leg keeps: what the question asked, and what all or any of its metrics need.

    What is ``implied`` leaves out no row that counts, and is there to read fewer.
    """

    asked: Expression | None = None
    needed: Expression | None = None
    implied: Expression | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """One aggregate of a leg under its column name, over the rows that meet ``condition``."""

    name: str
    aggregate: Expression
    condition: Expression | None
    empty: int | None


@dataclass(frozen=True, slots=True)
class First:
    """A first aggregation of rows, by values that the groups asked for can be told from, in parts that fold."""

    by: tuple[Expression, ...]
    parts: tuple[Aggregate, ...]


@dataclass(frozen=True, slots=True)
class Top:
    """All that can be among the first ``n`` groups by a number, of those that meet ``having``; ties are all kept."""

    n: int
    by: Expression
    descending: bool
    having: Expression | None


@dataclass(frozen=True, slots=True)
class Latest:
    """Keep the rows whose moment is the first or last ``of`` all that share ``within``."""

    of: Expression
    take: Literal["first", "last"]
    within: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class CalendarSource:
    """A declared calendar as a table of moments; ``own`` are columns with periods of its own grains."""

    name: str
    source: Source
    column: str
    grain: str
    own: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counted:
    """A grain of a calendar whose periods are counted: the column that holds them."""

    grain: str
    calendar: CalendarSource
    column: str


@dataclass(frozen=True, slots=True)
class Moments:
    """The spine: every moment asked for, from a calendar or from the data, and which of them are shown.

    With ``periods``, the moments are those of a calendar's own grain, as that column of it holds them. ``counted`` are
    the grains of calendars by which moments look elsewhere. With ``whole``, all moments together look at one span.
    """

    grain: str
    at: Expression
    shows: tuple[tuple[str, Expression], ...]
    keep: Expression | None
    calendar: CalendarSource | None
    joined: tuple[CalendarSource, ...]
    periods: str = ""
    counted: tuple[Counted, ...] = ()
    whole: bool = False
    inside: Expression | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """Rows counted at other moments than their own: how, and conditions that read both row and moment."""

    timing: Timing
    later: Expression | None
    carried: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True)
class Pad:
    """Moments without rows are shown too; ``again`` are conditions that hold for them as well."""

    again: Expression | None


@dataclass(frozen=True, slots=True)
class Leg:
    """One scan: a source, its joins, the rows kept, the groups and their aggregates.

    ``among`` are aggregates of entities that rows belong to, for conditions on them; ``follow`` counts later rows.
    ``latest`` keeps one moment's rows, ``move`` counts rows at other moments, ``pad`` adds moments without rows.
    With ``first``, rows are aggregated by that, and its groups again by the keys. These are ``final`` before late joins
    where they are told from what partners are met by, and then only the ``top`` of them is joined. With ``every``, keys
    are not grouped.
    """

    source: Source
    attached: tuple[Attach, ...]
    keep: Keep
    keys: tuple[tuple[str, Expression], ...]
    summaries: tuple[Summary, ...]
    latest: Latest | None = None
    moments: Moments | None = None
    move: Move | None = None
    pad: Pad | None = None
    among: tuple[Among, ...] = ()
    follow: Follow | None = None
    first: First | None = None
    every: bool = False
    final: bool = False
    top: Top | None = None

    @property
    def crosses(self) -> bool:
        """Whether it goes over a bridge, where a row has several partners."""
        return any(attach.source.parts for attach in self.attached)

    @property
    def overlaps(self) -> bool:
        """Whether a row may count in several groups, in each of them once."""
        return bool(self.summaries) and any(a.source.parts and a.source.parts.whole for a in self.attached)


@dataclass(frozen=True, slots=True)
class Follow:
    """Rows of ``leg`` follow rows of this one: each counts with the last before it that has the ``same`` values.

    The keys of ``leg`` are its values: the moment, one for each of ``same``, and what is aggregated. With a ``grain``,
    its periods follow one another and not moments.
    """

    leg: Leg
    same: tuple[Expression, ...]
    at: Expression
    within: Length | None
    grain: str | None = None


@dataclass(frozen=True, slots=True)
class Among:
    """The answer of a plan joined to rows as the relation ``name``, by pairs of (value of the row, key of the plan).

    With ``rank``, its rows are numbered in their order under that name, and NULLs of keys meet each other.
    """

    name: str
    text: str
    plan: Plan
    pairs: tuple[tuple[Expression, str], ...]
    rank: str = ""


RANK = "__rank"
"""The key that says the how many-th of the groups shown by name a group is."""


@dataclass(frozen=True, slots=True)
class Named:
    """The groups of ``key`` that are shown by name, ``n`` at most; all others are one group called ``label``."""

    key: str
    n: int
    other: bool
    label: str


TOTAL = "total"
"""The column that tells rows of totals from plain groups."""


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
    extremes: bool = False
    """Whether one row says the least and the greatest of each key instead."""
    hidden: tuple[str, ...] = ()
    """Columns that the order hangs on and that are not shown."""


@dataclass(frozen=True, slots=True)
class Level:
    """The same question by fewer keys: rows of totals where it has a label, else the wholes of shares."""

    name: str
    keys: tuple[str, ...]
    plan: Plan
    label: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A question as steps, its restrictions inside; legs are combined on their keys before columns are derived."""

    legs: tuple[Leg, ...]
    keys: tuple[str, ...]
    derived: tuple[Derive, ...]
    shape: Shape
    restrictions: tuple[str, ...] = ()
    levels: tuple[Level, ...] = ()
    named: Named | None = None
    notes: tuple[str, ...] = ()
    """What an asker should know of the answer before they rely on it."""

    def met(self) -> frozenset[Fact]:
        """What must be known of the data for the plan to be right."""
        out: set[Fact] = set()
        for leg in self.legs:
            models = {"": leg.source.model, **{a.source.relation: a.source.model for a in leg.attached}}
            out |= {(models[a.parent], a.role) for a in leg.attached if a.met}
            out |= {(a.source.model, a.told) for a in leg.attached if a.told}
        behind = (among.plan for leg in self.legs for among in leg.among)
        return frozenset(out).union(*(plan.met() for plan in (*behind, *(level.plan for level in self.levels))))

    def tables(self) -> tuple[str, ...]:
        """Every table the plan reads."""
        sources = [s for leg in self.legs for s in (leg.source, *(a.source for a in leg.attached))]
        tables = [source.table for source in sources]
        for leg in self.legs:
            if leg.moments:
                tables += [c.source.table for c in (leg.moments.calendar, *leg.moments.joined) if c]
                tables += [one.calendar.source.table for one in leg.moments.counted]
            tables += [table for among in leg.among for table in among.plan.tables()]
            if leg.follow:
                tables += [leg.follow.leg.source.table, *(a.source.table for a in leg.follow.leg.attached)]
        tables += [table for level in self.levels for table in level.plan.tables()]
        return tuple(dict.fromkeys(tables))
