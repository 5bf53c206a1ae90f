"""A workspace's access rules to what they leave open without saying so, as warnings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from workbench.access.restriction import same_column
from workbench.access.rules import covers
from workbench.declare.declared import Declared
from workbench.declare.people import Policy
from workbench.declare.workspace import Workspace
from workbench.errors import Problem, WorkbenchError
from workbench.graph.build import Graph, build
from workbench.graph.joins import routes
from workbench.graph.tags import column_tags

Columns = Mapping[str, Iterable[str]]


def gaps(workspace: Workspace, tables: Columns | None = None) -> Iterator[Problem]:
    """Row rules that a join goes around, and columns that look like a masked one but carry no tag."""
    graph = build(workspace)
    yield from _unrestricted_facts(workspace, graph)
    if tables is not None:
        yield from _untagged_columns(workspace, graph, tables)


def _unrestricted_facts(workspace: Workspace, graph: Graph) -> Iterator[Problem]:
    """A restriction does not follow joins: who may not see a partner still sees the fact, in the empty group."""
    rules = [(one, at, rule) for one in workspace.policies for at, rule in enumerate(one.term.restrict)]
    for policy, at, rule in rules:
        whom = set(rule.to)
        for fact in graph.models:
            table = graph.model(fact).table
            if any(covers(other.term.resource, table) and whom <= set(same.to) for other, _, same in rules):
                continue
            reached = next(
                (m for _, m in routes(graph, fact) if covers(policy.term.resource, graph.model(m).table)), None
            )
            if reached is not None:
                yield Problem(
                    "unrestricted-fact",
                    f"'{rule.name}' limits the rows of '{reached}', but '{fact}' leads to it and is not limited.",
                    policy.place_of("restrict", at),
                    f"Rows of '{fact}' whose partner is hidden still count, without a name: restrict '{table}' too, "
                    "if that is not meant.",
                    "warning",
                )


def _untagged_columns(workspace: Workspace, graph: Graph, tables: Columns) -> Iterator[Problem]:
    """A column of the same name as a masked one, in another table of the same policy, shows its values."""
    try:
        tags = column_tags(graph)
    except WorkbenchError:  # a broken model is told where it is declared
        return
    masks = [(one, at, rule.tag) for one in workspace.policies for at, rule in enumerate(one.term.mask)]
    for policy, at, tag in masks:
        tagged = {
            (t, same_column(c)) for t, columns in tags.items() for c, carried in columns.items() if tag in carried
        }
        for table, column in _covered(policy, tables):
            twin = next((f"{t}.{c}" for t, c in sorted(tagged) if c == same_column(column)), None)
            if twin is not None and (table, same_column(column)) not in tagged:
                yield Problem(
                    "untagged-column",
                    f"'{table}.{column}' shows what '{twin}' masks: no dimension tags it '{tag}'.",
                    policy.place_of("mask", at),
                    f"Tag it in a semantic model of '{table}', or give it another name if it is something else.",
                    "warning",
                )


def _covered(policy: Declared[Policy], tables: Columns) -> Iterator[tuple[str, str]]:
    return ((table, column) for table in tables if covers(policy.term.resource, table) for column in tables[table])
