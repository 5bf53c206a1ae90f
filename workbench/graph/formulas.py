"""A metric to arithmetic over base aggregates: what must be scanned, and what is computed from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from workbench.declare.declared import Declared
from workbench.declare.expression import Aggregate, Call, Column, Expression, Name, rebuild, walk
from workbench.declare.expression import Literal as Constant
from workbench.declare.grains import GRAINS
from workbench.declare.terms import Length, Metric
from workbench.errors import DeclarationError, Place, Problem, did_you_mean
from workbench.graph.bind import Text, bind, bind_filter, column_of, field_expression, relations
from workbench.graph.build import Graph
from workbench.graph.paths import find, finest
from workbench.graph.timing import Timing, of_input, of_metric

LARGEST = 2_000
"""Parts of a formula over metrics, all names followed."""

SCANNED = "#"
"""The relation of base aggregates in a formula: ``Column('#', '3')`` is the fourth."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The rows of one moment stand for a period: the first or last ``of`` the time dimension, for each of ``by``.

    It is found ``among`` the rows that meet the metric's filters, whatever else is asked along with it.
    """

    over: str
    of: Expression
    take: Literal["first", "last"]
    by: tuple[Expression, ...] = ()
    among: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Following:
    """Events of another model that follow those of an aggregation: each counts with the last one before it.

    ``same`` are pairs of values that must be equal: the entity first, then constants. ``at`` are the moments, compared
    by periods of ``grain`` where one is known no finer than that.
    """

    model: str
    axis: str
    filters: tuple[Expression, ...]
    same: tuple[tuple[Expression, Expression], ...]
    at: tuple[Expression, Expression]
    within: Length | None
    grain: str | None = None


@dataclass(frozen=True, slots=True)
class Aggregation:
    """One base aggregate of one model: rows that meet all filters, on that time axis, at the moments of a timing."""

    model: str
    axis: str | None
    aggregate: Aggregate
    filters: tuple[Expression, ...] = ()
    timing: Timing = Timing()
    moment: Moment | None = None
    following: Following | None = None


@dataclass(frozen=True, slots=True)
class Around:
    """What the metrics around one do to it: filters on its rows, and when it looks."""

    filters: tuple[Text, ...] = ()
    timing: Timing = Timing()
    chain: tuple[str, ...] = ()


def formula(graph: Graph, name: str, scanned: list[Aggregation], around: Around = Around()) -> Expression:
    """The arithmetic of metric ``name`` over base aggregates, which are added to ``scanned`` once each.

    Raises `DeclarationError` (cycle, mixed-expression, not-aggregated, no-model, unknown-metric, nested-window) and
    what names in it raise.
    """
    if name in around.chain:
        raise DeclarationError(
            Problem(
                "cycle",
                f"metrics define each other: {' -> '.join((*around.chain, name))}.",
                graph.metrics[name].place_of("expr"),
            )
        )
    metric = graph.metric(name)
    declared = graph.metrics[name]
    text = Text(metric.expr, declared.place_of("expr"))
    tree = text.tree() if metric.conversion is None else Constant(None)
    filters = around.filters
    if metric.filter is not None:
        filters = (*filters, Text(metric.filter, declared.place_of("filter")))
    around = Around(filters, of_metric(graph, declared, around.timing), (*around.chain, name))
    if metric.conversion is not None:
        out = _conversion(graph, name, scanned, around)
    elif any(isinstance(part, Aggregate) for part in walk(tree)):
        out = _simple(graph, name, tree, text, scanned, around)
    else:
        out = _derived(graph, name, tree, text, scanned, around)
    if metric.fill_nulls_with is not None:
        out = Call("coalesce", (out, Constant(metric.fill_nulls_with)))
    return out


def _simple(
    graph: Graph, name: str, tree: Expression, text: Text, scanned: list[Aggregation], around: Around
) -> Expression:
    metric, declared = graph.metric(name), graph.metrics[name]
    if metric.model is None:
        raise DeclarationError(
            Problem(
                "no-model",
                f"the metric '{name}' aggregates columns but names no model.",
                declared.place_of("expr"),
                "Add 'model: <semantic model>'.",
            )
        )
    if metric.model not in graph.models:
        raise DeclarationError(
            Problem(
                "unknown-model",
                f"no semantic model '{metric.model}'.",
                declared.place_of("model"),
                did_you_mean(metric.model, graph.models),
            )
        )
    axis = metric.time_dimension or graph.model(metric.model).time_dimension
    if axis is None and not around.timing.plain:
        raise DeclarationError(_without_axis(graph, metric.model, around.chain[0]))
    bound = (bind_filter(graph, metric.model, one, axis=axis, columns=True) for one in around.filters)
    filters = tuple(dict.fromkeys(bound))
    moment = _moment(graph, declared, filters) if metric.non_additive else None

    def change(part: Expression) -> Expression:
        if isinstance(part, Aggregate):
            _refuse_nested(part, text)
            aggregate = bind(graph, str(metric.model), part, text, axis=axis)
            assert isinstance(aggregate, Aggregate)
            _refuse_bridges(graph, str(metric.model), (aggregate, *filters), axis, text)
            return _scan(Aggregation(str(metric.model), axis, aggregate, filters, around.timing, moment), scanned)
        if isinstance(part, Name):
            raise DeclarationError(_outside(graph, name, part, text))
        return rebuild(part, change)

    return change(tree)


def _refuse_bridges(graph: Graph, model: str, trees: tuple[Expression, ...], axis: str | None, text: Text) -> None:
    """Raise `DeclarationError` (fan-out) where what a metric itself reads would multiply the rows of all beside it."""
    crossed = next((one for one in relations(graph, model, trees, axis) if one.bridge), None)
    if crossed is not None:
        said = f"a metric can't cross the bridge '{crossed.model}': one row of '{model}' has many partners there."
        hint = "A question may group and filter by it."
        raise DeclarationError(Problem("fan-out", said, text.place, hint))


def _derived(
    graph: Graph,
    name: str,
    tree: Expression,
    text: Text,
    scanned: list[Aggregation],
    around: Around,
) -> Expression:
    metric, declared = graph.metric(name), graph.metrics[name]
    known: dict[str, Expression] = {}
    sizes: list[int] = []

    def change(part: Expression) -> Expression:
        if not isinstance(part, Name):
            return rebuild(part, change)
        used = str(part)
        found = known[used] = known.get(used) or meaning(used, part)
        sizes.append(sum(1 for _ in walk(found)))
        if sum(sizes) > LARGEST:  # metrics that name others twice, and those twice again, double at each step
            said = f"'{name}' has more than {LARGEST:,} parts once the metrics it names are replaced by their formulas."
            raise DeclarationError(Problem("too-complex", said, text.place, "Name fewer metrics."))
        return found

    def meaning(used: str, part: Name) -> Expression:
        source, inner = used, around
        if used in metric.inputs:
            source, inner = metric.inputs[used].metric, _inside(graph, declared, used, around)
        if source not in graph.metrics:
            hint = did_you_mean(source, graph.metrics, "An expr without aggregates names metrics only.")
            raise DeclarationError(Problem("unknown-metric", f"no metric '{source}'.", text.at(part.at), hint))
        return formula(graph, source, scanned, inner)

    if not any(isinstance(part, Name) for part in walk(tree)):
        raise DeclarationError(
            Problem(
                "not-aggregated",
                f"the metric '{name}' is a constant.",
                text.place,
                "Aggregate columns, such as sum(amount), or name other metrics.",
            )
        )
    return change(tree)


def _conversion(graph: Graph, name: str, scanned: list[Aggregation], around: Around) -> Expression:
    """How many first events, or which share of them, are followed by another of the same entity."""
    declared = graph.metrics[name]
    conversion = declared.term.conversion
    assert conversion
    place = declared.place_of("conversion")
    timing = around.timing
    if timing.moves and (timing.each or not timing.looks_back):
        raise DeclarationError(
            Problem("nested-window", f"'{name}' follows events through time and cannot be moved in it.", place)
        )
    around = replace(around, timing=replace(timing, anchors=()))  # what moves is the span of first events
    first = _event(graph, conversion.from_, around, declared.place_of("conversion", "from"))
    first = replace(first, timing=timing)
    after = _event(graph, conversion.to, Around(chain=around.chain), declared.place_of("conversion", "to"))
    names = (conversion.entity, *((one.from_, one.to) for one in conversion.constant))
    same = tuple((column_of(graph, first.model, ours), column_of(graph, after.model, theirs)) for ours, theirs in names)
    at = tuple(_axis_value(graph, one, place) for one in (first, after))
    known = {finest(graph.dimension(one.model, str(one.axis))) for one in (first, after)}
    grain = max(known, key=GRAINS.index) if len(known) > 1 else None
    following = Following(after.model, str(after.axis), after.filters, same, (at[0], at[1]), conversion.within, grain)
    converted = _scan(replace(first, aggregate=after.aggregate, following=following), scanned)
    events = _scan(first, scanned)  # read for the count too: groups of first events that nothing follows show as well
    return converted if conversion.calculate == "count" else Call("/", (converted, events))


def _event(graph: Graph, name: str, around: Around, place: Place) -> Aggregation:
    """The one aggregate of an event's metric; raises `DeclarationError` (not-an-event) for any other metric."""
    scanned: list[Aggregation] = []
    if name not in graph.metrics:
        raise DeclarationError(
            Problem("unknown-metric", f"no metric '{name}'.", place, did_you_mean(name, graph.metrics))
        )
    tree = formula(graph, name, scanned, around)
    if len(scanned) != 1 or tree != Column(SCANNED, "0") or scanned[0].moment or scanned[0].timing.moves:
        raise DeclarationError(
            Problem("not-an-event", f"'{name}' is no single count of events.", place, "Name a metric such as count(*).")
        )
    return scanned[0]


