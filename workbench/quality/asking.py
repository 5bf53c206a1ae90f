"""A question about definitions to its SQL and its rows: nothing is restricted, and keys are looked at as ever."""

from __future__ import annotations

from typing import Any

from workbench.access.guard import issue
from workbench.access.principal import Principal
from workbench.access.restriction import Restriction
from workbench.declare.question import Question
from workbench.graph.build import Graph
from workbench.graph.keys import relied
from workbench.graph.resolve import resolve
from workbench.plan.build import build
from workbench.plan.lower import to_sql
from workbench.quality.keys import uniqueness
from workbench.warehouse.engine import Engine
from workbench.warehouse.keys import Keys
from workbench.warehouse.stand_in import type_of

PROVER = Principal("tests")
"""Whoever runs tests and reviews holds the warehouse anyway."""


def sound_sql(graph: Graph, question: Question, engine: Engine, keys: Keys) -> str:
    """The SQL of a question over sound keys; raises what is wrong with the question, and `Unanswerable`."""
    resolved = resolve(graph, question)
    keys.require(graph, relied(graph, resolved), Restriction)
    granted = issue(resolved, PROVER, Restriction)
    return to_sql(
        build(granted, lambda table: {c: type_of(t) for c, t in engine.types(table).items()}, ""),
        engine.schema,
        engine.dialect,
        engine.catalog,
    )


def ask(graph: Graph, question: Question, engine: Engine, keys: Keys) -> Any:
    """The rows of a question as an Arrow table."""
    return engine.run(sound_sql(graph, question, engine, keys))


def keys_of(engine: Engine) -> Keys:
    """The keys of the data that is asked, each looked at once."""
    return Keys(engine, None, lambda read: uniqueness(read, engine))
