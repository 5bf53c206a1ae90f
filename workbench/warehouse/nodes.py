"""Single nodes of the engine's tree: their names read, checked and changed, whichever version wrote them."""

from __future__ import annotations

from typing import Any

from workbench.errors import Problem, QuestionError, did_you_mean
from workbench.warehouse import allowed
from workbench.warehouse.parsing import Tree, parse, text
from workbench.warehouse.refusals import not_syntax


def keep_name(item: Tree) -> None:
    """Name a column after its text as written: unnamed, it would be called by the rewritten text, salt and all."""
    if item.get("alias") or item.get("class") == "STAR" or not holds_query(item):
        return
    alone = parse("SELECT 1")
    alone["node"]["select_list"] = [item]
    item["alias"] = text(alone).removeprefix("SELECT ")


def holds_query(tree: Any) -> bool:
    """Whether there is a query somewhere in an expression."""
    parts, found = [tree], False
    while parts and not found:
        part = parts.pop()
        found = isinstance(part, dict) and part.get("class") == "SUBQUERY"
        parts.extend(part.values() if isinstance(part, dict) else part if isinstance(part, list) else ())
    return found


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


def rename(table: Tree, name: str) -> None:
    """Let a table node name something else, without a schema."""
    table["catalog_name"], table["schema_name"], table["table_name"] = "", "", name
    if "qualified_name" in table:
        table["qualified_name"] = {"path": [name]}


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
