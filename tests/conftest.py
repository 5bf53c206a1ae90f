"""For every room: how many random cases a property is tried on, and the real warehouse, built once per recipe."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

from tests.nightly import by_night
from workbench.warehouse.flights import ensure
from workbench.warehouse.flights_source import find_source

CASES, COSTLY, QUICK, NIGHTLY = 200, 100, 25, 2_000
"""Random cases of a property: in whole runs, there of one marked costly, with -m "not slow", and with -m nightly."""


def pytest_configure(config: pytest.Config) -> None:
    """Hear Ctrl-C, in the programs that tests start as well: a runner in the background is told to ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.set_threshold(20_000, 20)  # looking for cycles after each 700 objects takes a tenth of all time
    for profile, most in (("workbench", CASES), ("costly", COSTLY)):
        settings.register_profile(
            profile,
            max_examples=int(os.environ.get("WORKBENCH_EXAMPLES", cases(config, most))),
            # Where CI is set, hypothesis by itself tries the same cases in each run, whatever the seed.
            derandomize=settings.default.derandomize and not by_night(config),
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        )
    settings.load_profile("workbench")


def cases(config: pytest.Config, most: int) -> int:
    """How many random cases those tests are tried on that ``-m`` selects."""
    if by_night(config):
        return NIGHTLY
    return QUICK if "not slow" in config.option.markexpr else most


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Try every property by night as well; coverage, which would slow them by half, is that of the other tests."""
    for item in items:
        if is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.nightly)
            item.add_marker(pytest.mark.no_cover)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Print the seed of a property that failed; the case itself is printed by hypothesis."""
    report = yield
    seed = getattr(getattr(item, "obj", None), "_hypothesis_internal_use_generated_seed", None)
    if report.failed and seed is not None:
        report.sections.append(("all cases of this property again", f"--hypothesis-seed={seed}"))
    return report


@pytest.fixture(scope="session")
def flights_file(request: pytest.FixtureRequest) -> Path:
    """The embedded warehouse over real flights; shared, so open it read-only and copy it to change it."""
    assert request.config.cache is not None
    path = request.config.cache.mkdir("warehouse") / f"{find_source().recipe}.duckdb"
    ensure(path, lambda line: None)
    for older in path.parent.glob("*.duckdb*"):
        if not older.name.startswith(path.name):
            older.unlink(missing_ok=True)
    return path
