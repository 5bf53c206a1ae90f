"""Fixtures for every room: the real warehouse, built once per recipe and kept between runs."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from workbench.warehouse.flights import ensure
from workbench.warehouse.flights_source import find_source


def pytest_configure(config: pytest.Config) -> None:
    """Hear Ctrl-C, in the programs that tests start as well: a runner in the background is told to ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
