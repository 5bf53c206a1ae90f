"""Questions typed in a terminal to answers on stdout."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from workbench.commands.options import Asker, as_someone, examples, printed
from workbench.commands.printer import print_answer, print_json


def _question(function: Any) -> Any:
    """Adds the parts of a question."""
    for option in (
        click.option("--every-row", is_flag=True, help="Without metrics: a line for each row, not each value once."),
        click.option("--extremes", is_flag=True, help="Without metrics: the least and the greatest value of each."),
        click.option("--timezone", default="", metavar="ZONE", help="Show moments there, as in Europe/Paris."),
        click.option("--fill", is_flag=True, help="Show periods without rows too."),
        click.option("--top", metavar="TEXT", help="So many groups, and the others together: 5, or '5 of carrier'."),
        click.option("--totals", multiple=True, metavar="COLUMN", help="Rows of totals: total, or a column of --by."),
        click.option("--share-of", multiple=True, metavar="COLUMN", help="Shares: of total, or within some of --by."),
        click.option("--compare", metavar="LENGTH", help="Beside each metric its value that much earlier: '1 year'."),
        click.option("--time", metavar="SPAN", help="2013, 2013-Q2, '2013-01 to 2013-06', 'since 2013-03'."),
        click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most so many rows."),
        click.option("--order-by", multiple=True, metavar="COLUMN", help="A column of the answer; -COLUMN descends."),
        click.option("--having", multiple=True, metavar="TEXT", help="A condition on metrics."),
        click.option("--where", multiple=True, metavar="TEXT", help="A condition on dimensions; several mean all."),
        click.option("--by", multiple=True, metavar="PATH", help="A dimension to group by; commas part several."),
    ):
        function = option(function)
    return function


@click.command(
    epilog=examples(
        "workbench query flights",
        "workbench query flights cancellation_rate --by airline.name --order-by -flights --limit 5",
        "workbench query flights --by metric_time.month --where \"origin.faa = 'JFK'\" --format csv",
        "workbench query average_departure_delay --by carrier --time 2013-07",
        "workbench query flights --by metric_time.month --compare '1 month'",
        "workbench query flights --by carrier --share-of total --totals total",
        "workbench query flights --by metric_time.month,carrier --top '3 of carrier'",
    )
)
@click.argument("metrics", nargs=-1)
@_question
@printed()
@as_someone
def query(asker: Asker, metrics: tuple[str, ...], form: str, out: Path | None, **parts: Any) -> None:
    """Ask for METRICS, by dimensions, under the access rules. No metric lists the values of the dimensions."""
    with asker.session() as session:
        print_answer(session.query(*_metrics(metrics), **_keywords(**parts)), form, out)


@click.command(epilog=examples("workbench explain flights --by airline.name", "workbench explain flights --sql"))
@click.argument("metrics", nargs=-1)
@_question
@click.option("--sql", "only_sql", is_flag=True, help="The SQL alone.")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
@as_someone
def explain(asker: Asker, metrics: tuple[str, ...], only_sql: bool, form: str, **parts: Any) -> None:
    """Show how a question would be answered: the steps, the restrictions in them and the SQL."""
    with asker.session() as session:
        found = session.explain(*_metrics(metrics), **_keywords(**parts))
    if form == "json":
        print_json({"text": found.text, "sql": found.sql})
    else:
        click.echo(found.sql if only_sql else f"{found.text}\n\n{found.sql}")


@click.command(
    epilog=examples(
        "workbench sql 'select carrier, count(*) as flights from gold.flights group by all'",
        "workbench sql - < question.sql > answer.csv --format csv",
    )
)
@click.argument("text")
@printed()
@as_someone
def sql(asker: Asker, text: str, form: str, out: Path | None) -> None:
    """Run one SELECT over the tables you may read; TEXT is the statement, or - for stdin."""
    statement = sys.stdin.read() if text == "-" else text
    with asker.session() as session:
        print_answer(session.sql(statement), form, out)


@click.command(
    epilog=examples(
        "workbench saved monthly_operations",
        "workbench saved worst_routes --format json",
        "workbench saved routes_of_airline --set carrier=DL --set most=3",
    )
)
@click.argument("name", default="")
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="A parameter of the saved query.")
@printed()
@as_someone
def saved(asker: Asker, name: str, given: tuple[str, ...], form: str, out: Path | None) -> None:
    """Answer the saved query NAME; without one, those that there are are named."""
    values = dict(one.partition("=")[::2] for one in given)
    if wrong := next((one for one in given if "=" not in one), None):
        raise click.UsageError(f"'{wrong}' sets nothing: write --set NAME=VALUE")
    with asker.session() as session:
        print_answer(session.saved(name, **values), form, out)


def _metrics(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Names of metrics; the words of a notebook's %metric are options here."""
    words = _words(texts)
    said = next((word for word in words if word.lower() in ("by", "where", "having", "order", "limit", "time")), None)
    if said is not None:
        option = "order-by" if said.lower() == "order" else said.lower()
        raise click.UsageError(f"'{said}' is an option here: write --{option} ...")
    return words


def _words(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Words parted by commas or given one by one."""
    return tuple(word.strip() for text in texts for word in text.split(",") if word.strip())


def _keywords(
    by: tuple[str, ...],
    where: tuple[str, ...],
    having: tuple[str, ...],
    order_by: tuple[str, ...],
    limit: int | None,
    time: str | None,
    compare: str | None,
    share_of: tuple[str, ...],
    totals: tuple[str, ...],
    top: str | None,
    fill: bool,
    extremes: bool,
    every_row: bool,
    timezone: str,
) -> dict[str, Any]:
    from workbench.show.grammar import parse_time

    return {
        "by": _words(by),
        "where": list(where) or None,
        "having": list(having) or None,
        "order_by": _words(order_by),
        "limit": limit,
        "time": parse_time(time) if time else None,
        "compare": compare,
        "share_of": _words(share_of),
        "totals": _words(totals),
        "top": top,
        "fill": fill,
        "extremes": extremes,
        "every_row": every_row,
        "timezone": timezone,
    }
