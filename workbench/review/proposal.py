"""A draft to a branch with its file on it, checked, and to the pull request that asks for its review."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from workbench.declare.question import Question
from workbench.declare.workspace import Workspace, load
from workbench.errors import Problem, ReviewError, WorkbenchError
from workbench.graph.build import build
from workbench.quality.asking import ask, keys_of
from workbench.quality.checks import check_data
from workbench.quality.problems import find_problems
from workbench.review.lint import lint, problems
from workbench.review.repository import (
    Repository,
    branch_here,
    branch_with,
    commit_of,
    entries,
    lay_out,
    push,
    remote_url,
    repository,
    tip_of,
)
from workbench.review.review import READ
from workbench.warehouse.engine import Engine

GITHUB = re.compile(r"(?:https://|git@)github\.com[/:](?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/?$")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Proposed:
    """A branch that asks for review: its commit, what was noticed, the first value, and where to open the request."""

    metric: str
    file: str
    branch: str
    commit: str
    warnings: tuple[Problem, ...]
    value: Any
    url: str = ""
    steps: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"'{self.metric}' is proposed on the branch '{self.branch}', as {self.file}."]
        lines += [f"Its value over everything is {self.value}."] if self.value is not None else []
        lines += [f"To mend: {problem}" for problem in self.warnings]
        lines += [f"The pull request: {self.url}"] if self.url else [f"Next: {step}" for step in self.steps]
        return "\n".join(lines)

    __repr__ = __str__


def propose(root: Path, file: str, text: str, engine: Engine | None, say: Say = lambda line: None) -> Proposed:
    """Put the file of a metric on a branch of its own, leaving the files that lie here, and check what it makes.

    It is named as its metric; without an engine it is not held against data. Proposed again, it is one more commit.
    Raises what is wrong with it (`DeclarationError`, `ReviewError`), and then leaves no branch behind.
    """
    repo = repository(root)
    path, metric = repo.prefix + file, Path(file).stem
    branch = f"propose/{metric}"
    here = commit_of(repo, "HEAD")
    start = tip_of(repo, branch) or here
    if path in entries(repo, here):
        hint = "Change that file in a branch instead."
        raise ReviewError(Problem("already-there", f"'{file}' is there already.", hint=hint))
    say(f"Checking '{metric}' ...")
    with TemporaryDirectory(prefix="workbench-") as folder:
        made = Path(folder)
        lay_out(repo, entries(repo, start), READ, made)
        (made / file).parent.mkdir(parents=True, exist_ok=True)
        (made / file).write_text(text, encoding="utf-8")
        workspace = load(made).require()
        warnings, value = _checked(workspace, metric, engine)
    commit = branch_with(repo, branch, start, path, text.encode(), f"Propose the metric {metric}")
    url, steps = _opened(repo, branch, metric)
    if steps:  # what reviewers will see
        steps = (f"workbench review --base {branch_here(repo) or here} --head {branch}", *steps)
    return Proposed(metric, file, branch, commit, warnings, value, url, steps)


def _checked(workspace: Workspace, metric: str, engine: Engine | None) -> tuple[tuple[Problem, ...], Any]:
    """What lint says of the metric, and its value; raises every error that is there with it."""
    found = (*find_problems(workspace), *(check_data(workspace, engine) if engine else ()))
    errors = [problem for problem in found if problem.severity == "error"]
    if errors:
        raise ReviewError(errors)
    mine = [one for one in lint(workspace) if one.name == metric]
    told = problems(mine, workspace.settings.lint)
    if engine is None:
        return told, None
    with suppress(WorkbenchError):  # one that only has values over time has none over everything
        value = ask(build(workspace), Question(metrics=metric), engine, keys_of(engine)).column(0)[0].as_py()
        return told, value
    return told, None


def _opened(repo: Repository, branch: str, metric: str) -> tuple[str, tuple[str, ...]]:
    """The pull request where a token allows to open one; otherwise what to do by hand."""
    remote = remote_url(repo)
    found = GITHUB.match(remote)
    api = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    token = os.environ.get("GITHUB_TOKEN", "")
    compare = f"https://github.com/{found['name']}/compare/{branch}?expand=1" if found else ""
    by_hand = (f"git push origin {branch}", f"open {compare}" if compare else "open a pull request for it")
    if not remote:
        return "", ("add a remote, and push the branch to it", by_hand[1])
    if not token or not found:
        return "", by_hand
    push(repo, branch)
    return _request(api, found["name"], token, branch, metric), ()


def _request(api: str, name: str, token: str, branch: str, metric: str) -> str:
    import httpx

    asked = {"title": f"Propose the metric {metric}", "head": branch, "base": "", "body": ""}
    heads = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    try:
        with httpx.Client(base_url=api, headers=heads, timeout=30) as client:
            about = client.get(f"/repos/{name}").raise_for_status().json()
            asked |= {
                "base": about["default_branch"],
                "body": "Made by `draft.propose()`; the review follows as a comment.",
            }
            answer = client.post(f"/repos/{name}/pulls", json=asked).raise_for_status()
            return str(answer.json()["html_url"])
    except (httpx.HTTPError, KeyError, ValueError) as error:
        said = f"the branch is pushed, but the forge opened no pull request: {type(error).__name__}."
        raise ReviewError(Problem("not-opened", said, hint="Open it by hand; the token may lack the right.")) from None
