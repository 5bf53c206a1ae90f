"""Two workspaces to what changed between them, by meaning: added, removed, renamed and changed, each with its risk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from workbench.declare.declared import Declared
from workbench.declare.terms import Term
from workbench.declare.workspace import Workspace
from workbench.errors import Place
from workbench.review.normal import PROSE, Plain, normal
from workbench.review.risk import GONE, How, Risk, risk_of, worst

KINDS: Mapping[str, str] = {
    "metric": "metrics",
    "semantic_model": "models",
    "calendar": "calendars",
    "saved_query": "saved_queries",
    "dashboard": "dashboards",
}
"""Each kind of thing with the mapping of a workspace that holds it."""

COLLECTIONS = frozenset({"dimensions", "relationships", "grains", "inputs"})
"""Keys that hold named things: without the key there is simply none of them."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a declaration that differs: where it stands, both values, and how dangerous that is."""

    path: tuple[str, ...]
    how: How
    before: Any
    after: Any
    risk: Risk
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """A declared thing that is not what it was; ``was`` is its old name, '' where it is new."""

    kind: str
    was: str
    name: str
    how: Literal["added", "removed", "changed", "renamed"]
    parts: tuple[Part, ...]
    risk: Risk
    reason: str
    place: Place | None


def changes(base: Workspace, head: Workspace) -> tuple[Change, ...]:
    """Everything that changed its meaning, the most dangerous first."""
    found = [
        change for kind in KINDS for change in _of_kind(kind, getattr(base, KINDS[kind]), getattr(head, KINDS[kind]))
    ]
    order = {"breaking": 0, "risky": 1, "safe": 2}
    return tuple(sorted(found, key=lambda one: (order[one.risk], list(KINDS).index(one.kind), one.name)))


def differences(kind: str, before: Plain, after: Plain) -> tuple[Part, ...]:
    """The parts in which two normal forms of a kind of thing differ."""
    return tuple(
        Part(path, how, old, new, *risk_of(kind, path, how)) for path, how, old, new in _differences((), before, after)
    )


def _of_kind(kind: str, before: Mapping[str, Declared[Term]], after: Mapping[str, Declared[Term]]) -> Iterator[Change]:
    forms = {name: _nameless(kind, one.term) for name, one in before.items()}
    new_forms = {name: _nameless(kind, one.term) for name, one in after.items()}
    gone = [name for name in before if name not in after]
    come = [name for name in after if name not in before]
    for old, new in _renamed(gone, come, forms, new_forms):
        gone.remove(old)
        come.remove(new)
        parts = differences(kind, forms[old], new_forms[new])
        yield Change(kind, old, new, "renamed", parts, "breaking", f"'{old}' is gone: {GONE[kind]}", after[new].place)
    for name in gone:
        is_internal = forms[name].get("visibility") == "internal"
        risk: Risk = "risky" if is_internal else "breaking"
        yield Change(kind, name, name, "removed", (), risk, GONE[kind], None)
    for name in come:
        yield Change(kind, "", name, "added", (), "safe", "nobody uses it yet", after[name].place)
    for name in after.keys() & before.keys():
        parts = differences(kind, forms[name], new_forms[name])
        if parts:
            risk = worst(tuple(part.risk for part in parts))
            reason = next(part.reason for part in parts if part.risk == risk)
            yield Change(kind, name, name, "changed", parts, risk, reason, after[name].place)


def _nameless(kind: str, term: Term) -> Plain:
    return {key: value for key, value in normal(term).items() if key != kind}


def _renamed(
    gone: list[str], come: list[str], before: Mapping[str, Plain], after: Mapping[str, Plain]
) -> tuple[tuple[str, str], ...]:
    """Pairs of an old and a new name under which the same is declared, prose aside; never one name twice."""
    pairs: list[tuple[str, str]] = []
    free = list(come)
    for old in gone:
        same = [new for new in free if _without_prose(after[new]) == _without_prose(before[old])]
        if same:
            best = next((new for new in same if after[new] == before[old]), same[0])
            free.remove(best)
            pairs.append((old, best))
    return tuple(pairs)


def _without_prose(form: Plain) -> Plain:
    return {key: value for key, value in form.items() if key not in PROSE and key != "synonyms"}


def _differences(path: tuple[str, ...], before: Any, after: Any) -> Iterator[tuple[tuple[str, ...], How, Any, Any]]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted(before.keys() | after.keys()):
            here = (*path, str(key))
            if not path and key in COLLECTIONS:
                yield from _differences(here, before.get(key, {}), after.get(key, {}))
            elif key not in after:
                yield here, "removed", before[key], None
            elif key not in before:
                yield here, "added", None, after[key]
            else:
                yield from _differences(here, before[key], after[key])
    elif before != after:
        yield path, "changed", before, after
