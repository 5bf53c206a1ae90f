"""Single nodes of the engine's tree: their names read, checked and changed, whichever version wrote them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workbench.errors import Problem, QuestionError, did_you_mean
from workbench.warehouse import allowed
from workbench.warehouse.parsing import Tree, parse, text
from workbench.warehouse.refusals import not_syntax


def keep_name(item: Tree) -> None:
    """Name a column after its text as written: unnamed, it would be called by the rewritten text, salt and all."""
    if item.get("alias") or item.get("class") == "STAR" or not _holds(item, _is_rewritten):
        return
    alone = parse("SELECT 1")
    alone["node"]["select_list"] = [item]
    item["alias"] = text(alone).removeprefix("SELECT ")


def holds_query(tree: Any) -> bool:
    """Whether there is a query somewhere in an expression."""
    return _holds(tree, lambda part: part.get("class") == "SUBQUERY")


def _is_rewritten(part: Tree) -> bool:
    return part.get("class") == "SUBQUERY" or (part.get("class") == "FUNCTION" and len(_function(part)) > 1)


def _holds(tree: Any, what: Callable[[Tree], bool]) -> bool:
    parts, found = [tree], False
    while parts and not found:
        part = parts.pop()
        found = isinstance(part, dict) and what(part)
        parts.extend(part.values() if isinstance(part, dict) else part if isinstance(part, list) else ())
    return found


def _function(node: Tree) -> tuple[str, ...]:
    return path_of(node, "function_name")


def unchain(node: Tree) -> tuple[str, ...]:
    """The name of a function; ``carrier.lower()``, whose column reads as a schema, becomes ``lower(carrier)``."""
    *column, name = path = _function(node)
    if not column or name.lower() not in allowed.FUNCTIONS:
        return path
    model = parse("SELECT lower(x)")["node"]["select_list"][0]
    arguments = "arguments" if "arguments" in model else "children"  # as newer engines call them, or older ones
    first = model[arguments][0]
    first.get("expression", first)["column_names"] = column
    node[arguments].insert(0, first)
    node |= {"function_name": name, "schema": "", "catalog": ""}
    if "qualified_name" in node:
        node["qualified_name"] = {"path": [name]}
    return (name,)


def path_of(node: Tree, name: str) -> tuple[str, ...]:
    """The dotted name of a node; newer engines give a path, older ones its parts."""
    qualified = (node.get("qualified_name") or {}).get("path")
    prefix = name.removesuffix("_name")
    catalog, schema = ("catalog_name", "schema_name") if prefix == "table" else ("catalog", "schema")
    parts = tuple(str(part) for part in (node.get(catalog), node.get(schema), node.get(name)) if part)
    if qualified is not None and tuple(qualified) != parts and name != "type_name":
        raise QuestionError(not_syntax("name", node))
    path = tuple(str(part) for part in qualified) if qualified else parts or ("",)
    # Some engines put the schema of their own functions before what their grammar spells, such as EXTRACT.
    return path[1:] if name == "function_name" and path[:-1] == ("main",) else path


def rename(table: Tree, name: str, schema: tuple[str, ...] = ()) -> None:
    """Let a table node name something else."""
    table["catalog_name"], table["schema_name"], table["table_name"] = "", "".join(schema), name
    if "qualified_name" in table:
        table["qualified_name"] = {"path": [*schema, name]}


def check_type(path: tuple[str, ...]) -> None:
    """Refuse a type that is not built in: one of the warehouse's own may hold values in its name."""
    if len(path) != 1 or path[0].lower() not in allowed.TYPES:
        name = ".".join(path)
        raise QuestionError(
            Problem(
                "sql-type", f"no type '{name}' here.", hint=did_you_mean(name, allowed.TYPES, "Use a built-in type.")
            )
        )


def check_type_info(node: Tree) -> None:
    """The older form of a type: by id, and by name where it was not bound yet."""
    info = node.get("type_info") or {}
    if node["id"] in ("UNBOUND", "USER"):
        check_type(tuple(str(info[part]) for part in ("catalog", "schema", "name") if info.get(part)))
