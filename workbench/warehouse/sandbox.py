"""Ad hoc SQL to SQL that can only read what its asker was granted; nothing here runs the statement."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.access.restriction import Restriction
from workbench.errors import InternalError, Problem, QuestionError, did_you_mean, one_of
from workbench.warehouse import allowed
from workbench.warehouse.parsing import Tree, parse, same, text
from workbench.warehouse.stand_in import stand_in

Ctes = Mapping[str, str]
"""The CTEs in scope: name in lower case to the fresh name it was given."""


@dataclass(frozen=True, slots=True)
class Scoped:
    """A statement that is safe to run: its text, the tables it reads, and what was restricted.

    ``is_free`` says that nothing at all was held back, so that errors may be quoted whole.
    """

    sql: str
    tables: tuple[str, ...]
    restrictions: tuple[str, ...]
    is_free: bool


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


def scope(sql: str, relations: Relations) -> Scoped:
    """Check one SELECT and leave each table in it only the granted rows and columns, masked as the rules say.

    The tree that is checked is the engine's own, and the text that is returned is read once more to be that tree.
    Raises `QuestionError` with what is not allowed and what to write instead.
    """
    statement = parse(sql)
    walk = _Walk(relations)
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


@dataclass(slots=True)
class _Walk:
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
                raise QuestionError(_not_syntax(kind, node))
            self.named(node)
        elif "id" in node and "type_info" in node:
            _check_type_info(node)
        yield from ((below, ctes) for below in node.values() if isinstance(below, dict | list))

    def query(self, node: Tree, ctes: Ctes) -> Iterator[tuple[Any, Ctes]]:
        """A query node: each CTE sees those before it, the body sees all.

        Every CTE gets a fresh name, so that a name which the engine would take for a table where we take it for a
        CTE finds nothing at all.
        """
        for item in node.get("select_list", ()):
            _keep_name(item)
        here = dict(ctes)
        for entry in node.get("cte_map", {}).get("map", []):
            name = entry["key"].lower()
            fresh = self.fresh(entry["key"])
            body = entry["value"].get("query_node") or entry["value"].get("query", {}).get("node")
            if not isinstance(body, dict):
                raise QuestionError(_not_syntax("CTE", entry))
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
        path = _path(node, "table_name")
        alias = node.get("alias") or path[-1]
        self.named({**node, "alias": alias})
        if node.get("at_clause"):
            raise QuestionError(Problem("sql-syntax-refused", "AT (...) reads another version of a table: left out."))
        if len(path) == 1 and path[0].lower() in ctes:
            _rename(node, (ctes[path[0].lower()],))
            node["alias"] = alias
            return
        schema = path[-2] if len(path) > 1 else ""
        catalog_fits = len(path) < 3 or (len(path) == 3 and path[0].lower() == self.relations.catalog.lower() != "")
        found = self.relations.find(schema, path[-1]) if catalog_fits else None
        if found is None:
            raise QuestionError(_missing(".".join(path), self.relations))
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

    def table_function(self, node: Tree, ctes: Ctes) -> Iterator[tuple[Any, Ctes]]:
        """A function used as a table: few of them only compute."""
        function = node.get("function", {})
        path = _path(function, "function_name")
        if len(path) != 1 or path[0].lower() not in allowed.TABLE_FUNCTIONS:
            raise QuestionError(_not_function(".".join(path), allowed.TABLE_FUNCTIONS))
        self.named(node)
        yield from ((below, ctes) for key, below in function.items() if key != "function_name")

    def expression(self, node: Tree) -> None:
        """An expression node: its class, and the function or type it names."""
        kind = node["class"]
        self.columns.add((node.get("alias") or "").lower())
        if kind not in allowed.EXPRESSIONS:
            raise QuestionError(_not_syntax(str(kind), node))
        if kind in ("FUNCTION", "WINDOW"):
            path = _path(node, "function_name")
            if len(path) != 1 or path[0].lower() not in allowed.FUNCTIONS or node.get("export_state"):
                raise QuestionError(_not_function(".".join(path), allowed.FUNCTIONS))
        elif kind == "TYPE":
            _check_type(_path(node, "type_name"))
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
            raise QuestionError(_not_function(names[0], ()))

    def is_column(self, name: str) -> bool:
        """Whether something in the statement has a column of that name."""
        return name.lower() in self.columns or any(
            self.relations.left(table).shows(column) and column.lower() == name.lower()
            for table in self.read
            for column in self.relations.columns_of(table)
        )


def _keep_name(item: Tree) -> None:
    """Name a column after its text as written: unnamed, it would be called by the rewritten text, salt and all."""
    if item.get("alias") or item.get("class") == "STAR" or not _holds_query(item):
        return
    alone = parse("SELECT 1")
    alone["node"]["select_list"] = [item]
    item["alias"] = text(alone).removeprefix("SELECT ")


def _holds_query(tree: Any) -> bool:
    parts, found = [tree], False
    while parts and not found:
        part = parts.pop()
        found = isinstance(part, dict) and part.get("class") == "SUBQUERY"
        parts.extend(part.values() if isinstance(part, dict) else part if isinstance(part, list) else ())
    return found


def _path(node: Tree, name: str) -> tuple[str, ...]:
    """The dotted name of a node; newer engines give a path, older ones its parts."""
    qualified = (node.get("qualified_name") or {}).get("path")
    prefix = name.removesuffix("_name")
    catalog, schema = ("catalog_name", "schema_name") if prefix == "table" else ("catalog", "schema")
    parts = tuple(str(part) for part in (node.get(catalog), node.get(schema), node.get(name)) if part)
    if qualified is not None and tuple(qualified) != parts and name != "type_name":
        raise QuestionError(_not_syntax("name", node))
    path = tuple(str(part) for part in qualified) if qualified else parts or ("",)
    # Some engines put the schema of their own functions before what their grammar spells, such as EXTRACT.
    return path[1:] if name == "function_name" and path[:-1] == ("main",) else path


def _rename(node: Tree, path: tuple[str]) -> None:
    node["catalog_name"], node["schema_name"], node["table_name"] = "", "", path[-1]
    if "qualified_name" in node:
        node["qualified_name"] = {"path": list(path)}


def _check_type(path: tuple[str, ...]) -> None:
    if len(path) != 1 or path[0].lower() not in allowed.TYPES:
        name = ".".join(path)
        raise QuestionError(
            Problem(
                "sql-type", f"no type '{name}' here.", hint=did_you_mean(name, allowed.TYPES, "Use a built-in type.")
            )
        )


def _check_type_info(node: Tree) -> None:
    """The older form of a type: by id, and by name where it was not bound yet."""
    info = node.get("type_info") or {}
    if node["id"] in ("UNBOUND", "USER"):
        _check_type(tuple(str(info[part]) for part in ("catalog", "schema", "name") if info.get(part)))


def _missing(name: str, relations: Relations) -> Problem:
    visible = relations.visible()
    bare = {table.partition(".")[2]: table for table in visible}
    near = did_you_mean(name, (*visible, *bare)) if visible else ""
    return Problem(
        "missing-table", f"there is no table '{name}'.", hint=near or "session.tables() lists what there is."
    )


def _not_function(name: str, among: Sequence[str] | frozenset[str]) -> Problem:
    near = did_you_mean(name.lower(), among) if among else ""
    return Problem(
        "function-not-allowed",
        f"'{name}' is not among the functions that may be used here.",
        hint=near or "Only functions that compute on granted rows are: none that reads files, settings or catalogs.",
    )


def _not_syntax(kind: str, node: Tree) -> Problem:
    if kind == "SHOW_REF":
        what = {"DESCRIBE": "DESCRIBE", "SUMMARY": "SUMMARIZE"}.get(str(node.get("show_type")), "SHOW")
        return Problem(
            "not-a-select",
            f"{what} is not answered as SQL here.",
            hint="session.tables() lists the tables; session.table(name).schema() shows the columns of one.",
        )
    return Problem(
        "sql-syntax-refused",
        f"this kind of syntax ({kind.lower()}) is not among those answered here.",
        hint=f"Build the statement from {one_of(['SELECT', 'JOIN', 'WITH', 'UNION', 'VALUES'])} and expressions.",
    )
