"""Words to what the audit says: who saw what, and whether anything of it was changed."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import click

from workbench.commands.exits import CHECK_FAILED, OK, say, tell
from workbench.commands.options import Asker, examples, in_workspace, printed
from workbench.commands.printer import print_json, print_rows
from workbench.commands.records import open_records_of
from workbench.commands.token import UNITS, span
from workbench.errors import Problem, QuestionError

COLUMNS = ("at", "principal", "verb", "resources", "decision", "outcome", "rows", "seconds", "rules", "request")


@click.group(
    invoke_without_command=True,
    epilog=examples(
        "workbench audit --user paula@united.example --since 7d",
        "workbench audit --table gold.flights --denied",
        "workbench audit verify",
    ),
)
@click.option("--user", "person", default="", metavar="USER", help="Only what this person did.")
@click.option("--table", default="", metavar="TABLE", help="Only what touched this table or metric.")
@click.option("--since", default="", metavar="TIME", help="A date such as 2026-01-31, or how long ago: 12h, 7d.")
@click.option("--denied", is_flag=True, help="Only what was refused.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="The newest so many.")
@printed("table", "json", "csv")
@in_workspace
@click.pass_context
def audit(
    context: click.Context, asker: Asker, person: str, table: str, since: str, denied: bool, limit: int, form: str
) -> None:
    """Show who asked what of the gateway, what was decided, by which rule, and how it ended."""
    if context.invoked_subcommand is not None:
        return
    from workbench.access.principal import same_name

    with open_records_of(asker) as (records, _):
        found = records.search(same_name(person), table, moment(since), denied, limit)
    rows = [asdict(one) | {"at": one.at[:19].replace("T", " ")} for one in found]
    if form == "json":
        print_json([asdict(one) for one in found])
    else:
        several = ({**row, "resources": " ".join(row["resources"]), "rules": "; ".join(row["rules"])} for row in rows)
        print_rows(list(several), COLUMNS, form)


@audit.command(epilog=examples("workbench audit verify"))
@in_workspace
def verify(asker: Asker) -> int:
    """Hold every entry to the chain; fails with the first that was edited, removed or moved."""
    with open_records_of(asker) as (records, _):
        verdict = records.verify()
    if verdict.problem is not None:
        tell(verdict.problem)
        return CHECK_FAILED
    say(f"All {verdict.entries:,} entries are as they were written.")
    return OK


def moment(text: str) -> str:
    """'7d' or a date as the audit writes moments; raises `QuestionError` (bad-time)."""
    if not text:
        return ""
    try:
        when = datetime.now(UTC) - span(text) if text[-1] in UNITS else datetime.fromisoformat(text)
    except (ValueError, OverflowError, QuestionError):
        hint = "Write it as 2026-01-31, or as how long ago: 12h, 7d."
        raise QuestionError(Problem("bad-time", f"'{text}' is no moment.", hint=hint)) from None
    zoned = when if when.tzinfo else when.replace(tzinfo=UTC)
    return zoned.astimezone(UTC).isoformat(timespec="microseconds")
