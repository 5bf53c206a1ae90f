"""A workspace to everything that is wrong in it, as far as that can be told without its warehouse."""

from __future__ import annotations

from workbench.access.check import problems as access_problems
from workbench.declare.kept import kept_problems
from workbench.declare.workspace import Workspace
from workbench.errors import Problem
from workbench.graph.build import build
from workbench.graph.check import check


def find_problems(workspace: Workspace) -> tuple[Problem, ...]:
    """Every problem of reading, of the graph and of the rules; an unchanged workspace is not judged again."""

    def judged() -> tuple[Problem, ...]:
        return (*check(build(workspace), workspace), *access_problems(workspace))

    return (*workspace.problems, *kept_problems(workspace.root, workspace.fingerprint, judged))
