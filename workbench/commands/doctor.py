"""The state of an installation to a list of findings, each with its fix."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from workbench.commands.exits import CHECK_FAILED, OK
from workbench.commands.options import Asker, as_someone, examples
from workbench.commands.ports import DASHBOARDS, LAB, is_free
from workbench.commands.printer import print_json
from workbench.errors import WorkbenchError, count

if TYPE_CHECKING:
    from workbench.declare.workspace import Workspace

State = Literal["ok", "warning", "failed"]
MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failed": ("✗", "red")}

ASSETS = {
    "panel": ("dist/panel.min.js",),
    "panel_material_ui": ("dist/panel-material-ui.bundle.js",),
    "jupyterlab": ("static/package.json",),
}
"""Files that pages load from their own server; where one is missing, pages stay blank without a network."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: its state in words, and what to type where it is wrong."""

    about: str
    state: State
    found: str
    fix: str = ""


@click.command(epilog=examples("workbench doctor", "workbench doctor --format json"))
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
@as_someone
def doctor(asker: Asker, form: str) -> int:
    """Look at versions, workspace, access, warehouse, ports and offline files; print what to do where one is wrong."""
    findings = [*_versions(), *_assets(), *_ports(), *_workspace(asker)]
    if form == "json":
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark, colour = MARKS[finding.state]
            click.echo(f"{click.style(mark, fg=colour)} {finding.about}: {finding.found}")
            if finding.fix:
                click.echo(f"    {finding.fix}")
    return CHECK_FAILED if any(finding.state == "failed" for finding in findings) else OK


def _versions() -> Iterator[Finding]:
    """Python and our own requirements, held against what is installed."""
    from importlib import metadata

    from packaging.requirements import Requirement

    yield Finding("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    wrong = []
    requirements = [Requirement(text) for text in metadata.requires("governed-workbench") or ()]
    for needed in requirements:
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        try:
            there = metadata.version(needed.name)
        except metadata.PackageNotFoundError:
            wrong.append(Finding(needed.name, "failed", "not installed", "Run 'uv sync'."))
            continue
        if not needed.specifier.contains(there, prereleases=True):
            fix = f"Run 'uv sync', or: uv pip install '{needed.name}{needed.specifier}'"
            wrong.append(Finding(needed.name, "failed", f"{there}, but {needed.specifier} is needed", fix))
    yield from wrong
    if not wrong:
        shown = ", ".join(
            f"{name} {metadata.version(name)}" for name in ("ibis-framework", "sqlglot", "duckdb", "panel")
        )
        yield Finding("packages", "ok", f"all within their bounds ({shown})")


def _assets() -> Iterator[Finding]:
    from importlib import util

    for package, files in ASSETS.items():
        spec = util.find_spec(package)
        folder = Path(spec.origin).parent if spec and spec.origin else None
        missing = [file for file in files if folder is None or not (folder / file).exists()]
        if missing:
            fix = f"Pages would load it from the network. Run: uv pip install --reinstall {package.replace('_', '-')}"
            yield Finding(f"offline files of {package}", "failed", f"no {', '.join(missing)}", fix)
        else:
            yield Finding(f"offline files of {package}", "ok", "there")


def _ports() -> Iterator[Finding]:
    for name, port in (("dashboards", DASHBOARDS), ("notebooks", LAB)):
        if is_free(port):
            yield Finding(f"port of the {name}", "ok", f"{port} is free")
        else:
            yield Finding(
                f"port of the {name}", "warning", f"{port} is taken", "'workbench up' takes the next free one."
            )


def _workspace(asker: Asker) -> Iterator[Finding]:
    from workbench.access.principal import identify
    from workbench.declare.workspace import load
    from workbench.session.identity import local_identity

    try:
        workspace = load(asker.workspace_root())
    except WorkbenchError as error:
        yield _of_error("workspace", error)
        return
    errors = [problem for problem in workspace.problems if problem.severity == "error"]
    if errors:
        yield Finding("workspace", "failed", count(len(errors), "problem"), "Run 'workbench validate'.")
        return
    yield Finding("workspace", "ok", workspace.counted())
    environment = asker.environment or workspace.settings.default_environment
    who = local_identity(asker.user, workspace.settings.identity)
    principal = identify(workspace.roles, workspace.groups, who, environment)
    if principal.roles:
        yield Finding(
            "you", "ok", f"{who}, {', '.join(principal.roles)}; advisory here: rules bind behind a server only"
        )
    else:
        fix = "Declare roles in access/roles.yml; 'workbench init' writes a first set."
        yield Finding("you", "failed", f"'{who}' has no role", fix)
    yield from _warehouse(workspace, environment)
    yield from _gateway(workspace, environment)


def _warehouse(workspace: Workspace, environment: str) -> Iterator[Finding]:
    from workbench.warehouse.duckdb_engine import DuckDBEngine

    try:
        where = workspace.settings.environment(environment)
        if where.url:
            yield _database(workspace, environment)
            return
        path = workspace.root / where.warehouse
        if not path.exists() and where.source:
            yield Finding("warehouse", "warning", "not built yet", "Run 'workbench build'; any question builds it too.")
        else:
            engine = DuckDBEngine(path)
            try:
                size = f"{path.stat().st_size / 1e6:,.0f} MB"
                yield Finding("warehouse", "ok", f"{where.warehouse}, {len(engine.tables())} tables, {size}")
            finally:
                engine.close()
        if not os.access(next(p for p in (path, *path.parents) if p.exists()), os.W_OK):
            yield Finding("folder of the warehouse", "warning", f"'{path.parent}' cannot be written", "Ask its owner.")
    except WorkbenchError as error:
        yield _of_error("warehouse", error)


def _gateway(workspace: Workspace, environment: str) -> Iterator[Finding]:
    """What keeps other users of the machine away, where this workspace has a gateway of its own."""
    from workbench.declare.settings import Gateway
    from workbench.gateway.preflight import check, open_to_others

    settings, root = workspace.settings, workspace.root
    if settings.gateway == Gateway() and not (root / settings.gateway.keys).exists():
        return
    loose = list(open_to_others(settings, root, environment))
    for problem in loose:
        yield Finding("gateway", "warning", problem.message, problem.hint)
    if loose:
        return
    try:
        check(settings, "127.0.0.1", root, environment)
        yield Finding("gateway", "ok", "its secrets are strong, and its files are its user's alone")
    except WorkbenchError as error:
        yield _of_error("gateway", error)


def _database(workspace: Workspace, environment: str) -> Finding:
    """Whether an existing database answers."""
    from workbench.warehouse.open import open_engine

    where = workspace.settings.environment(environment)
    engine = open_engine(workspace.root, where)
    try:
        return Finding("warehouse", "ok", f"{where.url}, {len(engine.tables())} tables that may be read")
    finally:
        engine.close()


def _of_error(about: str, error: WorkbenchError) -> Finding:
    first = error.problems[0]
    return Finding(about, "failed", f"{first.message} [{first.slug}]", first.hint)
