"""A workspace's declared keys and relationships to what the data says of them, recorded in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from workbench.declare.declared import Declared
from workbench.declare.terms import SemanticModel
from workbench.declare.workspace import Workspace
from workbench.errors import Place, Problem, WorkbenchError
from workbench.graph.build import Graph, build
from workbench.graph.keys import KeyRead, calendar_read, key_read, role_identity, role_reads, target_read
from workbench.plan.lower_keys import coverage_sql, uniqueness_sql
from workbench.warehouse.engine import Engine
from workbench.warehouse.keys import Statements, is_primary, measure
from workbench.warehouse.ledger import KeyFact, Ledger


def verify_keys(workspace: Workspace, engine: Engine, ledger: Ledger | None) -> tuple[KeyFact, ...]:
    """Look at every declared key and relationship of every model, and record what was found.

    Raises `WorkbenchError` with every table and column that is not there, once all others are recorded.
    """
    graph = build(workspace)
    facts: list[KeyFact] = []
    problems: dict[Problem, None] = {}
    for look, place in _looks(graph, engine):
        try:
            fact = look()
        except WorkbenchError as error:
            problems |= dict.fromkeys(replace(p, place=p.place or place) for p in error.problems)
            continue
        facts.append(fact)
        if ledger is not None:
            ledger.note(fact)
    if problems:
        raise WorkbenchError(problems)
    return tuple(facts)


def key_fact(graph: Graph, model: str, key: tuple[str, ...], engine: Engine) -> KeyFact:
    """What the data says of one key, now."""
    return _read_fact(graph, key_read(graph, model, key), engine)


def uniqueness(read: KeyRead, engine: Engine) -> Statements:
    """The SQL that looks at a key."""
    return uniqueness_sql(read, engine.schema, engine.dialect, engine.catalog)


def _read_fact(graph: Graph, read: KeyRead, engine: Engine) -> KeyFact:
    return measure(engine, read, uniqueness(read, engine), is_primary(graph, read))


def broken_key(graph: Graph, fact: KeyFact, with_sample: bool = True) -> Problem:
    """The problem of a declared key that the data does not bear out."""
    place = _place(graph, fact)
    sample = f": {'; '.join(fact.sample)}" if with_sample and fact.sample else ""
    if fact.model in graph.calendars:
        what = f"the moments of the calendar '{fact.model}' ({fact.key[0]}) are not unique"
        return Problem("broken-key", f"{what}{sample}.", place, "Mend the data: each moment stands there once.")
    if fact.duplicates and fact.key not in graph.model(fact.model).declared_keys():
        *key, start, end = fact.key
        what = f"periods from '{start}' to '{end}' overlap in '{fact.model}' for the same {key}"
        return Problem("broken-key", f"{what}{sample}.", place, "One row at a time may be valid. Mend the data.")
    if fact.duplicates:
        return Problem(
            "broken-key",
            f"{list(fact.key)} is declared a key of '{fact.model}' but is not unique{sample}.",
            place,
            "Joins on it would multiply rows. Mend the data, or declare another key.",
        )
    return Problem(
        "broken-key",
        f"{list(fact.key)} is declared the primary key of '{fact.model}' but is NULL in {fact.nulls:,} of "
        f"{fact.rows:,} rows.",
        place,
        "No join finds these rows. Mend the data, or declare it in 'unique_keys', which may be NULL.",
    )


def place_of_key(declared: Declared[SemanticModel], key: tuple[str, ...]) -> Place:
    """Where a key is declared."""
    if key == declared.term.primary_key or key not in declared.term.unique_keys:
        return declared.place_of("primary_key")
    return declared.place_of("unique_keys", declared.term.unique_keys.index(key))


def _place(graph: Graph, fact: KeyFact) -> Place:
    if fact.model in graph.models:
        return place_of_key(graph.models[fact.model], fact.key)
    return graph.calendars[fact.model].place_of("column")


def _looks(graph: Graph, engine: Engine) -> Iterator[tuple[Callable[[], KeyFact], Place]]:
    """What looks at each key, history, calendar and relationship, and where it is declared."""
    for _, calendar in sorted(graph.calendars.items()):
        yield partial(_read_fact, graph, calendar_read(calendar.term), engine), calendar.place_of("column")
    histories: set[KeyRead] = set()
    for model, declared in sorted(graph.models.items()):
        for key in declared.term.declared_keys():
            yield partial(key_fact, graph, model, key, engine), place_of_key(declared, key)
        for role, relationship in declared.term.relationships.items():
            if relationship.to not in graph.models:
                continue
            place = declared.place_of("relationships", role, "on")
            read = target_read(graph, relationship)
            if read.valid is not None and read not in histories:
                histories.add(read)
                yield partial(_read_fact, graph, read, engine), place
            yield partial(_role_fact, graph, model, role, engine), place


def _role_fact(graph: Graph, model: str, role: str, engine: Engine) -> KeyFact:
    ours, theirs = role_reads(graph, model, role)
    statements = coverage_sql(ours, theirs, engine.schema, engine.dialect, engine.catalog)
    return replace(measure(engine, ours, statements, role=role), identity=role_identity(ours, theirs))
