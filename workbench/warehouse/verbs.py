"""The words that DuckDB takes in the place of SELECT, as statements that its parser gives a tree for.

DESCRIBE, SUMMARIZE, UNPIVOT and PIVOT with its values have trees of their own and pass through the walk like a SELECT.
Left for here are EXPLAIN, and PIVOT without values, which takes a first statement to find them.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

from workbench.errors import Problem, QuestionError
from workbench.warehouse.parsing import Token, Tree, parse, tokens, written

MOST_VALUES = 500
"""Columns that a pivot may make of one expression."""
MOST_PLACES = 4
"""Expressions whose values are looked up for one pivot; each takes a statement of its own."""
_PLACE = "(values of the pivot)"
"""Marks where values go that are yet to be looked up."""
_WITHOUT_PLACE = f"SELECT COLUMNS(c -> NOT contains(c, '{_PLACE}')) FROM t"
_ENDS = frozenset({"USING", "GROUP", "ORDER", "LIMIT"})
_PIVOTS = frozenset({"PIVOT", "PIVOT_WIDER"})


def explained(sql: str) -> str | None:
    """What an EXPLAIN is about; None where the text is not one."""
    words = tokens(sql)
    if not words or words[0].word != "EXPLAIN":
        return None
    if len(words) > 1 and words[1].word == "ANALYZE":
        raise QuestionError(
            Problem("not-a-select", "EXPLAIN ANALYZE is not answered here.", hint="Ask EXPLAIN, or run the SELECT.")
        )
    return sql.encode()[words[0].end :].decode("utf-8", "replace")


def with_places(sql: str) -> str | None:
    """A PIVOT without values with a place for them, so that it has a tree; None where the text is not one."""
    words = tokens(sql)
    start = next((n for n, one in enumerate(words) if one.word in _PIVOTS and one.depth == 0), None)
    if start is None or (start and words[0].word != "WITH"):
        return None
    on = next((n for n, one in enumerate(words) if n > start and one.word == "ON" and one.depth == 0), None)
    if on is None:
        return None
    end = next((n for n, one in enumerate(words) if n > on and one.depth == 0 and one.word in _ENDS), len(words))
    raw = sql.encode()
    out = raw[: words[on].end]
    for item in _split(words[on + 1 : end]):
        written = raw[item[0].start : item[-1].end]
        has_values = any(one.word == "IN" and one.depth == 0 for one in item)
        out += b" " + (written if has_values else b"(" + written + f") IN ('{_PLACE}')".encode()) + b","
    return (out.removesuffix(b",") + b" " + raw[words[end - 1].end :]).decode("utf-8", "replace")


def _split(words: Sequence[Token]) -> list[list[Token]]:
    """The items of a list: what stands between commas."""
    items: list[list[Token]] = [[]]
    for one in words:
        if one.word == "," and one.depth == 0:
            items.append([])
        elif one.word != ";":
            items[-1].append(one)
    return [item for item in items if item]


@dataclass(frozen=True, slots=True)
class Pivot:
    """A scoped PIVOT whose values are not known yet: ``lookups`` find them, one column of text each."""

    statement: Tree
    places: tuple[int, ...]

    @property
    def lookups(self) -> tuple[str, ...]:
        """A statement for each expression that is pivoted on, which gives its values in order."""
        return tuple(written(self._lookup(place)) for place in self.places)

    def filled(self, values: Sequence[Sequence[str]]) -> str:
        """The text with these values in their places."""
        statement = deepcopy(self.statement)
        for place, found in zip(self.places, values, strict=True):
            if len(found) > MOST_VALUES:
                raise QuestionError(
                    _too_wide(f"this pivot would make more than {MOST_VALUES} columns of one expression.")
                )
            column = statement["node"]["from_table"]["pivots"][place]
            listed = ", ".join("'" + value.replace("'", "''") + "'" for value in found or (_PLACE,))
            entries = parse(f"FROM t PIVOT (count(*) FOR x IN ({listed}))")["node"]["from_table"]["pivots"][0][
                "entries"
            ]
            column["entries"] = entries
            column["pivot_expressions"] = [_as_text(column["pivot_expressions"][0])]
        if not all(values):  # there is nothing to make columns of: the groups alone are left
            statement["node"]["select_list"] = parse(_WITHOUT_PLACE)["node"]["select_list"]
        return written(statement)

    def _lookup(self, place: int) -> Tree:
        own = deepcopy(self.statement["node"])
        value = _as_text(own["from_table"]["pivots"][place]["pivot_expressions"][0])
        limit = MOST_VALUES + 1
        lookup = parse(f"SELECT v FROM (SELECT DISTINCT x AS v FROM t) WHERE v IS NOT NULL ORDER BY v LIMIT {limit}")
        inner = lookup["node"]["from_table"]["subquery"]["node"]
        inner["select_list"] = [{**value, "alias": "v"}]
        inner["from_table"] = own["from_table"]["source"]
        lookup["node"]["cte_map"] = own["cte_map"]
        return lookup


def pivot_of(statement: Tree) -> Pivot | None:
    """The scoped statement as a pivot with places to fill; None where it has none."""
    relation = statement["node"].get("from_table") or {}
    places = [
        n
        for n, pivot in enumerate(relation.get("pivots") or ())
        if relation.get("type") == "PIVOT" and len(pivot["pivot_expressions"]) == 1 and _is_place(pivot["entries"])
    ]
    if len(places) > MOST_PLACES:
        raise QuestionError(_too_wide(f"this pivot would look up the values of more than {MOST_PLACES} expressions."))
    return Pivot(statement, tuple(places)) if places else None


def _too_wide(message: str) -> Problem:
    return Problem("pivot-too-wide", message, hint="Name the values with IN (...), or filter first.")


def _is_place(entries: Sequence[Tree]) -> bool:
    return len(entries) == 1 and _constant(entries[0]) == _PLACE


def _constant(entry: Tree) -> str:
    """The text of an entry's one value; newer engines keep it as an expression, older ones as a value."""
    literal = (entry.get("star_expr") or {}).get("literal") or {}
    values = entry.get("values") or [{}]
    return str(literal.get("text") or values[0].get("value") or "")


def _as_text(expression: Tree) -> Tree:
    cast: Tree = parse("SELECT CAST(x AS VARCHAR)")["node"]["select_list"][0]
    return {**cast, "child": expression}
