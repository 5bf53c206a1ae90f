"""What a question says of time to moments: those that are shown, those that rows count at, and their grain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeGuard

from workbench.declare.expression import (
    Call,
    Column,
    Expression,
    Has,
    Literal,
    conjunction,
    conjuncts,
    rebuild,
    walk,
)
from workbench.declare.grains import GRAINS, coarser
from workbench.declare.question import Asked, Question
from workbench.declare.terms import Calendar, Length
from workbench.errors import Problem, QuestionError, Unanswerable
from workbench.graph.bind import (
    Text,
    bind_filter,
    calendar_relation,
    field_expression,
    where_present,
)
from workbench.graph.build import Graph
from workbench.graph.calendars import bound, counted_by, grain_of, own_grains, steps_of
from workbench.graph.fineness import fineness
from workbench.graph.formulas import Aggregation, Following, Moment
from workbench.graph.paths import METRIC_TIME, Field, find, finest, standard
from workbench.graph.period import after, earlier, floor
from workbench.graph.timing import LOOKED_AT, NOW, TIME, Timing

SHOWN = "="
"""The relation of a leg's own groups: ``Column('=', name)`` is the value shown under that name."""


@dataclass(frozen=True, slots=True)
class Base:
    """What a leg scans: a model on a time axis, at the moments of a timing; followed events go alone.

    Where a moment that has rows stands for a period, only metrics of the same rows (``among``) may go together.
    With ``many``, nothing is counted, and a row may meet several of another model.
    ``periods`` is the grain whose whole periods a span of time covers, where the question does not say it itself, and
    ``apart`` are the grains by which a whole question tells moments apart, where this is a level of it.
    """

    model: str
    axis: str | None = None
    timing: Timing = Timing()
    moment: Moment | None = None
    followed: Aggregation | None = None
    among: tuple[Expression, ...] = ()
    periods: str | None = None
    apart: tuple[str, ...] = ()
    many: bool = False

    @property
    def following(self) -> Following | None:
        """The events that follow those it scans."""
        return self.followed.following if self.followed else None


@dataclass(frozen=True, slots=True)
class Spine:
    """The moments that are asked for: from a declared calendar, or from the first to the last of the data.

    ``at`` is the moment of a row of the leg at ``grain``; ``shows`` gives the groups that hang on the moment alone, and
    ``keep`` which moments are asked for. ``joined`` are calendars whose own grains are among them, and ``counted`` are
    the grains of one's own whose periods are counted, each with its calendar. ``grain`` may itself be one of these.
    ``whole`` says that the span of all moments is moved by its ends. What moments look at must be ``inside``.
    """

    grain: str
    at: Expression
    shows: tuple[tuple[str, Expression], ...]
    keep: Expression | None
    calendar: Calendar | None
    joined: tuple[Calendar, ...] = ()
    again: Expression | None = None
    counted: tuple[tuple[str, Calendar], ...] = ()
    whole: bool = False
    inside: Expression | None = None

    def tables(self) -> tuple[str, ...]:
        """The tables of its calendars."""
        calendars = (self.calendar, *self.joined, *(calendar for _, calendar in self.counted))
        return tuple(c.table for c in calendars if c is not None)


def axis_finest(graph: Graph, base: Base) -> str:
    """The finest grain of the time axis of a base; a day where it has none."""
    known = base.axis and base.axis in graph.model(base.model).dimensions
    return finest(graph.dimension(base.model, str(base.axis))) if known else "day"


def _on_axis(field: Field, base: Base) -> bool:
    """Whether a field is the time axis itself."""
    return not field.roles and field.model == base.model and field.dimension == base.axis


def _now(graph: Graph, base: Base, field: Field) -> Expression:
    """A field of the axis, of the moment asked for."""
    if field.grain and field.grain not in GRAINS:
        return Column(TIME, ".".join(own_grains(graph)[field.grain]))
    if field.grain:
        return Call("truncate", (NOW, Literal(field.grain)))
    return Call("date_part", (NOW, Literal(field.part))) if field.part else NOW


