"""Each request to an id, a line of the log and its figures; what nobody foresaw to an answer without a traceback."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import anyio
from opentelemetry.trace import Span
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workbench.errors import Problem, QuestionError, WarehouseError, WorkbenchError
from workbench.gateway.running import LEAVING
from workbench.gateway.wire import REFUSAL_SHAPE, REQUEST_ID, own_fault, refusal_of

if TYPE_CHECKING:
    from workbench.gateway.gateway import Gateway

_LOG = logging.getLogger("workbench.gateway")
_ALWAYS = ("/healthz", "/readyz", "/metrics", "/v1/queries")
"""What is answered while leaving: whoever watches, and whoever stops a question."""


RELEASES = "/v1/releases"
"""Where bodies may be larger; its route looks at who sends one before it reads it."""
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
ONCE = frozenset(
    (b"authorization", b"cookie", b"host", b"origin", b"content-type", b"content-length", b"sec-fetch-site",
     b"sec-fetch-mode", b"x-request-id")
)  # fmt: skip
"""Headers that say who asks, from where, and what is sent."""


class Requests:
    """The outermost layer: nothing passes without an id, and nothing leaves without it."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self._app = app
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        id = self._gateway.queries.free_id(Headers(scope=scope).get(REQUEST_ID))
        scope.setdefault("state", {})["request_id"] = id
        said = {"status": 0}

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                said["status"] = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = id
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers.setdefault("Cache-Control", "no-store")
                headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
            await send(message)

        taken, is_whole = 0, False
        bounds = self._gateway.bounds
        most = bounds.release_bytes if scope["path"] == RELEASES else bounds.body_bytes

        async def receiving() -> Message:
            nonlocal taken, is_whole
            try:
                with anyio.fail_after(None if is_whole else max(0.0, slowest - time.perf_counter())):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408) from None
            taken += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if taken > most:
                raise HTTPException(413)  # whoever reads the body hears of it, and tells it in our shape
            return message

        started = time.perf_counter()
        slowest = started + bounds.body_seconds
        method = scope["method"] if scope["method"] in METHODS else "-"  # anybody may make up others
        with self._gateway.traces.request(method, id, Headers(scope=scope)) as span:
            try:
                await self._pass_on(scope, receive, receiving, sending, id)
            except Exception:  # noqa: BLE001  the outermost layer
                _LOG.exception("request %s failed", id)
                if not said["status"]:
                    told = REFUSAL_SHAPE.dump_python(own_fault(id), mode="json")
                    await JSONResponse(told, 500)(scope, receive, sending)
            finally:
                self._note(scope, method, id, said["status"], time.perf_counter() - started, span)

    async def _pass_on(self, scope: Scope, receive: Receive, receiving: Receive, sending: Send, id: str) -> None:
        several = _said_twice(scope)
        if several:
            await _answered(_twice(several), 400, id)(scope, receive, sending)
        elif self._gateway.is_leaving and not scope["path"].startswith(_ALWAYS):
            await _leaving(id)(scope, receive, sending)
        else:
            await self._app(scope, receiving, sending)

    def _note(self, scope: Scope, method: str, id: str, status: int, seconds: float, span: Span) -> None:
        # The route as it is written, never as it was filled in: names and conditions are not for logs.
        route = getattr(scope.get("route"), "path", "-")
        span.update_name(f"{method} {route}")
        span.set_attributes({"http.route": route, "http.response.status_code": status})
        self._gateway.measures.requests.labels(route, method, str(status)).inc()
        self._gateway.measures.seconds.labels(route).observe(seconds)
        facts = {
            "request": id,
            "method": method,
            "route": route,
            "status": status,
            "seconds": round(seconds, 4),
        }
        level = logging.DEBUG if route in _ALWAYS[:3] else logging.INFO
        said = "%(method)s %(route)s %(status)s in %(seconds)s s, request %(request)s"
        _LOG.log(level, said, facts, extra={"facts": facts})


def _said_twice(scope: Scope) -> str:
    """A header that may be there once and is there again: one reader believes the first, another the last."""
    names = [name for name, _ in scope["headers"] if name in ONCE]
    return next((name.decode("ascii") for name in names if names.count(name) > 1), "")


def _twice(name: str) -> WorkbenchError:
    said = f"the request has several headers '{name}'."
    return QuestionError(Problem("bad-question", said, hint="Send one: which of them counts could be taken otherwise."))


def _leaving(id: str) -> JSONResponse:
    return _answered(WarehouseError(LEAVING), 503, id, {"Retry-After": "2", "Connection": "close"})


def _answered(error: WorkbenchError, status: int, id: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse(REFUSAL_SHAPE.dump_python(refusal_of(error, id), mode="json"), status, headers)
