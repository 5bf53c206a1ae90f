"""Other people's declarations, taken over as ours."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.commands.exits import say
from workbench.commands.options import debuggable, examples


@click.group(name="import")
def import_() -> None:
    """Take over declarations of other tools."""


@import_.command(epilog=examples("workbench import metricflow ../shop/models --to ."))
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--to", "target", type=click.Path(path_type=Path, file_okay=False), default=".", show_default=True)
@debuggable
def metricflow(path: Path, target: Path) -> None:
    """Import the semantic models and metrics of a MetricFlow or dbt project at PATH."""
    from workbench.exchange.metricflow import import_project

    say(str(import_project(path, target)))