def moves_as_a_whole(graph: Graph, question: Question, base: Base, fields: list[Field]) -> bool:
    """Whether an offset just asks for another span of time: moved by its ends, a month is compared with a month.

    Moved day by day, the last days of a long month would all look at the last day of a short one.
    """
    alike = base.timing.looks_back and not base.timing.each
    if not alike or question.time is None or question.time.inside or any(_on_axis(f, base) for f in fields):
        return False
    asked = question.model_copy(update={"time": None})
    tree = where_of(graph, asked, base, moved=True)
    return tree is None or not reads(tree, {TIME})


def shown_in(graph: Graph, question: Question, base: Base, field: Field, *, moved: bool) -> Expression:
    """A field in a leg; with ``moved``, one of the axis is that of the moment asked for."""
    if moved and _on_axis(field, base):
        return _now(graph, base, field)
    tree = field_expression(graph, field, question.timezone)
    # Without metrics, partners that no row leads to have values too: there, the row itself may be missing.
    return tree if question.metrics or field.roles else where_present(field.roles, tree)


def where_of(
    graph: Graph, question: Question, base: Base, *, moved: bool, shift: tuple[Length, ...] = ()
) -> Expression | None:
    """The asked conditions; with ``moved``, fields of the axis are those of the moment asked for."""

    def show(field: Field) -> Expression:
        return shown_in(graph, question, base, field, moved=moved)

    asked = None
    if question.where:
        text = Text(question.where)
        asked = bind_filter(graph, base.model, text, axis=base.axis, columns=False, show=show, many=base.many)
    return conjunction(asked, _time(graph, question, base, moved=moved, shift=shift))


def _time(
    graph: Graph, question: Question, base: Base, *, moved: bool, shift: tuple[Length, ...] = ()
) -> Expression | None:
    """The asked span of metric_time, or the one ``shift`` earlier, as a half-open condition on the axis of a base."""
    if question.time is None:
        return None
    grain = asked_grain(graph, question, base)
    return _between(graph, question, grain, _ends(graph, question, base, grain, moved=moved), shift)


def _between(
    graph: Graph, question: Question, grain: str, ends: tuple[Expression, Expression], shift: tuple[Length, ...] = ()
) -> Expression | None:
    """The asked span, in whole periods of a grain, as a condition on both ends of the period of a moment."""
    assert question.time is not None
    start, end = question.time.start, question.time.end
    try:
        low = floor(start, steps_of(graph, grain)) if start else None
        high = after(end, steps_of(graph, grain)) if end else None
        if isinstance(low, datetime) and isinstance(high, datetime) and low >= high:  # values taken out are in order
            raise QuestionError(Problem("empty-time", f"the time ends ({end}) before it starts ({start})."))
        for length in shift:
            low = earlier(low, length.count, length.grain) if low else None
            high = earlier(high, length.count, length.grain) if high else None
    except (ValueError, OverflowError):
        said = f"the time asked for, {start or '...'} to {end or '...'}, reaches out of the calendar."
        raise QuestionError(Problem("bad-date", said, hint="Ask for years between 2 and 9998.")) from None
    first, last = ends
    return conjunction(
        Call(">=", (last, Literal(low))) if low else None, Call("<", (first, Literal(high))) if high else None
    )


def _ends(graph: Graph, question: Question, base: Base, grain: str, *, moved: bool) -> tuple[Expression, Expression]:
    """What must lie before the end of a span, and what after its start: the moment, or both ends of its own period."""
    if grain in GRAINS:
        axis = find(graph, base.model, (METRIC_TIME,), axis=base.axis)
        value = NOW if moved else field_expression(graph, axis, question.timezone)
        return value, value
    name = own_grains(graph)[grain][0]
    columns = [bound(graph, grain, which) for which in ("first", "last")]
    if moved:
        first, last = (Column(TIME, f"{name}.{column}") for column in columns)
    else:
        axis = Field((), base.model, str(base.axis))
        first, last = (Column(calendar_relation(axis, name, question.timezone), column) for column in columns)
    return first, last


def axis_grains(graph: Graph, question: Question, base: Base) -> tuple[str, ...]:
    """The grains by which a question asks for the axis, those of calendars too."""
    return tuple(dict.fromkeys(_named_grain(graph, field) for field in _axis_fields(graph, question, base)))


def _axis_fields(graph: Graph, question: Question, base: Base) -> list[Field]:
    fields = [field_of(graph, asked, base, coarser("day", axis_finest(graph, base))) for asked in question.by]
    return [field for field in fields if _on_axis(field, base)]


