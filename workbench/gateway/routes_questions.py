"""Routes that answer: questions, saved ones and SQL of one's own, in the format that is asked for."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Request

from workbench.declare.question import Question
from workbench.gateway.documented import ANSWER, ASKED, QUESTION_EXAMPLES, SQL_EXAMPLES
from workbench.gateway.flow import Flow
from workbench.gateway.gateway import Gateway
from workbench.gateway.wire import Statement
from workbench.session.door import Explanation
from workbench.session.prepared import Saved

AskedQuestion = Annotated[Question, Body(openapi_examples=QUESTION_EXAMPLES)]
SavedValues = Annotated[dict[str, bool | int | float | str] | None, Body(examples=[{}])]
AskedSql = Annotated[Statement, Body(openapi_examples=SQL_EXAMPLES)]


def question_router(gateway: Gateway) -> APIRouter:
    """The routes /v1/questions, /v1/saved/{name} and /v1/sql."""
    router = APIRouter(tags=["questions"])
    answers: dict[str, Any] = {"status_code": 200, "response_class": Flow, "responses": {**ANSWER, **ASKED}}

    @router.post("/v1/questions", **answers, summary="Ask for metrics by dimensions")
    async def ask(question: AskedQuestion, request: Request) -> Flow:
        return Flow(gateway, request, question)

    @router.post("/v1/saved/{name}", **answers, summary="Answer a saved query")
    async def saved(
        name: Annotated[str, Path(examples=["monthly_operations"])], request: Request, values: SavedValues = None
    ) -> Flow:
        return Flow(gateway, request, Saved(name, values or {}))

    @router.post("/v1/sql", **answers, summary="Answer one SELECT over one's tables")
    async def sql(statement: AskedSql, request: Request) -> Flow:
        return Flow(gateway, request, statement.text)

    @router.post("/v1/questions/explain", responses=ASKED, summary="Tell how a question would be answered")
    async def explain(question: AskedQuestion, request: Request) -> Explanation:
        given = {name: getattr(question, name) for name in Question.model_fields if name != "metrics"}
        principal = await gateway.asker(request)

        def told() -> Explanation:
            named = (asked.path for asked in (*question.metrics, *question.by))
            with gateway.deciding(principal, "read:metric", request, *named) as rules:
                found = gateway.serving.session(principal).explain(*question.metrics, **given)
                rules.extend(found.restrictions)
            return found

        async with gateway.admission.turn(principal.name, "metric"):  # it compiles as a question does
            return await gateway.off(told)

    return router
