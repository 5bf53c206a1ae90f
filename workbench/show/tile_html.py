"""A number with its change, its trend and its definition to the HTML of one tile; no script, no outside request."""

from __future__ import annotations

from html import escape
from itertools import count

from workbench.errors import WorkbenchError
from workbench.show.ask import Reading
from workbench.show.card import metric_html
from workbench.show.dates import date_text, span_text
from workbench.show.format import NOTHING, as_number, change_text, metric_text, number_text
from workbench.show.palette import BAD, FLAT, GOOD
from workbench.show.sparkline import sparkline
from workbench.show.state import PageState

_IDS = count(1)

STYLE = """
<style>
:host { color: inherit; }
.tile { font: inherit; line-height: 1.35; }
.name { display: flex; align-items: center; gap: 6px; font-size: 13px; opacity: .72; min-height: 22px; }
.value { font-size: clamp(24px, 2.6vw, 34px); font-weight: 600; letter-spacing: -.02em; white-space: nowrap;
  margin: 2px 0; font-variant-numeric: tabular-nums; }
.under { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 8px; font-size: 12.5px; min-height: 20px; }
.change { font-weight: 600; white-space: nowrap; } .quiet { opacity: .65; }
.trend { margin-top: 8px; height: 34px; } .trend svg { max-width: 100%; }
.about { all: unset; flex: none; cursor: pointer;
  width: 16px; height: 16px; border-radius: 50%; border: 1px solid currentColor;
  opacity: .6; font: italic 600 11px/16px Georgia, serif; text-align: center; }
.about:focus-visible { outline: 2px solid #3f7fd4; } .about:hover { opacity: 1; }
[popover] { max-width: min(420px, 88vw); border: 1px solid rgba(128,135,145,.35); border-radius: 12px;
  padding: 12px 16px; font-size: 13px; box-shadow: 0 12px 40px rgba(0,0,0,.22); background: Canvas; color: CanvasText; }
.wrong { font-size: 13px; padding: 8px 12px; border-left: 3px solid #d2524a; overflow-wrap: anywhere; }
</style>
"""


def number_html(reading: Reading, state: PageState, title: str = "") -> str:
    """The tile of one number: value, change against the prior period, trend, definition behind an 'i'."""
    column, card = reading.column, reading.card
    change, colour, against = _change(reading)
    trend = sparkline([value for _, value in reading.trend], label=escape(f"{card.label} over time"))
    return (
        f'{STYLE}<div class="tile"><div class="name"><span>{escape(title or card.label)}</span>{_about(reading)}'
        f"{_freshness(reading, state)}</div>"
        f'<div class="value">{escape(metric_text(reading.value, column, compact=True))}</div>'
        f'<div class="under"><span class="change" style="color:{colour}">{escape(change)}</span>'
        f'<span class="quiet">{escape(against)}</span></div><div class="trend">{trend}</div></div>'
    )


def error_html(error: WorkbenchError | str) -> str:
    """What a tile shows in place of its picture when its question has no answer: the message, nothing else."""
    said = error if isinstance(error, str) else " ".join(f"{p.message} {p.hint}".strip() for p in error.problems)
    return f'{STYLE}<div class="wrong" role="alert">{escape(said)}</div>'


def prose_html(text: str) -> str:
    """A text tile's Markdown; HTML inside it stays text, and no picture is fetched from anywhere."""
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image").render(text)
    return f'<div style="font-size:14px;line-height:1.55;max-width:90ch">{body}</div>'


def _change(reading: Reading) -> tuple[str, str, str]:
    """The change in words, its colour, and what it is compared to."""
    column, card = reading.column, reading.card
    if reading.prior_span is None:
        return NOTHING, FLAT, "no complete period yet"
    against = f"vs {span_text(reading.prior_span.start, reading.prior_span.end)}"
    now, then = as_number(reading.compared), as_number(reading.prior)
    # A count of nothing is 0, not NULL: before the data begins there is nothing to compare with either.
    if now is None or then is None or then == 0:
        return NOTHING, FLAT, f"{against}: no data"
    words = change_text(now, then, column.unit, column.format)
    if now == then or card.better is None:
        return words, FLAT, against
    good = (now > then) == (card.better == "higher")
    return f"{'▲' if now > then else '▼'} {words}", GOOD if good else BAD, against


def _about(reading: Reading) -> str:
    """An 'i' that opens the definition in the browser's own top layer: no script, and a keyboard reaches it."""
    name = f"about-{next(_IDS)}"
    label, hover = escape(f"What {reading.card.label} means"), escape(_hover(reading))
    exact = escape(number_text(reading.value, reading.column.unit, reading.column.format))
    return (
        f'<button class="about" popovertarget="{name}" aria-label="{label}" title="{hover}">i</button>'
        f'<div popover id="{name}"><div class="quiet">exactly {exact}</div>{metric_html(reading.card)}</div>'
    )


def _hover(reading: Reading) -> str:
    card = reading.card
    rule = card.expr + (f" where {card.filter}" if card.filter else "")
    return "\n".join(filter(None, (card.description, rule, f"owner: {card.owner}" if card.owner else "")))


def _freshness(reading: Reading, state: PageState) -> str:
    """A dot: green where the data covers the range, amber with the day where it ends before."""
    until = reading.card.fresh_until
    if until is None:
        return ""
    day = date_text(until, "day")
    late = state.span is not None and until.date() < state.span.end
    colour, said = ("#d0782a", f"data ends {day}, before the range does") if late else (GOOD, f"data until {day}")
    return (
        f'<span role="img" aria-label="{said}" title="{said}" style="width:8px;height:8px;border-radius:50%;'
        f'background:{colour};margin-left:auto;flex:none"></span>'
    )
