"""A question to resolved legs: every name followed, every filter placed, nothing read yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from workbench.declare.expression import Aggregate, Call, Case, Column, Expression, Name, rebuild, walk
from workbench.declare.expression import Literal as Constant
from workbench.declare.functions import AGGREGATES
from workbench.declare.grains import GRAINS, coarser
from workbench.declare.question import Asked, Question
from workbench.declare.terms import Length
from workbench.errors import Problem, QuestionError, Unanswerable, did_you_mean
from workbench.graph.allocation import check_bridges
from workbench.graph.axis import Base, asked_grain, axis_finest, axis_grains, field_of
from workbench.graph.bind import Text, field_expression, refuse_aggregates
from workbench.graph.build import Graph, unknown_metric
from workbench.graph.calendars import own_grains
from workbench.graph.distinct import distinct_legs
from workbench.graph.formulas import SCANNED, Aggregation, Around, formula
from workbench.graph.identity import same_values
from workbench.graph.legs import Leg, leg
from workbench.graph.ordering import ordering, unordered
from workbench.graph.paths import METRIC_TIME, Field
from workbench.graph.ranking import ranked, ranking
from workbench.graph.timing import Offset, Timing
from workbench.graph.zones import check_zone

WHOLE = "^"
"""What the relations of coarser levels start with."""


OTHER = "other"
"""The column that tells the row of all other groups from a group that happens to be called so."""

EXTREMES = ("min", "max")
"""Both ends of the values of a dimension: what their columns end with."""


@dataclass(frozen=True, slots=True)
class Key:
    """A column to group by: its name in the answer, and the field it shows."""

    name: str
    path: str
    field: Field


@dataclass(frozen=True, slots=True)
class Number:
    """A metric of the answer: its name there, and arithmetic over base aggregates; ``aspect`` says what of it."""

    name: str
    metric: str
    tree: Expression
    aspect: Literal["value", "prior", "change", "ratio", "share"] = "value"


@dataclass(frozen=True, slots=True)
class Level:
    """The same question by fewer columns, computed at its own grain and never from finer groups.

    With a ``label`` its groups are rows of the answer; without, their values are ``Column(name, metric)`` for shares.
    """

    name: str
    keys: tuple[str, ...]
    resolved: Resolved
    label: str = ""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Which groups of ``key`` are shown by name: those that ``resolved`` answers; the rest is called ``label``."""

    key: str
    resolved: Resolved
    n: int
    other: bool
    label: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """A question with every name followed."""

    question: Question
    keys: tuple[Key, ...]
    numbers: tuple[Number, ...]
    aggregations: tuple[Aggregation, ...]
    legs: tuple[Leg, ...]
    having: Expression | None
    order: tuple[tuple[str, bool], ...]
    limit: int | None
    levels: tuple[Level, ...] = ()
    ranking: Ranking | None = None
    hidden: tuple[Number, ...] = ()
    """What the order hangs on and nobody asked to see."""


def resolve(graph: Graph, question: Question, whole: Question | None = None) -> Resolved:
    """Follow every name of a question; raises `QuestionError`, `Unanswerable` or `DeclarationError`.

    A level of ``whole``, the question that people asked, covers the same span of time: its groups add up to the level.
    """
    _distinct_names(question)
    _refuse_without_sense(question)
    check_zone(question.timezone)
    question = ranked(question)
    scanned: list[Aggregation] = []
    shared = _shared(graph, question, whole or question)
    numbers = tuple(
        number for asked in question.metrics for number in _numbers(graph, question, asked, scanned, shared)
    )
    having = _having(graph, question, numbers, scanned)
    timed = _depends_on_time(question) or _has_history(graph)
    bases: dict[Base, list[int]] = {}
    for index, one in enumerate(scanned):
        axis = one.axis if timed or one.following or not one.timing.plain else None
        among = one.filters if one.timing.period else ()
        base = Base(one.model, axis, one.timing, one.moment, one if one.following else None, among)
        if whole is not None and whole.time is not None:
            base = replace(base, periods=asked_grain(graph, whole, base))
        elif whole is not None and one.timing.looks_back:
            base = replace(base, apart=axis_grains(graph, whole, base))
        bases.setdefault(base, []).append(index)
    if not scanned:
        return _without_metrics(graph, question)
    grain = _default_grain(graph, question, bases)
    shown = (*(asked.alias for asked in question.by), *(number.name for number in numbers))
    orders = [ordering(text, shown, question) for text in question.order_by]
    hidden, beside = _hidden(graph, question, orders, shown, whole)
    hidden += _beyond(graph, orders, (*shown, *(one.metric for one in hidden)), bases, scanned, grain)
    keys = tuple(_key(graph, asked, tuple(bases), grain) for asked in question.by)
    legs = tuple(
        leg(graph, question, base, indexes, [field_of(graph, asked, base, grain) for asked in question.by], scanned)
        for base, indexes in bases.items()
    )
    names = (*(k.name for k in keys), *(n.name for n in numbers))
    ranking = _ranking(graph, question, keys, whole)
    marks = (*(["total"] if question.totals else []), *([OTHER] if ranking and ranking.other else []))
    _each_once((*names, *marks))
    meant = {number.metric: number.name for number in hidden}
    order = tuple((name if name in names else meant[name], descending) for name, descending in orders)
    levels = (*((shared,) if shared else ()), *beside, *_totals(graph, question))
    return Resolved(
        question, keys, numbers, tuple(scanned), legs, having, order, question.limit, levels, ranking, hidden
    )


