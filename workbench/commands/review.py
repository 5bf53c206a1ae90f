"""Two revisions to the report of a review, and to an exit code that stops a merge."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from workbench.commands.exits import CHECK_FAILED, OK, say, tell, visible
from workbench.commands.options import Asker, examples, in_workspace
from workbench.commands.printer import print_json

if TYPE_CHECKING:
    from workbench.review.people import People
    from workbench.review.repository import Repository
    from workbench.review.review import Review, Revision, Sides
    from workbench.warehouse.engine import Engine
    from workbench.warehouse.ledger import Run

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command(
    epilog=examples(
        "workbench review --base main",
        "workbench review --base origin/main --head HEAD --format markdown > comment.md",
        "workbench review --base $BASE --head $HEAD --event $GITHUB_EVENT_PATH --reviews r.json --commits c.json",
    )
)
@click.option("--base", required=True, metavar="REV", help="What the change would be merged into; its rules judge.")
@click.option("--head", metavar="REV", help="The change; the files as they lie here unless said.")
@click.option("--event", type=FILE, help="GitHub's event of the pull request, with --reviews and --commits.")
@click.option("--reviews", type=FILE, help="GitHub's list of the pull request's reviews.")
@click.option("--commits", type=FILE, help="GitHub's list of the pull request's commits.")
@click.option("--signed", is_flag=True, help="Tell who it was by the signatures of the commits.")
@click.option("--values/--no-values", default=True, help="Compare values on the environment's data.")
@click.option("--seconds", type=click.FloatRange(0), default=15, show_default=True, help="Time for comparing values.")
@click.option(
    "--format", "form", type=click.Choice(("text", "markdown", "json", "sarif")), default="text", show_default=True
)
@click.option("--notify", is_flag=True, help="Tell whom [tool.workbench.notices] names, where it is refused.")
@in_workspace
def review(
    asker: Asker,
    base: str,
    head: str | None,
    event: Path | None,
    reviews: Path | None,
    commits: Path | None,
    signed: bool,
    values: bool,
    seconds: float,
    form: str,
    notify: bool,
) -> int:
    """Tell what a change means: who may make it, what breaks, whom it reaches, and which numbers move."""
    from workbench.review.markdown import VERDICTS
    from workbench.review.notices import of_refusal, send
    from workbench.review.repository import repository
    from workbench.review.review import review as look
    from workbench.review.review import sides

    root = asker.workspace_root()
    repo = repository(root)
    with sides(repo, base, head) as given:
        people = _people(repo, given, event, reviews, commits, signed)
        with _engine(asker, root, given.base, values) as engine:
            found = look(repo, given, people, engine, _runs(root), seconds, say)
        settings = given.base.workspace.settings
    _print(found, form)
    if notify:
        for problem in send(settings.notices, of_refusal(found, settings.name or root.name)):
            tell(problem)
    say(f"Reviewed in {found.seconds:.1f} s: {VERDICTS[found.verdict]}.")
    return OK if found.passed else CHECK_FAILED


def _people(
    repo: Repository,
    given: Sides,
    event: Path | None,
    reviews: Path | None,
    commits: Path | None,
    signed: bool,
) -> People:
    from workbench.review.people import People, from_github, from_signatures

    if signed:
        return from_signatures(repo, given.base.tree, given.old.name, given.new.name)
    if event is None:
        return People((), ())
    if reviews is None or commits is None:
        raise click.UsageError("--event goes with --reviews and --commits: an event alone tells not who approved.")
    return from_github(event.read_bytes(), reviews.read_bytes(), commits.read_bytes(), given.new.name)


def _engine(asker: Asker, root: Path, base: Revision, values: bool) -> AbstractContextManager[Engine | None]:
    """The warehouse of the base's settings, since the change must not choose what it is measured on."""
    if not values:
        return nullcontext(None)
    from workbench.warehouse.open import open_engine

    return closing(open_engine(root, base.workspace.settings.environment(asker.environment), say))


def _runs(root: Path) -> tuple[Run, ...]:
    """What was asked of late, as the ledger has it."""
    from workbench.review.reach import RECENT_DAYS
    from workbench.warehouse.open import open_ledger

    ledger = open_ledger(root)
    if ledger is None:
        return ()
    with closing(ledger):
        since = datetime.now(UTC) - timedelta(days=RECENT_DAYS)
        return tuple(run for run in ledger.recent(100_000) if run.at >= since)


def _print(found: Review, form: str) -> None:
    from workbench.review.markdown import markdown, unmarked
    from workbench.review.sarif import sarif

    match form:
        case "json":
            print_json(asdict(found) | {"passed": found.passed, "verdict": found.verdict})
        case "sarif":
            print_json(sarif(found))
        case "markdown":
            click.echo(visible(markdown(found)), nl=False)
        case _ if sys.stdout.isatty():
            from rich.console import Console
            from rich.markdown import Markdown

            Console().print(Markdown(visible(markdown(found).replace("\u200b", ""))))
        case _:
            click.echo(visible(unmarked(markdown(found))), nl=False)
