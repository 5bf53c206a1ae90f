"""Routes for whoever runs a gateway, and for whoever waits: health, figures, and questions on their way."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from workbench.access.principal import Principal
from workbench.access.rules import reads
from workbench.gateway.documented import refusals
from workbench.gateway.gateway import Gateway
from workbench.gateway.wire import Health, QueryState, Readiness, SignIn

Id = Annotated[str, Path(max_length=64, examples=["3f1c5a9e0b7d4c2e8a6f9d1b2c3e4f50"])]


def operation_router(gateway: Gateway) -> APIRouter:
    """The routes /healthz, /readyz, /metrics, /v1/signin and /v1/queries."""
    router = APIRouter()

    @router.get("/healthz", tags=["operations"], summary="Tell that the process lives")
    async def health() -> Health:
        return Health("ok")

    @router.get(
        "/readyz",
        tags=["operations"],
        summary="Tell whether questions can be answered",
        responses={503: {"model": Readiness, "description": "Not now."}},
    )
    def ready(response: Response) -> Readiness:
        told = gateway.readiness()
        response.status_code = 200 if told.ready else 503
        return told

    @router.get("/metrics", tags=["operations"], summary="Figures for Prometheus", response_class=PlainTextResponse)
    def figures() -> PlainTextResponse:
        for lane in gateway.bounds.lanes:
            gateway.measures.waiting.labels(lane).set(gateway.admission.waiting(lane))
        return PlainTextResponse(gateway.measures.text(), media_type="text/plain; version=0.0.4")

    @router.get("/v1/signin", tags=["operations"], responses=refusals(), summary="Tell where a browser logs in")
    async def signin() -> SignIn:
        settings = gateway.serving.workspace.settings.gateway
        return SignIn(settings.url.rstrip("/") + "/login" if gateway.login is not None else "")

    @router.get("/v1/queries", tags=["queries"], responses=refusals(), summary="List one's questions on their way")
    def queries(request: Request) -> list[QueryState]:
        return list(gateway.queries.of(_asker(gateway.who(request))))

    @router.get("/v1/queries/{id}", tags=["queries"], responses=refusals(404, 422), summary="Tell how far one is")
    def query(id: Id, request: Request) -> QueryState:
        return gateway.queries.state(id, _asker(gateway.who(request)))

    @router.delete(
        "/v1/queries/{id}", tags=["queries"], responses=refusals(404, 422), status_code=202, summary="Stop one"
    )
    async def stop(id: Id, request: Request) -> JSONResponse:
        gateway.queries.find(id, _asker(await gateway.asker(request))).stop()
        return JSONResponse({"stopped": id}, 202)

    return router


def _asker(principal: Principal) -> str:
    """Whose questions these are; nobody's where one may not ask any, as by a token for something else."""
    return principal.name if reads(principal) else ""
