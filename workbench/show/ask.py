"""The tiles of a dashboard and its state to questions, and their answers to what each tile shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from workbench.declare.dashboard import Dashboard, Tile
from workbench.declare.question import Question
from workbench.errors import WorkbenchError
from workbench.session.answer import Answer, AnswerColumn
from workbench.session.catalog import MetricCard
from workbench.show.format import as_number, group_text
from workbench.show.periods import Span, before, complete, period_end
from workbench.show.state import PageState

CHOICES = 500
"""Values a filter lists; beyond, a search is what people need."""


class Asker(Protocol):
    """The part of a session that a page needs."""

    def ask(self, question: Question) -> Answer:
        """Answer a question as the viewer."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """One number with what it is compared to."""

    column: AnswerColumn
    card: MetricCard
    value: Any
    compared: Any = None
    prior: Any = None
    prior_span: Span | None = None
    trend: tuple[tuple[date, float | int | None], ...] = ()
    restrictions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Desk:
    """A viewer's session with what the filters of a page are made of."""

    session: Asker
    types: Mapping[str, str] = field(default_factory=dict)

    def readings(self, tiles: Sequence[Tile], state: PageState) -> dict[str, Reading | WorkbenchError]:
        """The numbers of a page, asked together; where one of them cannot be answered, each by itself."""
        out: dict[str, Reading | WorkbenchError] = {}
        by_condition: dict[str | None, list[str]] = {}
        for tile in tiles:
            if tile.number:
                by_condition.setdefault(tile.where, []).append(tile.number)
        for where, names in by_condition.items():
            keys = [key(name, where) for name in names]
            try:
                out.update(zip(keys, self._together(names, where, state), strict=True))
            except WorkbenchError as error:
                for name, each in zip(names, keys, strict=True):
                    out[each] = error if len(names) == 1 else self._alone(name, where, state)
        return out

    def _alone(self, name: str, where: str | None, state: PageState) -> Reading | WorkbenchError:
        try:
            return self._together([name], where, state)[0]
        except WorkbenchError as error:
            return error

    def _together(self, names: Sequence[str], where: str | None, state: PageState) -> list[Reading]:
        condition = state.where(self.types, extra=where)
        total = self.session.ask(state.question(*names, where=condition))
        values = _first(total)
        until = {card.name: _day(card.fresh_until) for card in total.metrics}
        shown = {name: _comparable(state, until.get(name)) for name in names}
        compared, prior = dict(values), dict.fromkeys(names)
        for span in {s for s in shown.values() if s is not None}:
            same = [n for n in names if shown[n] == span]
            if span != state.span:
                compared.update(_first(self._within(same, condition, span)))
            prior.update(_first(self._within(same, condition, before(span))))
        series = self._series(names, condition, state, until)
        cards = {card.name: card for card in total.metrics}
        columns = {column.name: column for column in total.columns}
        return [
            Reading(
                column=columns[name],
                card=cards[name],
                value=values.get(name),
                compared=compared.get(name) if shown[name] else None,
                prior=prior.get(name),
                prior_span=before(part) if (part := shown[name]) else None,
                trend=series[name],
                restrictions=total.restrictions,
            )
            for name in names
        ]

    def _within(self, names: Sequence[str], condition: str | None, span: Span) -> Answer:
        return self.session.ask(PageState(span).question(*names, where=condition))

    def _series(
        self, names: Sequence[str], condition: str | None, state: PageState, until: Mapping[str, date | None]
    ) -> dict[str, tuple[tuple[date, float | int | None], ...]]:
        path = f"metric_time.{state.grain}"
        rows = self.session.ask(state.question(*names, by=(path,), where=condition)).rows()
        return {
            name: tuple(
                (row[path], as_number(row[name]))
                for row in rows
                if row[path] is not None and _closed(_day(row[path]), state.grain, until.get(name))
            )
            for name in names
        }

    def tile(self, tile: Tile, state: PageState) -> Answer:
        """The answer a line, bar or table tile draws."""
        condition = state.where(self.types, extra=tile.where)
        metrics = tile.metrics()
        if tile.kind == "line":
            by = (f"metric_time.{state.grain}", *tile.by)
            return self.session.ask(state.question(*metrics, by=by, where=condition))
        return self.session.ask(
            state.question(*metrics, by=tile.by, where=condition, order_by=(f"-{metrics[0]}",), limit=tile.top)
        )

    def choices(self, path: str, metric: str, state: PageState) -> list[str]:
        """The values a filter may take under the other filters, as words."""
        where = state.where(self.types, without=path)
        answer = self.session.ask(state.question(metric, by=(path,), where=where, limit=CHOICES))
        return [group_text(row[path]) for row in answer.rows()]


def key(metric: str, where: str | None) -> str:
    """What tells one number tile of a page from another."""
    return f"{metric} | {where or ''}"


def tiles_of(dashboard: Dashboard) -> list[Tile]:
    """Every tile of a page, in reading order."""
    return [tile for row in dashboard.rows for tile in row]


def finished(answer: Answer, grain: str) -> tuple[list[dict[str, Any]], date | None]:
    """The rows of whole periods, and the start of the one still in progress, which would look like a fall.

    A picture of nothing but an unfinished period keeps it.
    """
    path, until = f"metric_time.{grain}", [day for card in answer.metrics if (day := _day(card.fresh_until))]
    rows = answer.rows()
    if not until:
        return rows, None
    closed = [row for row in rows if row[path] is None or _closed(_day(row[path]), grain, min(until))]
    if not closed or len(closed) == len(rows):
        return rows, None
    return closed, min(day for row in rows if row not in closed and (day := _day(row[path])) is not None)


def held_span(session: Asker, metric: str) -> Span | None:
    """The years and days a metric has data for: where a page without a declared range begins."""
    answer = session.ask(PageState().question(metric, by=("metric_time.year",)))
    years = [year for row in answer.rows() if (year := _day(row["metric_time.year"]))]
    if not years:
        return None
    fresh = [day for card in answer.metrics if (day := _day(card.fresh_until))]
    return Span(min(years), max(min(years), min(fresh) if fresh else period_end(max(years), "year")))


def _comparable(state: PageState, until: date | None) -> Span | None:
    """The complete part of the range: an unfinished month against a whole one would look like a fall."""
    return complete(state.span, state.grain, until) if state.span else None


def _closed(start: date | None, grain: str, until: date | None) -> bool:
    return start is not None and (until is None or period_end(start, grain) <= until)


def _first(answer: Answer) -> dict[str, Any]:
    rows = answer.rows()
    return rows[0] if rows else {}


def _day(value: date | datetime | None) -> date | None:
    return value.date() if isinstance(value, datetime) else value
