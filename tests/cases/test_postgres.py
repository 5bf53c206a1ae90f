"""Each case of `data/` asked of the same rows on DuckDB and on PostgreSQL: both must answer alike."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import workbench
from tests.cases.conftest import STEWARDS
from tests.cases.test_cases import ANSWERED, Case, compare
from tests.warehouse.on_postgres import copied, new_database, sampled, started
from workbench.session.session import Session

if TYPE_CHECKING:
    from tests.cases.conftest import Desk

pytestmark = pytest.mark.slow

Both = dict[str, tuple[Path, Path]]


@pytest.fixture(scope="module")
def both(desks: dict[str, Desk], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """Each workspace twice, over the same rows: on DuckDB and on PostgreSQL."""
    folder = tmp_path_factory.mktemp("both")
    few = {desks[name].file: sampled(desks[name].file, folder / f"{name}.duckdb") for name in ("flights", "retail")}
    for server in started():
        urls: dict[Path, str] = {}
        found: Both = {}
        for name, desk in desks.items():
            # Files of their own: those of the desks may be open in this process in another way.
            file = few.get(desk.file) or Path(shutil.copyfile(desk.file, folder / f"{name}.own.duckdb"))
            if file not in urls:
                urls[file] = new_database(server)
                copied(file, urls[file], folder)
            roots = []
            for engine, where in (("duckdb", f"warehouse = '{file}'"), ("postgres", f'url = "{urls[file]}"')):
                root = folder / engine / name
                shutil.copytree(desk.root, root, ignore=shutil.ignore_patterns(".workbench"))
                (root / "pyproject.toml").write_text(f"[tool.workbench.environments.dev]\n{where}\n")
                roots.append(root)
            found[name] = (roots[0], roots[1])
        yield found


@pytest.fixture(scope="module")
def sessions(both: Both) -> Iterator[dict[tuple[str, str], tuple[Session, Session]]]:
    """Sessions by workspace and identity, opened when first asked for."""
    opened: dict[tuple[str, str], tuple[Session, Session]] = {}
    yield opened
    for pair in opened.values():
        for session in pair:
            session.close()


@pytest.mark.parametrize("case", ANSWERED, ids=lambda case: case.name)
def test_both_engines_answer_alike(
    case: Case, both: Both, sessions: dict[tuple[str, str], tuple[Session, Session]]
) -> None:
    who = case.identity or STEWARDS[case.workspace]
    if (case.workspace, who) not in sessions:
        first, second = (workbench.connect(root, as_user=who) for root in both[case.workspace])
        sessions[case.workspace, who] = (first, second)
    ours, theirs = (
        [tuple(row.values()) for row in session.ask(case.question).rows()] for session in sessions[case.workspace, who]
    )
    compare(theirs, ours, ordered=case.ordered)
