"""A tree of SQL, checked node by node, with each table replaced by what is left of it for the asker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.errors import Problem, QuestionError
from workbench.warehouse import allowed
from workbench.warehouse.nodes import check_type, check_type_info, holds_query, keep_name, path_of, rename, unchain
from workbench.warehouse.parsing import Tree, parse
from workbench.warehouse.refusals import missing_table, not_function, not_syntax
from workbench.warehouse.relations import Relations
from workbench.warehouse.stand_in import literal, stand_in

Ctes = Mapping[str, str]
"""The CTEs in scope: name in lower case to the fresh name it was given."""


@dataclass(slots=True)
class Walk:
    """One pass over a tree, top-down with the CTEs in scope; replaces tables in place."""

    relations: Relations
    read: set[str] = field(default_factory=set)
    replaced: set[tuple[str, str]] = field(default_factory=set)
    aliases: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)
    references: list[Tree] = field(default_factory=list)
    ctes: int = 0
    todo: list[tuple[Any, Ctes]] = field(default_factory=list)

    def statement(self, statement: Tree) -> None:
        """Visit everything, then settle the names that depend on what was found."""
        self.todo.append((statement, {}))
        while self.todo:
            here, ctes = self.todo.pop()
            if isinstance(here, list):
                self.todo.extend((below, ctes) for below in here)
            elif isinstance(here, dict):
                self.todo.extend(self.visit(here, ctes))
        for reference in self.references:
            self.settle(reference)

    def visit(self, node: Tree, ctes: Ctes) -> Iterator[tuple[Any, Ctes]]:
        """Check one node; gives what is below it, each part with the CTEs in its scope."""
        kind = node.get("type")
        if "class" in node:
            self.expression(node)
        elif isinstance(kind, str):
            if kind in allowed.QUERIES:
                yield from self.query(node, ctes)
                return
            if kind == "BASE_TABLE":
                # The table's stand-in is ours and not visited; its sample is plain numbers.
                self.table(node, ctes)
                return
            if kind == "TABLE_FUNCTION":
                yield from self.table_function(node, ctes)
                return
            if kind not in allowed.RELATIONS and kind not in allowed.PARTS:
                raise QuestionError(not_syntax(kind, node))
            if kind == "SHOW_REF":
                self.shown(node)
            elif kind == "PIVOT":
                self.pivot(node)
            self.named(node)
        elif "id" in node and "type_info" in node:
            check_type_info(node)
        yield from ((below, ctes) for below in node.values() if isinstance(below, dict | list))

    def query(self, node: Tree, ctes: Ctes) -> Iterator[tuple[Any, Ctes]]:
        """A query node: each CTE sees those before it, the body sees all.

        Every CTE gets a fresh name, so that a name which the engine would take for a table where we take it for a
        CTE finds nothing at all.
        """
        for item in node.get("select_list", ()):
            keep_name(item)
        here = dict(ctes)
        for entry in node.get("cte_map", {}).get("map", []):
            name = entry["key"].lower()
            fresh = self.fresh(entry["key"])
            body = entry["value"].get("query_node") or entry["value"].get("query", {}).get("node")
            if not isinstance(body, dict):
                raise QuestionError(not_syntax("CTE", entry))
            inner = dict(here)
            if body.get("type") == "RECURSIVE_CTE_NODE":
                inner[name] = fresh
                body["cte_name"] = fresh
            entry["key"] = fresh
            self.columns.update(alias.lower() for alias in entry["value"].get("aliases") or ())
            yield entry["value"], inner
            here[name] = fresh
        for key, below in node.items():
            if key != "cte_map" and isinstance(below, dict | list):
                yield below, here

    def named(self, relation: Tree) -> None:
        """Remember what a relation and its columns are called."""
        self.aliases.add((relation.get("alias") or "").lower())
        self.columns.update(alias.lower() for alias in relation.get("column_name_alias") or ())

    def fresh(self, name: str) -> str:
        """A name for a CTE that no table and no other CTE has."""
        taken = {table.lower().partition(".")[2] for table in self.relations.tables}
        while True:
            self.ctes += 1
            if (new := f"{name}_cte{self.ctes}").lower() not in taken:
                return new

    def table(self, node: Tree, ctes: Ctes) -> None:
        """Replace a table by what is left of it, or a CTE's name by its fresh one."""
        path = path_of(node, "table_name")
        alias = node.get("alias") or path[-1]
        self.named({**node, "alias": alias})
        if node.get("at_clause"):
            raise QuestionError(Problem("sql-syntax-refused", "AT (...) reads another version of a table: left out."))
        if path[-1].lower() in ctes and path[:-1] in ((), ("recurring",)):  # all rows so far of a CTE USING KEY
            rename(node, ctes[path[-1].lower()], path[:-1])
            node["alias"] = alias
            return
        schema = path[-2] if len(path) > 1 else ""
        catalog_fits = len(path) < 3 or (len(path) == 3 and path[0].lower() == self.relations.catalog.lower() != "")
        found = self.relations.find(schema, path[-1]) if catalog_fits else None
        if found is None:
            raise QuestionError(missing_table(".".join(path), self.relations))
        self.read.add(found)
        real_schema, _, real_name = found.lower().partition(".")
        self.replaced.add((real_schema, real_name))
        restriction = self.relations.left(found)
        new = stand_in(
            found, restriction, self.relations.columns_of(found), self.relations.catalog, self.relations.salt
        )
        for kept in ("sample", "column_name_alias"):
            new[kept] = node.get(kept)
        new["alias"] = alias
        node.clear()
        node.update(new)

    def shown(self, node: Tree) -> None:
        """DESCRIBE and SUMMARIZE of a query, which is visited next; of tables, those there are for the asker."""
        if node.get("show_type") in allowed.LISTED and node.get("table_name") == '"tables"':
            listed = ", ".join(f"({literal(table)})" for table in self.relations.visible()) or "(NULL)"
            query = parse(f"SELECT * FROM (VALUES {listed}) AS t(name) WHERE name IS NOT NULL")
            node.clear()
            node.update(parse("SELECT * FROM (SELECT 1) AS t")["node"]["from_table"])
            node["subquery"] = query
        elif node.get("show_type") not in allowed.SHOWN or node.get("table_name") or not node.get("query"):
            raise QuestionError(not_syntax("SHOW_REF", node))

    def pivot(self, node: Tree) -> None:
        """PIVOT and UNPIVOT over what they name; a type in the place of values may hold some."""
        if any(pivot.get("pivot_enum") or pivot.get("subquery") for pivot in node["pivots"]):
            raise QuestionError(not_syntax("ENUM", node))
        self.columns.update(name.lower() for pivot in node["pivots"] for name in pivot["unpivot_names"])
        self.columns.update(name.lower() for name in node["unpivot_names"])
        if holds_query([node["aggregates"], node["pivots"]]):  # columns would be called by the rewritten text
            raise QuestionError(not_syntax("QUERY", node))

    def table_function(self, node: Tree, ctes: Ctes) -> Iterator[tuple[Any, Ctes]]:
        """A function used as a table: few of them only compute."""
        function = node.get("function", {})
        path = path_of(function, "function_name")
        if len(path) != 1 or path[0].lower() not in allowed.TABLE_FUNCTIONS:
            raise QuestionError(not_function(".".join(path), allowed.TABLE_FUNCTIONS))
        self.named(node)
        yield from ((below, ctes) for key, below in function.items() if key != "function_name")

    def expression(self, node: Tree) -> None:
        """An expression node: its class, and the function or type it names."""
        kind = node["class"]
        self.columns.add((node.get("alias") or "").lower())
        if kind not in allowed.EXPRESSIONS:
            raise QuestionError(not_syntax(str(kind), node))
        if kind in ("FUNCTION", "WINDOW"):
            path = unchain(node) if kind == "FUNCTION" else path_of(node, "function_name")
            if len(path) != 1 or path[0].lower() not in allowed.FUNCTIONS or node.get("export_state"):
                raise QuestionError(not_function(".".join(path), allowed.FUNCTIONS))
        elif kind == "TYPE":
            check_type(path_of(node, "type_name"))
        elif kind == "COLUMN_REF":
            self.references.append(node)

    def settle(self, reference: Tree) -> None:
        """Let ``gold.flights.carrier`` mean the stand-in called flights; refuse words that tell of the engine."""
        names = reference["column_names"]
        if len(names) > 2 and names[0].lower() not in self.aliases:
            schema, table = names[0].lower(), names[1].lower()
            if (schema, table) in self.replaced:
                reference["column_names"] = names[1:]
        if len(names) == 1 and names[0].lower() in allowed.IDENTITY and not self.is_column(names[0]):
            raise QuestionError(not_function(names[0], ()))

    def is_column(self, name: str) -> bool:
        """Whether something in the statement has a column of that name."""
        return name.lower() in self.columns or any(
            self.relations.left(table).shows(column) and column.lower() == name.lower()
            for table in self.read
            for column in self.relations.columns_of(table)
        )
