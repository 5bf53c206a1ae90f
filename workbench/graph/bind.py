"""Names in an expression to columns of named relations, seen from one model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from workbench.declare.expression import Aggregate, Call, Case, Cast, Column, Expression, Literal, Name, rebuild, walk
from workbench.declare.grains import GRAINS
from workbench.declare.lifted import LiftedText
from workbench.declare.parser import parse
from workbench.declare.terms import Bridge, Weighted
from workbench.errors import DeclarationError, Place, Problem, QuestionError, Unanswerable
from workbench.graph.build import Graph
from workbench.graph.calendars import own_grains
from workbench.graph.days import by_day
from workbench.graph.joins import BRIDGE, CALENDAR, Hop, Roles, crossed, hops, paired
from workbench.graph.paths import METRIC_TIME, Field, find, grains


@dataclass(frozen=True, slots=True)
class Text:
    """An expression as written, and where."""

    text: str
    place: Place | None = None

    def at(self, offset: int) -> Place | None:
        """The place of a character; in text of several lines, where the text starts."""
        if self.place is None or "\n" in self.text:
            return self.place
        return Place(self.place.file, self.place.line, self.place.column + offset)

    def tree(self) -> Expression:
        """The parsed tree, its names unresolved."""
        return self.text.tree if isinstance(self.text, LiftedText) else parse(self.text, self.place)


def relation(roles: Roles) -> str:
    """The name a joined relation has in a plan; the base of a leg is ''."""
    return ".".join(roles)


def column_of(graph: Graph, model: str, name: str, roles: Roles = ()) -> Expression:
    """A dimension of the model, or else a column of its table, without any time zone or grain."""
    if name in graph.model(model).dimensions:
        return _dimension(graph, Field(roles, model, name), ())
    return Column(relation(roles), name)


def value_of(graph: Graph, model: str, name: str, roles: Roles) -> Expression:
    """A dimension of a row, or else a column of its table; of a joined row, NULL where that is not there."""
    tree = column_of(graph, model, name, roles)
    return where_present(roles, tree) if roles else tree


def field_expression(graph: Graph, field: Field, zone: str = "") -> Expression:
    """The value of a field: its expression, in its own time zone or the one that is asked for, at its grain or part.

    A zone is asked of moments only: a date, or a time of day that no zone is declared for, stays. Over a partner that
    is not there it is NULL, whatever the expression makes of NULLs.
    """
    tree = value_of(graph, field.model, field.dimension, field.roles)
    dimension = graph.dimension(field.model, field.dimension)
    if dimension.type == "time" and dimension.timezone:
        tree = Call("moment" if zone else "local_time", (tree, Literal(dimension.timezone)))
    if dimension.type == "time" and zone:
        tree = Call("local_time", (tree, Literal(zone)))
    if field.grain and field.grain not in GRAINS:
        calendar, column = own_grains(graph)[field.grain]
        return Column(calendar_relation(field, calendar, zone), column)
    if field.grain:
        tree = Call("truncate", (tree, Literal(field.grain)))
    if field.part:
        tree = Call("date_part", (tree, Literal(field.part)))
    return tree


ZONE = "|"
"""Stands between a time dimension and the zone in which it meets a calendar, in the last role of a relation."""


def calendar_relation(field: Field, calendar: str, zone: str = "") -> str:
    """The relation of the calendar that a time dimension meets."""
    dimension = f"{field.dimension}{ZONE}{zone}" if zone else field.dimension
    return relation((*field.roles, f"{dimension}{CALENDAR}{calendar}"))


HERE = "__here"
"""A column that every row has, and NULL stands in where a partner is not there."""

_STRICT = frozenset({
    "moment", "local_time", "truncate", "date_part", "+", "-", "*", "/", "%", "negate", "||", "=", "<>", "<", "<=",
    ">", ">=",
    "not", "like", "ilike", "add_interval", "date_trunc", "lower", "upper", "trim", "ltrim", "rtrim", "length",
    "substring", "replace", "left", "right", "abs", "round", "floor", "ceil", "sha256", "year", "quarter", "month",
    "week", "day", "hour", "minute", "second", "day_of_week", "day_of_year", "date_diff", "starts_with",
    "ends_with", "contains",
})  # fmt: skip
"""Functions that are NULL over a NULL."""


def where_present(roles: Roles, tree: Expression) -> Expression:
    """A value of a row that is NULL where the row is not there, whatever the expression makes of NULLs."""
    invents = any(
        not isinstance(part, Column | Cast | Call) or isinstance(part, Call) and part.function not in _STRICT
        for part in walk(tree)
        if not isinstance(part, Literal)
    ) or not any(isinstance(part, Column) for part in walk(tree))
    return Case(((Column(relation(roles), HERE), tree),)) if invents else tree


Show = Callable[[Field], Expression]
"""What a field is in a leg."""


def bind_filter(
    graph: Graph,
    base: str,
    text: Text,
    *,
    axis: str | None,
    columns: bool,
    show: Show | None = None,
    many: bool = False,
) -> Expression:
    """A condition on rows of ``base`` with its names resolved; ``columns`` admits undeclared columns of its table.

    With ``many``, it may be about one of several rows.
    """
    tree = text.tree()
    refuse_aggregates(tree, text)
    return bind(graph, base, tree, text, axis=axis, columns=columns, show=show, many=many)


def bind(
    graph: Graph,
    base: str,
    tree: Expression,
    text: Text,
    *,
    axis: str | None = None,
    columns: bool = True,
    show: Show | None = None,
    many: bool = False,
) -> Expression:
    """The tree with each name replaced by what it stands for from ``base``."""
    if not isinstance(tree, Name):
        if isinstance(tree, Call):
            tree = by_day(tree, lambda name: is_moment(graph, base, name, axis, text.at(name.at), many))
        return rebuild(
            tree, lambda part: bind(graph, base, part, text, axis=axis, columns=columns, show=show, many=many)
        )
    if _is_column(graph, base, tree):
        single = tree.path[0]
        if columns:
            return Column("", single, tree.at)
        if single in graph.metrics:
            raise QuestionError(
                Problem(
                    "metric-in-where",
                    f"'{single}' is a metric; 'where' is about rows.",
                    text.at(tree.at),
                    "Put a condition on a metric into 'having'.",
                )
            )
    field = find(graph, base, tree.path, axis=axis, place=text.at(tree.at), many=many)
    return show(field) if show else field_expression(graph, field)


def is_moment(
    graph: Graph, base: str, name: Name, axis: str | None, place: Place | None = None, many: bool = False
) -> bool:
    """Whether a name is a time dimension as it stands, which is known by the day or finer."""
    if _is_column(graph, base, name):
        return False
    field = find(graph, base, name.path, axis=axis, place=place, many=many)
    dimension = graph.dimension(field.model, field.dimension)
    return not (field.grain or field.part) and "day" in grains(dimension)


def _is_column(graph: Graph, base: str, name: Name) -> bool:
    """Whether a name can only be a column of the table of ``base``, or nothing at all."""
    return len(name.path) == 1 and name.path[0] not in {METRIC_TIME, *graph.model(base).dimensions}


def _dimension(graph: Graph, field: Field, chain: tuple[str, ...]) -> Expression:
    """A dimension's own expression over columns of its relation; other dimensions in it are put in place."""
    model, name = field.model, field.dimension
    declared = graph.models[model]
    text = Text(graph.dimension(model, name).expr or name, declared.place_of("dimensions", name, "expr"))
    if name in chain:
        way = " -> ".join((*chain, name))
        raise DeclarationError(Problem("cycle", f"dimensions of '{model}' define each other: {way}.", text.place))
    tree = Name((name,)) if text.text == name else text.tree()
    refuse_aggregates(tree, text)

    def is_other(part: Name) -> bool:
        return part.path[0] not in (*chain, name) and is_moment(graph, model, part, None, text.at(part.at))

    def change(part: Expression) -> Expression:
        if not isinstance(part, Name):
            return rebuild(by_day(part, is_other) if isinstance(part, Call) else part, change)
        if len(part.path) == 1:
            other = part.path[0]
            if other != name and other in declared.term.dimensions:
                return _dimension(graph, Field(field.roles, model, other), (*chain, name))
            return Column(relation(field.roles), other, part.at)
        found = find(graph, model, part.path, place=text.at(part.at))
        if any(hop.bridge for hop in hops(graph, model, found.roles)):
            raise DeclarationError(
                Problem(
                    "fan-out",
                    f"'{part}' crosses a bridge, so one row of '{model}' has many of it.",
                    text.at(part.at),
                    "A question may group and filter by it; what is declared of one row may not read it.",
                )
            )
        further = Field((*field.roles, *found.roles), found.model, found.dimension, found.grain, found.part)
        if not found.roles and found.dimension in (*chain, name):
            return Column(relation(field.roles), found.dimension, part.at)
        return field_expression(graph, further)

    return change(tree)


