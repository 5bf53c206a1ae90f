"""Errors to messages on stderr and to exit codes that scripts can use."""

from __future__ import annotations

import os
import re
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

_PICTURES = {
    **{code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n"},
    0x7F: 0x2421,
    **dict.fromkeys((*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)), 0xFFFD),
}
"""What stands for a character that a terminal would obey, or by which text would be read in another order."""
_STYLED = re.compile(rf"(\x1b\[[0-9;]*m)|[{''.join(map(re.escape, map(chr, _PICTURES)))}]")

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
    hint = f" {visible(problem.hint)}" if problem.hint else ""
    slug = click.style(f" [{problem.slug}]", dim=True)
    say(f"{where}{word}{visible(problem.message)}{hint}{slug}")


def say(message: str) -> None:
    """A message for the person, on stderr; plain where colours are not wanted."""
    click.echo(
        _STYLED.sub(lambda found: found[0] if found[1] else visible(found[0]), message), err=True, color=colours()
    )


def visible(text: str) -> str:
    """Text whose control characters are shown and not obeyed: names and values of others could steer a terminal."""
    return text.translate(_PICTURES)


def colours() -> bool | None:
    """False where NO_COLOR asks for none, else None: click looks at the stream itself."""
    return False if os.environ.get("NO_COLOR") else None
