"""Servers as child processes: started apart from the terminal, waited for, and stopped whole."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.commands.ports import HOST
from workbench.commands.printer import cannot_write
from workbench.errors import Problem, WorkbenchError
from workbench.show.lab import lab_command

PATIENCE = 90.0
"""Seconds that a server may take until it answers; a cold disk is slow."""

GRACE = 5.0
"""Seconds between asking a server to stop and ending it."""


@dataclass(slots=True)
class Child:
    """A running server, where it is reached, and where it logs."""

    name: str
    process: subprocess.Popen[bytes]
    url: str
    probe: str
    log: Path
    ready: bool = False


def lab_child(root: Path, port: int, user: str | None) -> Child:
    """JupyterLab over the workspace, behind a fresh token, telling nobody outside that it runs."""
    token = secrets.token_urlsafe(24)
    first = next(iter(sorted((root / "notebooks").glob("*.ipynb"))), None)
    page = f"lab/tree/{first.relative_to(root).as_posix()}" if first else "lab"
    command = lab_command(root, port=port, token=token)
    more = {**command.environment, **({"WORKBENCH_USER": user} if user else {})}
    base = f"http://{HOST}:{port}"
    return _started("notebooks", command.arguments[1:], root, f"{base}/{page}?token={token}", f"{base}/api", more)


def dashboards_child(root: Path, port: int, user: str | None, environment: str | None) -> Child:
    """The dashboards of the workspace."""
    words = ["-m", "workbench", "dashboards", "--workspace", str(root), "--port", str(port)]
    words += ["--as", user] if user else []
    words += ["--environment", environment] if environment else []
    base = f"http://{HOST}:{port}/"
    return _started("dashboards", words, root, base, base, {})


def wait_until_ready(children: Sequence[Child]) -> None:
    """Return once every server answers; raises `WorkbenchError` (server-failed) with the end of its log."""
    deadline = time.monotonic() + PATIENCE
    while waiting := [child for child in children if not child.ready]:
        for child in waiting:
            if child.process.poll() is not None or time.monotonic() > deadline:
                raise WorkbenchError(_failed(child))
            child.ready = _answers(child.probe)
        time.sleep(0.1)


def stop(children: Sequence[Child]) -> None:
    """Ask every server to stop, then end what is left with everything it started."""
    for child in children:
        _signal(child, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    for child in children:
        try:
            child.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            _signal(child, signal.SIGKILL)
            child.process.wait()


def _started(name: str, words: Sequence[str], root: Path, url: str, probe: str, more: Mapping[str, str]) -> Child:
    log = root / ".workbench" / "logs" / f"{name}.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as out:
            # A session of its own: Ctrl-C reaches us alone, and we stop the whole family in order.
            process = subprocess.Popen(
                [sys.executable, *words],
                cwd=root,
                env={**os.environ, **more},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise cannot_write(log, error) from None
    return Child(name, process, url, probe, log)


def _answers(url: str) -> bool:
    # Servers on this machine are reached directly, whatever proxy is set.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as response:
            return int(response.status) < 500
    except urllib.error.HTTPError as error:
        return error.code < 500
    except (urllib.error.URLError, OSError):
        return False


def _failed(child: Child) -> Problem:
    code = child.process.poll()
    what = f"ended with code {code}" if code is not None else f"did not answer within {PATIENCE:.0f} s"
    tail = child.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-8:]
    lines = "\n".join(f"    {line}" for line in tail)
    return Problem(
        "server-failed", f"the server of the {child.name} {what}.\n{lines}\n", hint=f"Its log is {child.log}."
    )


def _signal(child: Child, number: signal.Signals) -> None:
    if child.process.poll() is None:
        try:
            os.killpg(child.process.pid, number)
        except ProcessLookupError:
            return
