"""A question, as every face asks it: magic, method, command line, dashboard and saved query."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from workbench.declare.parameters import SavedParameter, filled, named, used, values_of
from workbench.declare.terms import Name, Span, Term, Words
from workbench.errors import Problem, QuestionError

MOST = 300
"""Names in one list of a question: each is followed and compiled before anything runs."""


MOST_TOTALS = 30
"""Kinds of totals: each is a question of its own."""

MOST_ROWS = 2**63 - 1
"""The largest number of rows that an engine can be told."""


class Asked(Term):
    """A metric or a path, and the name of its column in the answer."""

    path: str
    alias: str

    @property
    def renamed(self) -> bool:
        """Whether the asker chose another name for the column."""
        return self.alias != self.path


def _not_ours(alias: str) -> str:
    """A name for a column that none of our own can be."""
    if alias.startswith("__") or not alias.strip():
        raise ValueError(f"'{alias}' cannot name a column: say a name that starts with no two underscores")
    return alias


def _asked(value: Any) -> Any:
    """Accept 'a', ['a', {alias: path}] and {alias: path}; give a tuple of Asked."""
    if not isinstance(value, Iterable):
        raise ValueError(f"'{value}' is not a name or a list of names")
    items = [value] if isinstance(value, str | dict | Asked) else list(value)
    if sum(len(item) if isinstance(item, dict) else 1 for item in items) > MOST:
        raise ValueError(f"more than {MOST} names are asked for at once")
    out: list[Asked] = []
    for item in items:
        if isinstance(item, dict) and not {"path", "alias"} <= item.keys():
            out.extend(Asked(path=str(path).strip(), alias=_not_ours(str(alias))) for alias, path in item.items())
        elif isinstance(item, str):
            out.append(Asked(path=item.strip(), alias=item.strip()))
        else:
            out.append(Asked.model_validate(item))
    return tuple(out)


def _conjunction(value: Any) -> Any:
    """Several conditions mean all of them."""
    if isinstance(value, list | tuple):
        if len(value) == 1:
            return value[0]  # as it was typed, so that an error tells of what was typed
        return " and ".join(f"({part})" for part in value) or None
    return value


AskedAs = str | dict[str, str]
AskedList = Annotated[tuple[Asked, ...], BeforeValidator(_asked, json_schema_input_type=AskedAs | tuple[AskedAs, ...])]
Condition = Annotated[str | None, BeforeValidator(_conjunction, json_schema_input_type=str | tuple[str, ...] | None)]


def _moment(value: Any) -> Any:
    """Text without a clock is a date, which means its whole day, and never its midnight."""
    if not isinstance(value, str):
        return value
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            return read(value.strip())
        except ValueError:
            continue
    raise ValueError(f"'{value}' is not a date; write it as 2024-01-31 or 2024-01-31 18:30:00")


Moment = Annotated[datetime | date | None, BeforeValidator(_moment)]


class TimeRange(Term):
    """A span of metric_time, both ends inclusive, widened to whole periods of the asked grain.

    With ``inside``, moments whose offsets look at one outside of the span are left out as well: no number that is shown
    changes by it, and fewer are. Windows that end inside still reach back as far as they say.
    """

    start: Moment = None
    end: Moment = None
    inside: bool = Field(False, description="Leave out moments whose offsets look at others outside of the span.")


def _time_range(value: Any) -> Any:
    """Accept (start, end) and {start, end}."""
    if isinstance(value, str | date) or (isinstance(value, list | tuple) and len(value) != 2):
        raise ValueError("a span has a start and an end: ('2013-01-01', '2013-06-30'), either may be None")
    if isinstance(value, list | tuple):
        start, end = value
        return {"start": start, "end": end}
    return value


class Top(Term):
    """The groups with the most of a metric, each by name; the others stand together in one row."""

    n: int = Field(ge=1, le=MOST_ROWS, description="How many groups are shown by name.")
    of: str = Field("", description="The column of ``by`` that they are groups of; said where there are several.")
    by: str = Field(
        "", description="The metric that says which groups come first; the first one asked for unless said."
    )
    least: bool = Field(False, description="Those with the least instead.")
    other: bool = Field(True, description="The others together in a row; with false they are left out.")
    label: str = Field("other", description="What that row is called.")


_TOP = re.compile(r"(\d+)( least)?(?: of (\S+))?(?: using (\S+))?( alone)?")


def _top(value: Any) -> Any:
    """5 means the five first; in words '5 least of carrier using flights alone'."""
    if isinstance(value, int) and not isinstance(value, bool):
        return {"n": value}
    if not isinstance(value, str):
        return value
    found = _TOP.fullmatch(" ".join(value.split()))
    if found is None:
        said = "5, '5 of carrier', '5 of carrier using flights', '5 least of carrier' or '5 of carrier alone'"
        raise ValueError(f"'{value}' is no top; write {said}")
    n, least, of, by, alone = found.groups()
    return {"n": int(n), "of": of or "", "by": by or "", "least": bool(least), "other": not alone}


class Question(Term):
    """Which metrics, by what, where, having, in which order, how many, and when."""

    metrics: AskedList = ()
    by: AskedList = ()
    where: Condition = Field(None, description="A condition on dimensions.")
    having: Condition = Field(None, description="A condition on metrics of the answer.")
    order_by: Words = Field(
        (),
        max_length=MOST,
        description="Columns of the answer, or what is not shown; '-name' or 'name desc' for descending.",
    )
    limit: int | None = Field(None, ge=0, le=MOST_ROWS)
    time: Annotated[TimeRange | None, BeforeValidator(_time_range)] = None
    compare: Span | None = Field(
        None, description="Beside each metric its value that much earlier, the change and the ratio: '1 year'."
    )
    share_of: Words = Field(
        (),
        max_length=MOST,
        description="Beside each metric its share: 'total', or the columns of ``by`` to share within.",
    )
    totals: Words = Field(
        (), max_length=MOST_TOTALS, description="Rows of totals: 'total', or a column of ``by`` to subtotal by."
    )
    top: Annotated[Top | None, BeforeValidator(_top, json_schema_input_type=int | str | Top | None)] = Field(
        None, description="How many groups to show by name, the others together: 5, or '5 of carrier using flights'."
    )
    fill: bool = Field(False, description="Show periods without rows too.")
    timezone: str = Field(
        "", description="The zone whose days and hours are meant: moments are shown and compared there, dates stay."
    )
    extremes: bool = Field(
        False, description="Without metrics: the least and the greatest value of each dimension, instead of all."
    )
    every_row: bool = Field(
        False, description="Without metrics: a line for each row that has the values, instead of each value once."
    )


class SavedSpan(Term):
    """A span whose ends are moments, or parameters such as ``:start``."""

    start: Moment | str = None
    end: Moment | str = None

    @field_validator("start", "end", mode="wrap")
    @classmethod
    def _may_be_named(cls, value: Any, read: ValidatorFunctionWrapHandler) -> Any:
        return value if named(value) else read(_moment(value))


_NAMED = Annotated[str, StringConstraints(pattern=r"^:[A-Za-z_][A-Za-z0-9_]*$")]


class SavedQuery(Question):
    """A question with a name; its conditions, span and limit may name ``parameters`` as ``:name``."""

    saved_query: Name
    label: str = ""
    description: str = ""
    owner: str = ""
    tags: Words = ()
    limit: Annotated[int, Field(ge=0, le=MOST_ROWS)] | _NAMED | None = None  # type: ignore[assignment]
    time: Annotated[SavedSpan | None, BeforeValidator(_time_range)] = None  # type: ignore[assignment]
    parameters: dict[Name, SavedParameter] = {}

    def question(self, given: Mapping[str, Any] | None = None) -> Question:
        """The question alone, without its name and prose, with these values of its parameters.

        Raises `QuestionError` (unknown-parameter, missing-parameter, bad-value). Without values at all it is asked
        with the defaults, or with values that there may be, as who looks at it without asking wants it.
        """
        values = {name: one.example for name, one in self.parameters.items()}
        if given is not None:
            values = values_of(self.saved_query, self.parameters, given)
        parts = {field: getattr(self, field) for field in Question.model_fields}
        for part in ("where", "having"):
            parts[part] = filled(parts[part], values) if parts[part] and values else parts[part]
        parts["limit"] = _meant(self.limit, values)
        if self.time is not None:
            parts["time"] = (_meant(self.time.start, values), _meant(self.time.end, values))
        try:
            return Question(**parts)
        except ValidationError as error:
            said = error.errors()[0]
            what = said["msg"].removeprefix("Value error, ")
            raise QuestionError(
                Problem("bad-value", f"'{self.saved_query}': bad '{said['loc'][0]}': {what}.")
            ) from None

    def named_parameters(self) -> tuple[str, ...]:
        """The parameters that the question names; raises `DeclarationError` for conditions that cannot be read."""
        span = (self.time.start, self.time.end) if self.time else ()
        whole = (name for one in (self.limit, *span) if (name := named(one)) is not None)
        return tuple(dict.fromkeys((*used(self.where, self.having), *whole)))


def _meant(written: Any, values: Mapping[str, Any]) -> Any:
    """What is written, or the value of the parameter that it names."""
    name = named(written)
    return values.get(name, None) if name is not None else written
