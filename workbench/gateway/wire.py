"""What goes over the wire, as shapes both sides share: answers without their rows, and problems without a loss."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, TypeAdapter

from workbench.declare.question import Question
from workbench.errors import InternalError, Problem, WorkbenchError
from workbench.session.answer import Answer, AnswerColumn
from workbench.session.catalog import DimensionCard, MetricCard

ARROW = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"
JSON = "application/json"
CSV = "text/csv"

ANSWER = b"workbench.answer"
"""The key of an Arrow schema's metadata that holds the `Head`."""
TAIL = b"workbench.tail"
"""The key of the last batch's metadata that holds the `Tail`: a stream without it is no whole answer."""
REFUSAL = b"workbench.refusal"
"""The key of a last batch's metadata that holds the `Refusal` that ended the rows."""

REQUEST_ID = "X-Request-ID"

WHOLE = ConfigDict(extra="forbid")
"""Of what comes in: a key that nobody reads would be taken for one that counts."""

_UNRECORDED = "Nothing is answered while it cannot be recorded"
INSIDE = {
    problem.slug: problem
    for problem in (
        Problem("audit-unwritable", f"{_UNRECORDED}: the ledger takes no record.", hint="Ask again in a while."),
        Problem("audit-unreadable", "The ledger cannot be read.", hint="Ask again in a while."),
        Problem("tokens-unavailable", f"{_UNRECORDED}: the ledger does not answer.", hint="Ask again in a while."),
        Problem("audit-broken", f"{_UNRECORDED}: the record has to be looked at.", hint="Tell whoever runs this."),
        *(
            Problem(slug, "The warehouse cannot be read now.", hint="Ask again in a while.")
            for slug in ("no-warehouse", "no-permission", "warehouse-broken", "warehouse-locked", "warehouse-newer")
        ),
    )
}
"""What is told of a ledger or a warehouse that is not as it should be; where it lies is for the log alone."""
_LOG = logging.getLogger("workbench.gateway")


@dataclass(frozen=True, slots=True)
class Head:
    """An answer without its rows."""

    columns: tuple[AnswerColumn, ...]
    sql: str
    question: Question | None
    lineage: tuple[str, ...]
    metrics: tuple[MetricCard, ...]
    dimensions: tuple[DimensionCard, ...]
    restrictions: tuple[str, ...]
    asker: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tail:
    """What is known of an answer once all its rows are out."""

    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """An answer with its rows: one object each, under the names of the columns."""

    answer: Head
    rows: list[dict[str, Any]]
    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no answer: the family of the error, its problems, and the id to quote when asking about it."""

    error: str
    problems: tuple[Problem, ...]
    request_id: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL of one's own: one SELECT over the tables one may read."""

    __pydantic_config__: ClassVar[ConfigDict] = WHOLE
    text: str


@dataclass(frozen=True, slots=True)
class DraftText:
    """A metric of one's own, as YAML."""

    __pydantic_config__: ClassVar[ConfigDict] = WHOLE
    text: str


@dataclass(frozen=True, slots=True)
class QueryState:
    """A question on its way: waiting in line, or running."""

    id: str
    kind: Literal["metric", "sql", ""]
    state: Literal["waiting", "running"]
    position: int
    elapsed: float
    rows: int


@dataclass(frozen=True, slots=True)
class Allowed:
    """That something may be done, or not, and the rules that decide."""

    allowed: bool
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table one may read, as one sees it."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class SignIn:
    """Where a browser logs in: an address, or a path of the gateway's; '' where it cannot, and tokens are needed."""

    browser: str


@dataclass(frozen=True, slots=True)
class Health:
    """That the process lives."""

    status: Literal["ok"]


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether questions can be answered; while declarations are broken, those before them are served."""

    ready: bool
    warehouse: Literal["open", "closed"]
    ledger: Literal["open", "closed"]
    workers: Literal["running", "none"]
    declarations: Literal["current", "broken"]
    leaving: bool


HEAD: TypeAdapter[Head] = TypeAdapter(Head)
TAIL_SHAPE: TypeAdapter[Tail] = TypeAdapter(Tail)
REFUSAL_SHAPE: TypeAdapter[Refusal] = TypeAdapter(Refusal)


def head_of(answer: Answer) -> Head:
    """The part of an answer that goes ahead of its rows; its plan stays, for it holds the salt of masks."""
    return Head(
        answer.columns,
        answer.sql,
        answer.question,
        answer.lineage,
        answer.metrics,
        answer.dimensions,
        answer.restrictions,
        answer.asker,
        answer.notes,
    )


def refusal_of(error: WorkbenchError, request_id: str = "") -> Refusal:
    """An error as it goes over the wire."""
    if isinstance(error, InternalError):
        return own_fault(request_id)
    for problem in error.problems:
        if problem.slug in INSIDE:
            _LOG.error("request %s: %s", request_id, problem)
    told = tuple(INSIDE.get(problem.slug, problem) for problem in error.problems)
    return Refusal(_family(type(error)), told, request_id, getattr(error, "retry_after", None))


def own_fault(request_id: str) -> Refusal:
    """Our own fault: nothing of it is told but the id under which the log has the rest."""
    said = f"Something went wrong on our side (request {request_id})."
    return Refusal("InternalError", (Problem("internal", said, hint="Report it with this id."),), request_id)


def error_of(refusal: Refusal) -> WorkbenchError:
    """The error that was raised over there: of the same class, with the same problems."""
    error = _families().get(refusal.error, WorkbenchError)(refusal.problems)
    if refusal.retry_after is not None:
        error.retry_after = refusal.retry_after  # type: ignore[attr-defined]
    return error


def _family(kind: type[WorkbenchError]) -> str:
    """The nearest class that both sides know: one of errors.py."""
    return next(one.__name__ for one in kind.__mro__ if one.__name__ in _families())


def _families() -> dict[str, type[WorkbenchError]]:
    kinds: list[type[WorkbenchError]] = [WorkbenchError, *WorkbenchError.__subclasses__()]
    return {kind.__name__: kind for kind in kinds if kind.__module__ == WorkbenchError.__module__}
