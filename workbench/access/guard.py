"""From a question and a principal to a Pass: the only thing the planner accepts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from workbench.access.principal import Principal

Scalar = str | int | float | bool | date


@dataclass(frozen=True, slots=True)
class RowFilter:
    """A row rule with the asker's attributes put in as literals; no values means no rows for eq, in and range."""

    name: str
    column: str
    op: Literal["eq", "in", "range", "is_null", "is_not_null"]
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Mask:
    """How the values of one column are hidden."""

    column: str
    tag: str
    kind: Literal["null", "hash", "last4", "bucket", "constant"]


@dataclass(frozen=True, slots=True)
class Restriction:
    """What a principal is left of one table; ``columns`` None means all, otherwise only these."""

    table: str
    rows: tuple[RowFilter, ...] = ()
    masks: tuple[Mask, ...] = ()
    hidden: tuple[str, ...] = ()

    def sentences(self) -> tuple[str, ...]:
        """What was restricted, in words for the answer."""
        rows = tuple(f"rows of {self.table} limited by '{f.name}'" for f in self.rows)
        masks = tuple(f"{self.table}.{m.column} masked ({m.kind}) by tag '{m.tag}'" for m in self.masks)
        return rows + masks