def _named_grain(graph: Graph, field: Field) -> str:
    """The grain of a field, one's own too, by which moments must be told apart to know it."""
    return field.grain if field.grain and field.grain not in GRAINS else standard(graph, field)


def asked_grain(graph: Graph, question: Question, base: Base) -> str:
    """The grain whose whole periods the span covers: the finest asked of the axis, else its own, a day at least."""
    if base.periods is not None:
        return base.periods
    fields = _axis_fields(graph, question, base)
    if own := counted_by(graph, (_named_grain(graph, field) for field in fields)):
        return own
    # A part of a date names no whole period, so a span is not widened to one.
    steps = [min(standard(graph, f), "day" if f.part else "year", key=GRAINS.index) for f in fields]
    return min(steps, key=GRAINS.index) if steps else coarser("day", axis_finest(graph, base))


def field_of(graph: Graph, asked: Asked, base: Base, grain: str) -> Field:
    """The field that is asked for, seen from a base; time without a grain gets its own, metric_time the one given."""
    path = tuple(asked.path.split("."))
    field = find(graph, base.model, path, axis=base.axis, many=base.many)
    dimension = graph.dimension(field.model, field.dimension)
    if dimension.type == "time" and field.grain is None and field.part is None:
        return replace(field, grain=grain if path == (METRIC_TIME,) else finest(dimension))
    return field


def reads(tree: Expression, kinds: set[str]) -> bool:
    """Whether a tree reads columns of these relations."""
    return any(isinstance(part, Column) and part.relation in kinds for part in walk(tree))


def reads_rows(tree: Expression) -> bool:
    """Whether a row must be there; what an entity has is asked of a row's entity."""
    return any(
        isinstance(part, Has) or isinstance(part, Column) and part.relation not in (TIME, SHOWN) for part in walk(tree)
    )


def spine_of(
    graph: Graph, question: Question, base: Base, fields: list[Field], names: list[str], *, whole: bool
) -> Spine:
    """The moments that a moved or padded leg is asked for."""
    if base.axis is None:
        raise Unanswerable(
            Problem(
                "no-time-dimension",
                f"'{base.model}' has no time axis, so its metrics have no windows, offsets or spine.",
                hint="Declare 'time_dimension' on the semantic model.",
            )
        )
    shown = tuple((n, _now(graph, base, f)) for n, f in zip(names, fields, strict=True) if _on_axis(f, base))
    parts = list(conjuncts(where_of(graph, question, base, moved=True)))
    keep = conjunction(*(part for part in parts if reads(part, {TIME}) and not reads_rows(part)))
    # A span covers whole periods, whose grain counts by itself: its ends don't tell it, for a week may start a year.
    unspanned = where_of(graph, question.model_copy(update={"time": None}), base, moved=True)
    grain = _base_grain(graph, question, base, fields, [*(tree for _, tree in shown), *conjuncts(unspanned)])
    axis = find(graph, base.model, (base.axis,))
    grain = "microsecond" if grain == "nanosecond" else grain  # moments that follow one another are no finer
    at = field_expression(graph, Field((), axis.model, axis.dimension, grain), question.timezone)
    wanted = {c.name.split(".")[0] for tree in (*(t for _, t in shown), *parts) for c in walk(tree) if _is_calendar(c)}
    joined = tuple(graph.calendars[name].term for name in sorted(wanted))
    again = _again(graph, question, base, fields, names) if base.timing.spine else None
    own = own_grains(graph)
    counted = tuple((g, graph.calendars[own[g][0]].term) for g in base.timing.own_grains())
    inside = _inside_span(graph, question, base)
    return Spine(grain, at, shown, keep, _calendar(graph, grain), joined, again, counted, whole, inside)


def _inside_span(graph: Graph, question: Question, base: Base) -> Expression | None:
    """The condition that moments look inside the asked span, where the question wants that."""
    if question.time is None or not question.time.inside or not base.timing.anchors:
        return None
    grain = asked_grain(graph, question, base)
    if grain not in GRAINS:
        said = f"'inside' compares days, and the span covers whole periods of '{grain}'."
        raise Unanswerable(Problem("bad-time", said, hint="Ask by metric_time.day, or leave 'inside' out."))
    return _between(graph, question, grain, (LOOKED_AT, LOOKED_AT))


