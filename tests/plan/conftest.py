"""How many random shops a property is tried on: few unless WORKBENCH_EXAMPLES says so, 2,000 with -m nightly."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

QUICK, NIGHTLY = 25, 2000


def pytest_configure(config: pytest.Config) -> None:
    nightly = "nightly" in config.option.markexpr and "not nightly" not in config.option.markexpr
    settings.register_profile(
        "oracle",
        max_examples=int(os.environ.get("WORKBENCH_EXAMPLES", NIGHTLY if nightly else QUICK)),
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
