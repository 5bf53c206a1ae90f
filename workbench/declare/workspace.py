"""A folder of declarations to one workspace: every term by name, and every problem at its place."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from workbench.declare.dashboard import Dashboard
from workbench.declare.declared import Declared, declared
from workbench.declare.kept import KeptDocuments
from workbench.declare.people import Group, Groups, Policy, Role, Roles
from workbench.declare.question import SavedQuery
from workbench.declare.settings import Settings, read_settings
from workbench.declare.terms import Calendar, Metric, SemanticModel, Term
from workbench.errors import DeclarationError, Place, Problem, count

FOLDERS: Mapping[str, tuple[type[Term], ...]] = {
    "metrics": (SemanticModel, Metric, SavedQuery, Calendar),
    "access": (Roles, Groups, Policy),
    "notebooks/dashboards": (Dashboard,),
}
"""What may be declared where: who may change a thing follows from its folder."""
LARGEST = 4_000_000
"""Bytes of a file that is read: nobody reviews more, and some of them would take minutes to parse."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """Everything declared in one repository."""

    root: Path
    settings: Settings
    models: Mapping[str, Declared[SemanticModel]] = field(default_factory=dict)
    metrics: Mapping[str, Declared[Metric]] = field(default_factory=dict)
    calendars: Mapping[str, Declared[Calendar]] = field(default_factory=dict)
    saved_queries: Mapping[str, Declared[SavedQuery]] = field(default_factory=dict)
    dashboards: Mapping[str, Declared[Dashboard]] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    policies: tuple[Declared[Policy], ...] = ()
    people: tuple[Declared[Roles] | Declared[Groups], ...] = ()
    problems: tuple[Problem, ...] = ()
    fingerprint: str = ""
    """Changes with every byte that was read."""

    def require(self) -> Workspace:
        """Itself when nothing is wrong; raises `DeclarationError` with every problem otherwise."""
        errors = [problem for problem in self.problems if problem.severity == "error"]
        if errors:
            raise DeclarationError(errors)
        return self

    def counted(self) -> str:
        """How many models and metrics there are, in words."""
        return f"{count(len(self.models), 'model')}, {count(len(self.metrics), 'metric')}"


def find_root(start: Path | None = None) -> Path:
    """The nearest folder at or above ``start`` that holds a workspace; raises `DeclarationError` (no-workspace)."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "metrics").is_dir():
            return folder
    raise DeclarationError(
        Problem(
            "no-workspace",
            f"no workspace at '{start or '.'}' or above: no folder 'metrics'.",
            hint="Run 'workbench init' to make one.",
        )
    )


def load(root: Path) -> Workspace:
    """Read every declaration below ``root``; problems are collected, never raised."""
    root = root.absolute()
    problems: list[Problem] = []
    try:
        settings = read_settings(root)
    except DeclarationError as error:
        problems.extend(error.problems)
        settings = Settings()
    files = [(*file, kinds) for folder, kinds in FOLDERS.items() for file in _files(root, folder, problems)]
    kept = KeptDocuments(root, sum(len(content) for _, content, _ in files))
    found = [one for file in files for one in _declarations(kept, *file, problems)]
    kept.save()
    if not any(isinstance(one.term, SemanticModel) for one in found) and not problems:
        problems.append(
            Problem(
                "empty-workspace",
                "no semantic model is declared.",
                Place("metrics"),
                "Write metrics/models/<table>.yml, or run 'workbench init' to have models proposed.",
            )
        )
    return _workspace(root, settings, found, problems, _fingerprint(settings, files))


