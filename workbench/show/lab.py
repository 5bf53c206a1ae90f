"""A workspace to the command that starts JupyterLab in it: quiet, offline, on this machine alone."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SETTINGS: Mapping[str, Mapping[str, Any]] = {
    # Lab asks at the first start whether it may fetch news, and looks for updates by itself: both leave the machine.
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": False,
    },
    # A drawn answer is taller than the few lines Lab shows beside the cursor.
    "@jupyterlab/notebook-extension:tracker": {"scrollPastEnd": True, "codeCellConfig": {"autoClosingBrackets": True}},
}  # fmt: skip
SERVER: Mapping[str, Any] = {
    # It would be loaded for nothing, and takes longer than the rest of the start.
    "ServerApp": {"jpserver_extensions": {"panel.io.jupyter_server_extension": False}}
}


@dataclass(frozen=True, slots=True)
class LabCommand:
    """What to run, with which environment, and the address it will answer at."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    url: str


def lab_command(
    root: Path, *, port: int, token: str, start: str = "", browser: bool = False, expose: bool = False
) -> LabCommand:
    """The command for JupyterLab at ``root``; ``start`` is the notebook it opens with.

    Its settings are written under ``root/.workbench/jupyter``, so that nobody's own settings change. ``expose`` lets
    a browser test drive the application.
    """
    config = _write(root / ".workbench" / "jupyter")
    arguments = [
        sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={root}", "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--ServerApp.open_browser={browser}",
        "--LabApp.news_url=None", "--LabApp.extension_manager=readonly",
        "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
    ]  # fmt: skip
    if start:
        arguments.append(f"--LabApp.default_url=/lab/tree/{start}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")
    if expose:
        arguments.append("--LabApp.expose_app_in_browser=True")
    paths = os.pathsep.join(filter(None, (str(config), os.environ.get("JUPYTER_CONFIG_PATH", ""))))
    # The token goes by the environment: a command line is for everyone on the machine to read.
    environment = {"JUPYTER_CONFIG_PATH": paths, "JUPYTER_TOKEN": token}
    return LabCommand(tuple(arguments), environment, f"http://localhost:{port}/lab?token={token}")


def _write(config: Path) -> Path:
    """Write the settings where Jupyter looks for defaults."""
    for name, content in (
        ("labconfig/default_setting_overrides.json", SETTINGS),
        ("jupyter_server_config.d/workbench.json", SERVER),
    ):
        path = config / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return config
