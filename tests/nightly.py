"""Whether this run is the long one: `pytest -m nightly` tries on thousands what every other run tries on a few."""

from __future__ import annotations

import pytest


def is_nightly(request: pytest.FixtureRequest) -> bool:
    """Whether tests marked nightly were asked for."""
    marked = str(request.config.option.markexpr)
    return "nightly" in marked and "not nightly" not in marked
