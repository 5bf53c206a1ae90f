"""A gateway's address to a door like a session's: the same methods, answers, completions and errors."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter

from workbench.access.principal import Principal
from workbench.declare.dashboard import Dashboard
from workbench.declare.question import Question
from workbench.declare.workspace import find_root
from workbench.errors import Problem, QuestionError, Unanswerable, WarehouseError, count, did_you_mean
from workbench.gateway.transport import Progress, Transport
from workbench.gateway.wire import ARROW, Allowed, Head
from workbench.session.answer import Answer, Draw
from workbench.session.asking import question_of
from workbench.session.catalog import Cards, DimensionCard, MetricCard, ModelCard
from workbench.session.door import About, Explanation
from workbench.session.drafts import Draft, Proposal, Propose, draft_of, draft_text
from workbench.session.explained import Explained

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

T = TypeVar("T")

BELIEVED = 2.0
"""Seconds that a list of what there is is believed: completion asks at every key."""
AGAIN = frozenset({"data-changed", "worker-lost", "connection-lost"})
"""After what a question is asked once more: it reads alone, so that the second time does no harm."""

_ABOUT: TypeAdapter[About] = TypeAdapter(About)
_ALLOWED: TypeAdapter[Allowed] = TypeAdapter(Allowed)
_CARD: TypeAdapter[MetricCard] = TypeAdapter(MetricCard)
_DASHBOARDS: TypeAdapter[dict[str, Dashboard]] = TypeAdapter(dict[str, Dashboard])
_DIMENSIONS: TypeAdapter[tuple[DimensionCard, ...]] = TypeAdapter(tuple[DimensionCard, ...])
_EXPLANATION: TypeAdapter[Explanation] = TypeAdapter(Explanation)
_FOUND: TypeAdapter[tuple[MetricCard | DimensionCard, ...]] = TypeAdapter(tuple[MetricCard | DimensionCard, ...])
_METRICS: TypeAdapter[tuple[MetricCard, ...]] = TypeAdapter(tuple[MetricCard, ...])
_MODELS: TypeAdapter[tuple[ModelCard, ...]] = TypeAdapter(tuple[ModelCard, ...])
_NAMES: TypeAdapter[tuple[str, ...]] = TypeAdapter(tuple[str, ...])
_PRINCIPAL: TypeAdapter[Principal] = TypeAdapter(Principal)
_PROPOSAL: TypeAdapter[Proposal] = TypeAdapter(Proposal)


class RemoteSession:
    """A door to a workspace behind a gateway, as whoever the token belongs to; any thread may use it."""

    def __init__(self, transport: Transport, draw: Draw | None = None, propose: Propose | None = None) -> None:
        self._transport = transport
        self._draw = draw
        self._propose = propose
        self._listed: dict[tuple[str, ...], tuple[float, Any]] = {}
        self.principal: Principal = transport.get(_PRINCIPAL, "v1", "me")
        self.about: About = replace(transport.get(_ABOUT, "v1", "about"), place=transport.url)

    def __enter__(self) -> RemoteSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        asks = count(len(self.metrics), "metric")
        return f"<workbench session of {self.principal.name} at {self.about.place}: {asks}>"

    # ------------------------------------------------------------------ asking

    def query(self, *metrics: Any, **parts: Any) -> Answer:
        """Ask for metrics by dimensions; see `Question` for each part."""
        return self.ask(_question(metrics, parts))

    def ask(self, question: Question) -> Answer:
        """Answer a question; raises what is wrong with it, with the legal alternatives."""
        return self._answer("v1", "questions", body=_plain(question))

    def saved(self, name: str, /, **values: Any) -> Answer:
        """Answer a saved query by its name, with values for its parameters."""
        plain = {
            one: value if isinstance(value, bool | int | float | str) else str(value) for one, value in values.items()
        }
        return self._answer("v1", "saved", name, body=plain)

    def explain(self, *metrics: Any, **parts: Any) -> Explanation:
        """How a question would be answered, without running it."""
        body = _plain(_question(metrics, parts))
        told = self._transport.post(_EXPLANATION, "v1", "questions", "explain", body=body)
        return Explained(told.text, told.sql, told.restrictions, told.steps, draw=self._draw)

    def sql(self, text: str) -> Answer:
        """Answer one SELECT over the visible tables, with row filters and masks inside."""
        return self._answer("v1", "sql", body={"text": text})

    def table(self, name: str) -> ir.Table:
        """A table of the warehouse as an ibis table; whatever is built on it runs as ad hoc SQL does."""
        from workbench.warehouse.ibis_backend import guarded_table

        tables = self.tables()
        if name not in tables:
            hint = did_you_mean(name, tables, f"There is: {', '.join(tables)}.")
            raise QuestionError(Problem("missing-table", f"no table '{name}'.", hint=hint))
        empty = self.sql(f"SELECT * FROM {name} LIMIT 0")
        return guarded_table(name, empty.table.schema, self._sql_rows)  # a method, so that tables may be joined

    # ------------------------------------------------------------------ looking around

    @property
    def metrics(self) -> tuple[MetricCard, ...]:
        """The metrics one may ask for, by name."""
        return self._cards(self._list(_METRICS, "metrics"))

    @property
    def models(self) -> tuple[ModelCard, ...]:
        """The semantic models, by name."""
        return self._cards(self._list(_MODELS, "models"))

    def dimensions(self, *metrics: str) -> tuple[DimensionCard, ...]:
        """The paths that may group or filter all of ``metrics`` together; everything there is without metrics."""
        return self._cards(self._list(_DIMENSIONS, "dimensions", metric=metrics))

    def search(self, text: str) -> tuple[MetricCard | DimensionCard, ...]:
        """Metrics and dimensions whose names, synonyms or descriptions hold every word, best first."""
        return self._cards(self._transport.get(_FOUND, "v1", "search", q=text) if text.strip() else ())

    def tables(self) -> tuple[str, ...]:
        """The tables of the warehouse that one may read."""
        return self._list(_NAMES, "tables")

    @property
    def dashboards(self) -> Mapping[str, Dashboard]:
        """The dashboards one may open."""
        return self._list(_DASHBOARDS, "dashboards")

    # ------------------------------------------------------------------ drafting and publishing

    def draft(self, text: str | None = None, /, **keys: Any) -> Draft:
        """A metric of one's own, askable as ``adhoc.<name>``; kept by the gateway for this person alone."""
        card = self._transport.post(_CARD, "v1", "drafts", body={"text": draft_text(text, keys)})
        self._listed.clear()
        return draft_of(card, self._proposer(card.name), draw=self._draw)

    def _proposer(self, name: str) -> Callable[[], Any] | None:
        if self._propose is None:
            return None
        propose = self._propose
        return lambda: propose(self._proposal(name), find_root(), None)

    def publish(self, name: str) -> Path:
        """Write a draft into `metrics/` of the workspace in or above this folder, for a pull request."""
        return self._proposal(name).write(find_root())

    def _proposal(self, name: str) -> Proposal:
        return self._transport.post(_PROPOSAL, "v1", "drafts", name, "publish", body={})

    def require(self, verb: str, resource: str = "") -> None:
        """Pass if the principal may do ``verb``; raises `AccessDenied` with the rule that decided otherwise."""
        self._transport.get(_ALLOWED, "v1", "may", verb=verb, resource=resource)

    def close(self) -> None:
        """Let go of connections; drafts stay with the gateway."""
        self._transport.close()

    # ------------------------------------------------------------------ inside

    def _answer(self, *path: str, body: Any) -> Answer:
        from workbench.gateway.arriving import arrived  # Arrow is heavy; a catalogue opens without it

        started = clock.perf_counter()
        for is_last in (False, True):
            try:
                with self._transport.streaming(ARROW, *path, body=body) as response:
                    head, table = arrived(response, self._transport.url)
                break
            except (Unanswerable, WarehouseError) as error:
                if is_last or error.slug not in AGAIN:
                    raise
        return _answered(head, table, clock.perf_counter() - started, self._draw)

    def _sql_rows(self, text: str) -> Any:
        return self.sql(text).table

    def _list(self, shape: TypeAdapter[T], what: str, **query: Any) -> T:
        key = (what, *(word for words in query.values() for word in words))
        at, found = self._listed.get(key, (-BELIEVED, None))
        if clock.monotonic() - at >= BELIEVED:
            found = self._transport.get(shape, "v1", what, **query)
            self._listed[key] = (clock.monotonic(), found)
        result: T = found
        return result

    def _cards(self, cards: tuple[T, ...]) -> tuple[T, ...]:
        return Cards(cards, draw=self._draw)


def open_remote(
    url: str,
    token: str | None = None,
    *,
    draw: Draw | None = None,
    propose: Propose | None = None,
    progress: Progress | None = None,
) -> RemoteSession:
    """A door to the gateway at an address; raises `AccessDenied` for a bad token, connection-lost where none is."""
    return RemoteSession(Transport(url, token, progress), draw, propose)


def _question(metrics: tuple[Any, ...], parts: Mapping[str, Any]) -> Question:
    unknown = next((part for part in parts if part not in Question.model_fields), None)
    if unknown is not None:
        raise TypeError(f"query() got an unexpected keyword argument '{unknown}'")
    return question_of(metrics, **parts)


def _plain(question: Question) -> Any:
    return question.model_dump(mode="json", exclude_defaults=True)


def _answered(head: Head, table: pa.Table, seconds: float, draw: Draw | None) -> Answer:
    return Answer(
        table=table,
        columns=head.columns,
        sql=head.sql,
        question=head.question,
        lineage=head.lineage,
        metrics=head.metrics,
        dimensions=head.dimensions,
        restrictions=head.restrictions,
        notes=head.notes,
        asker=head.asker,
        seconds=seconds,
        draw=draw,
    )
