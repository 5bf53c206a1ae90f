"""The one door: a question and who asks it to an answer."""

from __future__ import annotations

import sys
import time as clock
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from workbench.access.guard import Pass, issue
from workbench.access.masks import conceal
from workbench.access.principal import Principal
from workbench.access.restriction import Restriction
from workbench.access.rules import require, restriction
from workbench.access.view import narrow
from workbench.declare.dashboard import Dashboard
from workbench.declare.question import Question
from workbench.declare.workspace import Workspace
from workbench.errors import DeclarationError, Problem, QuestionError, Unanswerable, WorkbenchError, count, did_you_mean
from workbench.graph.build import Graph
from workbench.graph.keys import relied
from workbench.graph.lineage import lineage
from workbench.graph.resolve import resolve
from workbench.graph.tags import column_tags
from workbench.session.answer import Answer, Draw
from workbench.session.asking import question_of
from workbench.session.boards import seen
from workbench.session.cards import dimension_cards, matches, metric_card, model_card
from workbench.session.catalog import DimensionCard, MetricCard, ModelCard
from workbench.session.compiling import Compiled, Compiler
from workbench.session.deprecation import refuse_ended
from workbench.session.door import About, Explanation
from workbench.session.draft_book import DraftBook
from workbench.session.drafts import Draft, Drafts, Proposal, Propose, draft_of, draft_text
from workbench.session.explained import Explained
from workbench.session.ground import Ground
from workbench.session.prepared import Batches, Lane, Prepared, Saved, Streamed
from workbench.session.reading import answer_columns, freshness

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from workbench.warehouse.engine import Engine
    from workbench.warehouse.ledger import Ledger

T = TypeVar("T")


