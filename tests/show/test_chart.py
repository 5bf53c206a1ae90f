"""Which picture an answer becomes, and that it is drawn without reaching out."""

from __future__ import annotations

import re
from datetime import date

import pytest

from tests.show.answers import AIRLINE, DELAY, FLIGHTS, MONTH, ORIGIN, RATE, WEEKDAY, answer, by_month
from workbench.declare.question import Question
from workbench.show.chart import Chart, chart
from workbench.show.palette import INK, SERIES

BARS = [("United", 5), ("Delta", 9), (None, 1)]


def _drawn(made: Chart | None) -> Chart:
    assert made is not None
    return made


def test_one_metric_over_time_is_a_line() -> None:
    spec = _drawn(chart(by_month(FLIGHTS))).spec
    assert spec["mark"]["type"] == "line"
    assert "color" not in spec["encoding"]
    assert [v["when"] for v in spec["data"]["values"]][:2] == ["Jan 2013", "Feb 2013"]


def test_a_second_dimension_makes_series() -> None:
    rows = [(date(2013, m, 1), who, m) for m in (1, 2) for who in ("Delta", None)]
    spec = _drawn(chart(answer([MONTH, AIRLINE, FLIGHTS], rows))).spec
    assert set(spec["encoding"]["color"]["scale"]["domain"]) == {"Delta", "(none)"}


def test_series_are_kept_few() -> None:
    rows = [(date(2013, m, 1), f"airline {i}", i) for m in (1, 2) for i in range(30)]
    domain = _drawn(chart(answer([MONTH, AIRLINE, FLIGHTS], rows))).spec["encoding"]["color"]["scale"]["domain"]
    assert domain == [f"airline {i}" for i in range(29, 21, -1)]


def test_metrics_of_different_units_never_share_an_axis() -> None:
    spec = _drawn(chart(by_month(FLIGHTS, RATE, DELAY))).spec
    assert [plot["title"] for plot in spec["vconcat"]] == ["Flights", "Cancellation rate", "Delay"]


def test_one_category_is_a_ranked_bar() -> None:
    values = _drawn(chart(answer([AIRLINE, FLIGHTS], BARS))).spec["data"]["values"]
    assert [(v["c"], v["text"]) for v in values] == [("Delta", "9"), ("United", "5"), ("(none)", "1")]


def test_an_asked_order_is_kept() -> None:
    asked = Question(metrics=("flights",), by=("airline.name",), order_by=("flights",))
    values = _drawn(chart(answer([AIRLINE, FLIGHTS], BARS, question=asked))).spec["data"]["values"]
    assert [v["c"] for v in values] == ["United", "Delta", "(none)"]


def test_a_date_part_keeps_its_order() -> None:
    values = _drawn(chart(answer([WEEKDAY, FLIGHTS], [(3, 1), (1, 2), (None, 3)]))).spec["data"]["values"]
    assert [v["c"] for v in values] == ["Mon", "Wed", "(none)"]


def test_numbers_alone_are_numbers() -> None:
    spec = _drawn(chart(answer([FLIGHTS, RATE], [(336776, 0.0246)]))).spec
    assert [card["data"]["values"][0]["big"] for card in spec["hconcat"]] == ["337k", "2.5%"]


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        ([AIRLINE, ORIGIN, FLIGHTS], [("United", "EWR", 1)]),
        ([MONTH, AIRLINE, ORIGIN, FLIGHTS], [(date(2013, 1, 1), "United", "EWR", 1)]),
        ([AIRLINE], [("United",)]),
        ([AIRLINE, FLIGHTS], []),
        ([MONTH, FLIGHTS], [(date(2013, 1, 1), 3)]),
    ],
)
def test_where_a_table_says_more_there_is_no_picture(columns: list, rows: list) -> None:  # type: ignore[type-arg]
    assert chart(answer(columns, rows)) is None


@pytest.mark.parametrize(
    "made",
    [by_month(FLIGHTS), by_month(FLIGHTS, RATE), answer([AIRLINE, FLIGHTS], BARS), answer([FLIGHTS], [(2.705e6,)])],
)
def test_svg_holds_no_script_no_address_and_no_exponent(made: object) -> None:
    svg = _drawn(chart(made)).svg()  # type: ignore[arg-type]
    assert svg.startswith("<svg")
    assert "<script" not in svg
    assert set(re.findall(r"https?://[^\"' ]+", svg)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert not re.search(r"\de\+\d", svg)


def test_large_axes_are_compact() -> None:
    rows = [(date(2013, m, 1), m * 1_000_000) for m in (1, 2, 3)]
    svg = _drawn(chart(answer([MONTH, FLIGHTS], rows))).svg()
    assert ">3M<" in svg
    assert ">Jan<" in svg
    assert ">2013<" in svg


def test_a_day_is_not_moved_by_a_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Pacific/Honolulu")
    day = AIRLINE.__class__("day", "dimension", "time", "Day", grain="day")
    svg = _drawn(chart(answer([day, FLIGHTS], [(date(2013, 3, 1), 1), (date(2013, 3, 2), 2)]))).svg()
    assert ">1 Mar<" in svg
    assert "28 Feb" not in svg


def test_a_chart_shows_as_svg() -> None:
    bundle = _drawn(chart(by_month(FLIGHTS)))._repr_mimebundle_()
    assert set(bundle) == {"image/svg+xml", "text/plain"}
    assert bundle["text/plain"] == "<Chart: Flights by Month>"


@pytest.mark.parametrize("colour", [*SERIES, INK])
def test_colours_stand_out_on_white_and_on_black(colour: str) -> None:
    for ground in ("#ffffff", "#121212"):
        light, dark = sorted((_luminance(colour), _luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
