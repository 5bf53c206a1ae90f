"""A real `workbench serve` in a process of its own over a copy of the reference workspace; it may be killed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import psutil

from workbench.warehouse.tokens import Tokens

ROOT = Path(__file__).parents[2]


def copied(root: Path, warehouse: Path) -> Path:
    """The reference workspace in a folder of its own, over a copy of that warehouse."""
    for folder in ("metrics", "access", "notebooks"):
        shutil.copytree(ROOT / folder, root / folder)
    (root / ".workbench").mkdir(mode=0o700)
    shutil.copy(warehouse, root / ".workbench" / "warehouse.duckdb")
    (root / "pyproject.toml").write_text(
        '[tool.workbench.environments.dev]\nwarehouse = ".workbench/warehouse.duckdb"\n'
    )
    return root


class Process:
    """A gateway that listens on one port of this machine, however often it is started."""

    def __init__(self, root: Path, ledger: str = "", options: tuple[str, ...] = ()) -> None:
        self.root = root
        self.ledger = ledger or f"sqlite:///{root / '.workbench' / 'ledger.db'}"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = root / "gateway.log"
        self._options = options
        self._process: subprocess.Popen[str] | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        """What its commands need to know: where the ledger is."""
        return {**os.environ, "WORKBENCH_LEDGER": self.ledger, "PYTHONPATH": str(ROOT)}

    @property
    def tree(self) -> psutil.Process:
        """The process; its children are the workers."""
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def start(self) -> None:
        """Start it and wait until it takes requests."""
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "workbench", "serve", "--port", str(self.port), *self._options],
                cwd=self.root,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == self.url, self.log.read_text()

    def kill(self) -> None:
        """End it without any farewell."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """End it politely; its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(60)

    def close(self) -> None:
        """Leave nothing running."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def tokens(self, *names: str) -> list[str]:
        """A token for each of these people."""
        tokens = Tokens(self.ledger)
        try:
            return [tokens.issue(name, timedelta(hours=1), ("all",), "tests")[0] for name in names]
        finally:
            tokens.close()
