"""An error to the status and the headers of the response that tells it."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.errors import (
    AccessDenied,
    DeclarationError,
    InternalError,
    QuestionError,
    ReviewError,
    Unanswerable,
    WarehouseError,
    WorkbenchError,
)

UNSIGNED = frozenset({"not-signed-in", "bad-token", "token-expired", "token-revoked"})
"""Refusals to someone of whom nobody knows who they are: signing in may help."""

BY_SLUG: Mapping[str, int] = {
    **dict.fromkeys(UNSIGNED, 401),
    **dict.fromkeys(
        ("unknown-query", "unknown-path", "unknown-saved-query", "unknown-draft", "unknown-release", "missing-table"),
        404,
    ),
    "wrong-method": 405,
    "not-acceptable": 406,
    **dict.fromkeys(("stopped", "cancelled", "already-there"), 409),
    "too-large": 413,
    "not-json": 415,
    **dict.fromkeys(("too-slow", "out-of-memory", "result-too-large", "engine-failed", "worker-lost"), 422),
    "too-many": 429,
    **dict.fromkeys(("overloaded", "shutting-down", "identity-unavailable"), 503),
}
"""What a slug alone says; anything else goes by its class."""

OVERTAKEN = frozenset({"replayed-release", "not-next", "skipped-environment"})
"""Why a release may not be served now, whatever is in it."""

BY_CLASS: Mapping[type[WorkbenchError], int] = {
    DeclarationError: 422,
    QuestionError: 400,
    Unanswerable: 422,
    AccessDenied: 403,
    WarehouseError: 503,
    InternalError: 500,
}

REASONS: Mapping[int, str] = {
    400: "The question names or spells something wrongly.",
    401: "Nobody is signed in, or the token is not valid any more.",
    403: "A rule of access/ refuses it.",
    404: "There is no such thing, or none that you may know.",
    405: "That cannot be done here.",
    406: "None of the formats asked for is given here.",
    408: "The body took too long to arrive.",
    409: "It was stopped, or something of that name is there already.",
    413: "The request is larger than it may be.",
    415: "The body is not JSON.",
    422: "It is misshapen, has no right answer as declared, or takes more than one question may.",
    429: "You have too many questions waiting; Retry-After says when to ask again.",
    500: "Our own fault: only the request id is told.",
    503: "The warehouse or the gateway cannot answer now; Retry-After says when to ask again.",
}


def status_of(error: WorkbenchError) -> int:
    """The status that tells an error."""
    own = getattr(error, "status", None)
    if isinstance(own, int):
        return own
    if isinstance(error, ReviewError):
        return 409 if error.slug in OVERTAKEN else 422
    if error.slug in BY_SLUG:
        return BY_SLUG[error.slug]
    return next((BY_CLASS[kind] for kind in type(error).__mro__ if kind in BY_CLASS), 400)


def headers_of(error: WorkbenchError, status: int) -> dict[str, str]:
    """What the response says beside its body: when to come back, how to sign in."""
    if status == 401:
        return {"WWW-Authenticate": 'Bearer realm="workbench"'}
    if status in (429, 503):
        return {"Retry-After": f"{max(1, round(getattr(error, 'retry_after', 2.0)))}"}
    return {}
