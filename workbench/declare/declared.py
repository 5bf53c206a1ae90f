"""A plain document to a declared term, with every problem at its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from workbench.declare.dashboard import Dashboard
from workbench.declare.people import Groups, Policy, Roles
from workbench.declare.question import SavedQuery
from workbench.declare.reader import Document
from workbench.declare.shape import keys_of, said
from workbench.declare.terms import Calendar, Metric, SemanticModel, Term
from workbench.errors import DeclarationError, Place, Problem, did_you_mean, one_of

KINDS: Mapping[str, type[Term]] = {
    "semantic_model": SemanticModel,
    "calendar": Calendar,
    "metric": Metric,
    "saved_query": SavedQuery,
    "dashboard": Dashboard,
    "roles": Roles,
    "groups": Groups,
    "resource": Policy,
}
"""The first key of a document says which kind of thing it declares."""

T = TypeVar("T", bound=Term)


@dataclass(frozen=True, slots=True)
class Declared(Generic[T]):
    """A term, and the document it stands in."""

    term: T
    document: Document = field(repr=False)

    @property
    def place(self) -> Place:
        """Where the declaration starts."""
        return self.document.place

    def place_of(self, *path: str | int) -> Place:
        """Where a part of it stands."""
        return self.document.place_of(*path)


def declared(document: Document) -> Declared[Any]:
    """The term of a document; raises `DeclarationError` with everything that is wrong in it."""
    data = document.data
    if not isinstance(data, dict):
        raise DeclarationError(
            Problem(
                "unknown-kind",
                "a document must be a mapping whose first key says what it declares.",
                document.place,
                f"One of {one_of(list(KINDS))}.",
            )
        )
    first = next(iter(data), "")
    if first not in KINDS:
        raise DeclarationError(
            Problem(
                "unknown-kind",
                f"the first key '{first}' names no kind of declaration.",
                document.place_of_key(first),
                did_you_mean(first, KINDS, f"A document starts with {one_of(list(KINDS))}."),
            )
        )
    others = [key for key in data if key in KINDS and key != first and key not in KINDS[first].model_fields]
    if others:
        raise DeclarationError(
            Problem(
                "two-kinds",
                f"'{first}' and '{others[0]}' are declared in one document.",
                document.place_of_key(others[0]),
                "Part them with a line of three dashes: ---.",
            )
        )
    try:
        return Declared(KINDS[first].model_validate(data), document)
    except ValidationError as error:
        raise DeclarationError(_problems(error, document, KINDS[first])) from None


def _problems(error: ValidationError, document: Document, kind: type[Term]) -> Iterator[Problem]:
    for detail in error.errors(include_url=False):
        path = _written(detail["loc"], document.data, keep_last=detail["type"] == "missing")
        name = str(path[-1]) if path else ""
        if detail["type"] == "extra_forbidden":
            allowed = keys_of(kind, path[:-1])
            yield Problem(
                "unknown-key",
                f"unknown key '{name}'.",
                document.place_of_key(*path),
                did_you_mean(name, allowed, f"Allowed here: {', '.join(allowed)}."),
            )
        elif detail["type"] == "missing":
            yield Problem("missing-key", f"the key '{name}' is missing.", document.place_of(*path[:-1]))
        else:
            words = said(detail) if said(detail).endswith("?") else f"{said(detail)}."
            yield Problem("bad-value", f"bad value for '{name}': {words}" if name else words, document.place_of(*path))


def _written(loc: tuple[str | int, ...], data: Any, keep_last: bool) -> tuple[str | int, ...]:
    """The part of a pydantic location that stands in the file; it also names validators and union members."""
    path: list[str | int] = []
    for position, step in enumerate(loc):
        is_there = (isinstance(data, dict) and step in data) or (
            isinstance(data, list) and isinstance(step, int) and step < len(data)
        )
        if is_there:
            path.append(step)
            data = data[step]
        elif keep_last and position == len(loc) - 1:
            path.append(step)
    return tuple(path)
