"""Rows to what stdout gets: a table for people; JSON, CSV or Parquet for programs."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.commands.exits import say, visible
from workbench.errors import Problem, WorkbenchError
from workbench.session.plain import plain

if TYPE_CHECKING:
    from workbench.session.answer import Answer

SHOWN = 1_000
"""Rows of a table printed for a person; other formats give all of them."""

Rows = Sequence[Mapping[str, Any]]


def print_rows(rows: Rows, columns: Sequence[str], form: str) -> None:
    """Plain records, such as a catalog's, in a format other than Parquet."""
    if form == "table":
        print_table(list(columns), [["" if r[c] is None else str(r[c]) for c in columns] for r in rows])
    else:
        click.echo(_text(rows, columns, form), nl=False)


def print_answer(answer: Answer, form: str, out: Path | None) -> None:
    """An answer on stdout or in a file, and what restricted it on stderr."""
    if out is not None and form == "table":
        form = {".json": "json", ".parquet": "parquet"}.get(out.suffix.lower(), "csv")
    if form == "table":
        from workbench.show.table import cells
        from workbench.show.totals import shown_columns, shown_rows

        columns = shown_columns(answer)
        numbers = [c.role == "metric" or (c.role == "column" and c.kind == "number") for c in columns]
        bold = [bool(total) for _, total in shown_rows(answer, SHOWN)]
        print_table([c.name for c in columns], cells(answer, SHOWN), numbers, bold)
        if len(answer) > len(bold):
            say(f"The first {SHOWN:,} of {len(answer):,} rows; --format csv gives all of them.")
    else:
        _write(_bytes(answer, form), out)
    for sentence in answer.warnings:
        say(f"Warning: {sentence}")
    for sentence in answer.restrictions:
        say(f"Restricted: {sentence}.")
    rows = "row" if len(answer) == 1 else "rows"
    say(f"{len(answer):,} {rows} in {answer.seconds:.2f} s{f', written to {out}' if out else ''}.")


def print_table(
    heads: list[str], rows: list[list[str]], numbers: Sequence[bool] = (), bold: Sequence[bool] = ()
) -> None:
    """Aligned columns; as wide as the terminal, or as wide as needed where there is none."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, width=None if terminal else 100_000, no_color=bool(os.environ.get("NO_COLOR")))
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for index, head in enumerate(heads):
        right = bool(numbers) and numbers[index]
        table.add_column(Text(visible(head)), justify="right" if right else "left", overflow="fold", no_wrap=right)
    for index, row in enumerate(rows):
        # Text, not str: a cell like [red] is data, never markup.
        table.add_row(*(Text(visible(cell)) for cell in row), style="bold" if bold and bold[index] else None)
    with console.capture() as captured:
        console.print(table)
    # Rich pads to the last column; a line without trailing blanks compares and greps better.
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def print_json(data: Any) -> None:
    """Any plain data as JSON."""
    click.echo(json.dumps(plain(data), indent=2, ensure_ascii=False, allow_nan=False))


def _bytes(answer: Answer, form: str) -> bytes:
    if form == "parquet":
        import pyarrow.parquet

        buffer = io.BytesIO()
        pyarrow.parquet.write_table(answer.to_arrow(), buffer)
        return buffer.getvalue()
    return _text(answer.rows(), [c.name for c in answer.columns], form).encode()


def _text(rows: Rows, columns: Sequence[str], form: str) -> str:
    if form == "json":
        return json.dumps(plain(rows), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        values = (plain(row[c]) for c in columns)
        # CSV has no lists of its own: the words of tags and grains go in with blanks between.
        writer.writerow([" ".join(map(str, value)) if isinstance(value, list) else value for value in values])
    return text.getvalue()


def _write(content: bytes, out: Path | None) -> None:
    if out is None:
        if content.startswith(b"PAR1") and sys.stdout.isatty():
            raise WorkbenchError(
                Problem("binary-output", "Parquet is not for a terminal.", hint="Add --out FILE, or pipe it.")
            )
        stream = sys.stdout.buffer
        stream.write(content)
        stream.flush()
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(content)
    except OSError as error:
        raise cannot_write(out, error) from None


def cannot_write(path: Path, error: OSError) -> WorkbenchError:
    """The error for a place that may not be written."""
    why = (error.strerror or str(error)).lower()
    return WorkbenchError(Problem("cannot-write", f"cannot write '{path}': {why}.", hint="Choose another place."))
