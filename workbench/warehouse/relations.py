"""What there is to read for one asker: names to tables, where hidden ones are not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from workbench.access.restriction import Restriction


@dataclass(frozen=True, slots=True)
class Relations:
    """What there is to read: every table, what is left of each for the asker, and its columns with their types."""

    tables: Sequence[str]
    restriction_of: Callable[[str], Restriction | None]
    columns_of: Callable[[str], Mapping[str, str]]
    search_path: Sequence[str] = ("gold", "main")
    catalog: str = ""
    salt: str = ""

    def find(self, schema: str, name: str) -> str | None:
        """The visible table of that name, by the search path where it has no schema; hidden is as missing."""
        wanted = [f"{schema}.{name}".lower()] if schema else [f"{s}.{name}".lower() for s in self.search_path]
        spelled = {table.lower(): table for table in self.tables}
        found = [spelled[one] for one in wanted if one in spelled and self.shows(spelled[one])]
        if not found and not schema:
            found = [t for t in self.tables if t.lower().endswith(f".{name.lower()}") and self.shows(t)]
            found = found if len(found) == 1 else []
        return found[0] if found else None

    def shows(self, table: str) -> bool:
        """Whether the table may be named: it is granted, and at least one column of it."""
        left = self.restriction_of(table)
        return left is not None and bool(left.visible(self.columns_of(table)))

    def left(self, table: str) -> Restriction:
        """What is left of a table that may be named."""
        restriction = self.restriction_of(table)
        assert restriction is not None
        return restriction

    def visible(self) -> tuple[str, ...]:
        """The tables that may be named at all."""
        return tuple(table for table in self.tables if self.shows(table))
