"""The reference workspace and a session at it, shared by the tests of one run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.show.workspaces import copy_workspace
from workbench.session.session import Session
from workbench.show.connect import connect


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory, flights_file: Path) -> Path:
    """A workspace of its own for this run."""
    return copy_workspace(tmp_path_factory.mktemp("skyways"), flights_file)


@pytest.fixture(scope="session")
def session(workspace: Path) -> Iterator[Session]:
    """Somebody without any group: an analyst."""
    with connect(workspace, as_user="guest@example.com") as opened:
        yield opened