def _is_calendar(part: Expression) -> TypeGuard[Column]:
    return isinstance(part, Column) and part.relation == TIME and "." in part.name


def _base_grain(graph: Graph, question: Question, base: Base, fields: list[Field], trees: list[Expression]) -> str:
    """The coarsest grain that tells apart every moment which matters to the question and to the timing.

    Where periods of one's own make up all others that matter, these are the moments, and nothing finer is.
    """
    own = axis_finest(graph, base)
    axis = [f for f in fields if _on_axis(f, base)]
    # A part of a date names no whole period that could be moved.
    apart = base.timing.apart({"day" if f.part else _named_grain(graph, f) for f in axis})
    wanted = {*base.timing.units(), *apart, *(_named_grain(graph, f) for f in axis), *base.apart}
    wanted |= {grain for tree in trees for grain in fineness(tree, guess=None)}
    wanted |= {grain_of(graph, *c.name.split(".")) for tree in trees for c in walk(tree) if _is_calendar(c)}
    if question.time is not None:
        wanted.add(asked_grain(graph, question, base))
    if base.timing.daily:
        wanted.add(coarser("day", own))
    wanted |= {coarser(grain, own) for grain in base.timing.starts() if grain in GRAINS[: GRAINS.index("day")]}
    to_the_day = {*GRAINS[: GRAINS.index("day") + 1]}
    if not wanted & to_the_day and any("day" in fineness(tree) for tree in trees):
        raise TypeError("a day that may start a longer period")  # makes the question be compiled with its values
    if not wanted:
        wanted.add(coarser("day", own))
    for grain in base.timing.own_grains():
        if GRAINS.index(own) > GRAINS.index(steps_of(graph, grain)):
            raise Unanswerable(_too_coarse(graph, base, grain, own))
    if by_periods := counted_by(graph, wanted):
        return by_periods
    wanted = {steps_of(graph, grain) for grain in (*wanted, *base.timing.own_grains())}
    if "week" in wanted and wanted & {"month", "quarter", "year"}:
        wanted.add("day")  # weeks don't nest in months
    return coarser(own, min(wanted, key=GRAINS.index))


def _too_coarse(graph: Graph, base: Base, grain: str, own: str) -> Problem:
    steps = steps_of(graph, grain)
    return Problem(
        "too-fine",
        f"'{grain}' is counted by the {steps}, and '{base.axis}' of '{base.model}' is known by the {own} only.",
        hint=f"Give the calendar '{own_grains(graph)[grain][0]}' a row for each {own}, or count in {own}s.",
    )


def _calendar(graph: Graph, grain: str) -> Calendar | None:
    """The declared calendar with the fewest rows that knows moments of the grain."""
    if grain not in GRAINS:
        return graph.calendars[own_grains(graph)[grain][0]].term
    fitting = [d.term for d in graph.calendars.values() if GRAINS.index(d.term.grain) <= GRAINS.index(grain)]
    return max(fitting, key=lambda one: GRAINS.index(one.grain), default=None)


def _again(graph: Graph, question: Question, base: Base, fields: list[Field], names: list[str]) -> Expression | None:
    """The asked conditions that can be told from the groups shown: they hold for added periods as well."""
    topped = question.top.of if question.top else None  # its column shows groups, and no longer what its rows have
    zone = question.timezone
    told = [(n, f) for n, f in zip(names, fields, strict=True) if n != topped]
    shown = {field_expression(graph, f, zone): Column(SHOWN, n) for n, f in told}

    def change(tree: Expression) -> Expression:
        return shown[tree] if tree in shown else rebuild(tree, change)

    parts = (change(part) for part in conjuncts(where_of(graph, question, base, moved=False)))
    return conjunction(*(part for part in parts if reads(part, {SHOWN}) and not reads_rows(part)))


def needs_time(base: Base) -> Problem:
    """What is wrong with a question that tells no moment to look from."""
    return Problem(
        "needs-time",
        f"a metric of '{base.model}' looks at another time than it is asked for, and the question names none.",
        hint="Ask by metric_time, or give a time range.",
    )
