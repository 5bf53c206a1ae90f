"""Cards, answers and lists of them to HTML without scripts or outside requests, and to plain text."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape

from workbench.errors import count
from workbench.session.answer import Answer
from workbench.session.catalog import DimensionCard, MetricCard, ModelCard
from workbench.show.chart import chart
from workbench.show.dates import date_text
from workbench.show.format import metric_text, unit_text
from workbench.show.palette import BAD, FLAT, GOOD, SERIES
from workbench.show.table import html_table, text_table

Card = MetricCard | DimensionCard | ModelCard

_STATES = {"public": GOOD, "internal": FLAT, "ad hoc": BAD}
_BOX = "font-family:inherit;font-size:13px;line-height:1.5;max-width:760px;color:inherit"
_FOLD = "margin:6px 0 0 0"
_SUMMARY = "cursor:pointer;opacity:.75;font-size:12px"
_NOTE = f"font-size:12px;margin-top:8px;padding-left:8px;border-left:3px solid {SERIES[1]}"
_CODE = (
    "white-space:pre-wrap;font-size:12px;margin:4px 0;padding:8px 10px;border-radius:6px;"
    "background:rgba(128,135,145,.12);color:inherit"
)


def answer_html(answer: Answer) -> str:
    """An answer as one card: the picture or the table, what was asked, what applied, where it comes from."""
    picture = _picture(answer)
    table = html_table(answer)
    shown = picture + _fold(f"Table, {_rows(answer)}", table) if picture else table
    parts = [
        shown,
        "".join(_fold(f"What “{card.label}” means", metric_html(card)) for card in answer.metrics),
        "".join(f'<div style="color:{BAD};margin-top:6px">{escape(said)}</div>' for said in answer.warnings),
        _restrictions(answer),
        _fold("SQL", f'<pre style="{_CODE}">{escape(answer.sql)}</pre>') if answer.sql else "",
        f'<div style="opacity:.6;font-size:11px;margin-top:8px">{escape(provenance(answer))}</div>',
    ]
    return f'<div style="{_BOX}">{"".join(parts)}</div>'


def answer_text(answer: Answer) -> str:
    """An answer for a terminal: the table, then the restrictions and the provenance in a line each."""
    notes = [*answer.warnings, restrictions_text(answer.restrictions), provenance(answer)]
    return "\n".join([text_table(answer), "", *filter(None, notes)])


def restrictions_text(restrictions: Sequence[str]) -> str:
    """The rules that shaped an answer, in one sentence."""
    if not restrictions:
        return ""
    said = "; ".join(r.rstrip(".") for r in restrictions)
    return f"{count(len(restrictions), 'rule')} applied: {said}."


def provenance(answer: Answer) -> str:
    """Who asked, how long it took, how many rows came back and how fresh they are."""
    fresh = sorted(c.fresh_until for c in answer.metrics if c.fresh_until)
    parts = [
        f"asked by {answer.asker}" if answer.asker else "",
        f"{answer.seconds:.2f} s",
        _rows(answer),
        f"data until {date_text(fresh[0], 'day')}" if fresh else "",
    ]
    return " · ".join(filter(None, parts))


def metric_html(card: MetricCard) -> str:
    """One metric's definition card."""
    badge = _badge(card.state, _STATES[card.state])
    gone = _badge(deprecation(card), BAD) if deprecation(card) else ""
    facts = "".join(
        f"<tr style='background:none'>{_fact(name)}{_fact(value, code)}</tr>"
        for name, value, code in metric_facts(card)
        if value
    )
    return (
        f'<div style="padding:6px 0 2px 0"><strong>{escape(card.label)}</strong> <code>{escape(card.name)}</code> '
        f'{badge}{gone}<div style="margin:2px 0 4px 0">{escape(card.description)}</div>'
        f'<table style="border-collapse:collapse;font-size:12px;margin:0">{facts}</table></div>'
    )


def metric_facts(card: MetricCard) -> list[tuple[str, str, bool]]:
    """The rows of a definition card: what, its value, and whether it is code."""
    return [
        ("definition", card.expr, True),
        ("filter", card.filter, True),
        ("from", ", ".join(card.models), False),
        ("owner", card.owner, False),
        ("unit", unit_text(card.unit) or card.unit, False),
        ("good news", {"higher": "higher is better", "lower": "lower is better", None: ""}[card.better], False),
        ("fresh", f"data until {date_text(card.fresh_until, 'day')}" if card.fresh_until else "", False),
        ("checked by", count(card.tests, "test") if card.tests else "no tests yet", False),
        ("also called", ", ".join(card.synonyms), False),
        ("file", card.place.rsplit(":", 1)[0] if card.place.count(":") > 1 else card.place, False),
    ]


