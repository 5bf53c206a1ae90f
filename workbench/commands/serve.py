"""A workspace to running servers: the warehouse built, dashboards and notebooks up, their addresses printed."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from workbench.commands.children import Child, dashboards_child, lab_child, stop, wait_until_ready
from workbench.commands.exits import INTERRUPTED, OK, WAREHOUSE, say
from workbench.commands.options import Asker, as_someone, examples, in_workspace
from workbench.commands.ports import DASHBOARDS, HOST, LAB, choose
from workbench.errors import Problem, WorkbenchError

if TYPE_CHECKING:
    from workbench.show.viewers import Viewers

ADVISORY = (
    "The access rules are applied but advisory here: whoever runs the notebook can read the file of the warehouse. "
    "They bind only where a server holds the warehouse."
)


@click.command(epilog=examples("workbench up", "workbench up --no-browser --port 9000 --lab-port 9001"))
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the dashboards; otherwise a free one.")
@click.option("--lab-port", type=click.IntRange(1, 65535), help="Port of the notebooks; otherwise a free one.")
@click.option("--browser/--no-browser", default=True, help="Open a browser when ready.")
@as_someone
def up(asker: Asker, port: int | None, lab_port: int | None, browser: bool) -> int:
    """Build the warehouse, start dashboards and notebooks, open the browser. Ctrl-C stops it all."""
    began = time.perf_counter()
    # Whoever ends us politely, a terminal or a supervisor, has the servers ended too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    root = asker.workspace_root()
    ours = choose(port, DASHBOARDS, "--port")
    labs = choose(lab_port, LAB, "--lab-port", taken=(ours,))
    children: list[Child] = []
    try:
        # JupyterLab takes longest to start and needs no warehouse, so it goes first.
        say("Starting notebooks ...")
        children.append(lab_child(root, labs, asker.user))
        _build(asker, root)
        say("Starting dashboards ...")
        children.append(dashboards_child(root, ours, asker.user, asker.environment))
        _first_number(asker)
        wait_until_ready(children)
        for child in reversed(children):
            click.echo(f"{child.name:<12}{child.url}")
        say(f"Ready in {time.perf_counter() - began:.0f} s. Ctrl-C stops everything.")
        say(ADVISORY)
        if browser and _has_screen():
            click.launch(children[-1].url)
        return _watch(children)
    except KeyboardInterrupt:
        say("Stopping ...")
        return OK if children and all(child.ready for child in children) else INTERRUPTED
    finally:
        stop(children)


@click.command(
    epilog=examples(
        "workbench dashboards",
        "workbench dashboards --port 9000 --as ana@skyways.example",
        "workbench dashboards --gateway http://127.0.0.1:8700",
        "workbench dashboards --gateway http://127.0.0.1:8700 --url https://boards.example",
    )
)
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on; otherwise a free one.")
@click.option("--host", default=HOST, show_default=True, help="Address to listen on.")
@click.option("--gateway", metavar="URL", help="Ask a gateway, as whoever opens a page: they sign in first.")
@click.option("--url", default="", help="Where browsers reach the pages, such as https://boards.example.")
@as_someone
def dashboards(asker: Asker, port: int | None, host: str, gateway: str | None, url: str) -> None:
    """Serve the dashboards alone, over this workspace or over a gateway."""
    chosen = choose(port, DASHBOARDS, "--port")
    from workbench.show.dashboards import serve as serve_dashboards

    if gateway:
        viewers = _viewers(gateway, host, url)
        say("Each page shows what its viewer may see.")
        serve_dashboards(viewers, port=chosen, address=host, url=url, ready=click.echo)
        return
    with asker.session() as session:
        say(ADVISORY)
        serve_dashboards(session, port=chosen, address=host, url=url, ready=click.echo)


def _viewers(gateway: str, host: str, url: str) -> Viewers:
    """Everybody's own door through a gateway; raises `WorkbenchError` (insecure-url, connection-lost)."""
    from workbench.gateway.addresses import is_loopback, is_safe
    from workbench.gateway.visitors import Visitors
    from workbench.show.viewers import Viewers as Made

    if (url and not is_safe(url)) or not (url or is_loopback(host)):
        said = f"whoever is on the way to '{url or host}' could read how viewers sign in."
        raise WorkbenchError(Problem("insecure-url", said, hint="Put a proxy with TLS before it: --url https://..."))
    visitors = Visitors(gateway, is_local=not url and is_loopback(host))
    visitors.login()  # tells soon where nobody answers
    return Made(
        lambda one: visitors.door(one.token, one.cookie),
        visitors.login,
        lambda one: visitors.logout(one.cookie),
    )


@click.command(epilog=examples("workbench build", "workbench build --environment staging"))
@click.option("--again", is_flag=True, help="Build it anew even if it is whole.")
@in_workspace
def build(asker: Asker, again: bool) -> None:
    """Build the embedded warehouse from its source; what is there serves until the new one is whole."""
    from workbench.declare.workspace import load
    from workbench.warehouse.open import prepare, rebuild

    root = asker.workspace_root()
    where = load(root).settings.environment(asker.environment)
    path = root / where.warehouse
    if where.source is None:
        say(f"'{where.url or where.warehouse}' is yours: no source is declared that builds it.")
        return
    (rebuild if again else prepare)(root, where, say)
    click.echo(_shown(path))


def _has_screen() -> bool:
    """Whether a window can open here: without a screen Linux tries one program after another, and complains of each."""
    return not sys.platform.startswith("linux") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())


def _build(asker: Asker, root: Path) -> None:
    """Read the workspace, whose problems end this at once, and build its warehouse where needed."""
    from workbench.declare.workspace import load
    from workbench.warehouse.open import prepare

    workspace = load(root).require()
    name = workspace.settings.name or root.name
    say(f"Workspace {name}: {workspace.counted()}.")
    prepare(root, workspace.settings.environment(asker.environment), say)


def _first_number(asker: Asker) -> None:
    """Show that it answers, while the servers start: a metric that counts the rows of a model says most."""
    from workbench.show.format import number_text

    with asker.session() as session:
        models = {model.name for model in session.models}
        shown = next(iter(sorted(session.metrics, key=lambda card: card.name not in models)), None)
        if shown is None:
            return
        answer = session.query(shown.name)
        value = number_text(answer.rows()[0][shown.name], shown.unit, shown.format)
        say(f"{shown.label or shown.name}: {value}, asked by {session.principal.name}.")


def _watch(children: list[Child]) -> int:
    """Wait until Ctrl-C, or until one of the servers ends by itself."""
    while True:
        for child in children:
            code = child.process.poll()
            if code is not None:
                say(f"The server of the {child.name} ended with code {code}; its log is {_shown(child.log)}.")
                return WAREHOUSE
        time.sleep(0.3)


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