def refuse_aggregates(tree: Expression, text: Text) -> None:
    """Raise `DeclarationError` (aggregate-here) where an expression about one row, or one answer, aggregates."""
    for part in walk(tree):
        if isinstance(part, Aggregate):
            raise DeclarationError(
                Problem(
                    "aggregate-here",
                    f"'{part.function}' aggregates rows; this is about one row.",
                    text.at(part.at),
                    "Aggregates belong into a metric's expr.",
                )
            )


@dataclass(frozen=True, slots=True)
class Relation:
    """A joined table of a leg: ``name`` hangs on ``parent`` by equal pairs of (parent's, its own) values.

    ``valid`` is (moment of the leg's row, start, end) where only the row valid at that moment is meant.
    """

    name: str
    parent: str
    model: str
    table: str
    pairs: tuple[tuple[Expression, Expression], ...]
    role: str = ""
    valid: tuple[Expression, Expression, Expression] | None = None
    bridge: Bridge | None = None
    """What falls to each of several partners, where these are the pairs of a bridge."""
    weight: Expression | None = None
    many: bool = False
    """Whether several of its rows meet one of its parent's, as may be where nothing is counted."""


def relations(graph: Graph, base: str, trees: tuple[Expression, ...], axis: str | None = None) -> tuple[Relation, ...]:
    """The joins that the columns in ``trees`` need, each after the one it hangs on."""
    needed: dict[Roles, None] = {}
    for tree in trees:
        for part in walk(tree):
            if isinstance(part, Column) and part.relation[:1].isalpha():
                roles = tuple(part.relation.split("."))
                for length in range(1, len(roles) + 1):
                    needed.setdefault(roles[:length])
    out: dict[str, Relation] = {}
    for roles in sorted(needed, key=lambda r: (len(r), r)):
        for one in _joined(graph, base, roles, axis):
            out.setdefault(one.name, one)
    return tuple(out.values())


