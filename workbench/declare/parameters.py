"""The parameters of a saved query and their values to the question that they make: typed values in a parsed tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from pydantic import Field, model_validator

from workbench.declare.expression import Expression, Has, Parameter, rebuild, walk
from workbench.declare.expression import Literal as Constant
from workbench.declare.parser import parse
from workbench.declare.temporal import as_date
from workbench.declare.terms import Term
from workbench.declare.unparse import unparse
from workbench.errors import Problem, QuestionError, did_you_mean

Value = bool | int | float | date | str
Given = bool | int | Decimal | date | str

_EXAMPLES: Mapping[str, Given] = {"text": "", "number": 1, "date": date(2000, 1, 1), "boolean": False}


class SavedParameter(Term):
    """A value that a saved query is asked with: its type, and what it may be."""

    type: Literal["text", "number", "date", "boolean"] = "text"
    default: Value | None = Field(
        None, description="What it is where the asker says nothing; without one it must be said."
    )
    values: tuple[Value, ...] = Field((), description="All that it may be; anything of its type unless said.")
    description: str = ""

    @model_validator(mode="after")
    def _of_its_type(self) -> SavedParameter:
        allowed = [typed(value, self.type) for value in self.values]
        if self.default is not None and allowed and typed(self.default, self.type) not in allowed:
            raise ValueError(f"the default '{self.default}' is none of its values")
        if self.default is not None:
            typed(self.default, self.type)
        return self

    def value(self, given: Any) -> Given:
        """A given value as one of this parameter; raises ValueError, which says what would be right."""
        value = typed(given, self.type)
        allowed = [typed(one, self.type) for one in self.values]
        if allowed and value not in allowed:
            raise ValueError(f"it may be {', '.join(map(str, self.values))}")
        return value

    @property
    def example(self) -> Given:
        """A value it may have: to look at the question without an asker."""
        known = self.default if self.default is not None else next(iter(self.values), None)
        return _EXAMPLES[self.type] if known is None else typed(known, self.type)


def typed(value: Any, type_: str) -> Given:
    """The value of a parameter's type, from text too; raises ValueError."""
    match type_, value:
        case "text", str():
            return value
        case "boolean", bool():
            return value
        case "boolean", "true" | "false":
            return bool(value == "true")
        case "number", int() | float() | Decimal() | str() if not isinstance(value, bool):
            return _number(value)
        case "date", date():
            return value
        case "date", str() if (day := as_date(value)) is not None:
            return day
    right = {"text": "text", "number": "a number", "date": "a date such as 2024-01-31", "boolean": "true or false"}
    raise ValueError(f"'{value}' is not {right[type_]}")


def _number(value: float | Decimal | str) -> int | Decimal:
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError(f"'{value}' is not a number") from None
    if not found.is_finite():
        raise ValueError(f"'{value}' is not a number")
    return int(found) if abs(found) < 10**18 and found == found.to_integral_value() else found


def named(text: Any) -> str | None:
    """The parameter that stands for a whole value: ``:from`` of a time or a limit."""
    is_one = isinstance(text, str) and text[:1] == ":" and text[1:].isidentifier()
    return text[1:] if is_one else None


def used(*conditions: str | None) -> Iterator[str]:
    """The parameters in conditions."""
    for text in conditions:
        if text:
            yield from _inside(parse(text, parameters=True))


def _inside(tree: Expression) -> Iterator[str]:
    for part in walk(tree):
        if isinstance(part, Parameter):
            yield part.name
        elif isinstance(part, Has):
            yield from _inside(part.condition)


def filled(text: str, values: Mapping[str, Given]) -> str:
    """A condition with the values of its parameters in it, as constants of its tree."""

    def change(tree: Expression) -> Expression:
        if isinstance(tree, Parameter):
            value = values[tree.name]
            return Constant(value.isoformat() if isinstance(value, date) else value, tree.at)
        if isinstance(tree, Has):
            return replace(tree, condition=change(tree.condition))
        return rebuild(tree, change)

    return unparse(change(parse(text, parameters=True)))


def values_of(name: str, parameters: Mapping[str, SavedParameter], given: Mapping[str, Any]) -> dict[str, Given]:
    """The value of each parameter of a saved query; raises `QuestionError` with everything wrong in what is given."""
    problems: list[Problem] = []
    known = ", ".join(parameters) or "none"
    for one in given:
        if one not in parameters:
            hint = did_you_mean(one, parameters, f"It has: {known}.")
            problems.append(Problem("unknown-parameter", f"'{name}' has no parameter '{one}'.", hint=hint))
    out: dict[str, Given] = {}
    for one, parameter in parameters.items():
        value = given.get(one, parameter.default)
        if value is None:
            said = f"'{name}' needs a value for '{one}' ({parameter.type})."
            problems.append(
                Problem("missing-parameter", said, hint=f"Say {one}=... ; {parameter.description}".rstrip("; "))
            )
            continue
        try:
            out[one] = parameter.value(value)
        except ValueError as error:
            problems.append(Problem("bad-value", f"bad value for '{one}' of '{name}': {error}."))
    if problems:
        raise QuestionError(problems)
    return out
