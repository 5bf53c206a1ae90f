"""Tiles ask the real session, and agree with SQL over the same rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from workbench.declare.dashboard import Dashboard, Tile
from workbench.errors import WorkbenchError
from workbench.session.session import Session
from workbench.show.ask import Desk, Reading, finished, held_span, key, tiles_of
from workbench.show.periods import Span
from workbench.show.state import PageState
from workbench.show.tile_html import error_html, number_html, prose_html

HALF = PageState(Span(date(2013, 7, 1), date(2013, 12, 31)), "month")
WHOLE = PageState(Span(date(2013, 1, 1), date(2013, 12, 31)), "month")
FLIGHTS = Tile(number="flights")


@pytest.fixture(scope="module")
def desk(session: Session) -> Desk:
    return Desk(session, {card.path: card.type for card in session.dimensions("flights")})


def test_a_number_its_prior_and_its_trend(desk: Desk, session: Session) -> None:
    reading = _read(desk, FLIGHTS, HALF)
    counts = _counts(session, "count(*)")
    assert reading.value == reading.compared == sum(counts[6:])
    assert reading.prior == sum(counts[:6])
    assert reading.prior_span == Span(date(2013, 1, 1), date(2013, 6, 30))
    assert [value for _, value in reading.trend] == counts[6:]


def test_without_earlier_data_there_is_nothing_to_compare_with(desk: Desk) -> None:
    html = number_html(_read(desk, FLIGHTS, WHOLE), WHOLE)
    assert "vs 2012: no data" in html
    assert "▲" not in html
    assert "▼" not in html


def test_only_the_complete_part_is_compared(desk: Desk, session: Session) -> None:
    state = PageState(Span(date(2013, 12, 1), date(2014, 1, 31)), "month")
    reading = _read(desk, FLIGHTS, state)
    counts = _counts(session, "count(*)")
    assert (reading.compared, reading.prior) == (counts[11], counts[10])


def test_filters_reach_every_tile(desk: Desk, session: Session) -> None:
    state = WHOLE.choosing("airline.name", ["JetBlue Airways"]).choosing("origin.name", ["La Guardia"])
    wanted = session.sql("select count(*) n from gold.flights where carrier = 'B6' and origin = 'LGA'").rows()[0]["n"]
    assert _read(desk, FLIGHTS, state).value == wanted
    line = desk.tile(Tile(line=("flights",)), state)
    assert sum(row["flights"] for row in line.rows()) == wanted
    bar = desk.tile(Tile(bar="flights", by=("airline.name",)), state)
    assert bar.rows() == [{"airline.name": "JetBlue Airways", "flights": wanted}]


def test_choices_follow_the_other_filters_but_not_their_own(desk: Desk) -> None:
    state = WHOLE.choosing("origin.name", ["La Guardia"]).choosing("airline.name", ["JetBlue Airways"])
    airlines = desk.choices("airline.name", "flights", state)
    assert "JetBlue Airways" in airlines
    assert "Delta Air Lines Inc." in airlines
    assert "Hawaiian Airlines Inc." not in airlines
    assert "(none)" in desk.choices("destination.name", "flights", WHOLE)


def test_one_wrong_tile_leaves_the_others_alone(desk: Desk) -> None:
    wrong = Tile(number="flihts")
    readings = desk.readings([FLIGHTS, wrong], WHOLE)
    assert isinstance(readings[key("flights", None)], Reading)
    error = readings[key("flihts", None)]
    assert isinstance(error, WorkbenchError)
    assert "Did you mean &#x27;flights&#x27;" in error_html(error)


def test_bars_are_ranked_and_cut(desk: Desk) -> None:
    rows = desk.tile(Tile(bar="flights", by=("destination.name",), top=5), WHOLE).rows()
    values = [row["flights"] for row in rows]
    assert len(rows) == 5
    assert values == sorted(values, reverse=True)


def test_an_unfinished_period_is_left_out_and_named(desk: Desk) -> None:
    weekly = replace(WHOLE, grain="week")
    rows, unfinished = finished(desk.tile(Tile(line=("flights",)), weekly), "week")
    assert unfinished == date(2013, 12, 30)
    assert rows[-1]["metric_time.week"] == date(2013, 12, 23)


def test_a_page_without_a_range_opens_with_the_data(session: Session) -> None:
    assert held_span(session, "flights") == WHOLE.span


def test_every_tile_of_the_reference_dashboards_answers(session: Session, desk: Desk) -> None:
    for dashboard in session.dashboards.values():
        for tile in tiles_of(dashboard):
            if tile.kind in ("line", "bar", "table"):
                assert len(desk.tile(tile, WHOLE)) > 0
        readings = desk.readings(tiles_of(dashboard), WHOLE)
        assert all(isinstance(reading, Reading) for reading in readings.values())


@pytest.mark.parametrize(("better", "colour"), [("higher", "#1f9d6b"), ("lower", "#d2524a"), (None, "#808791")])
def test_good_news_is_green_whichever_way_it_goes(desk: Desk, better: str, colour: str) -> None:
    reading = replace(_read(desk, FLIGHTS, HALF), compared=110, prior=100)
    reading = replace(reading, card=replace(reading.card, better=better))
    assert f'style="color:{colour}">' in number_html(reading, HALF)


def test_hostile_names_stay_text(desk: Desk) -> None:
    reading = _read(desk, FLIGHTS, HALF)
    hostile = "</span><script>alert(1)</script>"
    reading = replace(reading, card=replace(reading.card, label=hostile, description=hostile, owner=hostile))
    assert "<script" not in number_html(reading, HALF, hostile)


def test_prose_is_words_not_code() -> None:
    html = prose_html("*so* <script>alert(1)</script> ![p](https://far.example/p.png) [x](javascript:alert(1))")
    assert "<em>so</em>" in html
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html


def _read(desk: Desk, tile: Tile, state: PageState) -> Reading:
    reading = desk.readings([tile], state)[key(tile.number or "", tile.where)]
    assert isinstance(reading, Reading)
    return reading


def _counts(session: Session, expression: str) -> list[int]:
    local = "timezone('America/New_York', scheduled_departure)"
    rows = session.sql(f"select month({local}) m, {expression} n from gold.flights group by m order by m").rows()
    return [row["n"] for row in rows]


def test_dashboard_terms_are_what_the_page_takes() -> None:
    made = Dashboard.model_validate({"dashboard": "d", "title": "D", "rows": [[{"number": "flights"}, {"text": "x"}]]})
    assert [tile.kind for tile in tiles_of(made)] == ["number", "text"]
