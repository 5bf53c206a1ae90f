"""Whatever goes wrong in a route to a response that tells it in one shape."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from workbench.declare.shape import said
from workbench.errors import Problem, QuestionError, WorkbenchError
from workbench.gateway.statuses import headers_of, status_of
from workbench.gateway.wire import REFUSAL_SHAPE, refusal_of

_HTTP = {
    404: Problem("unknown-path", "there is nothing at this address.", hint="/docs lists what there is."),
    405: Problem("wrong-method", "that cannot be done here.", hint="/docs lists what can."),
    408: Problem("too-slow", "the body took too long to arrive.", hint="Send it at once."),
    413: Problem("too-large", "the request is larger than it may be.", hint="Ask for less at once."),
    415: Problem("not-json", "the body is not JSON.", hint="Send JSON, with 'Content-Type: application/json'."),
}


class Told(JSONResponse):
    """JSON in ASCII: a problem may quote a half of a character, which a body can hold and UTF-8 can't."""

    def render(self, content: Any) -> bytes:
        """The bytes of the body."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def tell_refusals(app: FastAPI) -> None:
    """Have every error of an app told in the shape of a `Refusal`."""
    app.add_exception_handler(WorkbenchError, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_shape)
    app.add_exception_handler(HTTPException, _of_http)


async def _of_ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, WorkbenchError)
    return _told(request, error, status_of(error))


async def _of_shape(request: Request, error: Exception) -> JSONResponse:
    """A body or a parameter of the wrong shape, with the part that is wrong and never with what stood there."""
    assert isinstance(error, RequestValidationError)
    return _told(request, QuestionError(_misshapen(one) for one in error.errors()), 422)


async def _of_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    fallback = Problem("bad-question", "the request cannot be read.", hint="Send JSON as /docs describes it.")
    return _told(request, QuestionError(_HTTP.get(error.status_code, fallback)), error.status_code, error.headers)


def _told(request: Request, error: WorkbenchError, status: int, more: Any = None) -> JSONResponse:
    refusal = refusal_of(error, request.state.request_id)
    headers = {**headers_of(error, status), **(more or {})}
    return Told(REFUSAL_SHAPE.dump_python(refusal, mode="json"), status, headers)


def _misshapen(one: Any) -> Problem:
    part = ".".join(str(piece) for piece in one["loc"] if piece not in ("body", "query", "path"))
    if one["type"] == "json_invalid" or (not part and isinstance(one["input"], bytes)):
        return _HTTP[415]
    words = said(one)
    hint = "/docs lists the keys." if one["type"] in ("extra_forbidden", "missing") else ""
    return Problem(
        "bad-question", f"bad '{part or 'body'}': {words}" + ("" if words.endswith(("?", ".")) else "."), hint=hint
    )
