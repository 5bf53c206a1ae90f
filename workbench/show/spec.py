"""Columns and rows to the Vega-Lite pieces of a line, a ranked bar, a column and a number picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.session.answer import AnswerColumn
from workbench.show.axes import Spec, from_zero, time_axis, utc, value_axis
from workbench.show.format import as_number, cell_text, label_of, metric_text
from workbench.show.palette import INK, SERIES

Rows = Sequence[dict[str, Any]]

SERIES_SHOWN = 8
BARS_SHOWN = 20


def line(time: AnswerColumn, series: AnswerColumn | None, metrics: Sequence[AnswerColumn], rows: Rows) -> Spec:
    """Metrics over time: one line per metric or per value of ``series``."""
    colour = "series"
    order: list[str] = []
    if series is not None:
        ranked = _largest(rows, series, metrics[0])
        order = [cell_text(v, series) for v in ranked]
        rows = [r for r in rows if r[series.name] in set(ranked)]
    else:
        order = [m.label for m in metrics]
    values: list[Spec] = [
        {
            "x": utc(row[time.name]),
            "y": as_number(row[metric.name]),
            "series": cell_text(row[series.name], series) if series else metric.label,
            "when": cell_text(row[time.name], time),
            "value": metric_text(row[metric.name], metric),
        }
        for row in rows
        for metric in (metrics[:1] if series else metrics)
        if row[time.name] is not None
    ]
    many = len(order) > 1
    named = label_of(series) if series else "metric"
    encoding: Spec = {
        "x": {"field": "x", "type": "temporal", "scale": {"type": "utc"}, "title": None,
              "axis": time_axis(time.grain, [v["x"] for v in values])},
        "y": {"field": "y", "type": "quantitative", "title": None, "axis": value_axis(metrics[0]),
              "scale": {"zero": from_zero(values)}},
        "tooltip": [
            {"field": "when", "type": "nominal", "title": label_of(time)},
            *([{"field": colour, "type": "nominal", "title": named}] if many else []),
            {"field": "value", "type": "nominal", "title": metrics[0].label if not many or series else "value"},
        ],
    }  # fmt: skip
    if many:
        encoding["color"] = {"field": colour, "type": "nominal", "sort": order, "scale": {"domain": order}}
    points = len({v["x"] for v in values})
    mark: Spec = {"type": "line", "point": {"size": 28, "filled": True} if points <= 40 else False}
    return {"data": {"values": values}, "mark": mark, "encoding": encoding}


def bar(category: AnswerColumn, metric: AnswerColumn, rows: Rows, shown: int = BARS_SHOWN, width: int = 0) -> Spec:
    """One metric ranked by a category, its value written at the end of each bar; the rows' order is kept."""
    values: list[Spec] = [
        {"c": cell_text(r[category.name], category), "v": as_number(r[metric.name]),
         "text": metric_text(r[metric.name], metric)}
        for i, r in enumerate(rows[:shown])
    ]  # fmt: skip
    for value in values:
        value["end"] = max(value["v"] or 0, 0)  # beside a bar to the left, its text would stand on the names
    numbers = [v["v"] for v in values if v["v"] is not None]
    # Room for the value beside the longest bar, in pixels: on a narrow screen a share of the width would cut it.
    room = 12 + 7 * max((len(v["text"]) for v in values), default=0)
    domain = [min(0, *numbers, 0), max(0, *numbers, 0) or 1]
    end = max(width - room, 20) if width else {"expr": f"max(width - {room}, 20)"}
    scale = {"domain": domain, "nice": False, "range": [0, end]}
    shared: Spec = {
        "y": {"field": "c", "type": "nominal", "sort": None, "title": None,
              "axis": {"labelLimit": 190, "labelFontSize": 12}},
        "x": {"field": "v", "type": "quantitative", "scale": scale, "axis": None},
        "tooltip": [
            {"field": "c", "type": "nominal", "title": label_of(category)},
            {"field": "text", "type": "nominal", "title": metric.label},
        ],
    }  # fmt: skip
    text: Spec = {"type": "text", "align": "left", "dx": 6, "color": INK, "fontSize": 11}
    spec: Spec = {
        "data": {"values": values},
        "encoding": shared,
        "layer": [
            {"mark": {"type": "bar", "height": {"band": 0.62}}},
            {"mark": text, "encoding": {"text": {"field": "text", "type": "nominal"},
                                        "x": {**shared["x"], "field": "end"}}},
        ],
        "height": 26 * len(values),
    }  # fmt: skip
    return {**spec, "width": width} if width else spec


def columns(part: AnswerColumn, metric: AnswerColumn, rows: Rows) -> Spec:
    """One metric over an ordered scale, such as the months of a year: upright columns in that order."""
    ordered = sorted(rows, key=lambda r: (r[part.name] is None, r[part.name] if r[part.name] is not None else 0))
    values: list[Spec] = [
        {"c": cell_text(r[part.name], part), "v": as_number(r[metric.name]),
         "text": metric_text(r[metric.name], metric)}
        for i, r in enumerate(ordered)
    ]  # fmt: skip
    return {
        "data": {"values": values},
        "mark": {"type": "bar", "width": {"band": 0.66}},
        "encoding": {
            "x": {"field": "c", "type": "ordinal", "sort": None, "title": None,
                  "axis": {"labelAngle": 0, "labelOverlap": True}},
            "y": {"field": "v", "type": "quantitative", "axis": value_axis(metric), "title": None},
            "tooltip": [
                {"field": "c", "type": "nominal", "title": label_of(part)},
                {"field": "text", "type": "nominal", "title": metric.label},
            ],
        },
    }  # fmt: skip


def numbers(metrics: Sequence[AnswerColumn], row: dict[str, Any]) -> Spec:
    """Values alone, each large above its name."""
    marks = [
        {"data": {"values": [{"big": metric_text(row[m.name], m, compact=True), "small": m.label}]},
         "width": 190, "height": 80, "view": {"stroke": None},
         "layer": [
             {"mark": {"type": "text", "align": "left", "x": 0, "y": 30, "fontSize": 30, "fontWeight": 600,
                       "color": SERIES[0]}, "encoding": {"text": {"field": "big", "type": "nominal"}}},
             {"mark": {"type": "text", "align": "left", "x": 0, "y": 60, "fontSize": 12, "color": INK},
              "encoding": {"text": {"field": "small", "type": "nominal"}}}]}
        for m in metrics
    ]  # fmt: skip
    return marks[0] if len(marks) == 1 else {"hconcat": marks}


def _largest(rows: Rows, series: AnswerColumn, metric: AnswerColumn) -> list[Any]:
    """The values of a series with the largest totals, so that a picture stays readable."""
    size: dict[Any, float] = {}
    for row in rows:
        size[row[series.name]] = size.get(row[series.name], 0) + abs(as_number(row[metric.name]) or 0)
    return sorted(size, key=lambda v: -size[v])[:SERIES_SHOWN]