def deprecation(card: MetricCard) -> str:
    """A sentence for a metric that is on its way out; nothing for the others."""
    if not card.deprecated_since:
        return ""
    until = f" until {date_text(card.deprecated_until)}" if card.deprecated_until else ""
    return f"deprecated{until}" + (f", use {card.replaced_by}" if card.replaced_by else "")


def cards_html(cards: Sequence[Card]) -> str:
    """A list of cards, one folded line each."""
    return f'<div style="{_BOX}">{"".join(map(_line, cards)) or "nothing to show"}</div>'


def cards_text(cards: Sequence[Card]) -> str:
    """A list of cards for a terminal: name, label and the first sentence of the description."""
    rows = [(_name(c), c.label, c.description.split(". ")[0].strip()) for c in cards]
    if not rows:
        return "nothing to show"
    wide = [min(40, max(len(r[i]) for r in rows)) for i in (0, 1)]
    return "\n".join(f"{n.ljust(wide[0])}  {label.ljust(wide[1])}  {text}".rstrip() for n, label, text in rows)


def _line(card: Card) -> str:
    badges = _badge(card.state, _STATES[card.state]) if isinstance(card, MetricCard) and card.state != "public" else ""
    if isinstance(card, MetricCard) and deprecation(card):
        badges += _badge("deprecated", BAD)
    if isinstance(card, DimensionCard) and card.masked:
        badges += _badge("masked", FLAT)
    head = f"<code>{escape(_name(card))}</code> {escape(card.label)}{badges}"
    first = escape(card.description.split(". ")[0].rstrip("."))
    body = metric_html(card) if isinstance(card, MetricCard) else _facts_html(card)
    return (
        f'<details style="padding:3px 0;border-bottom:1px solid rgba(128,135,145,.18)"><summary style="cursor:pointer">'
        f'{head} <span style="opacity:.65">{first}</span></summary>{body}</details>'
    )


def _facts_html(card: DimensionCard | ModelCard) -> str:
    facts: list[tuple[str, str]] = [("description", card.description)]
    if isinstance(card, DimensionCard):
        facts += [("model", card.model), ("type", card.type), ("grains", ", ".join(card.grains))]
        facts += [("also called", ", ".join(card.synonyms))]
    else:
        facts += [("table", card.table), ("key", ", ".join(card.primary_key)), ("owner", card.owner)]
        facts += [("relationships", ", ".join(card.relationships)), ("dimensions", ", ".join(card.dimensions))]
        facts += [("metrics", ", ".join(card.metrics)), ("file", card.place)]
    rows = "".join(f"<tr style='background:none'>{_fact(name)}{_fact(value)}</tr>" for name, value in facts if value)
    return f'<table style="border-collapse:collapse;font-size:12px;margin:4px 0">{rows}</table>'


def _picture(answer: Answer) -> str:
    """The drawing as an image element: its ids stay its own, and an untrusted notebook still shows it."""
    if not answer.metrics:
        return ""
    if len(answer) == 1 and not any(c.role == "dimension" for c in answer.columns):
        return _numbers(answer)
    drawn = chart(answer)
    if drawn is None:
        return ""
    data = b64encode(drawn.svg().encode()).decode()
    return f'<img alt="{escape(drawn.title)}" style="max-width:100%" src="data:image/svg+xml;base64,{data}">'


def _numbers(answer: Answer) -> str:
    row = answer.rows()[0]
    tiles = "".join(
        f'<div style="margin:0 36px 6px 0"><div style="font-size:12px;opacity:.7">{escape(c.label)}</div>'
        f'<div style="font-size:28px;font-weight:600;color:{SERIES[0]}">{escape(metric_text(row[c.name], c))}</div>'
        "</div>"
        for c in answer.columns
    )
    return f'<div style="display:flex;flex-wrap:wrap">{tiles}</div>'


def _restrictions(answer: Answer) -> str:
    sentence = restrictions_text(answer.restrictions)
    return f'<div style="{_NOTE}">{escape(sentence)}</div>' if sentence else ""


def _rows(answer: Answer) -> str:
    return count(len(answer), "row").replace(",", "\u202f")


def _fold(title: str, body: str) -> str:
    return f'<details style="{_FOLD}"><summary style="{_SUMMARY}">{escape(title)}</summary>{body}</details>'


def _badge(text: str, colour: str) -> str:
    return (
        f' <span style="font-size:11px;padding:0 7px;border-radius:9px;border:1px solid {colour};color:{colour};'
        f'white-space:nowrap">{escape(text)}</span>'
    )


def _fact(text: str, code: bool = False) -> str:
    body = f"<code>{escape(text)}</code>" if code else escape(text)
    return f'<td style="padding:1px 14px 1px 0;border:0;text-align:left;vertical-align:top">{body}</td>'


def _name(card: Card) -> str:
    return card.path if isinstance(card, DimensionCard) else card.name
