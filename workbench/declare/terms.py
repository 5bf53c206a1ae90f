"""What a workspace can declare about numbers: semantic models, metrics and saved queries, as frozen terms."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from workbench.declare.grains import Grain

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=120)]
Visibility = Literal["public", "internal"]


def _as_tuple(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        raise ValueError(f"'{value}' is not a word or a list of words")
    return (value,) if isinstance(value, str) else value


def _span(value: Any) -> Any:
    """'28 days' as its parts."""
    if isinstance(value, dict | Length):
        return value
    found = re.fullmatch(r"\s*(\d+)\s+([a-z][a-z0-9_]*?)s?\s*", str(value))
    if found is None:
        raise ValueError(f"'{value}' is not a length of time; write it as '28 days' or '1 month'")
    return {"count": int(found[1]), "grain": found[2]}


def _both(value: Any) -> Any:
    return (value, value) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_as_tuple, json_schema_input_type=str | tuple[str, ...])]
"""One string or a list of strings."""


class Term(BaseModel):
    """The base of every declared thing: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Length(Term):
    """A length of time: a count of periods of a grain."""

    count: int = Field(ge=1)
    grain: str

    def __str__(self) -> str:
        return f"{self.count} {self.grain}{'s' if self.count > 1 else ''}"


_SpanText = Annotated[str, StringConstraints(pattern=r"^\s*\d+\s+[a-z][a-z0-9_]*\s*$")]
Span = Annotated[Length, BeforeValidator(_span, json_schema_input_type=_SpanText | Length)]
"""Written as '28 days' or '1 month', or '3 fiscal_months' of a calendar of one's own."""


class Shift(Length):
    """A length of time to look back by; with ``each``, every moment of that grain looks back for itself.

    Without, whole periods are moved where whole periods are shown, and where several days look at one, as the last of
    March do at the end of February, its rows count once. With ``each: day`` they count as often as they are looked at.
    """

    each: Grain | None = None


def _shift(value: Any) -> Any:
    """'1 month', or {by: 1 month, each: day}, as its parts."""
    if isinstance(value, dict) and "by" in value:
        parts = _span(value["by"])
        return {**parts, **{key: given for key, given in value.items() if key != "by"}}
    return _span(value)


class _Back(Term):
    by: _SpanText
    each: Grain | None = None


Back = Annotated[Shift, BeforeValidator(_shift, json_schema_input_type=_SpanText | _Back | Shift)]
"""Written as '1 year', or as {by: 1 month, each: day}."""


class Validity(Term):
    """The two columns that bound a row's validity; the end is exclusive and NULL means still valid."""

    from_: str = Field(alias="from")
    to: str


class Relationship(Term):
    """A to-one join, named by the role the other model plays."""

    to: Name
    on: Words | dict[str, str] = Field(description="Columns of the same name, or {our column: their column}.")
    type: Literal["many_to_one", "one_to_one"] = "many_to_one"
    valid: Validity | None = None
    description: str = ""

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(our column, their column), in the order written."""
        return tuple(self.on.items()) if isinstance(self.on, dict) else tuple((c, c) for c in self.on)


class Many(Term):
    """A way to all rows of another model that share values with one of ours, as a table of snapshots has several.

    Nothing of a number falls to any of them, so that only questions without metrics go there: with ``every_row``, each
    of them is a line of its own.
    """

    to: Name
    on: Words | dict[str, str] = Field(description="Columns of the same name, or {our column: their column}.")
    description: str = ""

    def relationship(self) -> Relationship:
        """The same rows met, as a join is told of."""
        return Relationship(to=self.to, on=self.on)


class Weighted(Term):
    """Each partner has the part that a column of the bridge says, of all parts of its row."""

    by: str = Field(description="A column or dimension of the bridge; parts that are not above 0 are none.")


def _allocation(value: Any) -> Any:
    if isinstance(value, str) and value not in ("equally", "whole"):
        raise ValueError(f"'{value}' says nothing of parts; write equally, whole or {{by: COLUMN}}")
    return value


class Bridge(Term):
    """A way to several rows of another model, through a model whose rows pair one of ours with one of theirs.

    ``allocate`` says what of a number falls to each partner: parts that add up to the whole, or to each the whole.
    """

    to: Name
    through: Name = Field(description="The model of pairs: it has a relationship to both, and a key of both together.")
    allocate: Annotated[Literal["equally", "whole"] | Weighted, BeforeValidator(_allocation)]
    description: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether groups overlap, as each partner has the whole."""
        return self.allocate == "whole"


class Dimension(Term):
    """Something to group or filter by: an expression over one row of its model."""

    type: Literal["categorical", "time", "number", "boolean"] = "categorical"
    expr: str | None = Field(None, description="Defaults to the column of the dimension's own name.")
    grain: Grain | None = Field(None, description="The finest grain of a time dimension; a day unless said.")
    timezone: str | None = Field(None, description="The zone whose calendar a time dimension follows.")
    label: str = ""
    description: str = ""
    format: str = ""
    synonyms: Words = ()
    tags: Words = ()
    visibility: Visibility = "public"


class SemanticModel(Term):
    """One relation of the warehouse: its keys, its relationships, its dimensions."""

    semantic_model: Name
    label: str = ""
    description: str = ""
    owner: str = ""
    domain: str = ""
    tags: Words = ()
    synonyms: Words = ()
    table: str
    entity: Name | None = Field(None, description="What one row is; paths may start with it, as with a relationship.")
    primary_key: Words = ()
    unique_keys: tuple[tuple[str, ...], ...] = ()
    time_dimension: Name | None = None
    relationships: dict[Name, Relationship] = {}
    bridges: dict[Name, Bridge] = Field({}, description="Ways to several rows at once, by the role they play.")
    many: dict[Name, Many] = Field({}, description="Ways to many rows, for questions without metrics alone.")
    dimensions: dict[Name, Dimension] = {}
    visibility: Visibility = "public"

    def declared_keys(self) -> tuple[tuple[str, ...], ...]:
        """Every declared unique key."""
        return tuple(k for k in (self.primary_key, *self.unique_keys) if k)


