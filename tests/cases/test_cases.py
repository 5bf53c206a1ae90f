"""Each case of `data/`: a question, and its answer by hand-written SQL or by hand."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from workbench.declare.question import Question
from workbench.errors import WorkbenchError

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from tests.cases.conftest import Desk

HERE = Path(__file__).parent
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One question and what must come of it."""

    name: str
    workspace: str
    ask: dict[str, Any]
    identity: str | None = None
    sql: str | None = None
    rows: list[list[Any]] | None = None
    refused: str | bool = False
    says: list[str] = field(default_factory=list)
    ordered: bool = False
    columns: list[str] | None = None

    @property
    def question(self) -> Question:
        return Question(**self.ask)

    def truth(self, desk: Desk) -> list[Row]:
        if self.rows is not None:
            return [tuple(row) for row in self.rows]
        assert self.sql is not None
        return [tuple(row) for row in desk.by_hand(self.sql)]


def _cases() -> Iterable[Case]:
    for file in sorted((HERE / "data").glob("*.yml")):
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        for one in document["cases"]:
            told = dict(one)
            name, identity = f"{file.stem}: {told.pop('case')}", told.pop("as", None)
            yield Case(name, document["workspace"], identity=identity, **told)


CASES = tuple(_cases())
ANSWERED = [case for case in CASES if not case.refused]
REFUSED = [case for case in CASES if case.refused]


@pytest.mark.parametrize("case", ANSWERED, ids=lambda case: case.name)
def test_answer_is_what_was_worked_out_by_hand(case: Case, desks: dict[str, Desk]) -> None:
    desk = desks[case.workspace]
    answer = desk.session(case.identity).ask(case.question)
    named = [asked.alias for asked in (*case.question.by, *case.question.metrics)]
    assert answer.table.column_names == (case.columns or named)
    found = [tuple(row.values()) for row in answer.rows()]
    compare(found, case.truth(desk), ordered=case.ordered)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_refusal_names_the_reason(case: Case, desks: dict[str, Desk]) -> None:
    with pytest.raises(WorkbenchError) as refusal:
        desks[case.workspace].session(case.identity).ask(case.question)
    assert case.refused is True or refusal.value.slug == case.refused
    for word in case.says:
        assert word in str(refusal.value)


def _plain(case: Case) -> bool:
    """Whether each metric may be asked for alone: nothing in the question depends on the others."""
    asked = case.question
    return len(asked.metrics) > 1 and asked.limit is None and asked.having is None and case.columns is None


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in ANSWERED if _plain(case)], ids=lambda case: case.name)
def test_company_changes_no_value(case: Case, desks: dict[str, Desk]) -> None:
    """I1: alone, a metric has the very values that it has beside others, and no group that company lacks."""
    session, asked = desks[case.workspace].session(case.identity), case.question
    width = len(asked.by)
    together = [tuple(row.values()) for row in session.ask(asked).rows()]
    for position, metric in enumerate(asked.metrics):
        one = asked.model_copy(update={"metrics": (metric,), "order_by": ()})
        alone = {row[:width]: row[width:] for row in (tuple(r.values()) for r in session.ask(one).rows())}
        company = {row[:width]: (row[width + position],) for row in together}
        assert alone.keys() <= company.keys()
        for key, value in alone.items():
            assert _close(value, company[key]), f"{metric.path} at {key}: {value} alone, {company[key]} in company"
        for key in company.keys() - alone.keys():
            assert company[key][0] in (None, 0), f"{metric.path} at {key} has no rows, and {company[key][0]} in company"


def test_every_metric_is_asked_in_total_and_by_group(desks: dict[str, Desk]) -> None:
    for name, desk in desks.items():
        asked = [case.question for case in ANSWERED if case.workspace == name]
        declared = {card.name for card in desk.session().metrics}
        in_total = {metric.path for question in asked if not question.by for metric in question.metrics}
        by_group = {metric.path for question in asked if question.by for metric in question.metrics}
        if name == "flights":
            assert declared - in_total == set()
            assert declared - by_group == set()
        assert declared >= in_total | by_group


def compare(found: list[Row], truth: list[Row], *, ordered: bool) -> None:
    """Fail unless both are the same bag of rows, or the same list where the order is part of the answer."""
    if not ordered:
        found, truth = sorted(found, key=_rank), sorted(truth, key=_rank)
    for ours, theirs in zip(found, truth, strict=False):
        assert _close(ours, theirs), f"{ours} where {theirs} is right"
    assert len(found) == len(truth)


def _close(ours: Row, theirs: Row) -> bool:
    return len(ours) == len(theirs) and all(map(_same, ours, theirs))


def _same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, int | float | Decimal) and isinstance(theirs, int | float | Decimal):
        if isinstance(ours, bool) or isinstance(theirs, bool):
            return ours is theirs
        return math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12)
    # A datetime is a date to Python, but a day is not a moment.
    return isinstance(ours, datetime) == isinstance(theirs, datetime) and bool(ours == theirs)


def _rank(row: Row) -> tuple[Any, ...]:
    """A sort key that rounding does not disturb: exact values first, then numbers roughly."""
    exact = tuple((value is None, str(value)) for value in row if value is None or isinstance(value, str | date | bool))
    return exact, tuple(float(f"{value:.6g}") for value in row if isinstance(value, int | float | Decimal))


def test_comparison_can_fail() -> None:
    with pytest.raises(AssertionError):
        compare([("a", 1.0)], [("a", 1.000001)], ordered=False)
    with pytest.raises(AssertionError):
        compare([("a", 1)], [("a", 1), (None, 2)], ordered=False)
    with pytest.raises(AssertionError):
        compare([(datetime(2013, 1, 1),)], [(date(2013, 1, 1),)], ordered=False)
    with pytest.raises(AssertionError):
        compare([("b",), ("a",)], [("a",), ("b",)], ordered=True)
    compare([("b", 2), (None, 1.0)], [(None, 1), ("b", Decimal(2))], ordered=False)
