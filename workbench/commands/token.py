"""Words to tokens of the gateway: issued, listed, revoked, on the machine and as the user that it runs as."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

import click

from workbench.commands.access import nobody
from workbench.commands.exits import say
from workbench.commands.options import Asker, Listing, examples, in_workspace, printed
from workbench.commands.printer import print_rows
from workbench.commands.records import open_records_of, this_user
from workbench.errors import Problem, QuestionError

UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@click.group(
    cls=Listing, epilog=examples("workbench token issue --for ana@skyways.example --expires 7d", "workbench token list")
)
def token() -> None:
    """Tokens by which programs sign in at the gateway."""


@token.command(epilog=examples("workbench token issue --for ana@skyways.example --expires 7d --scope query"))
@click.option("--for", "owner", required=True, metavar="USER", help="Whose it is, as named in access/.")
@click.option("--expires", default="7d", show_default=True, metavar="TIME", help="Such as 30m, 12h, 7d or 4w.")
@click.option(
    "--scope",
    multiple=True,
    default=("query",),
    show_default=True,
    help="What it is good for, of what its owner may do: query, a verb, or all. May be repeated.",
)
@in_workspace
def issue(asker: Asker, owner: str, expires: str, scope: tuple[str, ...]) -> None:
    """Make a token, and print it once: only a hash is kept."""
    lasts = span(expires)
    with open_records_of(asker) as (audit, tokens):
        text, made = tokens.issue(owner, lasts, scope, issued_by=getpass.getuser())
        audit.decision(
            principal=this_user(), verb="issue:token", allowed=True, resources=[made.id], rules=[f"for '{made.name}'"]
        )
    click.echo(text)
    say(f"The token '{made.id}' of {made.name} is good for {', '.join(made.scope)} until {_shown(made.expires)} UTC.")
    say("It is not shown again. Send it as: Authorization: Bearer ...")
    for sentence in _useless(asker, made.name, made.scope):
        say(f"Warning: {sentence}")


@token.command("list", epilog=examples("workbench token list", "workbench token list --for ana@skyways.example"))
@click.option("--for", "owner", default="", metavar="USER", help="Only those of one person.")
@printed("table", "json", "csv")
@in_workspace
def list_(asker: Asker, owner: str, form: str) -> None:
    """Show all tokens: whose, until when, when last used; never the tokens themselves."""
    with open_records_of(asker) as (_, tokens):
        found = tokens.listed(owner)
    moments = ("created", "expires", "last_used")
    rows = [
        {
            **{name: getattr(one, name) for name in ("id", "kind", "name", "state", "issued_by")},
            **{name: _shown(getattr(one, name)) for name in moments},
            "scope": " ".join(one.scope),
        }
        for one in found
    ]
    print_rows(rows, ["id", "kind", "name", "scope", "state", *moments, "issued_by"], form)


@token.command(epilog=examples("workbench token revoke 0a1b2c3d4e5f"))
@click.argument("id")
@in_workspace
def revoke(asker: Asker, id: str) -> None:
    """End a token; within seconds, every process of the gateway refuses it."""
    with open_records_of(asker) as (audit, tokens):
        ended = tokens.revoke(id)
        audit.decision(
            principal=this_user(), verb="revoke:token", allowed=True, resources=[ended.id], rules=[f"of '{ended.name}'"]
        )
    say(f"The token '{ended.id}' of {ended.name} is revoked.")


def _useless(asker: Asker, owner: str, scope: Sequence[str]) -> Iterator[str]:
    """What of a token is good for nothing, as its owner is called or as their roles are now."""
    from workbench.access.principal import identify
    from workbench.access.rules import decide
    from workbench.access.verbs import VERBS
    from workbench.declare.workspace import load

    workspace = load(asker.workspace_root())
    environment = asker.environment or workspace.settings.default_environment
    principal = identify(workspace.roles, workspace.groups, owner, environment)
    yield from nobody(workspace, principal)
    for verb in scope:
        if verb in VERBS and not (decision := decide(principal, verb, roles=workspace.roles)):
            yield f"{owner} may not {verb}: {decision.rules[0]}."


def span(text: str) -> timedelta:
    """'7d' as a length of time; raises `QuestionError` (bad-expiry)."""
    found = re.fullmatch(r"(\d{1,6})([mhdw])", text.strip())
    if found is None:
        raise QuestionError(
            Problem("bad-expiry", f"'{text}' is no length of time.", hint="Write it as 30m, 12h, 7d or 4w.")
        )
    return int(found[1]) * UNITS[found[2]]


def _shown(moment: object) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%d %H:%M}"
