"""Routes for metrics of one's own: written, listed, dropped, and turned into a file for a pull request."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Request

from workbench.errors import Problem, QuestionError
from workbench.gateway.documented import DRAFT_EXAMPLES, KEPT
from workbench.gateway.gateway import Gateway
from workbench.gateway.wire import DraftText
from workbench.session.cards import ADHOC
from workbench.session.catalog import MetricCard
from workbench.session.drafts import Proposal

DRAFT = "draft:metric"
LONGEST = 65_536
"""Characters of a draft."""
Name = Annotated[str, Path(max_length=150, examples=["long_flights"])]


def draft_router(gateway: Gateway) -> APIRouter:
    """The routes below /v1/drafts; drafts belong to a person, and nobody else sees them."""
    router = APIRouter(tags=["drafts"], responses=KEPT, dependencies=[Depends(gateway.in_turn)])

    @router.get("/v1/drafts", summary="List one's drafts, each as it was written")
    def listed(request: Request) -> dict[str, str]:
        session = gateway.session(request)
        session.require(DRAFT)  # drafts may tell more than the token of a stranger's program is to know
        return dict(gateway.serving.drafts.of(session.principal.name))

    @router.post("/v1/drafts", summary="Keep a metric of one's own, askable as adhoc.<name>")
    def keep(draft: Annotated[DraftText, Body(openapi_examples=DRAFT_EXAMPLES)], request: Request) -> MetricCard:
        session = gateway.session(request)
        person = session.principal.name
        with gateway.deciding(session.principal, DRAFT, request) as rules:
            if len(draft.text) > LONGEST:
                said = f"a draft has {LONGEST:,} characters at most."
                raise QuestionError(Problem("too-large", said, hint="Write one metric, and nothing else."))
            card = session.draft(draft.text)
            gateway.serving.drafts.keep(person, card.name, draft.text)
            rules.append(f"kept '{card.name}'")
        gateway.serving.forget(person)
        return card

    @router.delete("/v1/drafts/{name}", status_code=204, summary="Let go of a draft")
    def drop(name: Name, request: Request) -> None:
        session = gateway.session(request)
        person = session.principal.name
        with gateway.deciding(session.principal, DRAFT, request, _full(name)) as rules:
            session.require(DRAFT)  # a token that is good for questions alone changes nothing
            if not gateway.serving.drafts.drop(person, _full(name)):
                raise QuestionError(Problem("unknown-draft", f"no draft '{name}'."))
            rules.append("dropped")
        gateway.serving.forget(person)

    @router.post("/v1/drafts/{name}/publish", summary="Get the file that would publish a draft, for a pull request")
    def publish(name: Name, request: Request) -> Proposal:
        session = gateway.session(request)
        with gateway.deciding(session.principal, "publish:metric", request, _full(name)):
            return session.propose(name)

    return router


def _full(name: str) -> str:
    return name if name.startswith(ADHOC) else ADHOC + name
