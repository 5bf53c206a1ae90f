"""What a principal is left of one table: the rows, the masks, the columns."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Literal

from workbench.declare.people import Scalar
from workbench.errors import AccessDenied, Problem

MaskKind = Literal["null", "hash", "last4", "bucket", "constant"]
STRICTEST: tuple[MaskKind, ...] = ("null", "constant", "bucket", "last4", "hash")
"""Mask kinds from the one that tells least; where several apply, the first wins."""

FENCE = 2**62 - 1
"""A LIMIT beyond any table, put over the rows that a rule leaves: engines move no condition through it.

Otherwise a condition of the asker's may be tried before the rule, on rows that are hidden, and where it fails on one of
them (a cast, a division, memory), that it failed tells of that row.
"""


def same_column(name: str) -> str:
    """A column's name in the form in which names are compared."""
    return name.lower()


@dataclass(frozen=True, slots=True)
class RowFilter:
    """A row rule with the asker's attributes put in as literals; no values means no rows for eq, in and range."""

    name: str
    column: str
    op: Literal["eq", "in", "range", "is_null", "is_not_null"]
    values: tuple[Scalar, ...] = ()


@dataclass(frozen=True, slots=True)
class Mask:
    """How the values of one column are hidden."""

    column: str
    tag: str
    kind: MaskKind


@dataclass(frozen=True, slots=True)
class Restriction:
    """What is left of one table; ``columns`` None means all but ``hidden``, otherwise only these, less ``hidden``."""

    table: str
    rows: tuple[RowFilter, ...] = ()
    masks: tuple[Mask, ...] = ()
    hidden: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None

    def shows(self, column: str) -> bool:
        """Whether the column may be named at all; as in SQL, case makes no difference."""
        name = same_column(column)
        return name not in self.hidden and (self.columns is None or name in self.columns)

    def mask_of(self, column: str) -> Mask | None:
        """The mask over a column, if any."""
        return next((mask for mask in self.masks if mask.column == same_column(column)), None)

    def visible(self, columns: Iterable[str]) -> tuple[str, ...]:
        """Those of ``columns`` that may be named, in their order."""
        return tuple(column for column in columns if self.shows(column))

    @property
    def is_free(self) -> bool:
        """Whether nothing at all is held back."""
        return not (self.rows or self.masks or self.hidden) and self.columns is None

    def sentences(self, read: Container[str] | None = None) -> tuple[str, ...]:
        """What was restricted, in words for the answer; hidden columns go unnamed, as if missing.

        With ``read``, the columns an answer shows or counts, only masks over those are told.
        """
        masked = [m for m in self.masks if read is None or m.column in read]
        rows = tuple(f"rows of {self.table} limited by '{f.name}'" for f in self.rows)
        masks = tuple(f"{self.table}.{m.column} masked ({m.kind}) by tag '{m.tag}'" for m in masked)
        return rows + masks


def rule_without_column(rule: RowFilter, table: str) -> AccessDenied:
    """What is said where a row rule, of a whole schema as a rule, meets a table that it can't be tried on."""
    return AccessDenied(
        Problem(
            "denied",
            f"a rule keeps rows of '{table}' from you by the column '{rule.column}', which is not there.",
            hint="Ask a steward: the rule is to name the tables that have the column.",
        )
    )
