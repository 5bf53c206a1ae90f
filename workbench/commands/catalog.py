"""What there is to ask for, listed on stdout without touching the warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from workbench.commands.exits import say
from workbench.commands.options import Asker, as_someone, examples, printed
from workbench.commands.printer import print_json, print_rows

if TYPE_CHECKING:
    from workbench.session.catalog import DimensionCard, MetricCard, ModelCard

    Card = DimensionCard | MetricCard | ModelCard


@click.command(epilog=examples("workbench metrics", "workbench metrics delay", "workbench metrics --format json"))
@click.argument("search", required=False)
@printed("table", "json", "csv")
@as_someone
def metrics(asker: Asker, search: str | None, form: str) -> None:
    """List the metrics, or those that SEARCH finds."""
    from workbench.session.catalog import MetricCard

    with asker.session() as session:
        found = session.search(search) if search else session.metrics
    cards = [card for card in found if isinstance(card, MetricCard)]
    if not cards and search:
        say(f"Nothing found for '{search}'.")
    _print(cards, ("name", "unit", "owner", "domain", "description"), form)


@click.command(epilog=examples("workbench dimensions flights", "workbench dimensions flights precipitation"))
@click.argument("metrics", nargs=-1)
@printed("table", "json", "csv")
@as_someone
def dimensions(asker: Asker, metrics: tuple[str, ...], form: str) -> None:
    """List the dimensions that all of METRICS can be grouped and filtered by."""
    with asker.session() as session:
        found = session.dimensions(*metrics)
    _print(found, ("path", "type", "model", "description"), form)


@click.command(epilog=examples("workbench models", "workbench models --format json"))
@printed("table", "json", "csv")
@as_someone
def models(asker: Asker, form: str) -> None:
    """List the semantic models: tables with their keys, relationships and dimensions."""
    with asker.session() as session:
        found = session.models
    _print(found, ("name", "table", "owner", "description"), form)


def _print(cards: Iterable[Card], columns: Sequence[str], form: str) -> None:
    records = [asdict(card) for card in cards]
    if form == "json":
        print_json(records)
    elif form == "csv":
        print_rows(records, list(records[0]) if records else columns, form)
    else:
        print_rows(records, columns, form)
