"""Keys to facts about them: found in the ledger, or measured once per version of the data and recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from workbench.access.restriction import Restriction
from workbench.errors import Problem, Unanswerable
from workbench.graph.build import Graph
from workbench.graph.keys import KeyRead, Reliance, key_read
from workbench.warehouse.ledger import KeyFact

if TYPE_CHECKING:
    from workbench.warehouse.engine import Engine
    from workbench.warehouse.ledger import Ledger

Statements = tuple[str, Callable[[], str]]
"""SQL that counts rows, nulls and faults; and what gives SQL for a few faults, their number of rows last."""

ATTEMPTS = 3
"""Times that a measurement is begun anew because the data changed under it."""

LONGEST = 60
"""Characters of a value that are quoted."""


class Keys:
    """What is known of the keys of one warehouse; ``statements`` gives the SQL that looks at one.

    Checking a key costs about what building one join on it costs, so a key that nothing is known of is checked when
    the first question relies on it.
    """

    def __init__(self, engine: Engine, ledger: Ledger | None, statements: Callable[[KeyRead], Statements]) -> None:
        self._engine = engine
        self._ledger = ledger
        self._statements = statements
        self._version = ""
        self._known: dict[str, KeyFact] = {}
        self._safe: set[Reliance] = set()

    def require(
        self, graph: Graph, relied: Iterable[Reliance], restriction_of: Callable[[str], Restriction | None]
    ) -> str:
        """Pass if no join of ``relied`` multiplies rows, and tell the version of the data this holds for.

        Raises `Unanswerable` (broken-key); what the asker may not see is left out of its words.
        """
        version = self._current()
        for one in relied:
            if one not in self._safe:
                fact = self.fact(graph, one.model, one.key)
                if fact.multiplies:
                    raise Unanswerable(broken_join(graph, one, fact, restriction_of(graph.model(one.model).table)))
                self._safe.add(one)
        return version

    def fact(self, graph: Graph, model: str, key: tuple[str, ...]) -> KeyFact:
        """The fact about a key in the data as it is now."""
        self._current()
        read = key_read(graph, model, key)
        if read.identity not in self._known:
            measured = measure(self._engine, read, self._statements(read), is_primary(graph, model, key))
            self._known[read.identity] = measured
            if self._ledger is not None:
                self._ledger.note(measured)
        return self._known[read.identity]

    def _current(self) -> str:
        """The version of the data, with all that is recorded of it at hand."""
        version = self._engine.version()
        if version != self._version:
            recorded = self._ledger.key_facts(version) if self._ledger is not None else ()
            self._known = {fact.identity: fact for fact in recorded if not fact.role}
            self._safe, self._version = set(), version
        return version


def measure(engine: Engine, read: KeyRead, statements: Statements, is_primary: bool = False, role: str = "") -> KeyFact:
    """Look at the data; with ``role``, faults are orphans of that relationship, else values that repeat."""
    for attempt in range(ATTEMPTS):
        version = engine.version()
        (counts,) = engine.run(statements[0]).to_pylist()
        rows, nulls, faults = (int(counts[name]) for name in ("rows", "nulls", "faults"))
        few = engine.run(statements[1]()).to_pylist() if faults else []
        if engine.version() == version or attempt == ATTEMPTS - 1:
            break
    is_broken = not role and (faults > 0 or (is_primary and nulls > 0))
    return KeyFact(
        model=read.model,
        key=read.key,
        role=role,
        identity=read.identity,
        version=version,
        verdict="broken" if is_broken else "sound",
        rows=rows,
        nulls=nulls,
        duplicates=0 if role else faults,
        orphans=faults if role else 0,
        sample=tuple(_sample(read.key, list(row.values())) for row in few),
    )


def is_primary(graph: Graph, model: str, key: tuple[str, ...]) -> bool:
    """Whether the key is the declared primary one, which promises to have no NULLs."""
    return frozenset(key) == frozenset(graph.model(model).primary_key)


def broken_join(graph: Graph, one: Reliance, fact: KeyFact, left: Restriction | None) -> Problem:
    """Why a join can't be made, and what to do; values and counts only for who may see every row as it is."""
    is_free = left is not None and left.is_free
    shows = left is not None and all(left.shows(name) for name in one.key)
    key = f"{list(one.key)}" if shows else "its key"
    found = f" {_repeats(fact)}: {'; '.join(fact.sample)}." if is_free else ""
    return Problem(
        "broken-key",
        f"joining '{one.parent}' to '{one.model}' (the relationship '{one.role}') would multiply rows: {key} should be "
        f"unique in '{one.model}' but is not.{found}",
        graph.models[one.model].place_of("primary_key"),
        f"Mend the data of '{one.model}', or join on a key that is one; until then ask without '{one.role}'. "
        "'workbench keys' shows every key.",
    )


def _repeats(fact: KeyFact) -> str:
    return (
        "1 value stands in several rows"
        if fact.duplicates == 1
        else f"{fact.duplicates:,} values stand in several rows"
    )


def _sample(key: tuple[str, ...], values: list[object]) -> str:
    *parts, rows = values
    shown = ", ".join(f"{name} = {_shown(part)}" for name, part in zip(key, parts, strict=True))
    return f"{shown} ({rows} rows)" if rows != 1 else f"{shown} (1 row)"


def _shown(value: object) -> str:
    """A value as one would write it in a condition; a long one only at its start."""
    if isinstance(value, bool | int | float | Decimal):
        return str(value)
    text = str(value)
    return repr(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")
