"""What is killed during load: a worker, the ledger's database, the gateway. Nothing half is taken for whole."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.gateway.process import Process, copied
from tests.nightly import is_nightly
from tests.warehouse.on_postgres import started
from tests.warehouse.postgres import Postgres
from workbench.declare.settings import Gateway
from workbench.errors import WorkbenchError
from workbench.gateway.client import RemoteSession, open_remote
from workbench.gateway.keyring import open_keyring
from workbench.gateway.wire import REQUEST_ID
from workbench.warehouse.audit import Audit

pytestmark = [pytest.mark.slow, pytest.mark.nightly]

ALL = 336_776
LONG = f"select i, md5(i::varchar) as word from range({ALL}) t(i)"
COUNT = "select count(*) as n from gold.flights"
UNRECORDED = {"audit-unwritable", "tokens-unavailable"}


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A server of its own: it is killed here."""
    yield from started()


@pytest.fixture(scope="module")
def gateway(postgres: Postgres, flights_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A gateway in a process of its own, whose ledger is that server."""
    process = Process(copied(tmp_path_factory.mktemp("kill"), flights_file), postgres.url)
    process.start()
    yield process
    process.close()


@dataclass
class Got:
    """What clients got while something was killed: answers by the id of their request, and refusals by their slug."""

    answered: list[str] = field(default_factory=list)
    refused: list[tuple[float, str, str]] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    foul: list[str] = field(default_factory=list)

    def slugs(self, kind: str = "") -> Counter[str]:
        """How often what was refused."""
        return Counter(slug for _, one, slug in self.refused if kind in (one, ""))


@contextmanager
def load(gateway: Process, tokens: list[str]) -> Iterator[Got]:
    """Four clients ask without a pause until the end of the block: two of ours, two that speak plain HTTP."""
    got, over = Got(), threading.Event()
    doors = [open_remote(gateway.url, token) for token in tokens]

    def of_ours(door: RemoteSession) -> None:
        whole = {
            "metric": lambda: door.query("flights").rows() == [{"flights": ALL}],
            "sql": lambda: door.sql(COUNT).rows() == [{"n": ALL}],
            "long": lambda: door.sql(LONG).table.num_rows == ALL,
        }
        while not over.is_set():
            for kind, ask in whole.items():
                _tried(got, kind, ask)

    def of_others(token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        asks = (("metric", "/v1/questions", {"metrics": ["flights"]}), ("sql", "/v1/sql", {"text": COUNT}))
        with httpx.Client(base_url=gateway.url, headers=headers, timeout=60) as client:
            while not over.is_set():
                for kind, path, body in asks:
                    _plain(got, client, kind, path, body)

    threads = [threading.Thread(target=of_ours, args=(one,)) for one in doors]
    threads += [threading.Thread(target=of_others, args=(one,)) for one in tokens]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.3)
        yield got
    finally:
        over.set()
        for thread in threads:
            thread.join(60)
        for door in doors:
            door.close()
    assert not any(thread.is_alive() for thread in threads)
    assert not got.foul, got.foul[:3]


def _tried(got: Got, kind: str, ask: Callable[[], bool]) -> None:
    try:
        if not ask():
            got.foul.append(f"a wrong answer to '{kind}'")
        got.at.append(time.monotonic())
    except WorkbenchError as error:
        got.refused.append((time.monotonic(), kind, error.slug))
        time.sleep(0.05)
    except Exception as error:  # noqa: BLE001  a client of ours raises errors of ours
        got.foul.append(repr(error))


def _plain(got: Got, client: httpx.Client, kind: str, path: str, body: dict[str, Any]) -> None:
    id = uuid.uuid4().hex
    try:
        response = client.post(path, json=body, headers={REQUEST_ID: id})
    except httpx.TransportError:  # the connection broke off: nobody takes that for an answer
        got.refused.append((time.monotonic(), kind, "connection-lost"))
        time.sleep(0.05)
        return
    said = response.json()
    if response.status_code == 200:
        got.answered.append(id)
        got.at.append(time.monotonic())
        if [list(row.values()) for row in said["rows"]] != [[ALL]]:
            got.foul.append(response.text)
        return
    slug = said["problems"][0]["slug"]
    got.refused.append((time.monotonic(), kind, slug))
    if slug in UNRECORDED and ("postgres" in response.text or "while it cannot be recorded" not in response.text):
        got.foul.append(response.text)
    if response.status_code >= 500 and not (response.status_code == 503 and int(response.headers["Retry-After"]) > 0):
        got.foul.append(response.text)
    time.sleep(0.05)


def recorded(gateway: Process, got: Got) -> None:
    """Pass if the audit is sound, and every answer stands in it, once, as far as it went."""
    keyring = open_keyring(gateway.root, Gateway())
    audit = Audit(gateway.ledger, keyring.audit, keyring.head)
    try:
        assert audit.verify(), audit.verify().problem
        seen = Counter(one.request for one in audit.search(limit=1_000_000) if one.decision == "allow")
    finally:
        audit.close()
    assert len(got.answered) > 5
    assert {id: seen[id] for id in got.answered if seen[id] != 1} == {}


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for something; fail where it does not come."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.02)


def workers(gateway: Process) -> list[psutil.Process]:
    """Its worker processes."""
    return [one for one in gateway.tree.children() if one.status() != psutil.STATUS_ZOMBIE]


def rounds(request: pytest.FixtureRequest) -> int:
    """How often each is killed."""
    return int(os.environ.get("WORKBENCH_EXAMPLES", 20)) if is_nightly(request) else 1


def test_a_killed_worker_is_one_statement_lost_at_most(gateway: Process, request: pytest.FixtureRequest) -> None:
    with load(gateway, gateway.tokens("ana@skyways.example", "cora@skyways.example")) as got:
        for turn in range(2 * rounds(request)):
            until(lambda: len(workers(gateway)) >= 2)
            victims = workers(gateway)
            busy = max(victims, key=lambda one: sum(one.cpu_times()[:2]))
            os.kill(busy.pid if turn % 2 else random.Random(turn).choice(victims).pid, signal.SIGKILL)
            time.sleep(0.3)
        before = len(got.at)
        until(lambda: len(got.at) > before + 10)
    assert not got.slugs("metric"), got.slugs("metric")
    assert set(got.slugs()) <= {"worker-lost"}, got.slugs()
    assert got.slugs().total() <= 2 * rounds(request)
    recorded(gateway, got)


def test_nothing_is_answered_while_it_cannot_be_recorded(
    gateway: Process, postgres: Postgres, request: pytest.FixtureRequest
) -> None:
    with load(gateway, gateway.tokens("ana@skyways.example", "cora@skyways.example")) as got:
        for _ in range(rounds(request)):
            before = len(got.at)
            until(lambda before=before: len(got.at) > before + 10)  # type: ignore[misc]
            postgres.kill()
            down = time.monotonic()
            time.sleep(2.5)  # longer than a token is remembered
            said = httpx.get(f"{gateway.url}/readyz")
            assert (said.status_code, said.json()["ledger"]) == (503, "closed")
            back = time.monotonic()
            postgres.start()
            # What had begun on record may end; nothing begins.
            assert not [at for at in got.at if down + 1.0 < at < back]
            until(lambda back=back: bool(got.at) and got.at[-1] > back)  # type: ignore[misc]
        until(lambda: httpx.get(f"{gateway.url}/readyz").status_code == 200)
    assert got.slugs()
    assert set(got.slugs()) <= UNRECORDED, got.slugs()
    recorded(gateway, got)


def test_a_killed_gateway_leaves_nothing_half_and_serves_again(
    gateway: Process, request: pytest.FixtureRequest
) -> None:
    with load(gateway, gateway.tokens("ana@skyways.example", "cora@skyways.example")) as got:
        for _ in range(rounds(request)):
            until(lambda: len(workers(gateway)) >= 2)
            before = len(got.at)
            until(lambda before=before: len(got.at) > before + 10)  # type: ignore[misc]
            orphans = workers(gateway)
            gateway.kill()
            psutil.wait_procs(orphans, 10)
            assert not [one for one in orphans if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
            gateway.start()
            back = time.monotonic()
            until(lambda back=back: got.at[-1] > back + 0.5)  # type: ignore[misc]
    assert set(got.slugs()) <= {"connection-lost"}, got.slugs()
    recorded(gateway, got)
    assert gateway.stop() == 0
    ran = subprocess.run(
        [sys.executable, "-m", "workbench", "audit", "verify"],
        cwd=gateway.root, env=gateway.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
