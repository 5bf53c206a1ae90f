"""Deprecated metrics to who still has to move, and the files in which they move."""

from __future__ import annotations

import difflib
from datetime import date

import click

from workbench.commands.exits import CHECK_FAILED, OK, say, tell
from workbench.commands.options import Asker, Listing, examples, in_workspace, printed
from workbench.commands.printer import print_rows


@click.group(cls=Listing, epilog=examples("workbench migrate status", "workbench migrate apply revenue --dry-run"))
def migrate() -> None:
    """Move consumers of a deprecated metric to the one that takes its place."""


@migrate.command(epilog=examples("workbench migrate status", "workbench migrate status --notify --format json"))
@printed("table", "json", "csv")
@click.option("--notify", is_flag=True, help="Tell whom [tool.workbench.notices] names of last days that are near.")
@in_workspace
def status(asker: Asker, form: str, notify: bool) -> None:
    """List each consumer of a deprecated metric or its successor, and how far it is."""
    from workbench.declare.workspace import load
    from workbench.review.migration import notebooks_of
    from workbench.review.migration import status as look
    from workbench.review.notices import of_deprecations, send

    workspace = load(asker.workspace_root()).require()
    found = look(workspace, notebooks_of(workspace.root))
    rows = [
        {"metric": one.migration.old, "to": one.migration.new, "until": str(one.migration.until or ""),
         "kind": one.kind, "consumer": one.name, "state": one.state}
        for one in found
    ]  # fmt: skip
    print_rows(rows, ("metric", "to", "until", "kind", "consumer", "state"), form)
    left = sum(one.state != "moved" for one in found)
    say(f"{len(found)} consumers, {left} still to move.")
    if notify:
        for problem in send(workspace.settings.notices, of_deprecations(workspace, date.today())):
            tell(problem)


@migrate.command(
    name="apply", epilog=examples("workbench migrate apply revenue --dry-run", "workbench migrate apply revenue")
)
@click.argument("metric")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@in_workspace
def apply_(asker: Asker, metric: str, dry_run: bool) -> int:
    """Write the successor's name wherever METRIC is used: in declarations, pages and notebooks.

    A file in which the names alone do not say enough is left as it is, and named.
    """
    from workbench.declare.workspace import load
    from workbench.review.migration import apply, edits, notebooks_of

    workspace = load(asker.workspace_root()).require()
    found, by_hand = edits(workspace, metric, notebooks_of(workspace.root))
    for edit in found:
        if dry_run:
            lines = (edit.before.splitlines(keepends=True), edit.after.splitlines(keepends=True))
            click.echo("".join(difflib.unified_diff(*lines, edit.file, edit.file)), nl=False)
        say(f"{edit.file}: {edit.names} {'name' if edit.names == 1 else 'names'}.")
    for file in by_hand:
        say(f"{file}: move it by hand; a name in it means more than the metric.")
    if not dry_run:
        apply(workspace.root, found)
    return CHECK_FAILED if by_hand else OK