def _hidden(
    graph: Graph, question: Question, orders: Sequence[tuple[str, bool]], shown: Sequence[str], whole: Question | None
) -> tuple[tuple[Number, ...], tuple[Level, ...]]:
    """Metrics that only order: each answered beside the question by the same columns, so that it adds no group."""
    numbers: list[Number] = []
    levels: list[Level] = []
    for name in dict.fromkeys(name for name, _ in orders if name not in shown and name in graph.metrics):
        at = f"{WHOLE}o{len(levels)}"
        every = tuple(asked.alias for asked in question.by)
        one = _at_level(question, every).model_copy(update={"metrics": (Asked(path=name, alias=name),)})
        resolved = resolve(graph, one, whole or question)
        there = Number(f"{at}.there", name, Constant(True))
        levels.append(Level(at, every, replace(resolved, numbers=(*resolved.numbers, there))))
        nothing = _of_nothing(resolved.numbers[0].tree, resolved.aggregations)
        tree = Case(((Column(at, there.name), Column(at, name)),), nothing)
        numbers.append(Number(at, name, tree))
    return tuple(numbers), tuple(levels)


def _of_nothing(tree: Expression, aggregations: tuple[Aggregation, ...]) -> Expression:
    """What a metric is where it has no rows: a count is 0, the rest is NULL."""
    if isinstance(tree, Column) and tree.relation == SCANNED:
        return Constant(AGGREGATES[aggregations[int(tree.name)].aggregate.function].empty)
    return rebuild(tree, lambda part: _of_nothing(part, aggregations))


def _beyond(
    graph: Graph,
    orders: Sequence[tuple[str, bool]],
    known: Sequence[str],
    bases: Mapping[Base, list[int]],
    scanned: list[Aggregation],
    grain: str,
) -> tuple[Number, ...]:
    """Dimensions that only order: the least value in a group, or the greatest where the order descends.

    They are read of the very rows of an asked metric, so that no row and no group is added. Raises `QuestionError`
    (unknown-column) and what following the path raises.
    """
    out: list[Number] = []
    for name, descending in orders:
        if name in known or any(one.metric == name for one in out):
            continue
        found: list[Expression] = []
        for base, indexes in bases.items():
            field = _ordering_field(graph, name, base, grain, known)
            if base.followed is None:
                value = Aggregate("max" if descending else "min", (field_expression(graph, field),))
                indexes.append(len(scanned))
                found.append(Column(SCANNED, str(len(scanned))))
                scanned.append(replace(scanned[indexes[0]], aggregate=value))
        if not found:
            raise QuestionError(unordered(name, known))
        tree = found[0] if len(found) == 1 else Call("coalesce", tuple(found))
        out.append(Number(f"{WHOLE}d{len(out)}", name, tree))
    return tuple(out)


def _ordering_field(graph: Graph, name: str, base: Base, grain: str, known: Sequence[str]) -> Field:
    try:
        field = field_of(graph, Asked(path=name, alias=name), base, grain)
    except QuestionError:
        raise QuestionError(unordered(name, known)) from None
    if base.timing.moves and not field.roles and field.dimension == base.axis:
        raise QuestionError(unordered(name, known))
    return field


