"""Other people's declarations, taken over as ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from workbench.commands.exits import say
from workbench.commands.options import Listing, debuggable, examples
from workbench.commands.printer import cannot_write
from workbench.errors import count


@click.group(name="import", cls=Listing)
def import_() -> None:
    """Take over declarations of other tools."""


@import_.command(
    epilog=examples(
        "workbench import metricflow ../shop/models --to . --schema gold",
        "workbench import metricflow semantic_layer.yml --dry-run",
    )
)
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--to", "target", type=click.Path(path_type=Path, file_okay=False), default=".", show_default=True)
@click.option("--schema", default="main", show_default=True, help="The schema that holds the tables named by ref().")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@debuggable
def metricflow(path: Path, target: Path, schema: str, dry_run: bool) -> None:
    """Import the semantic models and metrics of a MetricFlow or dbt project at PATH.

    Nothing that is there is written over; all that cannot be taken over is named with its place.
    """
    from workbench.exchange.metricflow import import_project

    imported = import_project(path, schema=schema)
    _take(imported.files, imported.losses, target, dry_run)


@import_.command(
    epilog=examples(
        "workbench import osi shop.json --to .",
        "workbench import osi semantic_models/ --dry-run",
    )
)
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--to", "target", type=click.Path(path_type=Path, file_okay=False), default=".", show_default=True)
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@debuggable
def osi(path: Path, target: Path, dry_run: bool) -> None:
    """Import documents of Apache Ossie (formerly OSI) at PATH: versions 0.1.1 and 0.2.0.dev0, JSON or YAML.

    Nothing that is there is written over; all that cannot be taken over is named with its place.
    """
    from workbench.exchange.osi import import_project

    imported = import_project(path)
    _take(imported.files, imported.losses, target, dry_run)


def _take(files: Mapping[str, str], losses: Sequence[object], target: Path, dry_run: bool) -> None:
    """Write what was imported, and say what was not."""
    for name, text in files.items():
        _write(target, name, text, dry_run)
    for loss in losses:
        say(str(loss))
    kinds = Counter(name.split("/")[1] if name.startswith("metrics/") else "other" for name in files)
    counts = {kind: kinds.pop(kind, 0) for kind in ("models", "saved_queries", "calendars", "other")}
    models, saved = counts["models"], counts["saved_queries"]
    metrics = sum(kinds.values())
    if not losses and not any(name.startswith("metrics/") for name in files):
        say("Nothing to import was found there.")
    taken = (count(models, "model"), count(metrics, "metric"), count(saved, "saved query", "saved queries"))
    say(f"{', '.join(taken)}; {count(len(losses), 'thing')} not taken over.")


def _write(target: Path, name: str, text: str, dry_run: bool) -> None:
    """Write a file whose place is free; one line on stdout."""
    file = target / name
    if file.exists():
        click.echo(f"kept     {name}")
        return
    click.echo(f"{'would write' if dry_run else 'wrote'}    {name}")
    if not dry_run:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise cannot_write(file, error) from None
