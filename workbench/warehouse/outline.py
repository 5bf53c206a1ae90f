"""A statement as asked to the steps that answer it, in words; the engine's own plan would tell of hidden rows.

An engine's plan estimates rows from statistics of whole tables, drops filters that no row of the file can pass, and
prints the filters of access rules. This outline is made of the asker's text alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workbench.warehouse.nodes import path_of
from workbench.warehouse.parsing import Tree, parse, text

_INDENT = "  "


def outline(statement: Tree) -> str:
    """The steps, the last one first and each over those it reads."""
    return "\n".join(_query(statement["node"]))


def _query(node: Tree) -> Iterator[str]:
    modifiers = list(_modifiers(node))
    yield from modifiers
    if node["type"] == "SELECT_NODE":
        yield from _select(node)
    else:
        everything = bool(node.get("setop_all") or node.get("union_all"))
        kind = node.get("setop_type") or "UNION"
        recursive = "RECURSIVE " if node["type"] == "RECURSIVE_CTE_NODE" else ""
        yield f"{recursive}{kind}{' ALL' if everything else ''}"
        for part in node.get("children") or (node["left"], node["right"]):
            yield from _indented(_query(part))
    for entry in (node.get("cte_map") or {}).get("map", ()):
        body = entry["value"].get("query_node") or entry["value"]["query"]["node"]
        yield f"WITH {entry['key']}"
        yield from _indented(_query(body))


def _modifiers(node: Tree) -> Iterator[str]:
    for modifier in reversed(node.get("modifiers") or ()):
        match modifier["type"]:
            case "ORDER_MODIFIER":
                orders = (f"{_say(o['expression'])}{_WAYS.get(o['type'], '')}" for o in modifier["orders"])
                yield f"ORDER BY {', '.join(orders)}"
            case "DISTINCT_MODIFIER":
                targets = modifier.get("distinct_on_targets")
                yield f"DISTINCT ON {_list(targets)}" if targets else "DISTINCT"
            case _:
                parts = (f"{word.upper()} {_say(modifier[word])}" for word in ("limit", "offset") if modifier.get(word))
                yield " ".join(parts)


_WAYS = {"DESCENDING": " DESC", "ASCENDING": " ASC"}


def _select(node: Tree) -> Iterator[str]:
    yield f"SELECT {_list(node['select_list'])}"
    if node.get("qualify"):
        yield f"QUALIFY {_say(node['qualify'])}"
    if node.get("having"):
        yield f"HAVING {_say(node['having'])}"
    if node.get("group_expressions"):
        sets = node.get("group_sets") or ()
        yield f"GROUP BY {_list(node['group_expressions'])}" + (f" in {len(sets)} sets" if len(sets) > 1 else "")
    elif node.get("aggregate_handling") == "FORCE_AGGREGATES":
        yield "GROUP BY ALL"
    if node.get("where_clause"):
        yield f"WHERE {_say(node['where_clause'])}"
    yield from _indented(_relation(node["from_table"]))


def _relation(node: Tree) -> Iterator[str]:
    named = f" AS {node['alias']}" if node.get("alias") else ""
    match node["type"]:
        case "BASE_TABLE":
            yield f"TABLE {'.'.join(path_of(node, 'table_name'))}{named}"
        case "JOIN":
            yield _join(node)
            yield from _indented(_relation(node["left"]))
            yield from _indented(_relation(node["right"]))
        case "SUBQUERY":
            yield f"SUBQUERY{named}"
            yield from _indented(_query(node["subquery"]["node"]))
        case "TABLE_FUNCTION":
            yield f"FUNCTION {_say(node['function'])}{named}"
        case "EXPRESSION_LIST":
            yield f"VALUES of {len(node['values'])} rows"
        case "PIVOT":
            yield "UNPIVOT" if node.get("unpivot_names") else f"PIVOT USING {_list(node['aggregates'])}"
            yield from _indented(_relation(node["source"]))
        case "SHOW_REF" if not node.get("query"):
            yield "SHOW TABLES"
        case "SHOW_REF":
            yield "SUMMARIZE" if node["show_type"] == "SUMMARY" else "DESCRIBE"
            yield from _indented(_query(node["query"]))
        case _:
            yield "NO TABLE"


def _join(node: Tree) -> str:
    kind = node["join_type"] if node.get("ref_type") in ("REGULAR", None) else f"{node['join_type']} {node['ref_type']}"
    if node.get("using_columns"):
        return f"JOIN {kind} USING ({', '.join(node['using_columns'])})"
    return f"JOIN {kind}" + (f" ON {_say(node['condition'])}" if node.get("condition") else "")


def _list(expressions: Sequence[Tree]) -> str:
    return ", ".join(map(_say, expressions))


def _say(expression: Tree) -> str:
    alone = parse("SELECT 1")
    alone["node"]["select_list"] = [expression]
    return text(alone).removeprefix("SELECT ")


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (_INDENT + line for line in lines)
