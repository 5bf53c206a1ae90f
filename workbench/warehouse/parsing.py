"""SQL text to the engine's own syntax tree and back, on a scratch connection that holds nothing."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from workbench.errors import Place, Problem, QuestionError

if TYPE_CHECKING:
    import duckdb

LONGEST = 64 * 1024
"""Bytes of one statement: longer texts are made by programs, and some kill the parser."""
MOST_NODES = 20_000
DEEPEST = 600

Tree = dict[str, Any]
_lock = threading.Lock()
_OPEN, _CLOSE = ("(", "[", "{"), (")", "]", "}")
_PLACES = ("query_location", "query_location_length")
_UNORDERED = frozenset({"replace_list", "rename_list"})
"""Of a star: each column stands there once, and they are written out in an order of the engine's own."""
_ESCAPED = frozenset({"like_escape", "not_like_escape", "ilike_escape", "not_ilike_escape"})
"""Operators that are written out as the functions they are."""


@cache
def _scratch() -> duckdb.DuckDBPyConnection:
    """An empty database that may not reach files, the network or Python; it parses and never runs a user's text."""
    import duckdb

    return duckdb.connect(
        ":memory:",
        config={
            "enable_external_access": "false",
            "autoload_known_extensions": "false",
            "autoinstall_known_extensions": "false",
            "allow_community_extensions": "false",
            "threads": "1",
            "memory_limit": "512MB",
            "lock_configuration": "true",
        },
    )


def parse(sql: str) -> Tree:
    """The tree of exactly one SELECT, as the engine reads it; raises `QuestionError` for anything else."""
    if len(sql.encode("utf-8", "replace")) > LONGEST:
        raise QuestionError(
            Problem("sql-too-long", f"the statement is longer than {LONGEST // 1024} KB.", hint="Split it.")
        )
    answer = _read(_one("SELECT json_serialize_sql(?::VARCHAR)", sql))
    if answer.get("error"):
        raise QuestionError(_refused(sql, str(answer.get("error_message", "")), answer.get("position")))
    statements = answer.get("statements", [])
    if len(statements) != 1:
        raise QuestionError(
            Problem("one-statement", f"one SELECT at a time; this text holds {len(statements)} statements.")
        )
    statement: Tree = statements[0]
    if statement.get("named_param_map"):
        raise QuestionError(
            Problem("sql-parameter", "parameters such as ? and $1 are not filled in here.", hint="Write the value.")
        )
    _measure(statement)
    return statement


@dataclass(frozen=True, slots=True)
class Token:
    """A word as the engine's scanner reads it, in capitals where it is a keyword; positions count bytes."""

    word: str
    start: int
    end: int
    depth: int


def tokens(sql: str) -> list[Token]:
    """The words of a text without its comments, each with how many brackets are open around it."""
    import duckdb

    if len(sql.encode("utf-8", "replace")) > LONGEST:
        return []
    raw, found, depth = sql.encode(), list[Token](), 0
    try:
        scanned = duckdb.tokenize(sql)
    except (duckdb.Error, UnicodeError, RuntimeError):
        return []
    for (start, kind), (end, _) in zip(scanned, [*scanned[1:], (len(raw), None)], strict=True):
        if kind == duckdb.token_type.comment:
            continue
        written = raw[start:end].decode("utf-8", "replace").strip()
        is_value = kind in (duckdb.token_type.string_const, duckdb.token_type.numeric_const)
        word = "" if is_value or written.startswith('"') else written.upper()
        depth -= word in _CLOSE
        found.append(Token(word, start, start + len(written.encode()), depth))
        depth += word in _OPEN
    return found


def text(statement: Tree) -> str:
    """The SQL text of a tree."""
    return _one("SELECT json_deserialize_sql(?::JSON)", json.dumps({"error": False, "statements": [statement]}))


