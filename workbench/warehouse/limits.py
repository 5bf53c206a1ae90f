"""What one ad hoc statement may use, as numbers, and what it is told where it wants more."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.errors import Problem

MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one statement may take; a worker that goes beyond is stopped, and if need be killed.

    ``memory`` is what the whole process may hold resident, ``result`` the bytes of Arrow that may leave it, ``temp``
    those it may spill to disk.
    """

    memory: int = 1024 * MB
    wall_seconds: float = 60.0
    cpu_seconds: float = 60.0
    result: int = 512 * MB
    temp: int = 1024 * MB
    threads: int = 1


STOPPED = {
    problem.slug: problem
    for problem in (
        Problem(
            "too-slow",
            "The query took longer than it may.",
            hint="Filter earlier, ask for a shorter time, or aggregate before joining.",
        ),
        Problem(
            "out-of-memory",
            "The query needs more memory than it may have.",
            hint="Ask for fewer groups, rows or columns at once; sort less, or shorten what repeats.",
        ),
        Problem("cancelled", "The query was cancelled."),
        Problem(
            "worker-lost",
            "The process that ran this query ended before it did.",
            hint="Ask again; if it happens again, the query needs too much: ask for less at once.",
        ),
    )
}
"""How a statement may be ended by its limits, by its asker or by accident, in words that quote nothing of it."""
