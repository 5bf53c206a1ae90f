"""The releases of an environment to a list, to what differs between two, and back to an earlier one."""

from __future__ import annotations

import click

from workbench.commands.exits import say, tell
from workbench.commands.options import Asker, as_someone, examples, in_workspace, printed
from workbench.commands.printer import print_rows
from workbench.commands.shelf import GATEWAY, shelf_of
from workbench.errors import ReviewError


@click.command(
    name="releases",
    epilog=examples("workbench releases prod", "workbench releases prod --gateway https://workbench.example"),
)
@click.argument("target", metavar="[ENVIRONMENT]", required=False)
@GATEWAY
@printed("table", "json", "csv")
@in_workspace
def releases_(asker: Asker, target: str | None, gateway: str | None, form: str) -> None:
    """List the releases of an environment, or of all; the one that is served is marked."""
    from workbench.declare.settings import read_settings

    names = [target or ""] if target or gateway else list(read_settings(asker.workspace_root()).environments)
    rows = [
        {"environment": one.environment, "number": one.number, "served": "yes" if one.served else "",
         "commit": one.commit[:12], "made": one.made.isoformat(timespec="seconds"), "by": one.by,
         "approved by": ", ".join(one.approvals), "digest": one.digest[:12]}
        for name in names for one in shelf_of(asker, name, gateway).cards()
    ]  # fmt: skip
    columns = ("environment", "number", "served", "commit", "made", "by", "approved by", "digest")
    print_rows(rows, columns, form)


@click.command(epilog=examples("workbench diff prod 3 4", "workbench diff prod 3 4 --format json"))
@click.argument("target", metavar="ENVIRONMENT")
@click.argument("old")
@click.argument("new")
@GATEWAY
@printed("table", "json", "csv")
@in_workspace
def diff(asker: Asker, target: str, old: str, new: str, gateway: str | None, form: str) -> None:
    """What one release of ENVIRONMENT changed of another: by meaning, and the files of rules."""
    from workbench.review.meanings import meanings
    from workbench.review.release import differing
    from workbench.review.repository import repository

    shelf = shelf_of(asker, target, gateway)
    releases = shelf.find(old).manifest, shelf.find(new).manifest
    try:
        found = list(meanings(repository(asker.workspace_root()), *releases))
    except ReviewError as error:
        say(f"What changed in each is not told: {error}")
        found = list(differing(*releases))
    columns = ("what", "how", "risk", "why")
    print_rows([{name: getattr(one, name) for name in columns} for one in found], columns, form)


@click.command(epilog=examples("workbench rollback prod 3", "workbench rollback prod 3 --gateway https://w.example"))
@click.argument("target", metavar="ENVIRONMENT")
@click.argument("number")
@GATEWAY
@as_someone
def rollback(asker: Asker, target: str, number: str, gateway: str | None) -> None:
    """Serve an earlier release of ENVIRONMENT again."""
    from workbench.declare.settings import read_settings
    from workbench.review.notices import of_rollback, send

    settings = read_settings(asker.workspace_root())
    by, found = shelf_of(asker, target, gateway).serve_again(number)
    say(f"Release {found.number} of {found.made:%Y-%m-%d} is served in '{target}' again.")
    for problem in send(settings.notices, of_rollback(found, by)):
        tell(problem)
