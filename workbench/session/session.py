"""The one door: a question and who asks it to an answer."""

from __future__ import annotations

import time as clock
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from workbench.access.guard import Pass, issue
from workbench.access.masks import conceal
from workbench.access.principal import Principal, identify
from workbench.access.restriction import Restriction
from workbench.access.rules import require, restriction
from workbench.access.view import narrow
from workbench.declare.dashboard import Dashboard
from workbench.declare.question import Question
from workbench.declare.workspace import Workspace, find_root, load
from workbench.errors import AccessDenied, Problem, QuestionError, Unanswerable, WorkbenchError, did_you_mean
from workbench.graph.build import Graph, build
from workbench.graph.keys import relied
from workbench.graph.lineage import lineage
from workbench.graph.resolve import resolve
from workbench.graph.tags import column_tags
from workbench.session.answer import Answer, Draw
from workbench.session.cache import Templates
from workbench.session.cards import dimension_cards, matches, metric_card, model_card
from workbench.session.catalog import DimensionCard, MetricCard, ModelCard
from workbench.session.compiling import Compiled, Compiler
from workbench.session.drafts import Drafts
from workbench.session.identity import local_identity
from workbench.session.keys import keys_of
from workbench.session.reading import answer_columns, freshness
from workbench.session.salt import salt_of

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from workbench.warehouse.engine import Engine
    from workbench.warehouse.keys import Keys
    from workbench.warehouse.ledger import Ledger

T = TypeVar("T")


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """How a question would be answered: the steps in words, and the SQL."""

    text: str
    sql: str
    restrictions: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"{self.text}\n\n{self.sql}"


