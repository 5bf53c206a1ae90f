"""A workspace's declared keys and relationships to what the data says of them, recorded in the ledger."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.declare.workspace import Workspace
from workbench.errors import Problem
from workbench.graph.build import Graph, build
from workbench.graph.keys import KeyRead, key_read, role_reads
from workbench.plan.lower_keys import coverage_sql, uniqueness_sql
from workbench.warehouse.engine import Engine
from workbench.warehouse.keys import Statements, is_primary, measure
from workbench.warehouse.ledger import KeyFact, Ledger


def verify_keys(workspace: Workspace, engine: Engine, ledger: Ledger | None) -> tuple[KeyFact, ...]:
    """Look at every declared key and relationship of every model, and record what was found.

    Raises `WarehouseError` or `QuestionError` where a table or column is not there.
    """
    graph = build(workspace)
    facts = tuple(fact for model in sorted(graph.models) for fact in _facts(graph, model, engine))
    for fact in facts:
        if ledger is not None:
            ledger.note(fact)
    return facts


def key_fact(graph: Graph, model: str, key: tuple[str, ...], engine: Engine) -> KeyFact:
    """What the data says of one key, now."""
    read = key_read(graph, model, key)
    return measure(engine, read, uniqueness(read, engine), is_primary(graph, model, key))


def uniqueness(read: KeyRead, engine: Engine) -> Statements:
    """The SQL that looks at a key."""
    return uniqueness_sql(read, engine.schema, engine.dialect, engine.catalog)


def broken_key(graph: Graph, fact: KeyFact) -> Problem | None:
    """The problem of a declared key that the data does not bear out; None for one that it does."""
    place = graph.models[fact.model].place_of("primary_key")
    if fact.duplicates:
        return Problem(
            "broken-key",
            f"{list(fact.key)} is declared a key of '{fact.model}' but is not unique: {'; '.join(fact.sample)}.",
            place,
            "Joins on it would multiply rows. Mend the data, or declare another key.",
        )
    if fact.verdict == "broken":
        return Problem(
            "broken-key",
            f"{list(fact.key)} is declared the primary key of '{fact.model}' but is NULL in "
            f"{fact.nulls:,} of {fact.rows:,} rows.",
            place,
            "No join finds these rows. Mend the data, or declare it in 'unique_keys', which may be NULL.",
        )
    return None


def _facts(graph: Graph, model: str, engine: Engine) -> Iterator[KeyFact]:
    term = graph.model(model)
    for key in term.declared_keys():
        yield key_fact(graph, model, key, engine)
    for role, relationship in term.relationships.items():
        if relationship.to in graph.models:
            ours, theirs = role_reads(graph, model, role)
            yield measure(
                engine, ours, coverage_sql(ours, theirs, engine.schema, engine.dialect, engine.catalog), role=role
            )
