"""Two revisions to one review: who, what, whom it reaches, and which values move."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from workbench.declare.settings import Settings
from workbench.declare.workspace import FOLDERS, Workspace, load
from workbench.errors import Problem, count
from workbench.graph.build import build
from workbench.quality.asking import keys_of
from workbench.quality.problems import find_problems
from workbench.review.changes import Change, changes
from workbench.review.disguise import disguises
from workbench.review.gate import Ruling, judge
from workbench.review.lifecycle import lifecycle
from workbench.review.lint import lint
from workbench.review.lint import problems as problems_of
from workbench.review.paths import touched, tricks
from workbench.review.people import People
from workbench.review.reach import Reach, reach
from workbench.review.repository import (
    Entry,
    Repository,
    commit_of,
    common_ancestor,
    contents,
    entries,
    lay_out,
    moved,
    work_tree,
)
from workbench.review.rights import widened
from workbench.review.tested import Tested, tested
from workbench.review.values import Values, appeared, compare
from workbench.warehouse.engine import Engine
from workbench.warehouse.ledger import Run

Say = Callable[[str], None]
READ = (*FOLDERS, "pyproject.toml")
"""What of a revision is laid out and read."""
NOTEBOOKS = (".ipynb", ".py")


@dataclass(frozen=True, slots=True)
class Review:
    """Everything found about a change; it may be merged when nothing in it is an error."""

    base: str
    head: str
    people: People
    rulings: tuple[Ruling, ...]
    problems: tuple[Problem, ...]
    changes: tuple[Change, ...]
    reach: Reach
    values: tuple[Values, ...]
    unlooked: tuple[str, ...]
    seconds: float
    untested: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every rule is kept, and the head is sound."""
        return self.verdict == "passed"

    @property
    def verdict(self) -> Literal["passed", "waits", "refused"]:
        """Whether it may be merged as it is, once people have agreed to it, or not as it is."""
        broken = [one for one in self.rulings if not one.kept]
        if any(one.severity == "error" for one in self.problems) or not all(one.waits for one in broken):
            return "refused"
        return "waits" if broken else "passed"


@dataclass(frozen=True, slots=True)
class Revision:
    """One side of a review: its name, its files, and what they declare."""

    name: str
    tree: Mapping[str, Entry]
    workspace: Workspace


@dataclass(frozen=True, slots=True)
class Sides:
    """What a change is held against: the base as it stands now, whose rules judge, and what the change started from."""

    base: Revision
    old: Revision
    new: Revision


@contextmanager
def sides(repo: Repository, base: str, head: str | None) -> Iterator[Sides]:
    """The base, the commit the change started from, and the head or the work tree, laid out while somebody looks."""
    tip = commit_of(repo, base)
    end = commit_of(repo, head or "HEAD")
    start = common_ancestor(repo, tip, end)
    with TemporaryDirectory(prefix="workbench-") as folder:

        def laid_out(name: str, tree: Mapping[str, Entry]) -> Revision:
            place = Path(folder) / (name or "here")
            place.mkdir()
            lay_out(repo, tree, READ, place)
            return Revision(name, tree, load(place))

        now = laid_out(tip, entries(repo, tip))
        old = now if start == tip else laid_out(start, entries(repo, start))
        commits = {one.name: one for one in (now, old)}
        new = commits.get(end) or laid_out(end, entries(repo, end)) if head else laid_out("", work_tree(repo))
        yield Sides(now, old, new)


