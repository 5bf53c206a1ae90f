"""What a method was called with to a question, or to an error that says which part is misshapen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from workbench.declare.question import Question
from workbench.errors import Problem, QuestionError
from workbench.session.catalog import DimensionCard, MetricCard

_SAID = {
    "missing": "'{key}' is missing",
    "extra_forbidden": "there is no key '{key}'",
    "model_type": "it is given by name or as a mapping of its keys",
    "string_type": "it is text",
}


def question_of(metrics: tuple[Any, ...], **parts: Any) -> Question:
    """The question as typed; a part of the wrong shape is a `QuestionError` (bad-question)."""
    flat = [one for item in metrics for one in (item if isinstance(item, list | tuple) else [item])]
    try:
        return Question(metrics=_named(flat), **parts | {"by": _named(parts.get("by", ()))})
    except ValidationError as error:
        raise QuestionError(_misshapen(**detail) for detail in error.errors(include_url=False)) from None
    except (TypeError, ValueError) as error:
        raise QuestionError(Problem("bad-question", f"bad question: {error}.")) from None


def _named(asked: Any) -> Any:
    """What was typed, with the names of cards in their place: a draft or a metric found may be asked for as it is."""
    if isinstance(asked, MetricCard):
        return asked.name
    if isinstance(asked, DimensionCard):
        return asked.path
    if isinstance(asked, Mapping):
        return {alias: _named(one) for alias, one in asked.items()}
    return [_named(one) for one in asked] if isinstance(asked, list | tuple) else asked


def _misshapen(loc: tuple[str | int, ...], msg: str, type: str, **_: object) -> Problem:
    part, *inner = loc or ("question",)
    key = inner[-1] if inner else part
    said = _SAID.get(type, msg.removeprefix("Value error, ")).format(key=key)
    return Problem("bad-question", f"bad '{part}': {said}" + ("" if said.endswith("?") else "."))
