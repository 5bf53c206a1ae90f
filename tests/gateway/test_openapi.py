"""Requests made up from the OpenAPI document: never a fault of ours, never a status or a shape that is not in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.gateway.conftest import ANA, Served
from tests.gateway.running import token
from tests.nightly import is_nightly

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
SHORT, LONG = 8, 600
"""Seconds of made-up requests, in every run and by night."""


@pytest.mark.slow
@pytest.mark.nightly
def test_made_up_requests_are_answered_as_documented(
    served: Served, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    gateway, url = served
    by_night = is_nightly(request)
    ran = subprocess.run(
        [
            *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run"),
            f"{url}/openapi.json",
            *("--header", f"Authorization: Bearer {token(gateway, ANA)}"),
            *("--checks", CHECKS, "--seed", "20261123", "--max-time", str(LONG if by_night else SHORT)),
            # A token made in a test ends nothing but itself.
            *("--exclude-path-regex", "^/(login|logout|docs)"),
            *("--no-color", "--generation-database", "none"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=LONG * 2,
    )
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    assert "No issues found" in ran.stdout or "passed" in ran.stdout
