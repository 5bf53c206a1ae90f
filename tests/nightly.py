"""Whether this run is the long one: `pytest -m nightly` tries on thousands what every other run tries on a few."""

from __future__ import annotations

import pytest


def by_night(config: pytest.Config) -> bool:
    """Whether ``-m`` asks for tests marked nightly."""
    marked = str(config.option.markexpr)
    return "nightly" in marked and "not nightly" not in marked


def is_nightly(request: pytest.FixtureRequest) -> bool:
    """The same, from within a test."""
    return by_night(request.config)
