"""A dotted path to a field: which dimension, over which to-one hops, at which grain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workbench.declare.grains import DATE_PARTS, GRAINS
from workbench.declare.terms import Bridge, Dimension, Many, Relationship
from workbench.errors import Place, Problem, QuestionError, Unanswerable, did_you_mean
from workbench.graph.build import Graph
from workbench.graph.calendars import own_grains, steps_of
from workbench.graph.fineness import PARTS
from workbench.graph.joins import Roles, hops, multiplying, route_to, routes

METRIC_TIME = "metric_time"
LISTED = 12
"""How many legal paths an error lists before it counts the rest."""


@dataclass(frozen=True, slots=True)
class Field:
    """A dimension reached from a base model."""

    roles: Roles
    model: str
    dimension: str
    grain: str | None = None
    part: str | None = None

    @property
    def meaning(self) -> tuple[str, str, str | None, str | None]:
        """What the field says, whichever way it was reached."""
        return self.model, self.dimension, self.grain, self.part


def find(
    graph: Graph,
    base: str,
    path: tuple[str, ...],
    *,
    axis: str | None = None,
    place: Place | None = None,
    many: bool = False,
) -> Field:
    """The field that ``path`` names from ``base``; ``axis`` is what metric_time means there.

    With ``many``, it may be of several rows, as where nothing is counted.

    Raises `QuestionError` (unknown-dimension, not-time) and `Unanswerable` (fan-out, unreachable, ambiguous-path,
    no-time-dimension).
    """
    names, grain, part = _without_suffix(graph, base, path, many)
    if names == (METRIC_TIME,):
        if axis is None:
            raise Unanswerable(
                Problem(
                    "no-time-dimension",
                    f"'{base}' has no time axis, so 'metric_time' means nothing there.",
                    place,
                    "Declare 'time_dimension' on the semantic model, or ask by a dimension.",
                )
            )
        names = (axis,)
    field = _walk(graph, base, names, place, many)
    if field is None:
        raise _not_found(graph, base, names, place)
    return _at_grain(graph, Field(field.roles, field.model, field.dimension, grain, part), path, place)


def legal(graph: Graph, base: str) -> Iterator[tuple[str, Field]]:
    """Every dimension path that may group or filter a metric of ``base``, nearest first."""
    for roles, model in ((), base), *routes(graph, base):
        for name, dimension in graph.model(model).dimensions.items():
            if dimension.visibility == "public":
                yield ".".join((*roles, name)), Field(roles, model, name)
    for roles, model in ((), base), *routes(graph, base):
        for role, bridge in graph.model(model).bridges.items():
            known = bridge.to in graph.models and bridge.through in graph.models
            for name, dimension in graph.model(bridge.to).dimensions.items() if known else ():
                if dimension.visibility == "public":
                    yield ".".join((*roles, role, name)), Field((*roles, role), bridge.to, name)


def _without_suffix(
    graph: Graph, base: str, path: tuple[str, ...], many: bool
) -> tuple[tuple[str, ...], str | None, str | None]:
    """The path without its grain or date part; a dimension of that very name goes first."""
    is_grain = path[-1] in GRAINS or path[-1] in own_grains(graph)
    if len(path) > 1 and (is_grain or path[-1] in DATE_PARTS) and _try(graph, base, path, many) is None:
        return (path[:-1], path[-1], None) if is_grain else (path[:-1], None, path[-1])
    return path, None, None


def _try(graph: Graph, base: str, path: tuple[str, ...], many: bool) -> Field | None:
    try:
        return _walk(graph, base, path, None, many)
    except Unanswerable:
        return None


def _walk(graph: Graph, base: str, names: tuple[str, ...], place: Place | None, many: bool) -> Field | None:
    roles: Roles = ()
    model, rest = base, names
    if len(rest) > 1 and _way(graph, base, rest[0], many) is None:
        if rest[0] == graph.model(base).entity:
            rest = rest[1:]
        elif rest[0] in graph.models:
            route = route_to(graph, base, rest[0], place)
            if route is None:
                return None
            roles, model, rest = route, rest[0], rest[1:]
    for role in rest[:-1]:
        way = _way(graph, model, role, many)
        if way is None or way.to not in graph.models:
            return None
        if isinstance(way, Bridge) and way.through not in graph.models:
            return None
        roles, model = (*roles, role), way.to
    return Field(roles, model, rest[-1]) if rest[-1] in graph.model(model).dimensions else None


def _way(graph: Graph, model: str, role: str, many: bool) -> Relationship | Bridge | Many | None:
    """Where a role of a model leads."""
    term = graph.model(model)
    return term.relationships.get(role) or term.bridges.get(role) or (term.many.get(role) if many else None)


def _at_grain(graph: Graph, field: Field, path: tuple[str, ...], place: Place | None) -> Field:
    dimension = graph.dimension(field.model, field.dimension)
    if (field.grain or field.part) and dimension.type != "time":
        raise QuestionError(
            Problem(
                "not-time",
                f"'{'.'.join(path)}': '{field.dimension}' is not a time dimension.",
                place,
                f"Leave '.{path[-1]}' out, or declare 'type: time' on it.",
            )
        )
    if field.grain in GRAINS and GRAINS.index(field.grain) < GRAINS.index(finest(dimension)):
        raise Unanswerable(
            Problem(
                "too-fine",
                f"'{'.'.join(path)}': '{field.dimension}' is known by the {finest(dimension)} only.",
                place,
                f"Ask by {', '.join(grains(dimension))}.",
            )
        )
    return field


def standard(graph: Graph, field: Field) -> str:
    """The grain of GRAINS by which moments must be told apart to know the field."""
    if field.part:
        return PARTS.get(field.part, "day")
    if field.grain and field.grain not in GRAINS:
        return steps_of(graph, field.grain)
    return field.grain or finest(graph.dimension(field.model, field.dimension))


def finest(dimension: Dimension) -> str:
    """The finest grain a time dimension is known at."""
    return dimension.grain or "day"


def grains(dimension: Dimension) -> tuple[str, ...]:
    """The grains a time dimension may be asked at."""
    return GRAINS[GRAINS.index(finest(dimension)) :] if dimension.type == "time" else ()


def _not_found(graph: Graph, base: str, names: tuple[str, ...], place: Place | None) -> QuestionError | Unanswerable:
    written = ".".join(names)
    paths = [path for path, _ in legal(graph, base)]
    if (of_many := _try(graph, base, names, many=True)) is not None:
        return _of_many(graph, base, of_many, written, paths, place)
    holders = [m for m in graph.models if names[-1] in graph.model(m).dimensions]
    alone = holders[0] if len(names) == 1 and len(holders) == 1 and base not in holders else None
    wanted = _named(graph, names) or alone
    same_ending = [p for p in paths if p.split(".")[-1] == names[-1]]
    if wanted and wanted != base and not any(m == wanted for _, m in routes(graph, base)):
        return _unreachable(graph, base, wanted, written, paths, place)
    stem = ".".join(names[:-1])
    timed = {path for path, field in legal(graph, base) if graph.dimension(field.model, field.dimension).type == "time"}
    if stem in (METRIC_TIME, *timed):
        hint = did_you_mean(
            names[-1], (*GRAINS, *DATE_PARTS), "Say a grain such as day, month or year, or a part such as day_of_week."
        )
        return QuestionError(Problem("unknown-grain", f"'{stem}' has no grain or part '{names[-1]}'.", place, hint))
    if same_ending:
        hint = f"Did you mean {' or '.join(repr(p) for p in same_ending[:4])}?"
    else:
        hint = did_you_mean(written, paths, f"Legal for '{base}': {listed(paths)}.")
        # Names are lower case, so this is most likely text.
        hint = f"Text goes between single quotes: '{written}'. {hint}" if written != written.lower() else hint
    return QuestionError(Problem("unknown-dimension", f"no dimension '{written}' from '{base}'.", place, hint))


def _named(graph: Graph, names: tuple[str, ...]) -> str | None:
    """The model that a path seems to mean: by its name, by its entity, or by a role in which others know it."""
    for name in names[:-1] if len(names) > 1 else names:
        if name in graph.models:
            return name
        meant = {m for m in graph.models if graph.model(m).entity == name}
        meant |= {r.to for m in graph.models for role, r in graph.model(m).relationships.items() if role == name}
        if len(meant & set(graph.models)) == 1:
            return meant.pop()
    return None


def _unreachable(
    graph: Graph, base: str, wanted: str, written: str, paths: list[str], place: Place | None
) -> Unanswerable:
    join = multiplying(graph, base, wanted)
    if pairs := _pairs(graph, base, wanted):
        holder, through = pairs
        declare = (
            f"on '{holder}' declare 'bridges: {{{wanted}: {{to: {wanted}, through: {through}, allocate: equally}}}}'"
        )
        return Unanswerable(
            Problem(
                "fan-out",
                f"'{written}' cannot group or filter numbers of '{base}': one row has many of '{wanted}', as "
                f"'{through}' pairs them (a join through it would multiply rows).",
                place,
                f"Legal here: {listed(paths)}. To say what falls to each, {declare}, or 'by' a column or 'whole'.",
            )
        )
    if join:
        many, role = join
        return Unanswerable(
            Problem(
                "fan-out",
                f"'{written}' cannot group or filter numbers of '{base}': one row of '{base}' has many of "
                f"'{wanted}' (the join through '{many}.{role}' would multiply its rows).",
                place,
                f"Legal here: {listed(paths)}. Or ask for a metric of '{wanted}'; where there is none, declare one.",
            )
        )
    return Unanswerable(
        Problem(
            "unreachable",
            f"'{written}' cannot be reached from '{base}': no to-one relationship leads to '{wanted}'.",
            place,
            f"Legal here: {listed(paths)}. Or declare a relationship on '{base}'.",
        )
    )


def _of_many(
    graph: Graph, base: str, field: Field, written: str, paths: list[str], place: Place | None
) -> Unanswerable:
    hop = next(hop for hop in hops(graph, base, field.roles) if hop.many)
    return Unanswerable(
        Problem(
            "fan-out",
            f"'{written}' cannot group or filter numbers of '{base}': one row of '{hop.parent}' has many of "
            f"'{hop.model}' (the join through '{hop.parent}.{hop.role}' would multiply its rows).",
            place,
            f"Legal here: {listed(paths)}. Questions without metrics may go there.",
        )
    )


def _pairs(graph: Graph, base: str, wanted: str) -> tuple[str, str] | None:
    """A model to declare a bridge on, and the model that pairs its rows with those of ``wanted``."""
    near = [base, *(model for _, model in routes(graph, base))]
    for through in graph.models:
        met = {one.to for one in graph.model(through).relationships.values()}
        holder = next((model for model in near if model in met and model != wanted), None)
        if wanted in met and holder is not None and through not in near:
            return holder, through
    return None


def listed(paths: list[str]) -> str:
    """The first few paths, and how many more there are."""
    more = len(paths) - LISTED
    return ", ".join(paths[:LISTED]) + (f" and {more} more" if more > 0 else "")
