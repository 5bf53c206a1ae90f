"""Routes for what a gateway serves: its releases, the next one, and back to an earlier one."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from workbench.access.publication import PUBLISH
from workbench.declare.manifest import Signed
from workbench.errors import Problem, QuestionError, WorkbenchError
from workbench.gateway.documented import KEPT, RELEASE_EXAMPLES
from workbench.gateway.gateway import Gateway
from workbench.gateway.parcel import Parcel
from workbench.gateway.publishing import Publishing
from workbench.gateway.wire import JSON
from workbench.warehouse.releases import ReleaseCard, Releases

Name = Annotated[str, Path(max_length=64, examples=["3"], description="Its number, or the start of its digest.")]


def release_router(gateway: Gateway, store: Releases) -> APIRouter:
    """The routes below /v1/releases."""
    router = APIRouter(tags=["releases"], responses=KEPT)
    publishing = Publishing(gateway, store)
    turn = asyncio.Lock()  # one release at a time holds a thread: the others are for whoever asks

    @router.get("/v1/releases", summary="List the releases there were, the latest first")
    def list_releases(request: Request) -> list[ReleaseCard]:
        return list(publishing.cards(request))

    @router.get("/v1/releases/{name}", summary="Get the signed manifest of a release")
    def get_release(name: Name, request: Request) -> Signed:
        return publishing.find(name, request)

    @router.post("/v1/releases", status_code=201, summary="Serve a release, if it may be", openapi_extra=_body())
    async def publish_release(request: Request) -> ReleaseCard:
        who = await gateway.off(lambda: publishing.publisher(request))  # before a byte of it is read
        try:
            body = await _read(request)
        except WorkbenchError as error:
            refused = error
            await gateway.off(lambda: gateway.note_refusal(who, PUBLISH, refused, "", request.state.request_id))
            raise
        async with turn:
            return await gateway.off(lambda: publishing.publish(body, request))

    @router.post("/v1/releases/{name}/serve", summary="Serve an earlier release again")
    def serve_release(name: Name, request: Request) -> Signed:
        return publishing.serve_again(name, request)

    return router


async def _read(request: Request) -> bytes:
    """The body, which is JSON as it is; raises `QuestionError` (not-json, too-large, too-slow)."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON or request.headers.get("content-encoding", "identity") != "identity":
        raise QuestionError(Problem("not-json", "the body is not plain JSON.", hint="Send it as application/json."))
    try:
        return await request.body()
    except HTTPException as error:
        if error.status_code == 413:
            hint = "Release declarations alone, no data."
            raise QuestionError(Problem("too-large", "the release is larger than it may be.", hint=hint)) from None
        raise QuestionError(Problem("too-slow", "it took too long to arrive.", hint="Send it at once.")) from None
    except ClientDisconnect:
        raise QuestionError(Problem("not-json", "the release broke off.", hint="Send it again.")) from None


def _body() -> dict[str, Any]:
    """What OpenAPI says of the body, which the route reads itself: only once it knows that its sender may publish."""
    schema = Parcel.model_json_schema(ref_template="#/components/schemas/{model}")
    del schema["$defs"]  # a manifest that is asked for has the same shapes
    return {"requestBody": {"required": True, "content": {JSON: {"schema": schema, "examples": RELEASE_EXAMPLES}}}}