def _axis_value(graph: Graph, one: Aggregation, place: Place) -> Expression:
    if one.axis is None:
        raise DeclarationError(
            Problem(
                "no-time-dimension",
                f"'{one.model}' has no time axis, so nothing follows anything.",
                place,
                "Declare 'time_dimension' on the semantic model.",
            )
        )
    return field_expression(graph, find(graph, one.model, (one.axis,)))


def _inside(graph: Graph, declared: Declared[Metric], used: str, around: Around) -> Around:
    """What an input modified in place does to the metric it names."""
    source, place = declared.term.inputs[used], declared.place_of("inputs", used)
    filters = around.filters
    if source.filter is not None:
        filters = (*filters, Text(source.filter, declared.place_of("inputs", used, "filter")))
    return replace(around, filters=filters, timing=of_input(graph, source, around.timing, place))


def _moment(graph: Graph, declared: Declared[Metric], filters: tuple[Expression, ...]) -> Moment:
    """Which rows stand for a period; raises `DeclarationError` (not-time) and what names in it raise."""
    metric = declared.term
    assert metric.non_additive
    assert metric.model
    over, place = metric.non_additive.over, declared.place_of("non_additive", "over")
    field = find(graph, metric.model, (over,), place=place)
    dimension = graph.dimension(field.model, field.dimension)
    if dimension.type != "time":
        raise DeclarationError(
            Problem("not-time", f"'{over}' is not a time dimension.", place, "Declare 'type: time' on it.")
        )
    by = tuple(
        bind_filter(graph, metric.model, Text(one, declared.place_of("non_additive", "by")), axis=None, columns=True)
        for one in metric.non_additive.by
    )
    of = field_expression(graph, replace(field, grain=finest(dimension)))
    return Moment(over, of, metric.non_additive.take, by, filters)


