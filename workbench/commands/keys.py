"""Declared keys and relationships to a table of what the data says of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from workbench.commands.exits import CHECK_FAILED, OK, say, tell
from workbench.commands.options import Asker, as_someone, examples
from workbench.commands.printer import print_json, print_table

if TYPE_CHECKING:
    from workbench.declare.workspace import Workspace
    from workbench.graph.build import Graph
    from workbench.warehouse.ledger import KeyFact

_NUMBERS = (False, False, True, True, True, False)


@click.command(epilog=examples("workbench keys", "workbench keys --format json", "workbench keys --environment prod"))
@click.option("--format", "form", type=click.Choice(("table", "json")), default="table", show_default=True)
@as_someone
def keys(asker: Asker, form: str) -> int:
    """Hold every declared key and relationship against the data, and record what was found.

    A key that some rows share is broken: questions whose joins rely on it are refused until the data is mended or
    another key is declared. Rows without a partner break nothing; they stand in the NULL group.
    """
    from workbench.declare.workspace import load
    from workbench.graph.build import build
    from workbench.quality.keys import broken_key, verify_keys
    from workbench.warehouse.open import open_engine, open_ledger

    workspace = load(asker.workspace_root()).require()
    ledger = open_ledger(workspace.root)
    engine = open_engine(workspace.root, workspace.settings.environment(asker.environment), say)
    try:
        facts = verify_keys(workspace, engine, ledger)
    finally:
        ledger.close()
        engine.close()
    graph = build(workspace)
    is_free = _sees_all(asker, workspace, graph)
    if form == "json":
        print_json([_record(graph, fact, is_free(fact.model)) for fact in facts])
    else:
        _print(graph, facts, is_free)
    broken = [fact for fact in facts if fact.verdict == "broken"]
    for fact in broken:
        tell(broken_key(graph, fact, with_sample=is_free(fact.model)))
    of_keys = sum(not fact.role for fact in facts)
    say(f"{of_keys} keys: {of_keys - len(broken)} sound, {len(broken)} broken; {len(facts) - of_keys} relationships.")
    return CHECK_FAILED if broken else OK


def _print(graph: Graph, facts: tuple[KeyFact, ...], is_free: Callable[[str], bool]) -> None:
    print_table(
        ["Model", "Key", "Rows", "NULL", "Repeated", "Verdict"],
        [
            [fact.model, ", ".join(fact.key), *_counts(fact.rows, fact.nulls, fact.duplicates), fact.verdict]
            for fact in facts
            if not fact.role
        ],
        _NUMBERS,
    )
    click.echo()
    print_table(
        ["Relationship", "To", "Rows", "NULL", "Orphans", "Matched", "Such as"],
        [
            [
                f"{fact.model}.{fact.role}",
                _partner(graph, fact),
                *_counts(fact.rows, fact.nulls, fact.orphans),
                f"{fact.matched / fact.rows:.1%}" if fact.rows else "",
                fact.sample[0] if fact.sample and is_free(fact.model) else "",
            ]
            for fact in facts
            if fact.role
        ],
        (*_NUMBERS[:-1], True, False),
    )


def _counts(*counts: int) -> list[str]:
    return [f"{count:,}" for count in counts]


def _partner(graph: Graph, fact: KeyFact) -> str:
    return graph.model(fact.model).relationships[fact.role].to


def _record(graph: Graph, fact: KeyFact, is_free: bool) -> dict[str, object]:
    record: dict[str, object] = {
        "model": fact.model,
        "key": fact.key,
        "version": fact.version,
        "at": fact.at,
        "rows": fact.rows,
        "nulls": fact.nulls,
        "sample": fact.sample if is_free else [],
    }
    if fact.role:
        found = {"orphans": fact.orphans, "matched": fact.matched}
        return {"kind": "relationship", "role": fact.role, "to": _partner(graph, fact), **record, **found}
    return {"kind": "key", "verdict": fact.verdict, **record, "duplicates": fact.duplicates}


def _sees_all(asker: Asker, workspace: Workspace, graph: Graph) -> Callable[[str], bool]:
    """Whether the asker may see every row of a model as it is: only then are values shown."""
    from workbench.access.principal import identify
    from workbench.access.rules import restriction
    from workbench.graph.tags import column_tags
    from workbench.session.identity import local_identity

    environment = asker.environment or workspace.settings.default_environment
    who = local_identity(asker.user, workspace.settings.identity)
    principal = identify(workspace.roles, workspace.groups, who, environment)
    policies, tags = tuple(policy.term for policy in workspace.policies), column_tags(graph)

    def is_free(model: str) -> bool:
        table = graph.model(model).table if model in graph.models else graph.calendars[model].term.table
        left = restriction(principal, table, policies, tags.get(table, {}), environment)
        return left is not None and left.is_free

    return is_free