def _files(root: Path, folder: str, problems: list[Problem]) -> Iterator[tuple[str, bytes]]:
    """The name and content of every file of declarations in a folder, by name."""

    def closed(error: OSError) -> None:
        """A folder that may not be read must not look like one without files."""
        name = os.path.relpath(error.filename, root).replace(os.sep, "/")
        problems.append(Problem("unreadable-file", f"the folder cannot be read: {error.strerror}.", Place(name)))

    walked = os.walk(root / folder, onerror=closed) if (root / folder).is_dir() else ()
    found = [os.path.join(place, name) for place, _, names in walked for name in names]
    for path in sorted(found):
        if not path.endswith((".yml", ".yaml")) or not os.path.isfile(path):
            continue
        name = path[len(os.path.join(root, "")) :].replace(os.sep, "/")
        try:
            with open(path, "rb") as file:
                yield name, file.read()
        except OSError as error:
            problems.append(Problem("unreadable-file", f"cannot be read: {error.strerror}.", Place(name)))


def _fingerprint(settings: Settings, files: Iterable[tuple[str, bytes, object]]) -> str:
    state = sha256(settings.model_dump_json().encode())
    for name, content, _ in files:
        state.update(os.fsencode(name) + f"\0{len(content)}\0".encode())
        state.update(content)
    return state.hexdigest()


def _declarations(
    kept: KeptDocuments, name: str, content: bytes, kinds: tuple[type[Term], ...], problems: list[Problem]
) -> Iterator[Declared[Any]]:
    if len(content) > LARGEST:
        said = f"has {len(content):,} bytes, and a file of declarations at most {LARGEST:,}."
        problems.append(Problem("too-large", said, Place(name), "Split it: one metric, one file, one diff."))
        return
    try:
        documents = kept.documents(content, name)
    except DeclarationError as error:
        problems.extend(error.problems)
        return
    except UnicodeDecodeError as error:
        said = f"is not UTF-8 text: byte {error.start + 1} cannot be read."
        problems.append(Problem("unreadable-file", said, Place(name), "Save it as UTF-8."))
        return
    for document in documents:
        try:
            one = declared(document)
        except DeclarationError as error:
            problems.extend(error.problems)
            continue
        if isinstance(one.term, kinds):
            yield one
        else:
            kind = next(iter(document.data))
            home = next(folder for folder, allowed in FOLDERS.items() if isinstance(one.term, allowed))
            problems.append(
                Problem(
                    "wrong-folder",
                    f"'{kind}' may not be declared here.",
                    document.place,
                    f"It belongs in {home}/, where its reviewers look.",
                )
            )


def _workspace(
    root: Path, settings: Settings, found: list[Declared[Any]], problems: list[Problem], fingerprint: str
) -> Workspace:
    def named(kind: type[Term], key: str) -> dict[str, Declared[Any]]:
        out: dict[str, Declared[Any]] = {}
        for one in found:
            if not isinstance(one.term, kind):
                continue
            name = getattr(one.term, key)
            if name in out:
                problems.append(
                    Problem(
                        "duplicate-name",
                        f"the {key.replace('_', ' ')} '{name}' is declared twice.",
                        one.place_of(key),
                        f"It also stands at {out[name].place_of(key)}.",
                    )
                )
            else:
                out[name] = one
        return out

    def merged(kind: type[Term], key: str) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for one in found:
            if isinstance(one.term, kind):
                for name, value in getattr(one.term, key).items():
                    if name in out:
                        problems.append(
                            Problem(
                                "duplicate-name", f"'{name}' is declared twice under '{key}'.", one.place_of(key, name)
                            )
                        )
                    out.setdefault(name, value)
        return out

    return Workspace(
        root=root,
        settings=settings,
        models=named(SemanticModel, "semantic_model"),
        metrics=named(Metric, "metric"),
        calendars=named(Calendar, "calendar"),
        saved_queries=named(SavedQuery, "saved_query"),
        dashboards=named(Dashboard, "dashboard"),
        roles=merged(Roles, "roles"),
        groups=merged(Groups, "groups"),
        policies=tuple(one for one in found if isinstance(one.term, Policy)),
        people=tuple(one for one in found if isinstance(one.term, Roles | Groups)),
        problems=tuple(problems),
        fingerprint=fingerprint,
    )
