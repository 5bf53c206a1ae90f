"""Problems as values, and the one family of errors that carries them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Literal


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a declaration: lines and columns count from one."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: a stable slug, what is wrong with the name quoted, where, and what would be right."""

    slug: str
    message: str
    place: Place | None = None
    hint: str = ""
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        hint = f" {self.hint}" if self.hint else ""
        return f"{where}{self.message}{hint} [{self.slug}]"


class WorkbenchError(Exception):
    """The base of every error a user can cause; holds one or more problems."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))

    @property
    def slug(self) -> str:
        """The slug of the first problem."""
        return self.problems[0].slug

    def _render_traceback_(self) -> list[str]:
        """What IPython prints instead of a traceback: a user's mistake is explained, not dumped."""
        return [f"{type(self).__name__}: {problem}" for problem in self.problems]


class DeclarationError(WorkbenchError):
    """Something declared in the workspace is wrong."""


class QuestionError(WorkbenchError):
    """A question names or spells something wrongly."""


class Unanswerable(WorkbenchError):
    """A well-formed question that has no right answer as declared."""


class AccessDenied(WorkbenchError):
    """A rule of `access/` refuses the act."""


class ReviewError(WorkbenchError):
    """A change that cannot be reviewed or released as it stands."""


class WarehouseError(WorkbenchError):
    """The warehouse is missing, broken, busy, or refused a statement."""


class InternalError(WorkbenchError):
    """Our own fault, never the user's."""


def did_you_mean(name: str, candidates: Iterable[str], otherwise: str = "") -> str:
    """A sentence that offers the nearest of ``candidates``, or ``otherwise`` where none is near.

    >>> did_you_mean("revenu", ["revenue", "orders"])
    "Did you mean 'revenue'?"
    """
    near = _nearest(name, tuple(candidates))
    return f"Did you mean {one_of(near)}?" if near else otherwise


@lru_cache(maxsize=32)
def _nearest(name: str, candidates: tuple[str, ...]) -> tuple[str, ...]:
    """The nearest few; a name that thousands use and nobody declares any more is looked for once."""
    return tuple(get_close_matches(name, candidates, n=3, cutoff=0.6))


def count(number: int, word: str, words: str = "") -> str:
    """A number and its word, in the plural where it needs one.

    >>> count(1, "policy", "policies"), count(2, "metric")
    ('1 policy', '2 metrics')
    """
    return f"{number:,} {word if number == 1 else words or f'{word}s'}"


def one_of(names: Sequence[str]) -> str:
    """Names quoted and joined for a sentence: 'a', 'b' or 'c'."""
    quoted = [f"'{name}'" for name in names]
    return " or ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]])) if quoted else ""
