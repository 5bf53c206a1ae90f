"""A question to the SQL that answers it for one principal, where a question of the same shape is compiled only once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from workbench.access.guard import Pass
from workbench.declare.lifting import lift
from workbench.declare.question import Question
from workbench.errors import WorkbenchError
from workbench.graph.resolve import Resolved
from workbench.plan.build import build
from workbench.plan.fingerprint import fingerprint, with_values, without_values
from workbench.plan.passes.facts import IsMet
from workbench.plan.steps import Fact, Plan
from workbench.plan.template import DIALECTS, Template, template_of
from workbench.session.cache import Recent, Templates
from workbench.warehouse.stand_in import type_of

if TYPE_CHECKING:
    from workbench.warehouse.engine import Engine

SHAPES = 128
"""Shapes of questions that a session keeps, some 20 kB each; one let go is found again by its fingerprint in 1 ms."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What all questions that differ in values alone have in common for one principal; ``own`` are values of rules."""

    resolved: Resolved
    plan: Plan
    template: Template
    own: tuple[Any, ...]

    def filled(self, values: tuple[Any, ...], data: str = "") -> Compiled:
        """The question with these values."""
        return Compiled(self.resolved, self.plan, values, self.template.filled((*values, *self.own)), data)


@dataclass(frozen=True)  # without slots, for the plan is made when somebody looks at it
class Compiled:
    """A question with its plan and SQL for one principal; ``outline`` is the plan with places for ``values``.

    ``data`` is the version of the data that was looked at.
    """

    resolved: Resolved
    outline: Plan
    values: tuple[Any, ...]
    sql: str
    data: str = ""

    @cached_property
    def plan(self) -> Plan:
        """The steps with all values in them."""
        return with_values(self.outline, self.values)

    @property
    def met(self) -> frozenset[Fact]:
        """What must be known of the data for the SQL to be right."""
        return self.outline.met()

    @property
    def subject(self) -> tuple[str, ...]:
        """What was asked about: metrics, or tables where there are none."""
        return tuple(n.metric for n in self.resolved.numbers) or self.outline.tables()


class Compiler:
    """Compiles the questions of one principal; ``templates`` may be shared with others, for it knows no values."""

    def __init__(
        self,
        engine: Engine,
        salt: Callable[[], str],
        templates: Templates,
        is_met: IsMet = lambda model, role: False,
    ) -> None:
        self._engine, self._salt, self._templates, self._is_met = engine, salt, templates, is_met
        self._shapes: Recent[tuple[str, Question], Shape] = Recent(SHAPES)
        self._whole: Recent[tuple[str, Question], bool] = Recent(SHAPES)

    def compile(self, question: Question, grant: Callable[[Question], Pass]) -> Compiled:
        """The question compiled; ``grant`` resolves it and decides whether its asker may ask it."""
        data = self._engine.version()  # other data may have other columns, and other orders of work are cheaper
        asked, values = lift(question) if self._engine.dialect in DIALECTS else (question, ())
        if values and self._whole.find((data, asked)) is None:
            try:
                return self._shape(data, asked, grant, len(values)).filled(values, data)
            except (WorkbenchError, AttributeError, TypeError):
                # Something had to look at a value and found a place: compiled whole, it works or says what is wrong.
                self._whole.keep((data, asked), True)
        return self._shape(data, question, grant, 0).filled((), data)

    def _shape(self, data: str, asked: Question, grant: Callable[[Question], Pass], given: int) -> Shape:
        found = self._shapes.find((data, asked))
        if found is None:
            found = shape_of(grant(asked), given, self._engine, self._salt(), self._templates, self._is_met)
            self._shapes.keep((data, asked), found)
        return found


def shape_of(
    granted: Pass,
    given: int,
    engine: Engine,
    salt: str,
    templates: Templates,
    is_met: IsMet = lambda model, role: False,
) -> Shape:
    """A granted question, with ``given`` values taken out, as its plan and SQL."""
    types = lambda table: {c: type_of(t) for c, t in engine.types(table).items()}  # noqa: E731
    plan = build(granted, types, salt, engine.size, is_met)
    if engine.dialect not in DIALECTS:
        return Shape(granted.resolved, plan, Template((_compiled(plan, engine),)), ())
    outline, own = without_values(plan, given)
    key = _key(outline, engine)
    template = templates.find(key)
    if template is None:
        template = template_of(_compiled(outline, engine))
        if _key(outline, engine) == key:  # tables may have been replaced meanwhile
            templates.keep(key, template)
    return Shape(granted.resolved, plan, template, own)


def _key(outline: Plan, engine: Engine) -> str:
    return fingerprint(outline, engine.types, engine.dialect, engine.catalog, *_compilers())


def _compiled(plan: Plan, engine: Engine) -> str:
    from workbench.plan.lower import to_sql  # ibis is heavy; what is known is answered without it

    return to_sql(plan, engine.schema, engine.dialect, engine.catalog)


@cache
def _compilers() -> tuple[str, ...]:
    """What writes the SQL: another version of it may write other SQL."""
    return version("ibis-framework"), version("sqlglot")