class Input(Term):
    """A metric used inside another, modified in place."""

    metric: Name
    filter: str | None = None
    offset: Back | None = Field(None, description="Its value that much earlier, such as '1 year'.")
    offset_to: str | None = Field(None, description="Its value at the start of the period of this grain.")


class NonAdditive(Term):
    """A level, such as a balance, that must not be added up over time: one moment's rows stand for the period."""

    over: Name = Field(description="The time dimension it may not be added up over.")
    take: Literal["first", "last"] = "last"
    by: Words = Field((), description="The moment is found for each of these; for all rows together unless said.")


class Constant(Term):
    """A value that must be the same in the event and in the one that follows."""

    from_: str = Field(alias="from")
    to: str


class Conversion(Term):
    """How many events of one metric are followed by one of another, for the same entity."""

    from_: Name = Field(alias="from", description="The metric of the first events: what the answer is grouped by.")
    to: Name = Field(description="The metric of the events that may follow.")
    entity: Annotated[tuple[str, str], BeforeValidator(_both, json_schema_input_type=str | tuple[str, str])] = Field(
        description="Who does both: one dimension or column name, or that of each side."
    )
    within: Span | None = Field(None, description="The longest time between the two; without it, any.")
    constant: tuple[Constant, ...] = ()
    calculate: Literal["rate", "count"] = "rate"


class Deprecation(Term):
    """When a metric stopped being recommended, when it stops answering, and what to use."""

    since: date
    until: date | None = None
    replaced_by: Name | None = None
    reason: str = ""


class MetricTest(Term):
    """A value the metric must have: on the warehouse, or on the few rows of ``given``."""

    by: Words = ()
    where: str | None = None
    given: dict[Name, tuple[dict[str, Any], ...]] | None = Field(
        None, description="Rows of each model to answer from instead of the warehouse; other models are empty."
    )
    expect: float | int | None
    tolerance: float = Field(1e-9, ge=0)


class Metric(Term):
    """A number with one meaning: aggregates over a model's columns, or arithmetic over other metrics."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["expr"]}, {"required": ["conversion"]}]})

    metric: Name
    label: str = ""
    description: str = ""
    owner: str = ""
    domain: str = ""
    tags: Words = ()
    synonyms: Words = ()
    model: Name | None = None
    expr: str = Field("", description="Aggregates over columns, or arithmetic over names of metrics.")
    filter: str | None = None
    inputs: dict[Name, Input] = {}
    time_dimension: Name | None = None
    grain: Grain | None = Field(None, description="The grain of metric_time when a question names none.")
    unit: str = ""
    format: str = ""
    better: Literal["higher", "lower"] | None = Field(None, description="Which direction is good news.")
    fill_nulls_with: float | int | None = None
    window: Span | None = Field(None, description="Trailing: rows of that long up to each moment, such as '28 days'.")
    to_date: str | None = Field(None, description="From the start of the period of this grain up to each moment.")
    running: bool = Field(False, description="All rows up to each moment.")
    period: Literal["first", "last", "average"] | None = Field(
        None,
        description="Which of its days that have rows a coarser period shows; unless said, its last moment.",
    )
    offset: Back | None = Field(None, description="The value that much earlier, such as '1 year'.")
    offset_to: str | None = Field(None, description="The value at the start of the period of this grain.")
    non_additive: NonAdditive | None = None
    conversion: Conversion | None = None
    spine: bool = Field(False, description="Show periods without rows too, when asked over time.")
    visibility: Visibility = "public"
    deprecated: Deprecation | None = None
    version: int = 1
    tests: tuple[MetricTest, ...] = ()

    @model_validator(mode="after")
    def _computed_once(self) -> Metric:
        if bool(self.expr) == (self.conversion is not None):
            raise ValueError("give either 'expr' or 'conversion'")
        if sum((self.window is not None, self.to_date is not None, self.running)) > 1:
            raise ValueError("give one of 'window', 'to_date' and 'running'")
        if self.period and not (self.window or self.to_date or self.running):
            raise ValueError("'period' goes with 'window', 'to_date' or 'running'")
        if self.non_additive and not self.model:
            raise ValueError("'non_additive' goes with 'model': declare it on the metric over columns")
        return self


class Calendar(Term):
    """A table of moments: the periods there are, and periods of one's own such as fiscal years.

    Its own periods can be counted as months can: ``window: 3 fiscal_month``, ``offset: 1 retail_week``. They follow
    each other in the order of their column. A day looks at the day at the same position of the other period, or at its
    last one where that is shorter; whole periods are moved where whole periods are shown.
    """

    calendar: Name
    description: str = ""
    table: str
    column: str = Field(description="The column of moments, one row each.")
    grain: Grain = "day"
    grains: dict[Name, str] = Field({}, description="Grains of one's own: name to the column with each period's start.")
    within: dict[Name, Name] = Field(
        {}, description="Grains of one's own whose periods are whole parts of another's: {fiscal_month: fiscal_year}."
    )

    @model_validator(mode="after")
    def _within_its_own(self) -> Calendar:
        for name in (*self.within, *self.within.values()):
            if name not in self.grains:
                raise ValueError(f"'within' names '{name}', which is none of its 'grains': {', '.join(self.grains)}")
        return self
