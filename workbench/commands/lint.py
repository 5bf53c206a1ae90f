"""A workspace to what could be better in it, and what a program may mend."""

from __future__ import annotations

import click

from workbench.commands.check import record
from workbench.commands.exits import CHECK_FAILED, OK, say, tell
from workbench.commands.options import Asker, examples, in_workspace
from workbench.commands.printer import print_json
from workbench.errors import count


@click.command(epilog=examples("workbench lint", "workbench lint --fix", "workbench lint --strict --format json"))
@click.option("--fix", is_flag=True, help="Mend what a program may mend, and list the rest.")
@click.option("--strict", is_flag=True, help="Fail on any finding, not only on rules that the settings require.")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
@in_workspace
def lint(asker: Asker, fix: bool, strict: bool, form: str) -> int:
    """List what could be better: names, descriptions, units, owners, tests, doubles.

    [tool.workbench.lint] of pyproject.toml leaves rules out ('ignore', 'ignore_for') or makes them errors ('require').
    """
    from workbench.declare.workspace import load
    from workbench.review.lint import lint as look
    from workbench.review.lint import mend, problems

    workspace = load(asker.workspace_root()).require()
    if fix:
        for file in mend(workspace.root, look(workspace)):
            say(f"Mended {file.relative_to(workspace.root)}.")
        workspace = load(workspace.root).require()
    found = problems(look(workspace), workspace.settings.lint)
    errors = sum(problem.severity == "error" for problem in found)
    if form == "json":
        print_json([record(problem) for problem in found])
    else:
        for problem in found:
            tell(problem)
        warned = count(len(found) - errors, "warning")
        say(f"{count(len(workspace.metrics), 'metric')}: {count(errors, 'error')}, {warned}.")
    return CHECK_FAILED if errors or (strict and found) else OK