def _scan(aggregation: Aggregation, scanned: list[Aggregation]) -> Column:
    if aggregation not in scanned:
        scanned.append(aggregation)
    return Column(SCANNED, str(scanned.index(aggregation)))


def _refuse_nested(aggregate: Aggregate, text: Text) -> None:
    for part in walk(aggregate):
        if isinstance(part, Aggregate) and part is not aggregate:
            raise DeclarationError(
                Problem(
                    "nested-aggregate",
                    f"'{part.function}' stands inside '{aggregate.function}'.",
                    text.at(part.at),
                    "Declare the inner one as a metric of its own.",
                )
            )


def _without_axis(graph: Graph, model: str, metric: str) -> Problem:
    return Problem(
        "no-time-dimension",
        f"'{metric}' looks at other times, but '{model}' has no time axis.",
        graph.metrics[metric].place_of("metric"),
        "Declare 'time_dimension' on the semantic model or on the metric.",
    )


def _outside(graph: Graph, metric: str, name: Name, text: Text) -> Problem:
    if str(name) in graph.metrics:
        return Problem(
            "mixed-expression",
            f"'{metric}' mixes aggregates with the metric '{name}'.",
            text.at(name.at),
            "Declare the aggregate as a metric of its own and name both.",
        )
    return Problem(
        "not-aggregated",
        f"'{name}' stands outside any aggregate.",
        text.at(name.at),
        f"A column goes into one, as in sum({name}); a metric stands beside other metrics alone.",
    )


def base_models(graph: Graph, name: str) -> tuple[str, ...]:
    """The models whose rows a metric counts."""
    scanned: list[Aggregation] = []
    formula(graph, name, scanned)
    return tuple(dict.fromkeys(one.model for one in scanned))
