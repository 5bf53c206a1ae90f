"""A resolved question and a principal to a Pass: the only thing the planner accepts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from workbench.access.masks import KEEPS_DISTINCT, KEEPS_NULL
from workbench.access.principal import Principal
from workbench.access.restriction import Mask, Restriction
from workbench.declare.expression import Aggregate, Call, Column, Expression, children
from workbench.errors import AccessDenied, Problem, QuestionError
from workbench.graph.axis import SHOWN
from workbench.graph.bind import HERE
from workbench.graph.calendars import plain_column
from workbench.graph.formulas import SCANNED, Aggregation
from workbench.graph.legs import Leg
from workbench.graph.resolve import Resolved
from workbench.graph.timing import TIME

_OF_NO_TABLE = frozenset({SCANNED, TIME, SHOWN})
_COUNTS = frozenset({"count", "approx_distinct"})


@dataclass(frozen=True, slots=True)
class Pass:
    """A question that its asker may ask, with what is left for them of every table it reads."""

    principal: Principal
    resolved: Resolved
    restrictions: Mapping[str, Restriction]


def issue(resolved: Resolved, principal: Principal, restriction_of: Callable[[str], Restriction | None]) -> Pass:
    """A Pass for the question, or `AccessDenied` (masked-column) where its answer would hang on masked values.

    A masked column may be shown, as its mask; tested for NULL where the mask keeps NULLs; and counted where the mask
    keeps values apart. Compared, computed with or filtered by, it would tell more, or tell wrong.
    """
    restrictions: dict[str, Restriction] = {}
    for leg, aggregations, is_asked in _legs_of(resolved):
        named = {"": (leg.model, leg.table), **{r.name: (r.model, r.table) for r in leg.relations}}
        if leg.spine:
            named |= {f"{TIME}{table}": (table, table) for table in leg.spine.tables()}
        for model, table in named.values():
            left = restriction_of(table)
            if left is None:  # narrowing left such models out already; this is the second lock
                raise QuestionError(Problem("unknown-model", f"no semantic model '{model}'."))
            restrictions[table] = left
        for one in leg.relations:
            if one.bridge is not None and not one.bridge.is_whole and restrictions[one.table].rows:
                raise AccessDenied(_hidden_pairs(one.table))
        for tree, is_shown in _trees(aggregations, leg):
            _check(tree, named, restrictions, is_shown and is_asked)
    return Pass(principal, resolved, restrictions)


def _legs_of(resolved: Resolved) -> Iterator[tuple[Leg, tuple[Aggregation, ...], bool]]:
    yield from _all_legs(resolved.legs, resolved.aggregations)
    for level in resolved.levels:
        yield from _legs_of(level.resolved)
    if resolved.ranking is not None:
        yield from _legs_of(resolved.ranking.resolved)


def _all_legs(
    legs: tuple[Leg, ...], aggregations: tuple[Aggregation, ...], is_asked: bool = True
) -> Iterator[tuple[Leg, tuple[Aggregation, ...], bool]]:
    """Every leg, those behind others too, with the aggregations it counts, and whether its keys may hold masks."""
    for leg in legs:
        yield leg, aggregations, is_asked
        for condition in leg.conditions:
            yield from _all_legs(condition.legs, condition.aggregations)
        if leg.following:
            yield from _all_legs((leg.following.leg,), (), False)


def _trees(aggregations: tuple[Aggregation, ...], leg: Leg) -> Iterator[tuple[Expression, bool]]:
    """Every expression over rows of a leg, and whether its own value is shown."""
    yield from ((key, True) for key in leg.keys)
    if leg.where is not None:
        yield leg.where, False
    if leg.later is not None:
        yield leg.later, False
    if leg.spine:
        yield leg.spine.at, False
    if leg.moment:
        yield from ((tree, False) for tree in (leg.moment.of, *leg.moment.by))
    yield from ((one.weight, False) for one in leg.relations if one.weight is not None)
    if leg.following:
        yield from ((tree, False) for tree in (*leg.following.same, leg.following.at))
    for index in leg.aggregations:
        if not leg.following:
            yield aggregations[index].aggregate, False
        yield from ((tree, False) for tree in aggregations[index].filters)


def _check(
    tree: Expression,
    named: Mapping[str, tuple[str, str]],
    restrictions: Mapping[str, Restriction],
    is_fine: bool,
) -> None:
    """Walk down to the columns; ``is_fine`` says that a masked one may stand right here."""
    if isinstance(tree, Column):
        if tree.relation in _OF_NO_TABLE or tree.name == HERE:
            return
        model, table = named[tree.relation]
        left, name = restrictions[table], plain_column(tree.name)
        if not left.shows(name):
            raise QuestionError(Problem("missing-column", f"the table '{table}' of '{model}' has no column '{name}'."))
        mask = left.mask_of(name)
        if mask and not is_fine:
            raise AccessDenied(_masked(mask, table))
        return
    for child in children(tree):
        _check(child, named, restrictions, _may_hold_masked(tree, child, named, restrictions))


def _may_hold_masked(
    parent: Expression, child: Expression, named: Mapping[str, tuple[str, str]], restrictions: Mapping[str, Restriction]
) -> bool:
    """Whether the parent's value is the same over the masked column as over the real one."""
    if not isinstance(child, Column) or child.relation in _OF_NO_TABLE:
        return False
    mask = restrictions[named[child.relation][1]].mask_of(child.name)
    kind = mask.kind if mask else ""
    if isinstance(parent, Call):
        return parent.function == "is_null" and kind in KEEPS_NULL
    if isinstance(parent, Aggregate) and parent.function in _COUNTS and child in parent.arguments:
        distinct = parent.distinct or parent.function == "approx_distinct"
        return kind in (KEEPS_DISTINCT if distinct else KEEPS_NULL)
    return False


def _hidden_pairs(table: str) -> Problem:
    return Problem(
        "denied",
        f"rules keep some rows of '{table}' from you, so what falls to each partner can't be told.",
        hint="Ask without the bridge; a steward may grant the whole table.",
    )


def _masked(mask: Mask, table: str) -> Problem:
    return Problem(
        "masked-column",
        f"'{mask.column}' of '{table}' is masked for you ({mask.kind}, by the tag '{mask.tag}'): it can't be filtered, "
        "compared or computed with.",
        hint=f"It can be shown and grouped by as it is masked; a steward may grant unmask:{mask.tag}.",
    )
