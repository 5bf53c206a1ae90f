"""The typed tree of the expression language: what a declaration or a question computes, free of any engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from workbench.declare.lifted import Lifted

Value = None | bool | int | float | Decimal | str | date | datetime | Lifted


@dataclass(frozen=True, slots=True, eq=False)
class Literal:
    """A constant; 1, 1.0 and true are three different ones."""

    value: Value
    at: int = field(default=0, compare=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Literal) and (type(self.value), self.value) == (type(other.value), other.value)

    def __hash__(self) -> int:
        return hash((type(self.value), self.value))


@dataclass(frozen=True, slots=True)
class Name:
    """A dotted name as written, not yet resolved: ``customer.country``."""

    path: tuple[str, ...]
    at: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Column:
    """A resolved name: ``name`` of the relation called ``relation`` in the plan ('' is the base of a leg)."""

    relation: str
    name: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A scalar function or operator of `functions.SCALARS` applied to its arguments."""

    function: str
    arguments: tuple[Expression, ...]
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Case:
    """The value of the first branch whose condition holds, else ``default``."""

    branches: tuple[tuple[Expression, Expression], ...]
    default: Expression | None = None
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Cast:
    """A value as another type of `types.TYPES`."""

    operand: Expression
    type: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregate of `functions.AGGREGATES` over rows; ``condition`` is its FILTER clause."""

    function: str
    arguments: tuple[Expression, ...]
    distinct: bool = False
    condition: Expression | None = None
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Has:
    """Whether the metrics of an entity meet a condition: ``customer has orders >= 3``. A leaf.

    ``via`` is the path by which what the metrics count belongs to the entity, where there are several.
    """

    entity: Name
    condition: Expression
    at: int = field(default=0, compare=False)
    via: Name | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that a saved query is asked with: ``:carrier``. A leaf, and never part of a question."""

    name: str
    at: int = field(default=0, compare=False)


Expression = Literal | Name | Column | Call | Case | Cast | Aggregate | Has | Parameter


def children(tree: Expression) -> tuple[Expression, ...]:
    """The direct parts of a node, in the order written."""
    match tree:
        case Call(arguments=arguments):
            return arguments
        case Aggregate(arguments=arguments, condition=condition):
            return arguments if condition is None else (*arguments, condition)
        case Case(branches=branches, default=default):
            pairs = tuple(part for branch in branches for part in branch)
            return pairs if default is None else (*pairs, default)
        case Cast(operand=operand):
            return (operand,)
    return ()


def walk(tree: Expression) -> Iterator[Expression]:
    """The node and everything below it, parents first."""
    yield tree
    for child in children(tree):
        yield from walk(child)


def rebuild(tree: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """The same node with ``change`` applied to its direct parts."""
    match tree:
        case Call(arguments=arguments):
            return replace(tree, arguments=tuple(map(change, arguments)))
        case Aggregate(arguments=arguments, condition=condition):
            return replace(
                tree,
                arguments=tuple(map(change, arguments)),
                condition=None if condition is None else change(condition),
            )
        case Case(branches=branches, default=default):
            pairs = tuple((change(condition), change(value)) for condition, value in branches)
            return replace(tree, branches=pairs, default=None if default is None else change(default))
        case Cast(operand=operand):
            return replace(tree, operand=change(operand))
    return tree


def conjunction(*parts: Expression | None) -> Expression | None:
    """All of the parts that are there, joined by AND; None where there is none."""
    present = [part for part in parts if part is not None]
    if not present:
        return None
    out = present[0]
    for part in present[1:]:
        out = Call("and", (out, part))
    return out


def conjuncts(tree: Expression | None) -> Iterable[Expression]:
    """The conditions that all must hold."""
    if isinstance(tree, Call) and tree.function == "and":
        for part in tree.arguments:
            yield from conjuncts(part)
    elif tree is not None:
        yield tree
