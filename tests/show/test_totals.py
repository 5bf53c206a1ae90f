"""Rows of totals: last and bold, in words and not as groups without a name, and never in a picture."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from tests.show.answers import AIRLINE, FLIGHTS, MONTH, ORIGIN, RATE, answer
from workbench.session.answer import AnswerColumn
from workbench.show.card import answer_html
from workbench.show.chart import chart
from workbench.show.format import cell_text
from workbench.show.table import cells, html_table, text_table
from workbench.show.totals import shown_columns

MARKER = AnswerColumn("total", "total", "text", "Total")
GRAND, BY_ORIGIN = "total", "total by origin.name"


def test_a_total_is_told_from_a_group_without_a_name() -> None:
    rows = [("AA", "JFK", 2, None), (None, "JFK", 1, None), (None, None, 3, GRAND), (None, "JFK", 3, BY_ORIGIN)]
    made = answer([AIRLINE, ORIGIN, FLIGHTS, MARKER], rows)
    assert cells(made) == [["AA", "JFK", "2"], ["(none)", "JFK", "1"], ["total", "", "3"], ["total", "JFK", "3"]]
    assert html_table(made).count("background:none;font-weight:600") == 2
    assert "total by" not in text_table(made)


def test_without_groups_the_marker_itself_is_shown() -> None:
    made = answer([FLIGHTS, MARKER], [(3, None), (3, GRAND)])
    assert [c.name for c in shown_columns(made)] == ["flights", "total"]
    assert cells(made) == [["3", "–"], ["3", "total"]]


def test_a_shortened_table_keeps_its_totals() -> None:
    rows = [*((f"A{i}", i, None) for i in range(50)), (None, 1225, GRAND)]
    text = text_table(answer([AIRLINE, FLIGHTS, MARKER], rows), 20)
    assert "A19" in text
    assert "A20" not in text
    assert text.index("1\u202f225") < text.index("… 30 more rows")


def test_pictures_leave_totals_changes_and_shares_out() -> None:
    prior = replace(FLIGHTS, name="flights.prior", label="Flights, prior", aspect="prior")
    change = replace(FLIGHTS, name="flights.change", label="Flights, change", aspect="change")
    share = replace(RATE, name="flights.share", label="Flights, share", aspect="share")
    rows = [*((date(2013, m, 1), m, m - 1, 1, 0.1, None) for m in (1, 2, 3)), (None, 600, 300, 300, None, GRAND)]
    drawn = chart(answer([MONTH, FLIGHTS, prior, change, share, MARKER], rows))
    assert drawn is not None
    assert drawn.title == "Flights by Month"
    assert max(value["y"] for value in drawn.spec["data"]["values"]) == 3
    made = answer([AIRLINE, FLIGHTS, MARKER], [("AA", 2, None), (None, 2, GRAND)])
    assert "total" not in str(chart(made).spec)  # type: ignore[union-attr]
    assert "<img" in answer_html(made)


def test_a_change_says_its_direction_and_points() -> None:
    change = replace(RATE, name="rate.change", aspect="change")
    assert cell_text(0.012, change, digits=1) == "+1.2\u202fpp"
    assert cell_text(-0.012, change, digits=1) == "−1.2\u202fpp"
    assert cell_text(-3, replace(FLIGHTS, aspect="change")) == "−3"
