"""Errors to messages on stderr and to exit codes that scripts can use."""

from __future__ import annotations

import os
from collections.abc import Mapping

import click

from workbench.errors import (
    AccessDenied,
    DeclarationError,
    InternalError,
    Problem,
    QuestionError,
    ReviewError,
    Unanswerable,
    WarehouseError,
    WorkbenchError,
)

OK, CHECK_FAILED, USAGE, REFUSED, UNANSWERABLE, WAREHOUSE, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 4, 5, 70, 130

EXIT_CODES: Mapping[type[WorkbenchError], int] = {
    DeclarationError: USAGE,
    QuestionError: USAGE,
    ReviewError: USAGE,
    AccessDenied: REFUSED,
    Unanswerable: UNANSWERABLE,
    WarehouseError: WAREHOUSE,
    InternalError: INTERNAL,
}
"""The one table from an error's class to the exit code; any other error of ours is one of usage."""

EPILOG = """\b
Exit codes: 0 done, 1 a check failed, 2 usage or configuration, 3 refused by a
rule of access/, 4 a question without a right answer, 5 the warehouse, 70 our
own fault, 130 interrupted.

Data goes to stdout and messages to stderr. NO_COLOR is honoured.
"""


def exit_code(error: WorkbenchError) -> int:
    """The exit code of an error, by the nearest class that has one."""
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), USAGE)


def report(error: WorkbenchError) -> None:
    """Every problem of an error on stderr."""
    for problem in error.problems:
        tell(problem)


def tell(problem: Problem) -> None:
    """One problem on stderr: where, what, what would be right, and its slug."""
    colour = "red" if problem.severity == "error" else "yellow"
    where = click.style(f"{problem.place}: ", bold=True) if problem.place else ""
    word = click.style(f"{problem.severity}: ", fg=colour)
    hint = f" {problem.hint}" if problem.hint else ""
    slug = click.style(f" [{problem.slug}]", dim=True)
    say(f"{where}{word}{problem.message}{hint}{slug}")


def say(message: str) -> None:
    """A message for the person, on stderr; plain where colours are not wanted."""
    click.echo(message, err=True, color=colours())


def colours() -> bool | None:
    """False where NO_COLOR asks for none, else None: click looks at the stream itself."""
    return False if os.environ.get("NO_COLOR") else None
