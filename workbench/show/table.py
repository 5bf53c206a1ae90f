"""Rows to a table a person reads: aligned text for a terminal, HTML for a page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from workbench.errors import count
from workbench.session.answer import Answer, AnswerColumn
from workbench.show.format import NOTHING, cell_text, digits_for, labels_of, unit_text
from workbench.show.totals import shown_columns, shown_rows, words

ROWS = 20
WIDEST = 60

_CELL = "padding:4px 12px 4px 0;border:0;border-bottom:1px solid rgba(128,135,145,.22);vertical-align:top;"
_HEAD = _CELL + "font-weight:600;color:inherit;opacity:.75;white-space:nowrap;"


def headings(columns: Sequence[AnswerColumn]) -> list[str]:
    """Column headings: the label, and the unit where the values do not carry it."""
    out = []
    for column, label in zip(columns, labels_of(columns), strict=True):
        unit = unit_text(column.unit, column.format)
        said = not unit or unit.lower() in label.lower()
        out.append(label if said else f"{label} ({unit})")
    return out


def cells(answer: Answer, rows: int = ROWS) -> list[list[str]]:
    """The first rows as text, every number of a column with the same decimals."""
    columns = shown_columns(answer)
    data = shown_rows(answer, rows)
    digits = {c.name: digits_for((r[c.name] for r, _ in data), c.format, c.unit) for c in columns if _is_number(c)}
    out = []
    for row, total in data:
        said = words(answer, total)
        out.append([said.get(c.name, cell_text(row[c.name], c, digits=digits.get(c.name))) for c in columns])
    return out


def text_table(answer: Answer, rows: int = ROWS) -> str:
    """An aligned table for a terminal, numbers to the right."""
    heads = [c.name for c in shown_columns(answer)]
    body = [[_clip(cell) for cell in row] for row in cells(answer, rows)]
    widths = [max(map(len, column)) for column in zip(heads, *body, strict=True)] if heads else []
    right = [_is_number(c) for c in shown_columns(answer)]
    lines = [_aligned(heads, widths, right), "  ".join("─" * w for w in widths)]
    lines.extend(_aligned(row, widths, right) for row in body)
    return "\n".join([*lines, *filter(None, [more(answer, rows)])])


def html_table(answer: Answer, rows: int = ROWS) -> str:
    """An HTML table without scripts or style sheets; every cell escaped."""
    columns = shown_columns(answer)
    heads = "".join(
        f'<th scope="col" style="{_HEAD}text-align:{_side(c)}">{escape(h)}</th>'
        for c, h in zip(columns, headings(columns), strict=True)
    )
    body = "".join(
        f'<tr style="background:none{";font-weight:600" if total else ""}">'
        + "".join(_html_cell(c, text) for c, text in zip(columns, row, strict=True))
        + "</tr>"
        for row, (_, total) in zip(cells(answer, rows), shown_rows(answer, rows), strict=True)
    )
    rest = more(answer, rows)
    table = (
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;font-size:13px;margin:0">'
        f'<thead><tr style="background:none">{heads}</tr></thead><tbody>{body}</tbody></table></div>'
    )
    return table + (f'<div style="opacity:.7;font-size:12px;padding:4px 0">{escape(rest)}</div>' if rest else "")


def more(answer: Answer, rows: int) -> str:
    """What a shortened table leaves out, in words."""
    left = len(answer) - len(shown_rows(answer, rows))
    if len(answer) == 0:
        return "no rows"
    return f"… {count(left, 'more row')}".replace(",", "\u202f") if left > 0 else ""


def _html_cell(column: AnswerColumn, text: str) -> str:
    figures = "font-variant-numeric:tabular-nums;white-space:nowrap;" if _is_number(column) else ""
    quiet = "opacity:.55;" if text in (NOTHING, "(none)") else ""
    return f'<td style="{_CELL}{figures}{quiet}text-align:{_side(column)}">{escape(text)}</td>'


def _is_number(column: AnswerColumn) -> bool:
    return column.role == "metric" or (column.kind == "number" and column.role == "column")


def _side(column: AnswerColumn) -> str:
    return "right" if _is_number(column) else "left"


def _aligned(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True))
    return "  ".join(padded).rstrip()


def _clip(text: str) -> str:
    line = text.replace("\n", "⏎").replace("\r", "")
    return line if len(line) <= WIDEST else line[: WIDEST - 1] + "…"
