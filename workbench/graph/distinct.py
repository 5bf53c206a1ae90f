"""A question without metrics to legs of distinct values: which rows they are taken from."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from workbench.declare.expression import Expression, Has, Name, conjunction, conjuncts, walk
from workbench.declare.grains import GRAINS
from workbench.declare.lifted import LiftedText
from workbench.declare.question import Asked, Question
from workbench.declare.unparse import unparse
from workbench.errors import Problem, QuestionError, Unanswerable
from workbench.graph.axis import Base, field_of
from workbench.graph.bind import Text
from workbench.graph.build import Graph
from workbench.graph.calendars import own_grains
from workbench.graph.entities import entity_key
from workbench.graph.legs import Leg, leg
from workbench.graph.paths import METRIC_TIME, Field, find

Path = tuple[str, ...]


def distinct_legs(graph: Graph, question: Question) -> tuple[tuple[Field, ...], tuple[Leg, ...]]:
    """The fields asked for and the legs they come from; raises `QuestionError` and `Unanswerable`.

    Values of one model are those of its rows. Values of several come from the one model that reaches them all, and no
    row of any of them is left out. Moments hang on nothing else, so they meet every other value.
    """
    conditions = list(conjuncts(Text(question.where).tree())) if question.where else []
    timed = [asked for asked in question.by if _is_time(asked.path)]
    others = [asked for asked in question.by if not _is_time(asked.path)]
    on_time, on_rows = _parted(conditions)
    fields: dict[str, Field] = {}
    legs: list[Leg] = []
    if timed or on_time or question.time is not None:
        base = _calendar_base(graph, [asked.path for asked in timed])
        legs.append(_leg(graph, _part(question, timed, on_time), base, fields))
    if others or on_rows:
        paths = [tuple(a.path.split(".")) for a in others] + [p.path for tree in on_rows for p in _names(tree)]
        entities = [p.entity.path for tree in on_rows for p in walk(tree) if isinstance(p, Has)]
        base = _row_base(graph, paths, entities)
        part = _part(question, others, on_rows).model_copy(update={"time": None})
        legs.append(_leg(graph, part, base, fields))
    return tuple(fields[asked.alias] for asked in question.by), tuple(legs)


def _is_time(path: str) -> bool:
    return path.split(".")[0] == METRIC_TIME


def _names(tree: Expression) -> list[Name]:
    return [part for part in walk(tree) if isinstance(part, Name)]


def _parted(conditions: list[Expression]) -> tuple[list[Expression], list[Expression]]:
    """Conditions on moments, and conditions on rows; one on both is refused."""
    on_time: list[Expression] = []
    on_rows: list[Expression] = []
    for tree in conditions:
        kinds = {part.path[0] == METRIC_TIME for part in _names(tree)}
        if len(kinds) > 1:
            raise Unanswerable(
                Problem(
                    "mixed-condition",
                    "a condition joins metric_time with a dimension, and no metric relates them.",
                    hint="Ask for a metric too.",
                )
            )
        (on_time if kinds == {True} else on_rows).append(tree)
    return on_time, on_rows


def _part(question: Question, by: list[Asked], conditions: list[Expression]) -> Question:
    tree = conjunction(*conditions)
    where = LiftedText(unparse(tree), tree) if tree is not None else None
    return Question(by=tuple(by)).model_copy(
        update={"where": where, "time": question.time, "timezone": question.timezone}
    )


def _leg(graph: Graph, part: Question, base: Base, fields: dict[str, Field]) -> Leg:
    found = [field_of(graph, asked, base, "day") for asked in part.by]
    fields |= {asked.alias: field for asked, field in zip(part.by, found, strict=True)}
    return leg(graph, part, base, [], found, [])


def _calendar_base(graph: Graph, paths: list[str]) -> Base:
    """The declared calendar with the fewest moments that knows every grain asked for."""
    asked = {path.split(".")[1] if "." in path else "day" for path in paths}
    wanted = [grain for grain in asked if grain in GRAINS] or ["day"]
    finest = min(GRAINS.index(grain) for grain in wanted)
    own = own_grains(graph)
    fitting = [d.term for d in graph.calendars.values() if GRAINS.index(d.term.grain) <= finest]
    known = [one for one in fitting if all(grain not in own or own[grain][0] == one.calendar for grain in asked)]
    if not known:
        raise Unanswerable(
            Problem(
                "no-calendar",
                "'metric_time' without a metric means the moments of a calendar, and none fits.",
                hint="Ask for a metric too, or declare a 'calendar:' over a table of days.",
            )
        )
    best = max(known, key=lambda one: GRAINS.index(one.grain))
    return Base(best.calendar, best.column)


def _row_base(graph: Graph, paths: list[Path], entities: list[Path]) -> Base:
    """The one model whose rows give the values: the named one, else the nearest that reaches every path and entity.

    A path that none reaches otherwise may lead from a row to many of another model: there is no number to multiply.
    """
    named = [path[0] for path in paths if len(path) > 1 and path[0] in graph.models]
    fitting = [m for m in graph.models if all(_reaches(graph, m, path) for path in paths)]
    many = not fitting
    if many:
        fitting = [m for m in graph.models if all(_reaches(graph, m, path, many=True) for path in paths)]
    fitting = [m for m in fitting if all(_belongs(graph, m, entity) for entity in entities)]
    paths = [*paths, *entities]
    if named and named[0] in fitting:
        return Base(named[0], graph.model(named[0]).time_dimension, many=many)
    near = [m for m in fitting if any(_starts_at(graph, m, path) for path in paths)] or fitting
    nearest = [m for m in near if all(_starts_at(graph, m, path) for path in paths)] or near
    if len(nearest) == 1:
        return Base(nearest[0], graph.model(nearest[0]).time_dimension, many=many)
    written = ".".join(paths[0])
    if nearest:
        models = ", ".join(f"{model}.{written}" for model in nearest)
        raise Unanswerable(
            Problem(
                "ambiguous-path", f"'{written}' is a dimension of several models.", hint=f"Start with one of {models}."
            )
        )
    ways = list(_ways(graph, paths))
    raise QuestionError(
        Problem(
            "unknown-dimension",
            f"no model has {', '.join(repr('.'.join(p)) for p in paths)} together.",
            hint=f"One leads to the other by {', '.join(ways)}." if ways else "Start each path with its model's name.",
        )
    )


def _ways(graph: Graph, paths: list[Path]) -> Iterator[str]:
    """How the models that paths name lead to one another."""
    named = [path for path in paths if len(path) > 1 and path[0] in graph.models]
    for start, path in product(dict.fromkeys(path[0] for path in named), named):
        for role, relationship in graph.model(start).relationships.items():
            if relationship.to == path[0]:
                yield ".".join((start, role, *path[1:]))


def _starts_at(graph: Graph, model: str, path: Path) -> bool:
    """Whether a path is about the model itself and not about one it leads to."""
    return path[0] in graph.model(model).dimensions or path[0] == graph.model(model).entity


def _belongs(graph: Graph, model: str, entity: Path) -> bool:
    """Whether rows of a model belong to an entity."""
    try:
        entity_key(graph, model, entity)
    except Unanswerable:
        return False
    return True


def _reaches(graph: Graph, model: str, path: Path, *, many: bool = False) -> bool:
    try:
        find(graph, model, path, axis=graph.model(model).time_dimension, many=many)
    except (QuestionError, Unanswerable):
        return False
    return True
