"""What OpenAPI says of responses: every format of an answer, every error's shape and status, with examples."""

from __future__ import annotations

from typing import Any

from workbench.gateway.statuses import REASONS
from workbench.gateway.wire import ARROW, CSV, JSON, PARQUET, REQUEST_ID, Refusal, WholeAnswer

_HEADERS = {REQUEST_ID: {"description": "The id of this request, as in the log.", "schema": {"type": "string"}}}
_RETRY = {"Retry-After": {"description": "Seconds to wait before asking again.", "schema": {"type": "integer"}}}

_EXAMPLE = {
    "error": "QuestionError",
    "problems": [
        {
            "slug": "unknown-metric",
            "message": "no metric 'flihgts'.",
            "place": None,
            "hint": "Did you mean 'flights'?",
            "severity": "error",
        }
    ],
    "request_id": "3f1c5a9e0b7d4c2e8a6f9d1b2c3e4f50",
    "retry_after": None,
}

QUESTION_EXAMPLES: dict[str, Any] = {
    "a total": {"value": {"metrics": ["flights"]}},
    "by airline": {
        "value": {
            "metrics": ["flights", "cancellation_rate"],
            "by": ["airline.name"],
            "where": "origin.faa = 'JFK'",
            "order_by": ["-flights"],
            "limit": 5,
        }
    },
    "over time": {
        "value": {
            "metrics": ["flights"],
            "by": ["metric_time.month"],
            "time": {"start": "2013-01-01", "end": "2013-06-30"},
            "compare": "1 month",
        }
    },
}

SQL_EXAMPLES: dict[str, Any] = {
    "counted": {"value": {"text": "select carrier, count(*) as flights from gold.flights group by all"}}
}

DRAFT_EXAMPLES: dict[str, Any] = {
    "a draft": {
        "value": {"text": "metric: long_flights\nmodel: flights\nexpr: count(*)\nfilter: distance_miles > 1000\n"}
    }
}

RELEASE_EXAMPLES: dict[str, Any] = {
    "made by workbench release": {
        "value": {
            "release": {
                "manifest": {
                    "workspace": "skyways",
                    "environment": "dev",
                    "number": 1,
                    "previous": "",
                    "commit": "7d429c1e0b7d4c2e8a6f9d1b2c3e4f50a1b2c3d4",
                    "made": "2026-01-01T12:00:00Z",
                    "by": "ci@skyways.example",
                    "authors": ["github:cora"],
                    "approvals": ["github:noah"],
                    "files": {"access/roles.yml": "f0b8a7de3a0a1a3ab51aab2d10ba0d5b8c9ef1f7cbd4a0e6c9d0c5a8ad4cf2d1"},
                },
                "key": "0123456789abcdef",
                "signature": "00",
            },
            "files": {"access/roles.yml": "cm9sZXM6IHt9Cg=="},
        }
    }
}

ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "model": WholeAnswer,
        "description": "The answer, in the format that Accept names: JSON where it names none. Rows are streamed; "
        "a response that breaks off is no answer.",
        "content": {
            ARROW: {"schema": {"type": "string", "format": "binary"}},
            CSV: {"schema": {"type": "string"}},
            PARQUET: {"schema": {"type": "string", "format": "binary"}},
        },
        "headers": _HEADERS,
    }
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of a route: these, and those that any route may answer."""
    return {
        status: {
            "model": Refusal,
            "description": REASONS[status],
            "headers": {**_HEADERS, **(_RETRY if status in (429, 503) else {})},
            "content": {JSON: {"example": _EXAMPLE}},
        }
        for status in sorted({*statuses, 400, 401, 403, 500, 503})
    }


ASKED = refusals(400, 404, 406, 408, 409, 413, 415, 422, 429)
"""What a question may be refused with."""
LISTED = refusals(400, 404, 422, 429)
"""What a look at the catalogue may be refused with."""
KEPT = refusals(400, 404, 408, 409, 413, 415, 422, 429)
"""What a change may be refused with."""