class Session:
    """A principal at a workspace; every question of theirs goes through here, and so do the rules."""

    def __init__(
        self,
        workspace: Workspace,
        principal: Principal,
        engine: Engine,
        ledger: Ledger | None,
        draw: Draw | None = None,
    ) -> None:
        self.workspace = workspace
        self.principal = principal
        self._engine = engine
        self._ledger = ledger
        self._draw = draw
        self._whole = build(workspace)
        self._drafts = Drafts()
        self._templates = Templates(workspace.root)
        self._compiler = self._new_compiler()
        self._fresh: dict[str, datetime | None] = {}
        self._policies = tuple(one.term for one in workspace.policies)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        where = self.workspace.settings.name or self.workspace.root.name
        return f"<workbench session of {self.principal.name} at {where}: {len(self.metrics)} metrics>"

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
    ) -> Answer:
        """Ask for metrics by dimensions; see `Question` for each part."""
        asked = _question(
            metrics, by=by, where=where, having=having, order_by=order_by, limit=limit, time=time,
            compare=compare, share_of=share_of, totals=totals, top=top, fill=fill, extremes=extremes,
            every_row=every_row,
        )  # fmt: skip
        return self.ask(asked)

    def ask(self, question: Question) -> Answer:
        """Answer a question; raises what is wrong with it, with the legal alternatives."""
        started = clock.perf_counter()
        compiled = self._compile(question)
        try:
            table = self._run_on_sound_keys(compiled)
        except Unanswerable:
            raise  # a broken key, told in words that fit the asker
        except WorkbenchError as error:
            from workbench.warehouse.redact import redacted

            raise redacted(error, not compiled.plan.restrictions) from None
        return Answer(
            table=table,
            columns=answer_columns(self._graph, compiled.resolved, table.schema),
            sql=conceal(compiled.sql, self._salt),
            question=question,
            plan=compiled.plan,
            lineage=tuple(str(origin) for origin in lineage(self._graph, compiled.resolved)),
            metrics=tuple(map(self._fresh_card, dict.fromkeys(number.metric for number in compiled.resolved.numbers))),
            restrictions=compiled.plan.restrictions,
            asker=self.principal.name,
            seconds=clock.perf_counter() - started,
            draw=self._draw,
        )

    def saved(self, name: str) -> Answer:
        """Answer a saved query by its name."""
        saved = self.workspace.saved_queries
        if name not in saved:
            raise QuestionError(
                Problem(
                    "unknown-saved-query",
                    f"no saved query '{name}'.",
                    hint=did_you_mean(name, saved, f"There is: {', '.join(saved) or 'none'}."),
                )
            )
        return self.ask(saved[name].term.question())

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
    ) -> Explanation:
        """How a question would be answered, without running it."""
        from workbench.plan.explain import explain

        asked = _question(
            metrics, by=by, where=where, having=having, order_by=order_by, limit=limit, time=time,
            compare=compare, share_of=share_of, totals=totals, top=top, fill=fill, extremes=extremes,
            every_row=every_row,
        )  # fmt: skip
        compiled = self._compile(asked)
        return Explanation(
            conceal(explain(compiled.plan), self._salt), conceal(compiled.sql, self._salt), compiled.plan.restrictions
        )

    def sql(self, text: str) -> Answer:
        """Answer one SELECT over the visible tables, with row filters and masks inside."""
        from workbench.warehouse.redact import redacted
        from workbench.warehouse.sandbox import Relations, scope

        started = clock.perf_counter()
        require(self.principal, "query:adhoc", roles=self.workspace.roles)
        engine = self._engine
        scoped = scope(
            text, Relations(engine.tables(), self._restriction, engine.types, catalog=engine.catalog, salt=self._salt)
        )
        try:
            table = self._run(scoped.sql, "sql", scoped.tables, scoped.restrictions)
        except WorkbenchError as error:
            raise redacted(error, scoped.is_free) from None
        return Answer(
            table=table,
            columns=answer_columns(self._graph, None, table.schema),
            sql=conceal(scoped.sql, self._salt),
            restrictions=scoped.restrictions,
            asker=self.principal.name,
            seconds=clock.perf_counter() - started,
            draw=self._draw,
        )

    def table(self, name: str) -> ir.Table:
        """A table of the warehouse as an ibis table; whatever is built on it runs as ad hoc SQL does."""
        from workbench.warehouse.ibis_backend import guarded_table

        if name not in self.tables():
            raise QuestionError(
                Problem(
                    "missing-table",
                    f"no table '{name}'.",
                    hint=did_you_mean(name, self.tables(), f"There is: {', '.join(self.tables())}."),
                )
            )
        empty = self.sql(f"SELECT * FROM {name} LIMIT 0")  # the schema as this principal sees it, masks and all
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

    @property
    def dashboards(self) -> Mapping[str, Dashboard]:
        """The dashboards one may open."""
        me = {"*", *self.principal.roles, *(f"group:{g}" for g in self.principal.groups), f"user:{self.principal.name}"}
        return {n: d.term for n, d in self.workspace.dashboards.items() if me & set(d.term.audience)}

    # ------------------------------------------------------------------ drafting and publishing

    def draft(self, text: str) -> MetricCard:
        """A metric of one's own from YAML, askable in this session as ``adhoc.<name>``; nobody else sees it."""
        require(self.principal, "draft:metric", roles=self.workspace.roles)
        drafts = self._drafts.with_draft(text, self._graph)
        self._drafts = drafts
        self.__dict__.pop("_graph", None)
        self._compiler = self._new_compiler()
        return metric_card(self._graph, drafts.latest)

    def publish(self, name: str) -> Path:
        """Write a draft into `metrics/` for a pull request; takes the right to publish, and replaces nothing."""
        require(self.principal, "publish:metric", name, roles=self.workspace.roles)
        return self._drafts.write(name, self.workspace.root)

    def require(self, verb: str, resource: str = "") -> None:
        """Pass if the principal may do ``verb``; raises `AccessDenied` with the rule that decided otherwise."""
        require(self.principal, verb, resource, roles=self.workspace.roles, policies=self._policies)

    def forget(self) -> None:
        """Let go of compiled questions, kept files too, so that the next one is compiled from its names again."""
        self._templates.forget()
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
        return self._drafts.added_to(narrow(self._whole, self._restriction))

    @cached_property
    def _salt(self) -> str:
        return salt_of(self.workspace.root)

    @cached_property
    def _keys(self) -> Keys:
        return keys_of(self._engine, self._ledger)

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
        return self._compiler.compile(question, self._granted)

    def _granted(self, question: Question) -> Pass:
        return issue(resolve(self._graph, question), self.principal, self._restriction)

    def _new_compiler(self) -> Compiler:
        """A compiler that knows no question yet: what they are made from has changed."""
        return Compiler(self._engine, lambda: self._salt, self._templates)

    def _run_on_sound_keys(self, compiled: Compiled) -> Any:
        """The rows, from data in which no join of the question multiplies any."""
        joins = relied(self._graph, compiled.resolved) if self._verifies_keys else ()
        version = self._keys.require(self._graph, joins, self._restriction)
        table = self._run(compiled.sql, "metric", compiled.subject, compiled.plan.restrictions)
        if self._engine.version() != version:  # the data was replaced meanwhile: what was read must hold as well
            self._keys.require(self._graph, joins, self._restriction)
        return table

    def _run(self, sql: str, kind: str, subject: tuple[str, ...], restrictions: tuple[str, ...]) -> Any:
        started = clock.perf_counter()
        rows, outcome = 0, "failed"
        try:
            table = self._engine.run(sql)
            rows, outcome = table.num_rows, "answered"
            return table
        except KeyboardInterrupt:
            outcome = "stopped"
            raise
        finally:
            if self._ledger is not None:
                self._ledger.note_run(
                    asker=self.principal.name,
                    kind=kind,
                    subject=subject,
                    sql=sql,
                    rows=rows,
                    seconds=clock.perf_counter() - started,
                    outcome=outcome,
                    restrictions=len(restrictions),
                )

    def _fresh_card(self, name: str) -> MetricCard:
        card = metric_card(self._graph, name)
        moments = [self._fresh_until(model) for model in card.models]
        known = [moment for moment in moments if moment is not None]
        return replace(card, fresh_until=min(known)) if known and len(known) == len(moments) else card

    def _fresh_until(self, model: str) -> datetime | None:
        if model not in self._fresh:
            self._fresh[model] = freshness(
                self._graph,
                model,
                self.principal,
                self._restriction,
                self._engine,
                self._salt,
                self._templates,
            )
        return self._fresh[model]

    def _is_masked(self, model: str, dimension: str) -> bool:
        table = self._graph.model(model).table
        held = self._restriction(table)
        tags = set(self._graph.dimension(model, dimension).tags)
        return held is not None and any(mask.tag in tags for mask in held.masks)

    def _cards(self, cards: Iterable[T]) -> tuple[T, ...]:
        from workbench.session.catalog import Cards

        return Cards(cards, draw=self._draw)


