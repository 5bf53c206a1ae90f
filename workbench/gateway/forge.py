"""A job of a forge to the token by which the forge vouches for it."""

from __future__ import annotations

import json
import os
from urllib.parse import urlencode

import urllib3

from workbench.errors import Problem, ReviewError
from workbench.gateway.addresses import is_safe

URL, TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
"""Where GitHub gives a job its token, and by what; both are there with ``permissions: id-token: write`` alone."""


def has_forge() -> bool:
    """Whether this is a job of a forge that vouches for it."""
    return bool(os.environ.get(URL) and os.environ.get(TOKEN))


def token_for(audience: str) -> str:
    """The token of this job for one audience; raises `ReviewError` (no-forge-token)."""
    url = os.environ[URL]
    if not is_safe(url):
        raise _no_token(f"'{url}' is not https")
    headers = {"Authorization": f"Bearer {os.environ[TOKEN]}", "Accept": "application/json"}
    address = f"{url}{'&' if '?' in url else '?'}{urlencode({'audience': audience})}"
    try:
        answer = urllib3.request("GET", address, headers=headers, timeout=30.0, redirect=False)
        said = json.loads(answer.data) if answer.status == 200 else {}
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise _no_token(type(error).__name__) from None
    token = said.get("value") if isinstance(said, dict) else None
    if not isinstance(token, str) or not token:
        raise _no_token(f"it answers {answer.status}")
    return token


def _no_token(why: str) -> ReviewError:
    hint = "Give the job 'permissions: id-token: write', or a key in WORKBENCH_RELEASE_KEY."
    return ReviewError(Problem("no-forge-token", f"the forge does not vouch for this job: {why}.", hint=hint))
