"""An answer or a list of cards to what a notebook or a terminal displays; handed to the session from above."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Literal

from workbench.session.answer import Answer
from workbench.session.door import Explanation
from workbench.show.card import Card, answer_html, answer_text, cards_html, cards_text
from workbench.show.chart import Chart, chart
from workbench.show.plan_picture import plan_svg


def draw(answer: Answer, what: Literal["chart", "bundle", "text"]) -> Chart | dict[str, Any] | str | None:
    """The hook an answer calls: its one picture, its text, or all representations a notebook may choose from."""
    if what == "text":
        return answer_text(answer)
    if what == "chart":
        return chart(answer)
    return {"text/html": answer_html(answer), "text/plain": answer_text(answer)}


def draw_cards(cards: Sequence[Card]) -> dict[str, Any]:
    """A catalogue, such as ``session.metrics``, as a notebook shows it."""
    return {"text/html": cards_html(cards), "text/plain": cards_text(cards)}


def draw_plan(explanation: Explanation) -> dict[str, Any]:
    """How a question would be answered, as a notebook shows it: a picture, and the SQL folded away."""
    sql = f'<details style="margin-top:6px"><summary>SQL</summary><pre>{escape(explanation.sql)}</pre></details>'
    return {"text/html": plan_svg(explanation.steps) + sql, "text/plain": repr(explanation)}
