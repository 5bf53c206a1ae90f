"""A real PostgreSQL in a folder of its own, on loopback; started as a user without rights, since root may not."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

SETTINGS = {"fsync": "off", "shared_buffers": "16MB", "max_connections": "40", "unix_socket_directories": ""}


def binary(name: str) -> str | None:
    """One of PostgreSQL's programs: on the path, or where Debian puts it."""
    there = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(there[-1]) if there else shutil.which(name)


class Postgres:
    """One server over one folder; it can be killed and started again on the same port."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._user = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
        if self._user:
            shutil.chown(self.folder, "nobody", "nogroup")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._data = self.folder / "data"
        self._run(
            "initdb", "-D", str(self._data), "-U", "ledger", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"
        )
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of its one database, as SQLAlchemy writes it."""
        return f"postgresql+psycopg://ledger@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        self._server = subprocess.Popen(
            [str(binary("postgres")), "-D", str(self._data), "-h", "127.0.0.1", "-p", str(self.port), *options],
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "log").open("ab"),
            **self._user,  # type: ignore[call-overload]
        )
        ends = time.monotonic() + 30
        while subprocess.run([str(binary("pg_isready")), "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode:
            assert time.monotonic() < ends, (self.folder / "log").read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        """End it without any farewell."""
        assert self._server is not None
        # The parent first: one that still lives would replace the children that it loses.
        children = psutil.Process(self._server.pid).children(recursive=True)
        self._server.kill()
        self._server.wait()
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(children, 10)
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def close(self) -> None:
        """End it and remove its folder."""
        if self._server is not None and self._server.poll() is None:
            self._server.send_signal(signal.SIGINT)  # the fast way, which waits for no client
            self._server.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, name: str, *words: str) -> None:
        subprocess.run([str(binary(name)), *words], check=True, capture_output=True, cwd=self.folder, **self._user)  # type: ignore[call-overload]
