"""A workspace of this run's own, and a gateway over it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import workbench
from tests.gateway.running import running, token
from workbench.gateway.gateway import Gateway
from workbench.session.door import Door

ROOT = Path(__file__).parents[2]
ANA, CORA, SAM, PAULA = "ana@skyways.example", "cora@skyways.example", "sam@skyways.example", "paula@united.example"

As = Callable[[str], Door]
Served = tuple[Gateway, str]


@pytest.fixture(scope="module")
def home(flights_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the reference workspace, to be written into."""
    root = tmp_path_factory.mktemp("workspace")
    for folder in ("metrics", "access", "notebooks"):
        shutil.copytree(ROOT / folder, root / folder)
    (root / "pyproject.toml").write_text(f'[tool.workbench.environments.dev]\nwarehouse = "{flights_file}"\n')
    return root


@pytest.fixture(scope="module")
def served(home: Path) -> Iterator[Served]:
    """A gateway over the workspace, and its address."""
    with running(home) as gateway_and_url:
        yield gateway_and_url


@pytest.fixture(scope="module")
def embedded(home: Path) -> Iterator[As]:
    """Opens sessions in this process."""
    yield from _kept(lambda name: workbench.connect(home, as_user=name))


@pytest.fixture(scope="module")
def remote(served: Served) -> Iterator[As]:
    """Opens doors through the gateway."""
    gateway, url = served
    yield from _kept(lambda name: workbench.connect(url, token=token(gateway, name)))


def _kept(opened: As) -> Iterator[As]:
    doors: dict[str, Door] = {}

    def door(name: str) -> Door:
        if name not in doors:
            doors[name] = opened(name)
        return doors[name]

    yield door
    for one in doors.values():
        one.close()


@pytest.fixture(params=["embedded", "remote"])
def as_user(request: pytest.FixtureRequest) -> As:
    """Opens doors, of one kind and then of the other."""
    opened: As = request.getfixturevalue(request.param)
    return opened
