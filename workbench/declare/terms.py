"""What a workspace can declare about numbers: semantic models, metrics and saved queries, as frozen terms."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from workbench.declare.grains import Grain

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=120)]
Visibility = Literal["public", "internal"]


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_as_tuple, json_schema_input_type=str | tuple[str, ...])]
"""One string or a list of strings."""


class Term(BaseModel):
    """The base of every declared thing: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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
    dimensions: dict[Name, Dimension] = {}
    visibility: Visibility = "public"

    def declared_keys(self) -> tuple[tuple[str, ...], ...]:
        """Every declared unique key."""
        return tuple(k for k in (self.primary_key, *self.unique_keys) if k)


class Input(Term):
    """A metric used inside another, modified in place."""

    metric: Name
    filter: str | None = None


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

    metric: Name
    label: str = ""
    description: str = ""
    owner: str = ""
    domain: str = ""
    tags: Words = ()
    synonyms: Words = ()
    model: Name | None = None
    expr: str
    filter: str | None = None
    inputs: dict[Name, Input] = {}
    time_dimension: Name | None = None
    grain: Grain | None = Field(None, description="The grain of metric_time when a question names none.")
    unit: str = ""
    format: str = ""
    better: Literal["higher", "lower"] | None = Field(None, description="Which direction is good news.")
    fill_nulls_with: float | int | None = None
    visibility: Visibility = "public"
    deprecated: Deprecation | None = None
    version: int = 1
    tests: tuple[MetricTest, ...] = ()