def _validity(
    graph: Graph, base: str, hop: Hop, roles: Roles, axis: str | None
) -> tuple[Expression, Expression, Expression] | None:
    """When a row of a history is meant: the one valid at the moment of the leg's row."""
    valid = hop.relationship.valid
    if valid is None:
        return None
    if axis is None:
        raise Unanswerable(
            Problem(
                "no-time-dimension",
                f"'{hop.role}' leads to the history '{hop.model}', and '{base}' has no time axis to choose its row by.",
                hint=f"Declare 'time_dimension' on '{base}'.",
            )
        )
    bounds = (column_of(graph, hop.model, name, roles) for name in (valid.from_, valid.to))
    return (field_expression(graph, find(graph, base, (axis,))), *bounds)  # type: ignore[return-value]


def _calendar(graph: Graph, base: str, roles: Roles) -> Relation:
    """The calendar of a time dimension, joined on its moments."""
    zoned, _, name = roles[-1].partition(CALENDAR)
    dimension, _, zone = zoned.partition(ZONE)
    calendar = graph.calendars[name].term
    model = hops(graph, base, roles[:-1])[-1].model if roles[:-1] else base
    ours = field_expression(graph, Field(roles[:-1], model, dimension, calendar.grain), zone)
    theirs = Call("truncate", (Column(relation(roles), calendar.column), Literal(calendar.grain)))
    return Relation(relation(roles), relation(roles[:-1]), name, calendar.table, ((ours, theirs),), name)


def _joined(graph: Graph, base: str, roles: Roles, axis: str | None) -> tuple[Relation, ...]:
    if CALENDAR in roles[-1]:
        return (_calendar(graph, base, roles),)
    if crossed(roles[-1]):
        return (_pairs_of(graph, base, roles),)
    hop = hops(graph, base, roles)[-1]
    parent = (*roles[:-1], f"{roles[-1]}{BRIDGE}") if hop.bridge else roles[:-1]
    pairs = tuple(
        (value_of(graph, hop.parent, ours, parent), column_of(graph, hop.model, theirs, roles))
        for ours, theirs in hop.relationship.pairs()
    )
    table = graph.model(hop.model).table
    mine = Relation(
        relation(roles),
        relation(parent),
        hop.model,
        table,
        pairs,
        hop.role,
        _validity(graph, base, hop, roles, axis),
        many=hop.many,
    )
    # A key that is itself computed over further relationships needs those joined first.
    others = relations(
        graph,
        base,
        tuple(
            Column(c.relation, c.name)
            for ours, _ in pairs
            for c in walk(ours)
            if isinstance(c, Column) and c.relation not in ("", mine.parent)
        ),
    )
    return (*others, *((_pairs_of(graph, base, parent),) if hop.bridge else ()), mine)


def _pairs_of(graph: Graph, base: str, roles: Roles) -> Relation:
    """The pairs of a bridge, which hang on our side; the only join that may multiply rows."""
    role = roles[-1].removesuffix(BRIDGE)
    model = hops(graph, base, roles[:-1])[-1].model if roles[:-1] else base
    bridge = graph.model(model).bridges[role]
    ours, _ = paired(graph, model, role)
    on = graph.model(bridge.through).relationships[ours].pairs()
    pairs = tuple(
        (value_of(graph, model, theirs, roles[:-1]), column_of(graph, bridge.through, mine, roles))
        for mine, theirs in on
    )
    by = bridge.allocate.by if isinstance(bridge.allocate, Weighted) else None
    weight = column_of(graph, bridge.through, by, roles) if by else None
    table = graph.model(bridge.through).table
    return Relation(
        relation(roles), relation(roles[:-1]), bridge.through, table, pairs, "", bridge=bridge, weight=weight
    )
