"""Cards hold what the answer says, and nothing a hostile value would add."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pytest

from tests.show.answers import AIRLINE, DELAY, FLIGHTS, ORIGIN, RATE, answer, by_month, card
from workbench.session.catalog import DimensionCard, ModelCard
from workbench.show.draw import draw, draw_cards

HOSTILE = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>"


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.sources: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.handlers.extend(name for name, _ in attrs if name.startswith("on"))
        self.sources.extend(value or "" for name, value in attrs if name in ("src", "href"))


def _elements(html: str) -> _Elements:
    found = _Elements()
    found.feed(html)
    return found


def _html(made: object) -> str:
    bundle = draw(made, "bundle")  # type: ignore[arg-type]
    assert isinstance(bundle, dict)
    return str(bundle["text/html"])


def test_an_answer_shows_picture_definition_rules_sql_and_provenance() -> None:
    html = _html(replace(by_month(FLIGHTS), restrictions=("flights: carrier is UA.", "tailnum: hidden")))
    for said in ("data:image/svg+xml", "What “Flights” means", "count(*)", "operations", "2 tests", "SELECT 1",
                 "data until 31 Dec 2013", "2 rules applied: flights: carrier is UA; tailnum: hidden.",
                 "asked by ana@example.com · 0.12 s · 12 rows", "metrics/flights.yml:3"):  # fmt: skip
        assert said in html


@pytest.mark.parametrize("columns", [[AIRLINE, FLIGHTS], [AIRLINE, ORIGIN, FLIGHTS]])
def test_hostile_values_labels_and_sql_stay_text(columns: list) -> None:  # type: ignore[type-arg]
    named = [replace(c, label=HOSTILE) for c in columns]
    cards = (card(FLIGHTS, label=HOSTILE, description=HOSTILE, expr=HOSTILE, owner=HOSTILE, place=HOSTILE),)
    row = tuple(HOSTILE if c.role == "dimension" else 1 for c in columns)
    found = _elements(_html(answer(named, [row], sql=HOSTILE, restrictions=(HOSTILE,), metrics=cards, asker=HOSTILE)))
    assert not found.tags & {"script", "iframe", "object", "style", "link"}
    assert not found.handlers
    assert all(source.startswith("data:image/svg+xml;base64,") for source in found.sources)


def test_hostile_cards_stay_text() -> None:
    model = ModelCard(HOSTILE, HOSTILE, HOSTILE, "", "", (), (), (), (), "")
    path = DimensionCard(HOSTILE, HOSTILE, HOSTILE, "categorical", HOSTILE)
    found = _elements(draw_cards([card(FLIGHTS, name=HOSTILE, synonyms=(HOSTILE,)), model, path])["text/html"])
    assert found.tags <= {"div", "details", "summary", "code", "span", "strong", "table", "tr", "td"}
    assert not found.handlers


def test_a_long_answer_says_what_it_leaves_out() -> None:
    made = answer([AIRLINE, ORIGIN, FLIGHTS], [(f"airline {i:02}", "EWR", i) for i in range(25)])
    html = _html(made)
    assert "airline 19" in html
    assert "airline 20" not in html
    assert "… 5 more rows" in html


def test_an_empty_answer_says_so() -> None:
    made = answer([AIRLINE, FLIGHTS], [])
    bundle = draw(made, "bundle")
    assert isinstance(bundle, dict)
    assert "no rows" in bundle["text/html"]
    assert "no rows" in bundle["text/plain"]


def test_text_is_aligned_and_headed_by_the_names_asked() -> None:
    bundle = draw(answer([AIRLINE, FLIGHTS, RATE], [("United", 58665, 0.0117), (None, 7, None)]), "bundle")
    assert isinstance(bundle, dict)
    assert bundle["text/plain"].replace("\u202f", " ").splitlines()[:4] == [
        "airline.name  flights  rate",
        "────────────  ───────  ────",
        "United         58 665  1.2%",
        "(none)              7     –",
    ]


def test_one_row_of_numbers_is_large_and_its_table_folded() -> None:
    html = _html(answer([FLIGHTS, DELAY], [(336776, 12.64)]))
    assert "336\u202f776" in html
    assert "12.6\u202fmin" in html
    assert "<details" in html


def test_a_deprecated_metric_names_its_successor() -> None:
    gone = card(
        FLIGHTS,
        deprecated_since=date(2026, 1, 1),
        deprecated_until=date(2027, 1, 1),
        replaced_by="departures",
        state="ad hoc",
    )
    html = draw_cards([gone])["text/html"]
    assert "deprecated until 1 Jan 2027, use departures" in html
    assert "ad hoc" in html


def test_lists_of_cards_read_in_a_terminal() -> None:
    masked = DimensionCard("aircraft.tailnum", "Tail number", "", "categorical", "planes", masked=True)
    bundle = draw_cards([card(FLIGHTS), masked])
    assert bundle["text/plain"].splitlines()[0] == "flights           Flights      What it counts"
    assert "masked" in bundle["text/html"]
    assert draw_cards([])["text/plain"] == "nothing to show"
