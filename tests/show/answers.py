"""Answers over real Arrow tables, as a session would give them, for tests of what is drawn from them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pyarrow as pa

from workbench.session.answer import Answer, AnswerColumn
from workbench.session.catalog import MetricCard

MONTH = AnswerColumn("metric_time.month", "dimension", "time", "Month", grain="month")
WEEKDAY = AnswerColumn("departed.day_of_week", "dimension", "number", "Weekday")
AIRLINE = AnswerColumn("airline.name", "dimension", "text", "Airline")
ORIGIN = AnswerColumn("origin.name", "dimension", "text", "Origin")
FLIGHTS = AnswerColumn("flights", "metric", "number", "Flights", "flights", "integer")
RATE = AnswerColumn("rate", "metric", "number", "Cancellation rate", "", "percent")
DELAY = AnswerColumn("delay", "metric", "number", "Delay", "minutes", "decimal:1")


def card(column: AnswerColumn, **changed: Any) -> MetricCard:
    """The definition card of a metric column."""
    facts: dict[str, Any] = {
        "name": column.name, "label": column.label, "description": "What it counts. And more.", "owner": "operations",
        "domain": "traffic", "tags": (), "synonyms": ("trips",), "unit": column.unit, "format": column.format,
        "better": "higher", "expr": "count(*)", "filter": "", "models": ("flights",), "state": "public",
        "place": "metrics/flights.yml:3:1", "tests": 2, "fresh_until": datetime(2013, 12, 31, 23, 59),
    }  # fmt: skip
    return MetricCard(**{**facts, **changed})


def answer(columns: list[AnswerColumn], rows: list[tuple[Any, ...]], **parts: Any) -> Answer:
    """An answer of these columns and rows, with a card for every metric."""
    table = pa.table({c.name: [row[i] for row in rows] for i, c in enumerate(columns)})
    given: dict[str, Any] = {"sql": "SELECT 1", "asker": "ana@example.com", "seconds": 0.12}
    cards = tuple(card(c) for c in columns if c.role == "metric")
    return Answer(table, tuple(columns), **{**given, "metrics": cards, **parts})


def by_month(*metrics: AnswerColumn, months: int = 12) -> Answer:
    """Metrics over the months of 2013."""
    rows = [(date(2013, m, 1), *(m * 1000.5 for _ in metrics)) for m in range(1, months + 1)]
    return answer([MONTH, *metrics], rows)
