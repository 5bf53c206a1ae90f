"""Expression trees to the text of standard SQL, and its ordered sets back to plain calls."""

from __future__ import annotations

import re
from collections.abc import Mapping

from workbench.declare.expression import Aggregate, Call, Case, Expression, Has, Literal, Name, conjunction, rebuild
from workbench.declare.unparse import unparse
from workbench.errors import Problem, Unanswerable

RENAMED: Mapping[str, str] = {
    "length": "char_length",
    "approx_distinct": "approx_count_distinct",
    "stddev": "stddev_samp",
    "variance": "var_samp",
    "bool_and": "every",
}
EXTRACTED = {
    **{part: part for part in ("year", "quarter", "month", "week", "day", "hour", "minute", "second")},
    "day_of_week": "isodow",
    "day_of_year": "doy",
}
UNSAID = ("first", "last", "bool_or")
_SETS = {"median": "percentile_cont", "percentile": "percentile_cont", "percentile_disc": "percentile_disc"}
_SET = re.compile(r"\bpercentile_(cont|disc)\s*\(\s*([0-9.]+)\s*\)\s*within\s+group\s*\(\s*order\s+by\s", re.IGNORECASE)
_ORDER = re.compile(r"\s+(asc|desc)\s*$", re.IGNORECASE)


def refused(reason: str) -> Unanswerable:
    """The error that leaves a thing out, with its reason."""
    return Unanswerable(Problem("not-imported", f"{reason}."))


def ansi(tree: Expression) -> str:
    """The text of a tree in standard SQL; raises `Unanswerable` where it has no standard spelling."""
    spelled: dict[str, str] = {}

    def mark(text: str) -> Name:
        # A name that nobody writes stands for a spelling that our own language lacks.
        name = f"\N{SECTION SIGN}{len(spelled)}\N{SECTION SIGN}"
        spelled[f'"{name}"'] = text
        return Name((name,))

    def change(part: Expression) -> Expression:
        if isinstance(part, Has):
            raise refused("a condition on metrics of an entity ('has') has no spelling in standard SQL")
        if isinstance(part, Aggregate) and part.function in _SETS:
            fraction = unparse(part.arguments[1]) if len(part.arguments) > 1 else "0.5"
            value = text_of(filtered(part).arguments[0])
            return mark(f"{_SETS[part.function]}({fraction}) within group (order by {value})")
        if isinstance(part, Aggregate):
            return _aggregate(part, change)
        if isinstance(part, Call) and part.function in EXTRACTED:
            return mark(f"extract({EXTRACTED[part.function]} from {text_of(part.arguments[0])})")
        if isinstance(part, Call):
            return _call(rebuild(part, change))
        return rebuild(part, change)

    def text_of(part: Expression) -> str:
        text = unparse(change(part))
        for name, spelling in reversed(spelled.items()):
            text = text.replace(name, spelling)
        return text

    return text_of(tree)


def filtered(aggregate: Aggregate, *conditions: Expression) -> Aggregate:
    """An aggregate whose FILTER and further conditions stand inside it, as a CASE."""
    condition = conjunction(aggregate.condition, *conditions)
    plain = Aggregate(aggregate.function, aggregate.arguments, aggregate.distinct)
    if aggregate.function == "count_if":
        both = conjunction(condition, aggregate.arguments[0])
        assert both is not None
        return Aggregate("count", (Case(((both, Literal(1)),)),))
    if condition is None:
        return plain
    first, *others = aggregate.arguments or (Literal(1),)
    return Aggregate(aggregate.function, (Case(((condition, first),)), *others), aggregate.distinct)


def _aggregate(part: Aggregate, change: object) -> Expression:
    if part.function in UNSAID:
        raise refused(f"'{part.function}' has no spelling in standard SQL")
    inside = rebuild(filtered(part), change)  # type: ignore[arg-type]
    assert isinstance(inside, Aggregate)
    return Aggregate(RENAMED.get(inside.function, inside.function), inside.arguments, inside.distinct)


def _call(part: Expression) -> Expression:
    assert isinstance(part, Call)
    if part.function in ("/", "%"):
        return Call(part.function, (part.arguments[0], _divisor(part.arguments[1])))
    return Call(RENAMED.get(part.function, part.function), part.arguments)


def _divisor(tree: Expression) -> Expression:
    """A divisor that is NULL instead of zero, as it is with us."""
    is_safe = (isinstance(tree, Literal) and tree.value != 0) or (isinstance(tree, Call) and tree.function == "nullif")
    return tree if is_safe else Call("nullif", (tree, Literal(0)))


def plain_divisors(tree: Expression) -> Expression:
    """``a / nullif(b, 0)`` as ``a / b``, which means the same with us."""
    tree = rebuild(tree, plain_divisors)
    if isinstance(tree, Call) and tree.function in ("/", "%"):
        value, divisor = tree.arguments
        if isinstance(divisor, Call) and divisor.function == "nullif" and divisor.arguments[1] == Literal(0):
            return Call(tree.function, (value, divisor.arguments[0]), tree.at)
    return tree


def plain_sets(text: str) -> str:
    """``percentile_cont(f) within group (order by x)`` as ``percentile(x, f)``.

    >>> plain_sets("PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY t.x)")
    'percentile(t.x, 0.9)'
    """
    while found := _SET.search(text):
        end, depth = found.end(), 1
        while end < len(text) and depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        inside = text[found.end() : end - 1]
        descending = _ORDER.search(inside)
        if depth or (descending and descending[1].lower() == "desc"):
            return text
        inside = _ORDER.sub("", inside)
        name = "percentile" if found[1].lower() == "cont" else "percentile_disc"
        text = f"{text[: found.start()]}{name}({inside}, {found[2]}){text[end:]}"
    return text
