"""Metrics on their way in or out to the warning that goes with their answers, and after their day to a refusal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from workbench.declare.question import Question
from workbench.errors import Problem, Unanswerable
from workbench.graph.build import Graph
from workbench.session.catalog import MetricCard


def refuse_ended(graph: Graph, question: Question, today: date) -> None:
    """Pass if no metric asked for by name is past its last day; raises `Unanswerable` (deprecated-metric)."""
    for asked in question.metrics:
        leaving = graph.metrics[asked.path].term.deprecated if asked.path in graph.metrics else None
        if leaving is not None and leaving.until is not None and leaving.until < today:
            why = f" ({leaving.reason})" if leaving.reason else ""
            hint = f"Ask for '{leaving.replaced_by}'." if leaving.replaced_by else "Ask its owner what to use."
            said = f"'{asked.path}' was deprecated until {leaving.until}{why}, and answers no more."
            raise Unanswerable(Problem("deprecated-metric", said, hint=hint))


def warnings_of(cards: Iterable[MetricCard]) -> tuple[str, ...]:
    """A sentence for each metric that nobody has reviewed yet, or that is on its way out."""
    told = tuple(cards)
    drafts = tuple(
        f"'{card.name}' is unpublished: it is a draft that nobody has reviewed."
        for card in told
        if card.state == "ad hoc"
    )
    return drafts + tuple(
        f"'{card.name}' is deprecated since {card.deprecated_since}"
        + (f" and answers until {card.deprecated_until}" if card.deprecated_until else "")
        + (f": use '{card.replaced_by}'." if card.replaced_by else ".")
        for card in told
        if card.deprecated_since
    )