def _ranking(graph: Graph, question: Question, keys: tuple[Key, ...], whole: Question | None) -> Ranking | None:
    """The groups that are shown by name; raises `QuestionError` and what ranking them raises."""
    top = question.top
    if top is None:
        return None
    key = next(key for key in keys if key.name == top.of)
    if graph.dimension(key.field.model, key.field.dimension).type == "time":
        raise QuestionError(
            Problem("bad-question", f"'top' is of groups, and '{top.of}' is time.", hint="Say order_by and limit.")
        )
    try:
        resolved = resolve(graph, ranking(question), whole or question)
    except Unanswerable as error:
        hint = f"Rank by another metric: top={{'n': {top.n}, 'by': ...}}."
        told = [
            replace(p, message=f"'top' ranks by '{top.by}': {p.message}", hint=f"{p.hint} {hint}")
            for p in error.problems
        ]
        raise Unanswerable(told) from None
    return Ranking(top.of, resolved, top.n, top.other, top.label)


def _without_metrics(graph: Graph, question: Question) -> Resolved:
    """A question for the values that dimensions have."""
    for part in ("having", "compare", "share_of", "totals"):
        if getattr(question, part):
            said = f"'{part}' is about metrics, and the question asks for none."
            raise QuestionError(Problem("empty-question", said))
    fields, legs = distinct_legs(graph, question)
    check_bridges(question, [one for part in legs for one in part.relations], ())
    keys = tuple(Key(asked.alias, asked.path, field) for asked, field in zip(question.by, fields, strict=True))
    names = tuple(key.name for key in keys)
    if question.extremes:
        names = tuple(f"{name}.{end}" for name in names for end in EXTREMES)
    order = tuple(ordering(text, names, question) for text in question.order_by)
    unknown = next((name for name, _ in order if name not in names), None)
    if unknown is not None:
        raise QuestionError(unordered(unknown, names))
    return Resolved(question, keys, (), (), legs, None, order, question.limit)


def _refuse_without_sense(question: Question) -> None:
    """Raise `QuestionError` (bad-question) where what is said of values is asked of numbers."""
    said = "'extremes'" if question.extremes else "'every_row'" if question.every_row else ""
    if said and question.metrics:
        hint = "Leave the metrics out, or declare a metric such as min(column) or count(*)."
        raise QuestionError(
            Problem("bad-question", f"{said} is about values, and the question asks for metrics.", hint=hint)
        )
    if question.extremes and question.every_row:
        said = "'extremes' gives one row, and 'every_row' asks for all of them."
        raise QuestionError(Problem("bad-question", said, hint="Say one of the two."))


def _distinct_names(question: Question) -> None:
    names = [asked.alias for asked in (*question.by, *question.metrics)]
    _each_once(names)
    if not names:
        raise QuestionError(Problem("empty-question", "a question needs a metric or a dimension."))


def _each_once(names: Sequence[str]) -> None:
    """No two columns of an answer share a name, those that come beside the asked ones included."""
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise QuestionError(
            Problem("duplicate-column", f"the column '{twice}' is asked for twice.", hint="Rename one: {other: path}.")
        )


def _numbers(
    graph: Graph, question: Question, asked: Asked, scanned: list[Aggregation], shared: Level | None
) -> Iterator[Number]:
    """A metric, and beside it what the question compares it with."""
    if asked.path not in graph.metrics:
        raise QuestionError(unknown_metric(graph, asked.path))
    now = formula(graph, asked.path, scanned, Around(timing=Timing(spine=question.fill)))
    yield Number(asked.alias, asked.path, now)
    if question.compare is not None:
        _check_compare(graph, question.compare)
        timing = Timing(anchors=(Offset(question.compare),), spine=question.fill)
        prior = formula(graph, asked.path, scanned, Around(timing=timing))
        yield Number(f"{asked.alias}.prior", asked.path, prior, "prior")
        yield Number(f"{asked.alias}.change", asked.path, Call("-", (now, prior)), "change")
        yield Number(f"{asked.alias}.ratio", asked.path, Call("/", (now, prior)), "ratio")
    if shared is not None:
        whole = Column(shared.name, asked.alias)
        yield Number(f"{asked.alias}.share", asked.path, Call("/", (now, whole)), "share")


def _check_compare(graph: Graph, length: Length) -> None:
    """Raise `QuestionError` (unknown-grain) for a length in periods that nobody has."""
    known = (*GRAINS, *own_grains(graph))
    if length.grain not in known:
        hint = did_you_mean(length.grain, known, f"One of {', '.join(known)}.")
        raise QuestionError(Problem("unknown-grain", f"'compare': no grain '{length.grain}'.", hint=hint))


def _shared(graph: Graph, question: Question, whole: Question) -> Level | None:
    """What shares are taken of; raises `QuestionError` (unknown-column)."""
    if not question.share_of:
        return None
    keys = _level_keys(question, question.share_of, "share_of")
    return Level(f"{WHOLE}0", keys, resolve(graph, _at_level(question, keys), whole))


