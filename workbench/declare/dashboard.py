"""A dashboard: questions laid out on a page, as a frozen term."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from workbench.declare.grains import Grain
from workbench.declare.question import TimeRange
from workbench.declare.terms import Name, Term, Words


class Tile(Term):
    """One picture of a question: exactly one of number, line, bar, table and text says which."""

    number: Name | None = Field(None, description="A metric: its value, its change, its sparkline.")
    line: Words = Field((), description="Metrics over time.")
    bar: Name | None = Field(None, description="A metric, ranked by ``by``.")
    table: Words = Field((), description="Metrics in columns, ``by`` in rows; downloadable.")
    text: str | None = Field(None, description="Markdown.")
    title: str = ""
    by: Words = ()
    where: str | None = None
    top: int = Field(10, ge=1, le=1000)
    width: int = Field(1, ge=1, le=12, description="Share of the row's width.")

    @property
    def kind(self) -> Literal["number", "line", "bar", "table", "text"]:
        """Which picture this is."""
        for kind in ("number", "line", "bar", "table"):
            if getattr(self, kind):
                return kind
        return "text"

    def metrics(self) -> tuple[str, ...]:
        """The metrics it shows."""
        return tuple(m for m in (self.number, *self.line, self.bar, *self.table) if m)

    @model_validator(mode="after")
    def _one_kind(self) -> Tile:
        if sum(bool(x) for x in (self.number, self.line, self.bar, self.table, self.text)) != 1:
            raise ValueError("give exactly one of 'number', 'line', 'bar', 'table' and 'text'")
        return self


class Dashboard(Term):
    """A page of tiles that share a time range and filters."""

    dashboard: Name
    title: str
    owner: str = ""
    description: str = ""
    audience: Words = Field(("*",), description="Roles or 'group:<name>' that may open it.")
    time: TimeRange | None = Field(None, description="The range it opens with.")
    grain: Grain = "month"
    filters: Words = Field((), description="Dimension paths offered as filters on every tile.")
    rows: tuple[tuple[Tile, ...], ...]
