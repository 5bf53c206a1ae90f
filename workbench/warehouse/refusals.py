"""What ad hoc SQL may not contain, to the problem that says what to write instead."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.errors import Problem, did_you_mean, one_of
from workbench.warehouse.parsing import Tree
from workbench.warehouse.relations import Relations


def missing_table(name: str, relations: Relations) -> Problem:
    """A table that is hidden or missing, with the nearest visible names."""
    visible = relations.visible()
    bare = {table.partition(".")[2]: table for table in visible}
    near = did_you_mean(name, (*visible, *bare)) if visible else ""
    return Problem(
        "missing-table", f"there is no table '{name}'.", hint=near or "session.tables() lists what there is."
    )


def not_function(name: str, among: Iterable[str]) -> Problem:
    """A function that is not among those that only compute."""
    near = did_you_mean(name.lower(), among) if among else ""
    return Problem(
        "function-not-allowed",
        f"'{name}' is not among the functions that may be used here.",
        hint=near or "Only functions that compute on granted rows are: none that reads files, settings or catalogs.",
    )


def not_syntax(kind: str, node: Tree) -> Problem:
    """A kind of statement or syntax that is not answered, and what to use for it."""
    if kind == "SHOW_REF":
        return Problem(
            "not-a-select",
            "of SHOW, only SHOW TABLES is answered here.",
            hint="DESCRIBE shows the columns of a table, SUMMARIZE what is in them.",
        )
    if kind == "QUERY":
        return Problem(
            "sql-syntax-refused",
            "a query inside what is pivoted on or computed is not answered here.",
            hint="Compute it in the query that is pivoted: PIVOT (SELECT ...) ON ...",
        )
    if kind == "ENUM":
        return Problem(
            "sql-syntax-refused",
            "a type in the place of a pivot's values is not answered here.",
            hint="Name the values, IN ('a', 'b'), or leave them out.",
        )
    return Problem(
        "sql-syntax-refused",
        f"this kind of syntax ({kind.lower()}) is not among those answered here.",
        hint=f"Build the statement from {one_of(['SELECT', 'JOIN', 'WITH', 'UNION', 'VALUES'])} and expressions.",
    )
