"""The colours and type of every picture: one palette, readable on white and on near-black."""

from __future__ import annotations

from typing import Any

SERIES = ("#3f7fd4", "#d0782a", "#2f9c86", "#c4527c", "#8f74d6", "#7f9430", "#b3823f", "#4f9ec0")
"""Told apart by lightness as well as by hue; at least 3:1 on white and on #121212."""

INK = "#808791"
"""Axis text: at least 3.6:1 on both grounds, so one drawing serves light and dark."""
RULE = "#80879138"
FONT = "Inter, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"
GOOD, BAD, FLAT = "#1f9d6b", "#d2524a", "#808791"

THIN = "\u202f"
LOCALE = {"number": {"decimal": ".", "thousands": THIN, "grouping": [3], "currency": ["", ""], "minus": "−"}}


def theme() -> dict[str, Any]:
    """The Vega-Lite configuration shared by notebook, report and dashboard."""
    axis = {
        "domain": False, "ticks": False, "labelColor": INK, "titleColor": INK, "gridColor": RULE, "labelFontSize": 11,
        "titleFontSize": 11, "titleFontWeight": "normal", "labelPadding": 6, "gridWidth": 1,
    }  # fmt: skip
    return {
        "background": None,
        "font": FONT,
        "locale": LOCALE,
        "view": {"stroke": None},
        "axis": axis,
        "axisX": {"grid": False},
        "range": {"category": list(SERIES)},
        "legend": {"labelColor": INK, "titleColor": INK, "orient": "bottom", "symbolType": "stroke", "title": None,
                   "labelFontSize": 11, "symbolStrokeWidth": 3, "labelLimit": 180, "offset": 10, "columns": 4},
        "title": {"color": INK, "anchor": "start", "fontSize": 12, "fontWeight": 600, "offset": 10},
        "line": {"strokeWidth": 2.2, "color": SERIES[0]},
        "bar": {"color": SERIES[0], "cornerRadiusEnd": 3},
    }  # fmt: skip
