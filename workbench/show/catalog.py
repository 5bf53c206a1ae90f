"""What a viewer may ask for to pages: a searchable list of metrics, and one page for each."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from itertools import groupby

from workbench.errors import WorkbenchError, count
from workbench.session.catalog import DimensionCard, MetricCard
from workbench.session.door import Door
from workbench.show.card import cards_html, metric_html
from workbench.show.frame import page


def catalog_html(session: Door, words: str, *, name: str) -> str:
    """The metrics by domain, or what fits the words searched for."""
    if words.strip():
        found = tuple(session.search(words))
        listed = _links(c for c in found if isinstance(c, MetricCard))
        listed += _section("Dimensions", cards_html([c for c in found if isinstance(c, DimensionCard)]))
        heading = f"{len(found)} found for “{escape(words)}”"
    else:
        by_domain = sorted(session.metrics, key=lambda c: (c.domain, c.label))
        listed = "".join(
            _section(domain.capitalize() or "Other", _links(cards))
            for domain, cards in groupby(by_domain, key=lambda c: c.domain)
        )
        heading = count(len(session.metrics), "metric")
    body = (
        f'<h1>Catalogue</h1><form action="/catalog" role="search"><input type="search" name="q" '
        f'value="{escape(words)}" placeholder="Search names, synonyms, descriptions" aria-label="Search"></form>'
        f'<p class="quiet">{heading}</p>{listed}'
    )
    return page(f"Catalogue · {name}", body, name=name, who=session.principal.name, here="/catalog")


def metric_page_html(session: Door, metric: str, *, name: str) -> str:
    """One metric: its definition, where its numbers come from, what it may be grouped by, who shows it."""
    card = next((c for c in session.metrics if c.name == metric), None)
    if card is None:
        hint = "".join(f'<li><a href="/catalog/{escape(c)}">{escape(c)}</a></li>' for c in _near(session, metric))
        body = f"<h1>No metric of that name</h1><p>There is no metric ‘{escape(metric)}’.</p><ul>{hint}</ul>"
        return page(f"{metric} · {name}", body, name=name, who=session.principal.name)
    shown = [
        f'<li><a href="/{escape(key)}">{escape(board.title)}</a></li>'
        for key, board in session.dashboards.items()
        if any(metric in tile.metrics() for row in board.rows for tile in row)
    ]
    boards = f"<ul>{''.join(shown)}</ul>" if shown else ""
    body = (
        f'<p><a href="/catalog">Catalogue</a></p><h1>{escape(card.label)}</h1>'
        f'<div class="sheet">{metric_html(card)}</div>'
        f"{_section('Where the numbers come from', _list(_lineage(session, metric)))}"
        f"{_section('Shown on', boards)}"
        f"{_section('May be grouped and filtered by', cards_html(session.dimensions(metric)))}"
    )
    return page(f"{card.label} · {name}", body, name=name, who=session.principal.name, here="/catalog")


def _lineage(session: Door, metric: str) -> tuple[str, ...]:
    """The columns a metric reads; a metric that cannot be answered right now says why instead."""
    try:
        return session.query(metric).lineage
    except WorkbenchError as error:
        return tuple(problem.message for problem in error.problems)


def _near(session: Door, name: str) -> list[str]:
    words = set(name.lower().split("_"))
    return [c.name for c in session.metrics if words & set(c.name.split("_"))][:8]


def _links(cards: Iterable[MetricCard]) -> str:
    sheets = "".join(
        f'<a class="sheet" href="/catalog/{escape(c.name)}"><b>{escape(c.label)}</b> <code class="quiet">'
        f'{escape(c.name)}</code><p class="quiet">{escape(c.description.split(". ")[0].rstrip("."))}</p></a>'
        for c in cards
    )
    return f'<div class="sheets">{sheets}</div>' if sheets else ""


def _list(items: Iterable[str]) -> str:
    listed = "".join(f"<li><code>{escape(item)}</code></li>" for item in items)
    return f"<ul>{listed}</ul>" if listed else ""


def _section(title: str, body: str) -> str:
    return f"<h2>{escape(title)}</h2>{body}" if body and "nothing to show" not in body else ""
