"""A headless Chromium that may only talk to this machine, and servers of our own to talk to."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect, sync_playwright

from tests.show.workspaces import REPOSITORY, copy_workspace

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
LOCAL = {"localhost", "127.0.0.1", ""}
PATIENCE = 90
expect.set_options(timeout=PATIENCE * 1000)


@dataclass
class Visit:
    """A page, what it tried to reach outside, and what its console complained about."""

    page: Page
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; in CI its absence is a failure, on a laptop a reason to skip.

    Gone with each file: as long as it is there, its loop runs in this thread, where other tests start their own.
    """
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        said = "no Chromium: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(said)
        pytest.skip(said)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Opens pages of any size; at the end, none may have asked for anything outside this machine."""
    opened: list[Visit] = []

    def open_page(width: int = 1400, height: int = 1000, **options: object) -> Visit:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            accept_downloads=True,
            **options,  # type: ignore[arg-type]
        )
        context.set_default_timeout(PATIENCE * 1000)
        made = Visit(context.new_page())

        def watch(route: Route) -> None:
            url = urlsplit(route.request.url)
            if url.scheme in ("data", "blob") or url.hostname in LOCAL:
                route.continue_()
            else:
                made.outside.append(route.request.url)
                route.abort()

        def listen(message: ConsoleMessage) -> None:
            if message.type == "error":
                made.complaints.append(message.text)

        context.route("**/*", watch)
        made.page.on("console", listen)
        made.page.on(
            "websocket", lambda ws: None if urlsplit(ws.url).hostname in LOCAL else made.outside.append(ws.url)
        )
        opened.append(made)
        return made

    yield open_page
    outside = [url for one in opened for url in one.outside]
    for one in opened:
        one.page.context.close()
    assert not outside, f"asked outside this machine: {outside}"


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: WORKBENCH_ARTIFACTS, else a folder of this run."""
    named = os.environ.get("WORKBENCH_ARTIFACTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("artifacts")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory, flights_file: Path) -> Path:
    """A workspace of its own for this run."""
    return copy_workspace(tmp_path_factory.mktemp("skyways"), flights_file)


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Starts a server and waits until it answers; every one is stopped at the end."""
    running: list[subprocess.Popen[bytes]] = []

    def run(name: str, command: list[str], url: str, folder: Path, environment: dict[str, str] | None = None) -> str:
        log = tmp_path_factory.mktemp(name) / "log"
        known = {**os.environ, "PYTHONPATH": str(REPOSITORY), **(environment or {})}
        with log.open("wb") as out:
            process = subprocess.Popen(command, cwd=folder, env=known, stdout=out, stderr=subprocess.STDOUT)
        running.append(process)
        deadline = time.monotonic() + PATIENCE
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{name} did not start:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.2)
        return url

    yield run
    for process in running:
        process.terminate()
    for process in running:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture(scope="session")
def dashboards(start: Callable[..., str], workspace: Path) -> str:
    """The address of a dashboard server, as an analyst sees it."""
    port = free_port()
    code = (
        "from workbench.show.connect import connect; from workbench.show.dashboards import serve; "
        f"serve(connect('.', as_user='ana@skyways.example'), port={port})"
    )
    return start("dashboards", [sys.executable, "-c", code], f"http://localhost:{port}/", workspace)


def free_port() -> int:
    """A port nobody uses right now."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2):
            return True
    except HTTPError:
        return True
    except (URLError, OSError):
        return False