def review(
    repo: Repository,
    given: Sides,
    people: People,
    engine: Engine | None = None,
    runs: Iterable[Run] = (),
    seconds: float = 15,
    say: Say = lambda line: None,
) -> Review:
    """Look at a change from every side; without an engine no values are compared."""
    began = clock.monotonic()
    rules, old, new = given.base.workspace, given.old, given.new
    paths = moved(repo, old.name, new.name or None)
    told = changes(old.workspace, new.workspace)
    say(f"{count(len(told), 'change')} of meaning in {count(len(paths), 'file')}.")
    problems = (
        *tricks(paths, new.tree, repo.prefix),
        *disguises(repo, paths, new.tree),
        *find_problems(new.workspace),
        *_findings(rules.settings, old, new),
    )
    rulings = judge(
        people,
        rules,
        old.workspace,
        new.workspace,
        touched(paths, repo.prefix),
        told,
        widened(old.workspace, new.workspace),
    )
    asked = tuple(runs)
    notebooks = _notebooks(repo, old.tree), _notebooks(repo, new.tree)
    rulings += lifecycle(old.workspace, new.workspace, told, notebooks, asked, date.today())
    reached = reach(told, old.workspace, notebooks[1], asked)
    end = clock.monotonic() + seconds
    values, unlooked = _values(old.workspace, new.workspace, told, reached, engine, seconds * 2 / 3, say)
    proof = _proof(old.workspace, new.workspace, told, reached, engine, max(end - clock.monotonic(), 0), say)
    return Review(
        old.name, new.name, people, rulings, (*problems, *proof.problems), told, reached, values, unlooked,
        clock.monotonic() - began, proof.unlooked,
    )  # fmt: skip


def _proof(
    base: Workspace,
    head: Workspace,
    told: tuple[Change, ...],
    reached: Reach,
    engine: Engine | None,
    seconds: float,
    say: Say,
) -> Tested:
    """What came of the tests of what the change reaches; an unsound head has nothing to test."""
    if engine is None or any(problem.severity == "error" for problem in head.problems):
        return Tested()
    say("Tests of metrics ...")
    return tested(base, head, told, reached.metrics, engine, seconds)


def _findings(settings: Settings, old: Revision, new: Revision) -> tuple[Problem, ...]:
    """What lint finds that it did not find before, by the base's settings; an unsound head is not looked at."""
    if any(problem.severity == "error" for problem in new.workspace.problems):
        return ()
    known = {(one.rule, one.name, one.message) for one in lint(replace(old.workspace, settings=settings))}
    found = lint(replace(new.workspace, settings=settings))
    return problems_of([one for one in found if (one.rule, one.name, one.message) not in known], settings.lint)


def _notebooks(repo: Repository, tree: Mapping[str, Entry]) -> Mapping[str, bytes]:
    """The notebooks and programs of the workspace, as data."""
    inside = repo.prefix + "notebooks/"
    wanted = [entry for path, entry in tree.items() if path.startswith(inside) and path.endswith(NOTEBOOKS)]
    return {entry.path: content for entry, content in contents(repo, wanted)}


def _values(
    base: Workspace,
    head: Workspace,
    told: tuple[Change, ...],
    reached: Reach,
    engine: Engine | None,
    seconds: float,
    say: Say,
) -> tuple[tuple[Values, ...], tuple[str, ...]]:
    """The values of every metric that the change reaches and that is still there, while time lasts."""
    if engine is None:
        return (), ()
    renamed = {c.was: c.name for c in told if c.kind == "metric" and c.how == "renamed"}
    wanted = [(name, renamed.get(name, name)) for name in reached.metrics]
    wanted = [(was, now) for was, now in wanted if now in head.metrics]
    # What was changed itself comes before what is computed from it.
    direct = {change.was for change in told}
    wanted.sort(key=lambda pair: (pair[0] not in direct, pair))
    names = frozenset(step for change in told for part in change.parts for step in part.path)
    new = [change.name for change in told if change.kind == "metric" and change.how == "added"]
    if seconds <= 0:
        return (), (*(now for _, now in wanted), *new)
    before, after, keys = build(base), build(head), keys_of(engine)
    moved = compare(before, after, wanted, engine, keys, names, seconds, say) if wanted else ()
    return (*moved, *appeared(after, new, engine, keys)), ()
