"""A gateway's parts to the application that serves them over HTTP."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import anyio
import anyio.to_thread
from fastapi import FastAPI
from fastapi.routing import APIRoute

from workbench.gateway.gateway import Gateway
from workbench.gateway.identity import Identities
from workbench.gateway.refused import tell_refusals
from workbench.gateway.requests import Requests
from workbench.gateway.routes_catalog import catalog_router, rights_router
from workbench.gateway.routes_docs import docs_router
from workbench.gateway.routes_drafts import draft_router
from workbench.gateway.routes_operations import operation_router
from workbench.gateway.routes_questions import question_router
from workbench.gateway.routes_releases import release_router
from workbench.gateway.routes_tokens import token_router

_LOG = logging.getLogger("workbench.gateway")

_ABOUT = (
    "Governed metrics, and SQL of one's own, under the rules of the workspace. Every answer is computed as the one "
    "who asks may see it; what is hidden reads as if it were not there. Errors share one shape, and every response "
    "carries the id of its request."
)


def make_app(gateway: Gateway) -> FastAPI:
    """The application over a gateway; closing it closes the gateway."""
    app = _App(
        title="Workbench gateway",
        version=version("governed-workbench"),
        description=_ABOUT,
        lifespan=lambda _: _living(gateway),
        generate_unique_id_function=_name,
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},  # these tell addresses
        docs_url=None,  # these pages run scripts from elsewhere, with the rights of whoever is logged in here
        redoc_url=None,
        redirect_slashes=False,  # it would send a browser to whatever host a request names
    )
    tell_refusals(app)
    app.include_router(question_router(gateway))
    app.include_router(catalog_router(gateway))
    app.include_router(rights_router(gateway))
    app.include_router(draft_router(gateway))
    app.include_router(operation_router(gateway))
    app.include_router(docs_router())
    if gateway.serving.released is not None:
        app.include_router(release_router(gateway, gateway.serving.released))
    if gateway.tokens is not None and isinstance(gateway.identity, Identities):
        app.include_router(token_router(gateway, gateway.identity, gateway.tokens))
    if gateway.login is not None:
        from workbench.gateway.login import login_router  # needs packages that a gateway without logins does without

        app.include_router(login_router(gateway.login))
    app.add_middleware(Requests, gateway=gateway)
    return app


class _App(FastAPI):
    """An application whose document says the truth of moments."""

    def openapi(self) -> dict[str, Any]:
        """The document; a moment of data has no zone where its column has none, and so is no 'date-time'."""
        described = super().openapi()
        shapes = described["components"]["schemas"]
        for shape, part in (("MetricCard", "fresh_until"), ("TimeRange", "start"), ("TimeRange", "end")):
            for either in shapes.get(shape, {}).get("properties", {}).get(part, {}).get("anyOf", ()):
                if either.get("format") == "date-time":
                    del either["format"]
        return described


def _name(route: APIRoute) -> str:
    """Operations are named as the functions that answer them."""
    return route.name


@asynccontextmanager
async def _living(gateway: Gateway) -> AsyncIterator[None]:
    """Watch the declarations as long as requests are served, and close everything afterwards."""
    async with anyio.create_task_group() as group:
        group.start_soon(_watch, gateway)
        yield
        group.cancel_scope.cancel()
    await anyio.to_thread.run_sync(gateway.close)


async def _watch(gateway: Gateway) -> None:
    while True:
        await anyio.sleep(gateway.bounds.look_seconds)
        try:
            await anyio.to_thread.run_sync(gateway.look)
        except Exception:  # noqa: BLE001  the outermost layer: the next look may go better
            _LOG.exception("the declarations could not be looked at")