def open_session(
    workspace: str | Path | None = None,
    *,
    as_user: str | None = None,
    environment: str | None = None,
    draw: Draw | None = None,
    say: Any = None,
) -> Session:
    """A session over the embedded warehouse of a workspace; builds the warehouse where its source is known.

    Raises `DeclarationError` for a broken workspace, `AccessDenied` for nobody, `WarehouseError` for the warehouse.
    """
    from workbench.warehouse.open import open_engine, open_ledger

    root = Path(workspace).resolve() if workspace is not None else find_root()
    if not root.is_dir():
        raise QuestionError(
            Problem("no-workspace", f"no folder '{workspace}'.", hint="Give the folder of a workspace.")
        )
    loaded = load(root).require()
    settings = loaded.settings
    name = environment or settings.default_environment
    where = settings.environment(name)
    principal = identify(loaded.roles, loaded.groups, local_identity(as_user, settings.identity), name)
    if not principal.roles:
        raise AccessDenied(
            Problem(
                "no-role",
                f"'{principal.name}' has no role: access/ declares none.",
                hint="Declare roles in access/roles.yml; 'workbench init' writes a first set.",
            )
        )
    engine = open_engine(root, where, say)
    return Session(loaded, principal, engine, open_ledger(root), draw)


def _question(metrics: tuple[Any, ...], **parts: Any) -> Question:
    """The question as typed; a part of the wrong shape is a `QuestionError` (bad-question)."""
    flat = [one for item in metrics for one in (item if isinstance(item, list | tuple) else [item])]
    try:
        return Question(metrics=flat, **parts)
    except ValidationError as error:
        raise QuestionError(_misshapen(**detail) for detail in error.errors(include_url=False)) from None
    except (TypeError, ValueError) as error:
        raise QuestionError(Problem("bad-question", f"bad question: {error}.")) from None


def _misshapen(loc: tuple[str | int, ...], msg: str, **_: object) -> Problem:
    part = loc[0] if loc else "question"
    said = msg.removeprefix("Value error, ")
    return Problem("bad-question", f"bad '{part}': {said}" + ("" if said.endswith("?") else "."))