class Session:
    """A principal at a workspace; every question of theirs goes through here, and so do the rules."""

    def __init__(
        self,
        workspace: Workspace,
        principal: Principal,
        engine: Engine,
        ledger: Ledger | None,
        draw: Draw | None = None,
        *,
        propose: Propose | None = None,
        ground: Ground | None = None,
        drafts: Drafts | None = None,
        book: DraftBook | None = None,
    ) -> None:
        """``ground`` is what sessions of several people share; without, the session stands on its own.

        ``book`` is where drafts are saved.
        """
        self.workspace = workspace
        self.principal = principal
        self._engine = engine
        self._ledger = ledger
        self._draw = draw
        self._propose = propose
        self.ground = ground or Ground(workspace, engine, ledger)
        self._whole = self.ground.graph
        root = workspace.root
        self.about = About(workspace.settings.name or root.name, str(root), self.ground.release, principal.environment)
        self._drafts = drafts or Drafts()
        self._book = book
        self._compiler = self._new_compiler()
        self._fresh_for = ""
        self._fresh: dict[str, datetime | None] = {}
        self._policies = tuple(one.term for one in workspace.policies)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        where = self.workspace.settings.name or self.workspace.root.name
        return f"<workbench session of {self.principal.name} at {where}: {count(len(self.metrics), 'metric')}>"

    # ------------------------------------------------------------------ asking

    def query(
        self,
        *metrics: Any,
        by: Any = (),
        where: Any = None,
        having: Any = None,
        order_by: Any = (),
        limit: int | None = None,
        time: Any = None,
        compare: str | None = None,
        share_of: str | Iterable[str] = (),
        totals: str | Iterable[str] = (),
        top: Any = None,
        fill: bool = False,
        extremes: bool = False,
        every_row: bool = False,
        timezone: str = "",
    ) -> Answer:
        """Ask for metrics by dimensions; see `Question` for each part."""
        asked = question_of(
            metrics, by=by, where=where, having=having, order_by=order_by, limit=limit, time=time,
            compare=compare, share_of=share_of, totals=totals, top=top, fill=fill, extremes=extremes,
            every_row=every_row, timezone=timezone,
        )  # fmt: skip
        return self.ask(asked)

    def ask(self, question: Question) -> Answer:
        """Answer a question; raises what is wrong with it, with the legal alternatives."""
        return self._answer(question)

    def prepare(self, asked: Question | Saved | str) -> Prepared:
        """A question, a saved one or SQL as the statement that answers it, under the rules; nothing is run."""
        if isinstance(asked, str):
            return self._scoped(asked)
        asked = self._saved(asked) if isinstance(asked, Saved) else asked
        compiled = self._compile(asked)
        rules = compiled.plan.restrictions
        tables = compiled.plan.tables()
        return Prepared(compiled.sql, "metric", compiled.subject, tables, rules, not rules, asked, compiled)

    def stream(self, prepared: Prepared, lane: Lane | None = None) -> Streamed:
        """The answer with its rows still on their way; ``lane`` runs the SQL elsewhere than in the engine.

        Errors come as in `ask`, also between batches; only rows that end without one are an answer.
        """
        import pyarrow as pa

        started = clock.perf_counter()
        with ExitStack() as undo:
            with self._telling(prepared), self._engine.moment():
                compiled = prepared.compiled
                if compiled is not None and prepared.question and compiled.data != self._engine.version():
                    prepared = self.prepare(prepared.question)  # by what is known of the data as it is now
                version = self._sound(prepared)
                prepared = prepared.with_values(lane or self._engine.stream)
                rows = (lane or self._engine.stream)(prepared.sql)
            undo.callback(rows.close)
            head = self._head(prepared, pa.Table.from_batches((), rows.schema))
            undo.pop_all()
        if lane is None and self._engine.holds_moments:
            version = ""  # whatever is written meanwhile, these rows are of one moment, and that was looked at
        return Streamed(head, self._flowing(prepared, rows, version, started))

    def saved(self, name: str, /, **values: Any) -> Answer:
        """Answer a saved query by its name, with values for its parameters."""
        return self._answer(Saved(name, values))

    def explain(
        self,
        *metrics: Any,
        by: Any = (),
        where: Any = None,
        having: Any = None,
        order_by: Any = (),
        limit: int | None = None,
        time: Any = None,
        compare: str | None = None,
        share_of: str | Iterable[str] = (),
        totals: str | Iterable[str] = (),
        top: Any = None,
        fill: bool = False,
        extremes: bool = False,
        every_row: bool = False,
        timezone: str = "",
    ) -> Explanation:
        """How a question would be answered, without running it."""
        from workbench.plan.explain import written
        from workbench.plan.outline import outline

        asked = question_of(
            metrics, by=by, where=where, having=having, order_by=order_by, limit=limit, time=time,
            compare=compare, share_of=share_of, totals=totals, top=top, fill=fill, extremes=extremes,
            every_row=every_row, timezone=timezone,
        )  # fmt: skip
        compiled = self._compile(asked)
        told = outline(compiled.plan, "verified" if self._verifies_keys else "trusted")
        steps = tuple(replace(step, text=conceal(step.text, self._salt)) for step in told)
        sql = conceal(compiled.sql, self._salt)
        return Explained(written(steps), sql, compiled.plan.restrictions, steps, draw=self._draw)

    def sql(self, text: str) -> Answer:
        """Answer one SELECT over the visible tables, with row filters and masks inside."""
        return self._answer(text)

    def table(self, name: str) -> ir.Table:
        """A table of the warehouse as an ibis table; whatever is built on it runs as ad hoc SQL does."""
        from workbench.warehouse.ibis_backend import guarded_table
        from workbench.warehouse.stand_in import quoted

        if name not in self.tables():
            raise QuestionError(
                Problem(
                    "missing-table",
                    f"no table '{name}'.",
                    hint=did_you_mean(name, self.tables(), f"There is: {', '.join(self.tables())}."),
                )
            )
        spelled = ".".join(map(quoted, name.split(".", 1)))
        empty = self.sql(f"SELECT * FROM {spelled} LIMIT 0")  # the schema as this principal sees it, masks and all
        return guarded_table(name, empty.table.schema, self._sql_rows)  # a method, so that tables may be joined

    def _sql_rows(self, text: str) -> Any:
        return self.sql(text).table

    # ------------------------------------------------------------------ looking around

    @property
    def metrics(self) -> tuple[MetricCard, ...]:
        """The metrics one may ask for, by name; internal ones are left out."""
        names = sorted(n for n, d in self._graph.metrics.items() if d.term.visibility == "public")
        return self._cards(metric_card(self._graph, name) for name in names)

    @property
    def models(self) -> tuple[ModelCard, ...]:
        """The semantic models, by name."""
        public = (name for name, d in sorted(self._graph.models.items()) if d.term.visibility == "public")
        return self._cards(self._visible(model_card(self._graph, name)) for name in public)

    def dimensions(self, *metrics: str) -> tuple[DimensionCard, ...]:
        """The paths that may group or filter all of ``metrics`` together; everything there is without metrics."""
        for name in metrics:
            self._graph.metric(name)
        return self._cards(
            dimension_cards(self._graph, metrics, lambda field: self._is_masked(field.model, field.dimension))
        )

    def search(self, text: str) -> tuple[MetricCard | DimensionCard, ...]:
        """Metrics and dimensions whose names, synonyms or descriptions hold every word, best first."""
        words = tuple(text.lower().replace("_", " ").split())
        cards: tuple[MetricCard | DimensionCard, ...] = (*self.metrics, *self.dimensions())
        ranked = sorted(((matches(card, words), -i, card) for i, card in enumerate(cards)), reverse=True)
        return self._cards(card for score, _, card in ranked if score)

    def tables(self) -> tuple[str, ...]:
        """The tables of the warehouse that one may read."""
        return tuple(name for name in self._engine.tables() if self._restriction(name) is not None)

    @cached_property
    def dashboards(self) -> Mapping[str, Dashboard]:
        """The dashboards one may open, without what they show of hidden things."""
        if "read:dashboard" not in self.principal.can:
            return {}
        me = {"*", *self.principal.roles, *(f"group:{g}" for g in self.principal.groups), f"user:{self.principal.name}"}
        open_to_me = ((n, d.term) for n, d in self.workspace.dashboards.items() if me & set(d.term.audience))
        return {name: left for name, page in open_to_me if (left := seen(page, self._graph)) is not None}

    # ------------------------------------------------------------------ drafting and publishing

    def draft(self, text: str | None = None, /, **keys: Any) -> Draft:
        """A metric of one's own, askable in this session as ``adhoc.<name>``; nobody else sees it.

        It is given as YAML, or by its keys: ``draft(metric="long_flights", model="flights", expr="count(*)")``.
        """
        require(self.principal, "draft:metric", roles=self.workspace.roles)
        drafts = self._drafts.with_draft(draft_text(text, keys), self._graph)
        self._drafts = drafts
        self.__dict__.pop("_graph", None)
        self._compiler = self._new_compiler()
        name = drafts.latest
        return draft_of(metric_card(self._graph, name), self._proposer(name), self._keeper(name), self._draw)

    def _keeper(self, name: str) -> Callable[[], None] | None:
        book, text = self._book, self._drafts.texts[name]
        return (lambda: book.keep(self.principal.name, name, text)) if book is not None else None

    def _proposer(self, name: str) -> Callable[[], Any] | None:
        if self._propose is None:
            return None
        propose = self._propose
        return lambda: propose(self.propose(name), self.workspace.root, self._engine)

    def publish(self, name: str) -> Path:
        """Write a draft into `metrics/` for a pull request; takes the right to publish, and replaces nothing."""
        return self.propose(name).write(self.workspace.root)

    def propose(self, name: str) -> Proposal:
        """The file that would publish a draft; takes the right to publish."""
        require(self.principal, "publish:metric", name, roles=self.workspace.roles)
        return self._drafts.proposal(name)

    def require(self, verb: str, resource: str = "") -> None:
        """Pass if the principal may do ``verb``; raises `AccessDenied` with the rule that decided otherwise."""
        require(self.principal, verb, resource, roles=self.workspace.roles, policies=self._policies)

    def forget(self) -> None:
        """Let go of compiled questions, kept files too, so that the next one is compiled from its names again."""
        self.ground.templates.forget()
        self._compiler = self._new_compiler()

    def close(self) -> None:
        """Let go of the warehouse and write what is still to be noted."""
        self._engine.close()
        if self._ledger is not None:
            self._ledger.close()

    # ------------------------------------------------------------------ inside

    @cached_property
    def _graph(self) -> Graph:
        """What this principal may name: hidden and missing read the same from here on."""
        left = narrow(self._whole, self._restriction)
        if "read:metric" not in self.principal.can:
            left = replace(left, metrics={})
        return self._drafts.added_to(left)

    @property
    def _salt(self) -> str:
        return self.ground.salt

    @cached_property
    def _verifies_keys(self) -> bool:
        return self.workspace.settings.environment(self.principal.environment).keys == "verified"

    @cached_property
    def _tags(self) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        return column_tags(self._whole)

    @cached_property
    def _restrictions(self) -> dict[str, Restriction | None]:
        return {}

    def _restriction(self, table: str) -> Restriction | None:
        if table not in self._restrictions:
            self._restrictions[table] = restriction(
                self.principal, table, self._policies, self._tags.get(table, {}), self.principal.environment
            )
        return self._restrictions[table]

    def _visible(self, card: ModelCard) -> ModelCard:
        """The card without key columns that are hidden."""
        left = self._restriction(card.table)
        key = tuple(name for name in card.primary_key if left and left.shows(name))
        return card if key == card.primary_key else replace(card, primary_key=())

    def _compile(self, question: Question) -> Compiled:
        require(self.principal, "read:metric" if question.metrics else "query:adhoc", roles=self.workspace.roles)
        refuse_ended(self._graph, question, date.today())
        if self._engine.version() != self._fresh_for:
            self._fresh, self._fresh_for = {}, self._engine.version()
        try:
            return self._compiler.compile(question, self._granted)
        except DeclarationError as error:
            declared = any(problem.place is not None for problem in error.problems)
            if declared or (question.where is None and question.having is None):
                raise
            raise QuestionError(error.problems) from None  # no file says it, so it is the question that does

    def _granted(self, question: Question) -> Pass:
        return issue(resolve(self._graph, question), self.principal, self._restriction)

    def _new_compiler(self) -> Compiler:
        """A compiler that knows no question yet: what they are made from has changed."""
        return Compiler(self._engine, lambda: self._salt, self.ground.templates, self._is_met)

    def _is_met(self, model: str, role: str | tuple[str, ...]) -> bool:
        return self.ground.keys.is_met(self.ground.graph, model, role)

    def _scoped(self, text: str) -> Prepared:
        """SQL of one's own as what may run: granted tables and columns alone, filters and masks inside."""
        from workbench.warehouse.sandbox import Relations, scope

        require(self.principal, "query:adhoc", roles=self.workspace.roles)
        engine = self._engine
        if engine.dialect != "duckdb":  # rules are put into a statement by DuckDB's own parser
            said = f"SQL of one's own does not run on '{engine.dialect}', only questions for metrics do."
            raise Unanswerable(Problem("not-on-this-engine", said, hint="Ask for metrics and dimensions by name."))
        scoped = scope(
            text, Relations(engine.tables(), self._restriction, engine.types, catalog=engine.catalog, salt=self._salt)
        )
        return Prepared(
            scoped.sql, "sql", scoped.tables, scoped.tables, scoped.restrictions, scoped.is_free, pivot=scoped.pivot
        )

    def _saved(self, asked: Saved) -> Question:
        name = asked.name
        saved = {n: d for n, d in self.workspace.saved_queries.items() if self._knows(d.term)}
        if name not in saved:
            raise QuestionError(
                Problem(
                    "unknown-saved-query",
                    f"no saved query '{name}'." if name else "no saved query is named.",
                    hint=did_you_mean(name, saved, f"There is: {', '.join(saved) or 'none'}."),
                )
            )
        return saved[name].term.question(asked.values)

    def _answer(self, asked: Question | Saved | str) -> Answer:
        with self._engine.moment():  # what is known of the data when compiling must hold for the rows
            try:
                return self._answer_now(asked)
            except Unanswerable as error:
                if error.problems[0].slug != "data-changed":
                    raise
            return self._answer_now(asked)

    def _answer_now(self, asked: Question | Saved | str) -> Answer:
        started = clock.perf_counter()
        prepared = self.prepare(asked)
        table: pa.Table | None = None
        try:
            with self._telling(prepared):
                version = self._sound(prepared)
                prepared = prepared.with_values(self._engine.stream)
                table = self._engine.run(prepared.sql)
                self._still_sound(prepared, version)
        finally:
            self._note(prepared, table.num_rows if table is not None else 0, started, _outcome(table is not None))
        return replace(self._head(prepared, table), seconds=clock.perf_counter() - started)

    def _flowing(self, prepared: Prepared, batches: Batches, version: str, started: float) -> Iterator[pa.RecordBatch]:
        rows, whole = 0, False
        try:
            with self._telling(prepared):
                for batch in batches:
                    rows += batch.num_rows
                    yield batch
                self._still_sound(prepared, version)
            whole = True
        finally:
            batches.close()
            self._note(prepared, rows, started, _outcome(whole))

    def _head(self, prepared: Prepared, table: pa.Table) -> Answer:
        """The answer around these rows."""
        compiled = prepared.compiled
        resolved = compiled.resolved if compiled else None
        numbers = resolved.numbers if resolved else ()
        return Answer(
            table=table,
            columns=answer_columns(self._graph, resolved, table.schema),
            sql=conceal(prepared.sql, self._salt),
            question=prepared.question,
            plan=compiled.plan if compiled else None,
            lineage=tuple(str(origin) for origin in lineage(self._graph, resolved)) if resolved else (),
            metrics=tuple(map(self._fresh_card, dict.fromkeys(number.metric for number in numbers))),
            restrictions=prepared.restrictions,
            notes=compiled.plan.notes if compiled else (),
            asker=self.principal.name,
            draw=self._draw,
        )

    def _sound(self, prepared: Prepared) -> str:
        """Pass if no join of a question multiplies rows; the version of the data this holds for."""
        if prepared.compiled is None:
            return ""
        if not all(self._is_met(*one) for one in prepared.compiled.met):
            raise Unanswerable(
                Problem("data-changed", "the data was replaced while the question was asked.", hint="Ask it again.")
            )
        joins = relied(self._graph, prepared.compiled.resolved) if self._verifies_keys else ()
        return self.ground.keys.require(self._graph, joins, self._restriction)

    def _still_sound(self, prepared: Prepared, version: str) -> None:
        if version and self._engine.version() != version:  # the data was replaced meanwhile: what was read must hold
            self._sound(prepared)

    @contextmanager
    def _telling(self, prepared: Prepared) -> Iterator[None]:
        """Whatever goes wrong is told without what is held back from the asker."""
        try:
            yield
        except Unanswerable:
            raise  # a broken key, told in words that fit the asker
        except WorkbenchError as error:
            from workbench.warehouse.redact import redacted

            raise redacted(error, prepared.is_free) from None

    def _note(self, prepared: Prepared, rows: int, started: float, outcome: str) -> None:
        if self._ledger is not None:
            self._ledger.note_run(
                asker=self.principal.name,
                kind=prepared.kind,
                subject=prepared.subject,
                sql=prepared.sql,
                rows=rows,
                seconds=clock.perf_counter() - started,
                outcome=outcome,
                restrictions=len(prepared.restrictions),
            )

    def _knows(self, question: Question) -> bool:
        return all(asked.path in self._graph.metrics for asked in question.metrics)

    def _fresh_card(self, name: str) -> MetricCard:
        card = metric_card(self._graph, name)
        moments = [self._fresh_until(model) for model in card.models]
        known = [moment for moment in moments if moment is not None]
        return replace(card, fresh_until=min(known)) if known and len(known) == len(moments) else card

    def _fresh_until(self, model: str) -> datetime | None:
        if model not in self._fresh:
            self._fresh[model] = freshness(self._graph, model, self.principal, self._restriction, self.ground)
        return self._fresh[model]

    def _is_masked(self, model: str, dimension: str) -> bool:
        table = self._graph.model(model).table
        held = self._restriction(table)
        tags = set(self._graph.dimension(model, dimension).tags)
        return held is not None and any(mask.tag in tags for mask in held.masks)

    def _cards(self, cards: Iterable[T]) -> tuple[T, ...]:
        from workbench.session.catalog import Cards

        return Cards(cards, draw=self._draw)


def _outcome(whole: bool) -> str:
    """How a run ended, told from whether it did and what is in flight."""
    if whole:
        return "answered"
    flying = sys.exc_info()[1]
    return "stopped" if isinstance(flying, KeyboardInterrupt | GeneratorExit) else "failed"
