"""An error of the engine to what may be told of it: its class and position, never a value."""

from __future__ import annotations

import re
from dataclasses import replace

from workbench.errors import Problem, WorkbenchError
from workbench.warehouse.limits import STOPPED

_CLASS = re.compile(r"^([A-Z][A-Za-z ]*? (?:Error|Exception))\b")
_BEFORE_ROWS = ("Parser Error", "Binder Error", "Catalog Error")
"""Raised before a row is read: they speak of the statement alone."""
_QUOTED = re.compile(r"\bselect\b", re.IGNORECASE)
"""What a table's stand-in begins with: an expression that the engine quotes holds it whole, rules and salt and all."""
_OURS = frozenset({"stopped", "closed", "shutting-down", "result-too-large", *STOPPED})
"""Told in words of our own, which quote nothing."""
_WITHHELD = "the details are withheld, since rows or columns are restricted for you"


def redacted(error: WorkbenchError, is_free: bool = False) -> WorkbenchError:
    """The same error with all that it may quote taken out, unless nothing was held back from the asker."""
    return error if is_free else type(error)(_redacted(problem) for problem in error.problems)


def _redacted(problem: Problem) -> Problem:
    if problem.slug in _OURS:
        return STOPPED.get(problem.slug, problem)
    found = _CLASS.match(problem.message)
    name = found.group(1) if found else "Error"
    if name in _BEFORE_ROWS and not _QUOTED.search(problem.message + problem.hint):
        return replace(problem, message=problem.message.partition("\n")[0])
    return replace(problem, message=f"{name}: {_WITHHELD}.", hint="")
