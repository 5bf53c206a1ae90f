"""Turns a tree and the types of its names into the type of its value, or into every mistake of type at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from workbench.declare.expression import Aggregate, Call, Case, Cast, Column, Expression, Has, Literal, Name, Parameter
from workbench.declare.functions import AGGREGATES, CLASSES, CONSTANTS, SCALARS, Signature
from workbench.declare.grains import GRAINS
from workbench.declare.parser import shifted
from workbench.declare.temporal import FORMS, as_temporal, is_time
from workbench.declare.typenames import TYPES, plain
from workbench.declare.unparse import unparse
from workbench.errors import DeclarationError, Place, Problem, WorkbenchError

__all__ = ["TYPES", "infer"]

TypeOf = Callable[[Name | Column], str]

_TEMPORAL = ("date", "timestamp", "timestamptz")
_NUMBERS = ("integer", "decimal", "float")
_WANTED = {
    "number": "a number", "countable": "a number or a boolean", "integer": "an integer", "string": "a string",
    "boolean": "a boolean", "temporal": "a date or timestamp", "clock": "a timestamp or time",
}  # fmt: skip
_CASTS: dict[str, tuple[str, ...]] = {
    "boolean": _NUMBERS,
    "integer": (*_NUMBERS, "boolean"),
    "decimal": _NUMBERS,
    "float": _NUMBERS,
    "date": _TEMPORAL,
    "timestamp": (*_TEMPORAL, "time"),
    "timestamptz": (*_TEMPORAL, "time"),
    "time": ("time",),
}
"""Which types a value can become, besides a string; a string can become anything it spells."""
_SIGNS = {"negate": "-", "is_true": "is true", "is_false": "is false"}


def infer(tree: Expression, type_of: TypeOf, place: Place | None = None) -> str:
    """The type of an expression whose names have the types that ``type_of`` gives.

    Raises one DeclarationError with every mistake; a part that is wrong is taken as unknown, which goes with anything.
    """
    inference = _Inference(type_of, place)
    found = inference.type(tree)
    if inference.problems:
        raise DeclarationError(inference.problems)
    return found


class _Inference:
    """One walk over a tree, gathering problems."""

    def __init__(self, type_of: TypeOf, place: Place | None) -> None:
        self.type_of, self.place = type_of, place
        self.problems: list[Problem] = []

    def wrong(self, slug: str, message: str, tree: Expression, hint: str = "") -> None:
        self.problems.append(Problem(slug, message, shifted(self.place, tree.at), hint))

    def type(self, tree: Expression) -> str:
        match tree:
            case Literal(value=value):
                return _constant(value)
            case Name() | Column():
                return self.named(tree)
            case Has():
                return "boolean"
            case Parameter():  # its value is of a type that only the asker knows
                return _constant(None)
            case Cast():
                return self.cast(tree)
            case Case(branches=branches, default=default):
                for condition, _ in branches:
                    self.fits(condition, self.type(condition), "boolean", "case")
                values = [value for _, value in branches] + ([] if default is None else [default])
                return self.alike(values, [self.type(value) for value in values], "case")
            case Aggregate(condition=condition):
                if condition is not None:
                    self.fits(condition, self.type(condition), "boolean", "filter")
                return self.applied(AGGREGATES[tree.function], tree)
        return self.applied(SCALARS[tree.function], tree)

    def named(self, tree: Name | Column) -> str:
        try:
            return plain(self.type_of(tree))
        except WorkbenchError as error:
            self.problems.extend(error.problems)
            return "unknown"

    def cast(self, tree: Cast) -> str:
        given, wanted = self.type(tree.operand), plain(tree.type)
        if isinstance(tree.operand, Literal) and given == "string" and wanted in (*_TEMPORAL, "time"):
            self.spelled(tree.operand, wanted)
        elif wanted != "string" and given not in ("string", "unknown") and wanted not in _CASTS.get(given, ()):
            self.wrong("type-mismatch", f"{_shown(tree.operand)} is {_a(given)}; it cannot become {_a(wanted)}.", tree)
        return wanted

    def applied(self, signature: Signature, tree: Call | Aggregate) -> str:
        """The result of a call, its arguments checked against the signature."""
        arguments = tree.arguments
        kinds = [signature.parameter(position) for position in range(len(arguments))]
        types = [
            "unknown" if kind in CONSTANTS else self.type(argument)
            for kind, argument in zip(kinds, arguments, strict=True)
        ]
        before = len(self.problems)
        for argument, given, kind in zip(arguments, types, kinds, strict=True):
            self.fits(argument, given, kind, signature.name, arguments, types)
        same = [at for at, kind in enumerate(kinds) if kind == "same"]
        together = (
            self.alike([arguments[at] for at in same], [types[at] for at in same], signature.name) if same else ""
        )
        return "unknown" if len(self.problems) > before else _result(signature, arguments, kinds, types, together)

    def fits(
        self, tree: Expression, given: str, kind: str, function: str,
        beside: Sequence[Expression] = (), types: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """Note where an argument is not what the parameter wants."""
        wanted = CLASSES.get(kind)
        if wanted is None or given == "unknown" or given in wanted:
            return
        if kind == "temporal" and isinstance(tree, Literal) and given == "string":
            self.spelled(tree, "timestamp")
            return
        said = f"{_shown(tree)} is {_a(given)}; '{_SIGNS.get(function, function)}' wants {_WANTED[kind]}."
        self.wrong("type-mismatch", said, tree, _advice(function, types))

    def spelled(self, tree: Literal, wanted: str) -> None:
        """Note where a string that stands for a date or time spells none."""
        text = str(tree.value)
        if not is_time(text) if wanted == "time" else as_temporal(text, wanted) is None:
            self.wrong("bad-date", f"'{text}' is not a {wanted}.", tree, FORMS[wanted])

    def alike(self, trees: Sequence[Expression], types: Sequence[str], function: str) -> str:
        """The one type of values that stand side by side."""
        dated = next((given for given in types if given in (*_TEMPORAL, "time")), None)
        together, first = "unknown", 0
        for at, (tree, given) in enumerate(zip(trees, _soft(trees, types), strict=True)):
            if dated and given == "string" and isinstance(tree, Literal):
                self.spelled(tree, dated)
                continue
            merged = _merged(together, given)
            if merged is None:
                said = f"{_shown(tree)} is {_a(given)}, {_shown(trees[first])} is {_a(together)}"
                self.wrong("type-mismatch", f"{said}; '{function}' wants both alike.", tree, "Cast one of them.")
                return "unknown"
            if together == "unknown":
                first = at
            together = merged
        return together


def _constant(value: object) -> str:
    match value:
        case None:
            return "unknown"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float() | Decimal():
            return "float"
        case str():
            return "string"
    if not hasattr(value, "hour"):
        return "date"
    return "timestamp" if getattr(value, "tzinfo", None) is None else "timestamptz"


def _soft(trees: Sequence[Expression], types: Sequence[str]) -> list[str]:
    """A number with a point is an exact decimal beside decimals, and floating anywhere else."""
    if "decimal" not in types:
        return list(types)
    points = [isinstance(tree, Literal) and isinstance(tree.value, Decimal) for tree in trees]
    return ["decimal" if point else given for given, point in zip(types, points, strict=True)]


def _merged(one: str, other: str) -> str | None:
    """The type that holds values of both, None where there is none."""
    if one == other or other == "unknown":
        return one
    if one == "unknown":
        return other
    for family in (_NUMBERS, _TEMPORAL):
        if one in family and other in family:
            return max(one, other, key=family.index)
    return None


def _result(
    signature: Signature, arguments: Sequence[Expression], kinds: Sequence[str], types: Sequence[str], together: str
) -> str:
    """What a rightly called function gives."""
    given = next((type_ for type_, kind in zip(types, kinds, strict=True) if kind not in CONSTANTS), "unknown")
    match signature.result:
        case "same":
            return _soft(arguments, types)[0] if signature.name == "nullif" else together or given
        case "number" | "total":
            numbers = [at for at, kind in enumerate(kinds) if kind in ("number", "countable")]
            soft = _soft([arguments[at] for at in numbers], [types[at] for at in numbers])
            found = "integer" if soft == ["boolean"] else "unknown" if "unknown" in soft else soft[0]
            for type_ in soft[1:]:
                found = _merged(found, type_) or "unknown" if found != "unknown" else found
            return found
        case "truncated" | "shifted":
            return _dated(signature.result, given, _unit(arguments, kinds))
        case "local":
            return "timestamp" if given == "timestamptz" else given
        case "moment":
            return "timestamptz" if given == "timestamp" else given
    return signature.result


def _unit(arguments: Sequence[Expression], kinds: Sequence[str]) -> str:
    unit = arguments[kinds.index("unit")]
    return str(unit.value) if isinstance(unit, Literal) else "day"


def _dated(result: str, given: str, unit: str) -> str:
    """Periods of a day and longer start on dates; a date moved by days stays one."""
    by_days = GRAINS.index(unit) >= GRAINS.index("day")
    if result == "truncated":
        return "date" if by_days else "timestamp"
    if given in ("string", "date"):
        return "date" if by_days and given == "date" else "timestamp"
    return given


def _advice(function: str, types: Sequence[str]) -> str:
    """What to write instead, for the mistakes that come from other dialects."""
    if function in ("+", "-") and any(given in _TEMPORAL for given in types):
        both = function == "-" and all(given in _TEMPORAL for given in types)
        return "Write date_diff('day', a, b)." if both else "Write x + interval '3' day."
    if function == "+" and "string" in types:
        return "Write a || b to join texts."
    return SCALARS[function].doc if function in SCALARS else AGGREGATES[function].doc if function in AGGREGATES else ""


def _shown(tree: Expression) -> str:
    text = unparse(tree)
    return text if text.startswith("'") else f"'{text}'"


def _a(type_: str) -> str:
    return f"{'an' if type_[0] in 'aeiou' else 'a'} {type_}"