def _totals(graph: Graph, question: Question) -> Iterator[Level]:
    """Rows of totals, the grand one and those by one column, each with its own share where it lies within one whole."""
    within = set(_level_keys(question, question.share_of, "share_of"))
    for number, word in enumerate(question.totals):
        keys = _level_keys(question, (word,), "totals")
        label = "total" if not keys else f"total by {keys[0]}"
        beside = {"compare": question.compare, "share_of": question.share_of if within <= set(keys) else ()}
        plain = _at_level(question, keys).model_copy(update=beside)
        yield Level(f"{WHOLE}t{number}", keys, resolve(graph, plain, question), label)


def _level_keys(question: Question, words: tuple[str, ...], part: str) -> tuple[str, ...]:
    names = {asked.path: asked.alias for asked in question.by} | {asked.alias: asked.alias for asked in question.by}
    if tuple(words) == ("total",):
        return ()
    for word in words:
        if word not in names:
            raise QuestionError(
                Problem(
                    "unknown-column",
                    f"'{part}' names '{word}', which the question is not asked by.",
                    hint=did_you_mean(
                        word, names, f"Say 'total', or one of: {', '.join(names)}." if names else "Say 'total'."
                    ),
                )
            )
    return tuple(names[word] for word in words)


def _at_level(question: Question, keys: tuple[str, ...]) -> Question:
    """The same question by fewer columns, with nothing beside it; which groups are shown is no part of it."""
    by = tuple(asked for asked in question.by if asked.alias in keys)
    plain = {"by": by, "having": None, "order_by": (), "limit": None, "compare": None, "share_of": (), "totals": ()}
    if question.top is not None and question.top.of not in keys:
        plain["top"] = None  # which groups are shown by name is no part of it either
    return question.model_copy(update=plain)


def _having(
    graph: Graph, question: Question, numbers: tuple[Number, ...], scanned: list[Aggregation]
) -> Expression | None:
    if question.having is None:
        return None
    asked = {n.name: n.tree for n in numbers}
    text = Text(question.having)
    tree = text.tree()
    refuse_aggregates(tree, text)

    def change(part: Expression) -> Expression:
        if not isinstance(part, Name):
            return rebuild(part, change)
        name = str(part)
        if name in asked:
            return asked[name]
        if name in graph.metrics:
            return formula(graph, name, scanned)
        raise QuestionError(
            unknown_metric(graph, name, "'having' is about metrics; put conditions on dimensions into 'where'.")
        )

    return change(tree)


def _depends_on_time(question: Question) -> bool:
    if question.time is not None or any(a.path.split(".")[0] == METRIC_TIME for a in question.by):
        return True
    if question.where is None:
        return False
    return any(isinstance(part, Name) and part.path[0] == METRIC_TIME for part in walk(Text(question.where).tree()))


def _has_history(graph: Graph) -> bool:
    """Whether a join may depend on when a row happened."""
    return any(one.valid for declared in graph.models.values() for one in declared.term.relationships.values())


def _default_grain(graph: Graph, question: Question, bases: Mapping[Base, list[int]]) -> str:
    """The grain of a bare metric_time: the coarsest that any asked metric has, and a day at least."""
    grain = "day"
    for base in bases:
        grain = coarser(grain, axis_finest(graph, base))
    declared = [graph.metric(asked.path).grain for asked in question.metrics]
    if any(declared):
        # A metric that says its own grain may go below a day; the others stay at a day or above.
        own = [g or grain for g in declared]
        grain = own[0]
        for one in own[1:]:
            grain = coarser(grain, one)
    return grain


def _key(graph: Graph, asked: Asked, bases: tuple[Base, ...], grain: str) -> Key:
    """The key, once it is sure that it means the same from every base."""
    fields = [field_of(graph, asked, base, grain) for base in bases]
    if asked.path.split(".")[0] != METRIC_TIME:
        for field, base in zip(fields[1:], bases[1:], strict=True):
            if not same_values(graph, fields[0], field):
                raise Unanswerable(
                    Problem(
                        "ambiguous-path",
                        f"'{asked.path}' means '{fields[0].model}.{fields[0].dimension}' from '{bases[0].model}' but "
                        f"'{field.model}.{field.dimension}' from '{base.model}'.",
                        hint="Ask for a dimension that the metrics share, or ask for them one by one.",
                    )
                )
    return Key(asked.alias, asked.path, fields[0])
