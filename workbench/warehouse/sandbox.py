"""Ad hoc SQL to SQL that can only read what its asker was granted; nothing here runs the statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from workbench.errors import QuestionError
from workbench.warehouse.outline import outline
from workbench.warehouse.parsing import Tree, parse, too_deep, written
from workbench.warehouse.relations import Relations
from workbench.warehouse.verbs import Pivot, explained, pivot_of, with_places
from workbench.warehouse.walk import Walk

__all__ = ["Relations", "Scoped", "scope"]


@dataclass(frozen=True, slots=True)
class Scoped:
    """A statement that is safe to run: its text, the tables it reads, and what was restricted.

    ``is_free`` says that nothing at all was held back, so that errors may be quoted whole. A ``pivot`` has statements
    to run first; `with_values` of what they give is then the statement to run.
    """

    sql: str
    tables: tuple[str, ...]
    restrictions: tuple[str, ...]
    is_free: bool
    pivot: Pivot | None = None

    @property
    def lookups(self) -> tuple[str, ...]:
        """Statements to run first, each giving one column of text; mostly none."""
        return self.pivot.lookups if self.pivot else ()

    def with_values(self, values: Sequence[Sequence[str]]) -> Scoped:
        """The statement with what its ``lookups`` gave."""
        return replace(self, sql=self.pivot.filled(values), pivot=None) if self.pivot else self


def scope(sql: str, relations: Relations) -> Scoped:
    """Check one statement and leave each table in it only the granted rows and columns, masked as the rules say.

    The tree that is checked is the engine's own, and the text that is returned is read once more to be that tree.
    Raises `QuestionError` with what is not allowed and what to write instead.
    """
    try:
        return _scope(sql, relations)
    except RecursionError:
        raise QuestionError(too_deep()) from None


def _scope(sql: str, relations: Relations) -> Scoped:
    statement, is_explained = _read(sql)
    walk = Walk(relations)
    walk.statement(statement)
    safe = written(statement)
    tables = tuple(sorted(walk.read))
    left = [relations.left(table) for table in tables]
    restricted = tuple(sentence for one in left for sentence in one.sentences())
    scoped = Scoped(safe, tables, restricted, all(one.is_free for one in left), pivot_of(statement))
    if is_explained:  # of the text alone: read again, since the walk has changed the tree
        return replace(scoped, sql=_telling(outline(_read(sql)[0]), restricted), pivot=None)
    return scoped


def _read(sql: str) -> tuple[Tree, bool]:
    """The tree of a statement, and whether it is only to be explained."""
    try:
        return parse(sql), False
    except QuestionError as refused:
        if refused.slug != "not-a-select":
            raise
        about = explained(sql)
        if about is not None:
            return _read(about)[0], True
        with_room = with_places(sql)
        if with_room is None:
            raise
        return parse(with_room), False


def _telling(asked: str, restrictions: Sequence[str]) -> str:
    """A statement that gives an outline as EXPLAIN gives a plan."""
    lines = [asked, *(f"ACCESS {sentence}" for sentence in restrictions)]
    literal = "\n".join(lines).replace("'", "''")
    return written(parse(f"SELECT 'outline' AS explain_key, '{literal}' AS explain_value"))
