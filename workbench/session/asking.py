"""What a method was called with to a question, or to an error that says which part is misshapen."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from workbench.declare.question import Question
from workbench.errors import Problem, QuestionError


def question_of(metrics: tuple[Any, ...], **parts: Any) -> Question:
    """The question as typed; a part of the wrong shape is a `QuestionError` (bad-question)."""
    flat = [one for item in metrics for one in (item if isinstance(item, list | tuple) else [item])]
    try:
        return Question(metrics=flat, **parts)
    except ValidationError as error:
        raise QuestionError(_misshapen(**detail) for detail in error.errors(include_url=False)) from None
    except (TypeError, ValueError) as error:
        raise QuestionError(Problem("bad-question", f"bad question: {error}.")) from None


def _misshapen(loc: tuple[str | int, ...], msg: str, **_: object) -> Problem:
    part = loc[0] if loc else "question"
    said = msg.removeprefix("Value error, ")
    return Problem("bad-question", f"bad '{part}': {said}" + ("" if said.endswith("?") else "."))