def written(statement: Tree) -> str:
    """The text of a tree that is to be run: read once more, it must be that tree."""
    safe = text(statement)
    if not same(parse(safe), statement):
        raise QuestionError(
            Problem("sql-round-trip", "this statement does not read the same once written out.", hint="Rephrase it.")
        )
    return safe


def same(one: Tree, other: Tree) -> bool:
    """Whether two trees are one statement: the same but for positions and ways of writing that mean the same."""
    return bool(_plain(one) == _plain(other))


def _plain(tree: Any) -> Any:
    if isinstance(tree, list):
        return [_plain(value) for value in tree]
    if not isinstance(tree, dict):
        return tree
    plain = {key: _plain(value) for key, value in tree.items() if key not in _PLACES}
    for unordered in _UNORDERED & plain.keys():
        plain[unordered] = sorted(plain[unordered], key=repr)
    if plain.get("group_sets"):  # numbers of expressions, which are written out by the first set they stand in
        by = plain["group_expressions"]
        plain["group_sets"] = [sorted((by[number] for number in each), key=repr) for each in plain["group_sets"]]
        plain["group_expressions"] = sorted(by, key=repr)
    if plain.get("function_name") in _ESCAPED:
        plain["is_operator"] = False
    if "name" in plain and isinstance(plain.get("expression"), dict):
        plain["expression"]["alias"] = ""  # a named argument: the engine repeats its name as alias, or does not
    if plain.get("type") == "SUBQUERY" and plain.get("alias") == "valueslist":
        inner = (plain.get("subquery") or {}).get("node") or {}
        if inner == {**_plain_values(), "from_table": inner.get("from_table")}:
            return inner["from_table"]  # VALUES is written out as SELECT * FROM (VALUES ...) AS valueslist
    return plain


@cache
def _plain_values() -> Tree:
    node: Tree = _plain(parse("VALUES (1)")["node"])
    return node


def _one(sql: str, argument: str) -> str:
    import duckdb  # late: a session that only lists metrics never parses

    try:
        with _lock:
            row = _scratch().execute(sql, [argument]).fetchone()
    except (duckdb.Error, UnicodeError, RuntimeError) as error:
        raise QuestionError(Problem("sql-syntax", f"the engine cannot read this text: {error}.")) from None
    return str(row[0]) if row else "{}"


def _read(found: str) -> Tree:
    try:
        tree: Tree = json.loads(found)
    except RecursionError:
        raise QuestionError(too_deep()) from None
    return tree


def _measure(statement: Tree) -> None:
    """Refuse trees too large or too deep to be walked, without recursion of our own."""
    nodes, stack = 0, list[tuple[Tree | list[Any], int]]([(statement, 0)])
    while stack:
        here, depth = stack.pop()
        nodes += 1
        if depth > DEEPEST or nodes > MOST_NODES:
            raise QuestionError(too_deep())
        parts = here.values() if isinstance(here, dict) else here
        stack.extend((part, depth + 1) for part in parts if isinstance(part, dict | list))


def too_deep() -> Problem:
    """The statement can't be walked."""
    return Problem(
        "sql-too-complex", "the statement is too large or too deeply nested.", hint="Split it into CTEs or steps."
    )


def _refused(sql: str, message: str, position: str | None) -> Problem:
    if "Only SELECT statements" in message:
        return Problem(
            "not-a-select",
            "only SELECT is answered here, and DESCRIBE, SUMMARIZE, EXPLAIN, PIVOT, UNPIVOT and SHOW TABLES before or "
            "around one: nothing is written, set or attached.",
            hint="Inside a SELECT, a PIVOT names its values: PIVOT t ON x IN ('a', 'b') USING sum(y).",
        )
    before = sql.encode()[: int(position or 0)].decode("utf-8", "ignore").split("\n")
    place = Place("<sql>", len(before), len(before[-1]) + 1) if position else None
    return Problem("sql-syntax", f"this is not SQL as the engine reads it: {message}.", place)
