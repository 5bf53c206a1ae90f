"""The files of a release to the workspace that they make, held against the data it will be asked of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from workbench.declare.workspace import Workspace, load
from workbench.errors import ReviewError
from workbench.quality.checks import check_data
from workbench.quality.problems import find_problems
from workbench.warehouse.engine import Engine


def laid_out(files: Mapping[str, bytes], folder: Path, environment: str) -> Workspace:
    """The workspace that these files make in an empty folder; raises `WorkbenchError` with everything wrong in it.

    Their paths are believed: `access.release_paths` looks at those of others first.
    """
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    made = load(folder).require()
    made.settings.environment(environment)
    errors = [problem for problem in find_problems(made) if problem.severity == "error"]
    if errors:
        raise ReviewError(errors)
    return made


def require_fit(made: Workspace, engine: Engine) -> None:
    """Pass if a workspace holds against data; raises `ReviewError` that names what the data does not have."""
    errors = [problem for problem in check_data(made, engine) if problem.severity == "error"]
    if errors:
        raise ReviewError(errors)
