"""Ad hoc SQL to SQL that can only read what its asker was granted; nothing here runs the statement."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.errors import InternalError, Problem
from workbench.warehouse.parsing import parse, same, text
from workbench.warehouse.relations import Relations
from workbench.warehouse.walk import Walk

__all__ = ["Relations", "Scoped", "scope"]


@dataclass(frozen=True, slots=True)
class Scoped:
    """A statement that is safe to run: its text, the tables it reads, and what was restricted.

    ``is_free`` says that nothing at all was held back, so that errors may be quoted whole.
    """

    sql: str
    tables: tuple[str, ...]
    restrictions: tuple[str, ...]
    is_free: bool


def scope(sql: str, relations: Relations) -> Scoped:
    """Check one SELECT and leave each table in it only the granted rows and columns, masked as the rules say.

    The tree that is checked is the engine's own, and the text that is returned is read once more to be that tree.
    Raises `QuestionError` with what is not allowed and what to write instead.
    """
    statement = parse(sql)
    walk = Walk(relations)
    walk.statement(statement)
    safe = text(statement)
    if not same(parse(safe), statement):
        raise InternalError(
            Problem("sql-round-trip", "this statement does not read the same once written out.", hint="Rephrase it.")
        )
    tables = tuple(sorted(walk.read))
    left = [relations.left(table) for table in tables]
    restricted = tuple(sentence for one in left for sentence in one.sentences())
    return Scoped(safe, tables, restricted, all(one.is_free for one in left))
