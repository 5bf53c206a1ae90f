"""Who may do what, and by which rule."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

import click

from workbench.commands.exits import OK, REFUSED, visible
from workbench.commands.options import Asker, examples, in_workspace
from workbench.commands.printer import print_json
from workbench.errors import did_you_mean

if TYPE_CHECKING:
    from workbench.access.principal import Principal
    from workbench.declare.workspace import Workspace


@click.command(
    epilog=examples(
        "workbench why paula@united.example query:adhoc gold.flights",
        "workbench why ana@skyways.example publish:metric",
    )
)
@click.argument("person", metavar="USER")
@click.argument("verb")
@click.argument("resource", default="")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
@in_workspace
def why(asker: Asker, person: str, verb: str, resource: str, form: str) -> int:
    """Tell whether USER may do VERB on RESOURCE, and the rules that decide."""
    from workbench.access.principal import identify
    from workbench.access.rules import decide
    from workbench.access.why import why as explained
    from workbench.declare.workspace import load
    from workbench.graph.build import build
    from workbench.graph.tags import column_tags

    workspace = load(asker.workspace_root()).require()
    environment = asker.environment or workspace.settings.default_environment
    principal = identify(workspace.roles, workspace.groups, person, environment)
    policies = [policy.term for policy in workspace.policies]
    decision = decide(principal, verb, resource, workspace.roles, policies)
    tags = column_tags(build(workspace)).get(resource, {})
    sentences = (
        *explained(principal, verb, resource, workspace.roles, policies, tags),
        *_unknown(workspace, verb, resource),
        *nobody(workspace, principal),
    )
    if form == "json":
        print_json({"allowed": decision.allowed, "why": sentences})
    else:
        first, *rest = map(visible, sentences)
        click.echo("\n".join([click.style(first, fg="green" if decision.allowed else "red"), *rest]))
    return OK if decision.allowed else REFUSED


def nobody(workspace: Workspace, principal: Principal) -> Iterator[str]:
    """That no group names somebody, who may be one that is spelled otherwise."""
    if not principal.groups:
        members = {member for group in workspace.groups.values() for member in group.members}
        hint = did_you_mean(principal.name, members)
        yield f"No group of access/groups.yml names '{principal.name}'. {hint}".rstrip()


def _unknown(workspace: Workspace, verb: str, resource: str) -> Iterator[str]:
    """That nothing is declared under a name: the rules decide of it all the same."""
    kind = verb.rpartition(":")[2]
    named: dict[str, Collection[str]] = {"metric": workspace.metrics, "dashboard": workspace.dashboards}
    tables = {declared.term.table for declared in workspace.models.values()}
    if resource and kind in named and resource not in named[kind]:
        yield f"But no {kind} '{resource}' is declared. {did_you_mean(resource, named[kind])}".rstrip()
    elif resource and kind not in named and resource not in tables:
        hint = did_you_mean(resource, tables)
        yield f"But no model is on a table '{resource}'; the warehouse knows whether it is there. {hint}".rstrip()
