"""Keys to facts about them: found in the ledger, or measured once per version of the data and recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from workbench.access.restriction import Restriction
from workbench.declare.expression import Column
from workbench.declare.unparse import unparse
from workbench.errors import Problem, Unanswerable
from workbench.graph.build import Graph
from workbench.graph.keys import KeyRead, Reliance, key_read, role_identity, role_reads
from workbench.warehouse.ledger import KeyFact

if TYPE_CHECKING:
    from workbench.warehouse.engine import Engine
    from workbench.warehouse.ledger import Ledger

Statements = tuple[str, Callable[[], str]]
"""SQL that counts rows, nulls and faults; and what gives SQL for a few faults, their number of rows last."""

ATTEMPTS = 3
"""Times that a measurement is begun anew because the data changed under it."""

FLOATS = {
    **dict.fromkeys(("float", "real", "float4"), "float32"),
    **dict.fromkeys(("double", "double precision", "float8"), "float64"),
}
"""What engines call floats, and the type that other numbers are compared with them as."""

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
        self._met: frozenset[str] = frozenset()
        self._roles: dict[tuple[str, str], str] = {}

    def require(
        self, graph: Graph, joins: Iterable[Reliance], restriction_of: Callable[[str], Restriction | None]
    ) -> str:
        """Pass if none of ``joins`` multiplies rows, and tell the version of the data this holds for.

        Raises `Unanswerable` (broken-key); what the asker may not see is left out of its words.
        """
        version = self._current()
        for one in joins:
            if one not in self._safe:
                fact = self._fact(graph, as_compared(one, self._engine.types))
                if fact.multiplies:
                    raise Unanswerable(broken_join(graph, one, fact, restriction_of(one.read.table)))
                self._safe.add(one)
        return version

    def is_met(self, graph: Graph, model: str, role: str | tuple[str, ...]) -> bool:
        """Whether every row of a model is recorded to have its partner, in the data as it is now.

        Given columns instead of a role, whether these tell all rows of the model apart. Nothing is looked at for this:
        what nobody has checked is not known.
        """
        self._current()
        if not isinstance(role, str):
            return any(
                self._tells_apart(key_read(graph, model, key), role) for key in graph.model(model).declared_keys()
            )
        if not self._met or role not in graph.model(model).relationships:
            return False
        if (model, role) not in self._roles:
            self._roles[model, role] = role_identity(*role_reads(graph, model, role))
        return self._roles[model, role] in self._met

    def _tells_apart(self, read: KeyRead, columns: tuple[str, ...]) -> bool:
        fact = self._known.get(read.identity)
        if fact is None or fact.verdict != "sound" or fact.nulls:
            return False
        return all(isinstance(tree, Column) and not tree.relation and tree.name in columns for tree in read.trees)

    def _fact(self, graph: Graph, read: KeyRead) -> KeyFact:
        """The fact about a key in the data as it is now."""
        identity = read.identity
        if identity not in self._known:
            measured = measure(self._engine, read, self._statements(read), is_primary(graph, read))
            self._known[identity] = measured
            if self._ledger is not None:
                self._ledger.note(measured)
        return self._known[identity]

    def _current(self) -> str:
        """The version of the data, with all that is recorded of it at hand."""
        version = self._engine.version()
        if version != self._version:
            recorded = self._ledger.key_facts(version) if self._ledger is not None else ()
            self._known = {fact.identity: fact for fact in recorded if not fact.role}
            whole = (fact for fact in recorded if fact.role and fact.matched == fact.rows)
            self._met = frozenset(fact.identity for fact in whole)
            self._safe, self._version = set(), version
        return version


def as_compared(one: Reliance, types_of: Callable[[str], Mapping[str, str]]) -> KeyRead:
    """The key as the join compares it: beside a float, other numbers become floats, and near ones the same."""
    casts = []
    for tree, ours in zip(one.read.trees, one.against, strict=False):
        own = types_of(one.read.table).get(tree.name, "") if isinstance(tree, Column) else ""
        other = FLOATS.get(types_of(ours[0]).get(ours[1], "").lower(), "") if ours else ""
        casts.append("" if own.lower() in FLOATS else other)
    return replace(one.read, casts=tuple(casts)) if any(casts) else one.read


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
        key=(*read.key, *(unparse(tree) for tree in read.valid or ())),
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


def is_primary(graph: Graph, read: KeyRead) -> bool:
    """Whether the key is the declared primary one, which promises to have no NULLs."""
    declared = graph.models.get(read.model)
    is_whole = read.valid is None and not any(read.casts)
    return is_whole and declared is not None and frozenset(read.key) == frozenset(declared.term.primary_key)


def broken_join(graph: Graph, one: Reliance, fact: KeyFact, left: Restriction | None) -> Problem:
    """Why a join can't be made, and what to do; values and counts only for who may see every row as it is."""
    read = one.read
    shows = left is not None and all(left.shows(name) for name in read.columns())
    key = f"{list(read.key)}" if shows else "its key"
    should = f"{key} should be unique in '{read.model}' but is not"
    if read.valid is not None:
        should = f"for one value of {key}, only one row of '{read.model}' should be valid at a time, but several are"
    wrong = f"{fact.duplicates:,} are out of place" if read.ordered else _repeats(fact)
    found = f" {wrong}: {'; '.join(fact.sample)}." if left is not None and left.is_free else ""
    if read.ordered:
        return Problem(
            "broken-calendar",
            f"the periods of the calendar '{read.model}' ({', '.join(read.key[1:]) if shows else 'its own'}) cannot be "
            f"counted: each {read.ordered} should follow the one before, in the same period or in the next.{found}",
            graph.calendars[read.model].place_of("grains"),
            f"Mend '{read.table}': no gap, no {read.ordered} twice, no period that comes again or is missing, periods "
            "in the order of their values, none begun before the first row, and those 'within' others whole in them.",
        )
    if not one.role:
        return Problem(
            "broken-key",
            f"joining '{one.parent}' to the calendar '{read.model}' would multiply rows: {should}.{found}",
            graph.calendars[read.model].place_of("column"),
            f"Mend '{read.table}', so that each moment stands there once.",
        )
    join = f"joining '{one.parent}' to '{read.model}' (the relationship '{one.role}')"
    return Problem(
        "broken-key",
        f"{join} would multiply rows: {should}.{found}",
        graph.models[read.model].place_of("primary_key"),
        f"Mend the data of '{read.model}', or join on a key that is one; until then ask without '{one.role}'. "
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
