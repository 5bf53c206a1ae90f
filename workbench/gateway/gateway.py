"""The parts of a running gateway in one place: what is served, who asks, what runs, and the record of it."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import anyio
import anyio.to_thread
from starlette.requests import Request

from workbench.access.principal import Principal
from workbench.access.version import policy_version
from workbench.errors import Problem, WorkbenchError
from workbench.gateway.admission import Admission
from workbench.gateway.bounds import Bounds
from workbench.gateway.measures import Measures
from workbench.gateway.running import Queries, Running
from workbench.gateway.serving import Serving
from workbench.gateway.traces import Traces
from workbench.gateway.wire import Readiness
from workbench.session.prepared import Prepared
from workbench.session.session import Session

if TYPE_CHECKING:
    from workbench.gateway.login import Login
    from workbench.gateway.workers import Workers
    from workbench.warehouse.audit import Audit
    from workbench.warehouse.tokens import Tokens

T = TypeVar("T")

LONGEST_NAME, MOST_NAMES = 200, 20
"""What is kept of the names in a refusal."""

BEHIND = 10
"""How nice a thread is that gives way."""

_LOG = logging.getLogger("workbench.gateway")


class Identity(Protocol):
    """Tells who sends a request."""

    def who(self, headers: Mapping[str, str]) -> Principal:
        """Who sends these headers; raises `AccessDenied`."""
        ...

    def is_at_hand(self, headers: Mapping[str, str]) -> bool:
        """Whether that can be told without waiting for anything."""
        ...

    def anew(self, headers: Mapping[str, str]) -> Principal:
        """The same, without believing what was read a moment ago: for what cannot be taken back."""
        ...


class Gateway:
    """A running gateway; its parts are made outside and given."""

    def __init__(
        self,
        serving: Serving,
        identity: Identity,
        audit: Audit | None,
        workers: Workers | None,
        bounds: Bounds | None = None,
        tokens: Tokens | None = None,
        login: Login | None = None,
    ) -> None:
        self.serving = serving
        self.identity = identity
        self.audit = audit
        self.workers = workers
        self.bounds = bounds or Bounds()
        self.tokens = tokens
        self.login = login
        lanes = self.bounds.lanes
        self.admission = Admission(lanes)
        self.queries = Queries(self.admission.position)
        self.measures = Measures()
        self.traces = Traces()
        self.is_leaving = False
        running = sum(lane.running for lane in lanes.values())
        # One for each step of what may run, and some for requests that wait for a token's look-up or a compiler.
        self.threads = anyio.CapacityLimiter(running + 16)
        self._behind = ThreadPoolExecutor(running, "behind", give_way)
        self.local_name = ""
        self._versions: tuple[object, str, str] = (None, "", "")

    def who(self, request: Request) -> Principal:
        """Who sends a request; raises `AccessDenied`, and counts it."""
        try:
            return self.identity.who(request.headers)
        except WorkbenchError as error:
            self.measures.refusals.labels(error.slug).inc()
            raise

    async def asker(self, request: Request) -> Principal:
        """The same, in the event loop: a thread takes longer than to look at what is remembered."""
        if self.identity.is_at_hand(request.headers):
            return self.who(request)
        return await self.off(lambda: self.who(request))

    async def in_turn(self, request: Request) -> AsyncIterator[None]:
        """A turn of whoever sends a request, for what is not a question; a route depends on it."""
        async with self.admission.turn((await self.asker(request)).name, "look"):
            yield

    def session(self, request: Request) -> Session:
        """The session of whoever sends a request."""
        return self.serving.session(self.who(request))

    def note_begin(self, session: Session, prepared: Prepared, request: str) -> str:
        """The id of a question's record, which is durable now; raises where it cannot be, and then nothing may run."""
        if self.audit is None:
            return ""
        policy, release = self.versions()
        return self.audit.begin(
            principal=session.principal.name,
            verb="query:adhoc" if prepared.kind == "sql" else "read:metric",
            resources=dict.fromkeys((*prepared.subject, *prepared.tables)),
            rules=prepared.restrictions,
            sql=prepared.sql,
            policy=policy,
            release=release,
            request=request,
        )

    def note_running(self, running: Running) -> None:
        """Count a question whose turn has come."""
        running.state = "running"
        self.measures.running.labels(running.kind).inc()

    def note_end(self, record: str, running: Running, outcome: str, seconds: float) -> None:
        """Record how a question ended."""
        lane = running.kind
        if running.state == "running":
            self.measures.running.labels(lane).dec()
            self.measures.questions.labels(lane, outcome).inc()
            self.measures.question_seconds.labels(lane).observe(seconds)
            self.measures.rows.labels(lane).inc(running.rows)
        if record and self.audit is not None:
            self.audit.end(record, outcome, running.rows, seconds)

    def note_refusal(
        self,
        principal: Principal,
        verb: str,
        error: WorkbenchError,
        sql: str,
        request: str,
        resources: tuple[str, ...] = (),
    ) -> None:
        """Record that something was refused: a hidden name reads as a missing one, so those count as well."""
        self.measures.refusals.labels(error.slug).inc()
        slugs = tuple(dict.fromkeys(p.slug for p in error.problems))
        # Names that nothing has are whatever somebody typed: the record is not to be filled with them.
        named = tuple(name[:LONGEST_NAME] for name in resources[:MOST_NAMES])
        self.note_decision(principal, verb, False, named, slugs, request, sql)

    @contextmanager
    def deciding(self, principal: Principal, verb: str, request: Request, *resources: str) -> Iterator[list[str]]:
        """Record what is decided inside, where no query runs: refused where an error says so, else allowed.

        What is put into the list given are the rules that decided.
        """
        rules: list[str] = []
        try:
            yield rules
        except WorkbenchError as error:
            self.note_refusal(principal, verb, error, "", request.state.request_id, resources)
            raise
        self.note_decision(principal, verb, True, resources, tuple(rules), request.state.request_id)

    def note_decision(
        self,
        principal: Principal,
        verb: str,
        allowed: bool,
        resources: tuple[str, ...],
        rules: tuple[str, ...],
        request: str,
        sql: str = "",
    ) -> None:
        """Record a decision about something that runs no query."""
        if self.audit is not None and principal.name:
            policy, release = self.versions()
            self.audit.decision(
                principal=principal.name,
                verb=verb,
                allowed=allowed,
                resources=resources,
                rules=rules,
                sql=sql,
                policy=policy,
                release=release,
                request=request,
            )

    def versions(self) -> tuple[str, str]:
        """The version of the rules and of the release that are served now."""
        ground = self.serving.ground
        if self._versions[0] is not ground:
            workspace = ground.workspace
            self._versions = (ground, policy_version(workspace), ground.release)
        return self._versions[1], self._versions[2]

    def look(self) -> None:
        """Serve declarations that have changed, if they are whole."""
        before = self.serving.problems
        swapped = self.serving.look()
        problems = self.serving.problems
        if swapped:
            self.measures.reloads.labels("served").inc()
            _LOG.info("the declarations have changed and are served now")
        elif problems and problems is not before:
            self.measures.reloads.labels("broken").inc()
            _LOG.error("the declarations have changed and are broken; those before are still served: %s", problems[0])
        self.measures.broken.set(1 if problems else 0)

    async def off(self, work: Callable[[], T], behind: bool = False) -> T:
        """Do blocking work in a thread, of which there are only so many; ``behind`` others, in one that gives way."""
        if behind:
            with anyio.CancelScope(shield=True):  # as below, what has begun is waited for
                return await asyncio.get_running_loop().run_in_executor(self._behind, copy_context().run, work)
        return await anyio.to_thread.run_sync(work, limiter=self.threads)

    def readiness(self) -> Readiness:
        """Whether questions can be answered, without a name of anything."""
        warehouse = True
        try:
            self.serving.engine.version()
        except WorkbenchError:
            warehouse = False
        ledger = self.audit is None or self.audit.is_writable()
        workers = self.workers is None or bool(self.workers.pids)
        return Readiness(
            ready=warehouse and ledger and workers and not self.is_leaving,
            warehouse="open" if warehouse else "closed",
            ledger="open" if ledger else "closed",
            workers="running" if workers else "none",
            declarations="broken" if self.serving.problems else "current",
            leaving=self.is_leaving,
        )

    def close(self) -> None:
        """Let go of everything."""
        self.traces.close()
        self._behind.shutdown(wait=False, cancel_futures=True)
        if self.workers is not None:
            self.workers.close()
        self.serving.engine.close()
        if self.serving.ground.ledger is not None:
            self.serving.ground.ledger.close()
        if self.audit is not None:
            self.audit.close()


def give_way() -> None:
    """Have this thread give way to others, where each thread has a priority of its own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BEHIND)


def unknown_path() -> Problem:
    """What a path that leads nowhere is told."""
    return Problem("unknown-path", "there is nothing at this address.", hint="/docs lists what there is.")


def data_folder(root: Path) -> Path:
    """Where a gateway keeps what is its own."""
    return root / ".workbench" / "gateway"
