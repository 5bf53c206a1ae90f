"""The groups that a question shows by name to the question that ranks them: the others stand together."""

from __future__ import annotations

from workbench.declare.question import Asked, Question, Top
from workbench.errors import Problem, QuestionError, did_you_mean
from workbench.graph.paths import METRIC_TIME

VALUE = "^value"
"""What groups are ranked by, as no alias that a person types is called."""

_KEPT = frozenset({"where", "time", "timezone"})
"""What says which rows a question is about."""


def ranked(question: Question) -> Question:
    """The question with every part of ``top`` said; raises `QuestionError` (bad-question, unknown-column)."""
    top = question.top
    if top is None:
        return question
    if not question.metrics:
        raise QuestionError(Problem("empty-question", "'top' is about metrics, and the question asks for none."))
    if question.having is not None:
        raise QuestionError(
            Problem(
                "bad-question",
                "'top' and 'having' both say which groups are shown.",
                hint="Put conditions on rows into 'where', or leave 'top' out and say order_by and limit.",
            )
        )
    metrics = {asked.alias: asked.path for asked in question.metrics}
    by = metrics.get(top.by, top.by) or question.metrics[0].path
    return question.model_copy(update={"top": top.model_copy(update={"of": _of(question, top), "by": by})})


def _of(question: Question, top: Top) -> str:
    """The alias of the column whose groups are ranked."""
    groups = [asked for asked in question.by if asked.path.split(".")[0] != METRIC_TIME]
    names = {asked.path: asked.alias for asked in groups} | {asked.alias: asked.alias for asked in groups}
    if top.of in names:
        return names[top.of]
    if not top.of and len(groups) == 1:
        return groups[0].alias
    known = ", ".join(asked.alias for asked in groups)
    if top.of:
        said = f"'top' is of groups, and '{top.of}' is none of the question's."
        hint = did_you_mean(top.of, names, f"One of: {known}." if known else "Ask by a dimension.")
        if top.of.split(".")[0] == METRIC_TIME:
            hint = "For the greatest periods say order_by and limit."
        raise QuestionError(Problem("unknown-column", said, hint=hint))
    if not groups:
        hint = "Ask by a dimension; for the greatest periods say order_by and limit."
        raise QuestionError(Problem("bad-question", "'top' is of groups, and the question has none.", hint=hint))
    hint = f"Say which: top={{'n': {top.n}, 'of': '{groups[0].alias}'}}; there are {known}."
    raise QuestionError(Problem("bad-question", "'top' is of one column, and the question has several.", hint=hint))


def ranking(question: Question) -> Question:
    """The question whose answer is the groups with the most, in their order, over all rows of the whole question."""
    assert question.top is not None
    top = question.top
    of = next(asked for asked in question.by if asked.alias == top.of)
    plain = question.model_copy(
        update={field: info.get_default() for field, info in Question.model_fields.items() if field not in _KEPT}
    )
    order = VALUE if top.least else f"-{VALUE}"
    return plain.model_copy(
        update={"metrics": (Asked(path=top.by, alias=VALUE),), "by": (of,), "order_by": (order,), "limit": top.n}
    )
