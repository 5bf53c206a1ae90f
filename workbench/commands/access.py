"""Who may do what, and by which rule."""

from __future__ import annotations

import click

from workbench.commands.exits import OK, REFUSED, visible
from workbench.commands.options import Asker, examples, in_workspace
from workbench.commands.printer import print_json


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
    sentences = explained(principal, verb, resource, workspace.roles, policies, tags)
    if form == "json":
        print_json({"allowed": decision.allowed, "why": sentences})
    else:
        first, *rest = map(visible, sentences)
        click.echo("\n".join([click.style(first, fg="green" if decision.allowed else "red"), *rest]))
    return OK if decision.allowed else REFUSED
