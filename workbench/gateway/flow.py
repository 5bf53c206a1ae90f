"""One question's way through the gateway: who asks, what may run, its record, its turn, and its rows as they come."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, closing, suppress
from typing import TYPE_CHECKING

import anyio
import anyio.abc
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from workbench.declare.question import Question
from workbench.errors import InternalError, WarehouseError, WorkbenchError
from workbench.gateway.ahead import Ahead
from workbench.gateway.refused import Told
from workbench.gateway.statuses import headers_of, status_of
from workbench.gateway.streams import Encoder, accepted, empty_batch, encoder_for
from workbench.gateway.wire import ARROW, REFUSAL_SHAPE, Tail, head_of, own_fault, refusal_of
from workbench.session.prepared import Batches, Prepared, Saved
from workbench.session.session import Session
from workbench.warehouse.interruptible import under
from workbench.warehouse.limits import STOPPED

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.access.principal import Principal
    from workbench.gateway.gateway import Gateway
    from workbench.warehouse.worker_process import Rows

Chunk = bytes | memoryview

LATELY = 1.0
"""Seconds that who asks is believed to be who asked."""
FULL = 65_536
"""Rows of a full batch."""

_LOG = logging.getLogger("workbench.gateway")


class Flow(Response):
    """The response to a question: it begins once the first rows are there, so that its status can be trusted."""

    def __init__(self, gateway: Gateway, request: Request, asked: Question | Saved | str) -> None:
        self.background = None
        self._gateway = gateway
        self._request = request
        self._asked = asked
        self._id: str = request.state.request_id
        self._started = time.perf_counter()
        self._audit = ""
        self._encoder: Encoder | None = None
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._rows: Rows | None = None
        self._ending: Iterator[bytes] | None = None
        self._begun = False
        self._is_over = False
        self._behind = False
        self._timer: asyncio.TimerHandle | None = None
        self._produced: anyio.Event | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; stop when the client goes away."""
        with self._gateway.queries.track(self._id) as running:
            self._running = running
            async with anyio.create_task_group() as group:
                self._group = group
                group.start_soon(self._hear, receive, group.cancel_scope)
                await self._answer(scope, receive, send)
                group.cancel_scope.cancel()

    async def _hear(self, receive: Receive, scope: anyio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._running.stop()
        scope.cancel()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        outcome, error = "failed", None
        try:
            media_type = accepted(self._request.headers.get("accept"))
            part = self._gateway.traces.part
            with part("identify"):
                principal = await self._gateway.asker(self._request)
            async with AsyncExitStack() as turn:
                came = time.monotonic()
                with part("wait"):
                    await self._wait(turn, principal)
                if time.monotonic() - came > LATELY:  # a right, or a token, may have gone while it waited
                    principal = await self._gateway.asker(self._request)
                with part("answer") as span:
                    span.set_attributes({"workbench.lane": self._running.kind, "workbench.format": media_type})
                    await self._run(principal, media_type, send)
                    span.set_attribute("workbench.rows", self._running.rows)
            outcome = "answered"
        except WorkbenchError as refused:
            error = self._told(refused)
            outcome = "stopped" if self._running.cancel.wished else "failed"
        except (TimeoutError, anyio.get_cancelled_exc_class()) as gone:
            outcome = "abandoned"
            if not isinstance(gone, TimeoutError):
                raise
        except Exception:  # noqa: BLE001  the outermost layer: the client is told an id, the log has the rest
            _LOG.exception("request %s failed", self._id)
            error = InternalError(own_fault(self._id).problems)
        finally:
            with anyio.CancelScope(shield=True):
                await self._end(outcome)
        if error is not None:
            await self._refuse(error, scope, receive, send)

    # ------------------------------------------------------------------ in threads

    def _prepare(self, principal: Principal) -> tuple[Session, Prepared]:
        """What may run, compiled; to compile takes longer than to run, so it has a turn of its asker's as well."""
        gateway, asked = self._gateway, self._asked
        session = gateway.serving.session(principal)
        try:
            with under(self._running.cancel), gateway.traces.part("compile"):
                return session, session.prepare(asked)
        except WorkbenchError as error:
            verb = "query:adhoc" if isinstance(asked, str) else "read:metric"
            gateway.note_refusal(principal, verb, error, asked if isinstance(asked, str) else "", self._id)
            raise

    def _record(self, session: Session, prepared: Prepared) -> None:
        with self._gateway.traces.part("record"):
            self._audit = self._gateway.note_begin(session, prepared, self._id)

    def _begin(self, principal: Principal, media_type: str) -> Chunk:
        """All from the question to its first bytes in one go."""
        session, prepared = self._prepare(principal)
        self._record(session, prepared)
        return self._start(session, prepared, media_type)

    def _start(self, session: Session, prepared: Prepared, media_type: str) -> Chunk:
        """Begin to run what is on record, and make the first bytes; all of them, where there are few rows."""
        with under(self._running.cancel), self._gateway.traces.part("first rows"):
            streamed = session.stream(prepared, self._lane(prepared))
            self._batches = streamed.batches
            if self._rows is not None:
                self._rows.is_passed_on = media_type == ARROW
            head = streamed.head
            self._encoder = encoder_for(media_type, head_of(head), head.table.schema)
            first = next(self._batches, None)
            if first is None:
                first = empty_batch(head.table.schema)
            self._running.rows += first.num_rows
            chunk = self._encoder.batch(first)
        if first.num_rows >= FULL:
            return chunk
        # A batch that is not full is the last one, as a rule: another thread would take longer than its rows.
        more = self._next()
        if self._ending is not None:
            rest = [more or b"", *self._ending]
            self._is_over = True
            return b"".join((chunk, *rest))
        return b"".join((chunk, more or b""))

    def _next(self) -> Chunk | None:
        """More bytes; None after the last."""
        assert self._encoder is not None
        if self._ending is None:
            with under(self._running.cancel):
                batch = next(self._batches, None)
            if batch is not None:
                self._running.rows += batch.num_rows
                return self._encoder.batch(batch)
            self._ending = self._encoder.end(Tail(self._running.rows, time.perf_counter() - self._started))
        return next(self._ending, None)

    def _close(self, outcome: str) -> None:
        close = getattr(self._batches, "close", None)
        if close is not None:
            with suppress(WorkbenchError):
                close()
        if self._rows is not None:  # rows that nobody began to read are not let go of by that
            self._rows.close()
        if self._encoder is not None:
            self._encoder.close()
        seconds = time.perf_counter() - self._started
        self._gateway.note_end(self._audit, self._running, outcome, seconds)

    def _lane(self, prepared: Prepared) -> Callable[[str], Batches] | None:
        """Where it runs: SQL of one's own in a worker process, a question here."""
        workers = self._gateway.workers
        if prepared.kind == "metric" or workers is None:
            return None

        def lane(sql: str) -> Rows:
            # A PIVOT runs several statements: whoever stops it in between is heard by the next one.
            with self._running.cancel.hearing(lambda: workers.cancel(self._id)):
                self._rows = workers.stream(sql, query_id=self._id)
            return self._rows

        return lane

    # ------------------------------------------------------------------ in the loop

    async def _wait(self, turn: AsyncExitStack, principal: Principal) -> None:
        """Wait for a turn; whoever stops the question ends the wait."""
        running = self._running
        running.asker, running.kind = principal.name, "sql" if isinstance(self._asked, str) else "metric"
        with anyio.CancelScope() as waiting:
            running.stoppers.append(waiting.cancel)
            running.cancel.check()
            wanted = self._gateway.admission.turn(running.asker, running.kind, self._id)
            self._behind = (await turn.enter_async_context(wanted)).stands_back
        running.stoppers.remove(waiting.cancel)
        running.cancel.check()
        if running.kind == "sql" and (workers := self._gateway.workers) is not None:
            running.stoppers.append(lambda: workers.cancel(self._id))
        self._gateway.note_running(running)

    async def _run(self, principal: Principal, media_type: str, send: Send) -> None:
        off = self._gateway.off
        if self._running.kind == "metric" or self._gateway.workers is None:
            seconds = self._gateway.bounds.metric_seconds
            self._timer = asyncio.get_running_loop().call_later(seconds, self._running.stop, STOPPED["too-slow"])
        if self._behind:
            session, prepared = await off(lambda: self._prepare(principal), behind=True)
            await off(lambda: self._record(session, prepared))  # as fast as anybody's: whoever comes next waits for it
            first = await off(lambda: self._start(session, prepared, media_type), behind=True)
        else:
            first = await off(lambda: self._begin(principal, media_type))
        if self._is_over:
            await self._send_whole(first, media_type, send)
            return
        made: Ahead[Chunk | Exception] = Ahead()
        self._produced = anyio.Event()
        self._group.start_soon(self._produce, made, self._produced)
        with closing(made):
            await self._send(first, media_type, send)
            while (chunk := await made.take()) is not None:
                if isinstance(chunk, Exception):
                    raise chunk
                await self._send(chunk, media_type, send)
        await self._send(b"", media_type, send, more=False)

    async def _produce(self, made: Ahead[Chunk | Exception], done: anyio.Event) -> None:
        """Make the next bytes in a thread while the last ones are sent: to call it for each takes longer than both."""

        def work() -> None:
            try:
                while made.put(chunk := self._next()) and chunk is not None:
                    continue
            except Exception as error:  # noqa: BLE001  raised again where it is waited for
                made.put(error)

        try:
            await self._gateway.off(work, self._behind)
        finally:
            done.set()

    async def _end(self, outcome: str) -> None:
        """Let go of everything, once no thread is at it any more."""
        if self._timer is not None:
            self._timer.cancel()
        if outcome != "answered":
            self._running.stop()
        if self._produced is not None:
            await self._produced.wait()
        if self._is_over:
            self._close(outcome)  # nothing is left that could block
        else:
            await self._gateway.off(lambda: self._close(outcome))

    def _told(self, error: WorkbenchError) -> WorkbenchError:
        """Whoever was stopped is told by whom, in the same words in every lane."""
        try:
            self._running.cancel.check()
        except WarehouseError as stopped:
            return stopped
        return error

    async def _refuse(self, error: WorkbenchError, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = refusal_of(error, self._id)
        if not self._begun:
            status = status_of(error)
            body = REFUSAL_SHAPE.dump_python(refusal, mode="json")
            await Told(body, status, headers_of(error, status))(scope, receive, send)
        elif self._encoder is not None and (last := self._encoder.failed(refusal)):
            # Then nothing: a response without its end is taken for whole by nobody.
            await send({"type": "http.response.body", "body": last, "more_body": True})

    async def _send(self, chunk: Chunk, media_type: str, send: Send, more: bool = True) -> None:
        if more and not chunk:
            return
        with anyio.fail_after(self._gateway.bounds.stall_seconds):
            if not self._begun:
                self._begun = True
                await send(_start_of(media_type))
            await send({"type": "http.response.body", "body": chunk, "more_body": more})

    async def _send_whole(self, content: Chunk, media_type: str, send: Send) -> None:
        """Send an answer that is known whole: that it is so long spares both sides the counting of pieces."""
        with anyio.fail_after(self._gateway.bounds.stall_seconds):
            self._begun = True
            await send(_start_of(media_type, (b"content-length", str(len(content)).encode())))
            await send({"type": "http.response.body", "body": content, "more_body": False})


def _start_of(media_type: str, *more: tuple[bytes, bytes]) -> Message:
    said = ((b"content-type", media_type.encode()), (b"vary", b"Accept"), (b"cache-control", b"no-store"), *more)
    return {"type": "http.response.start", "status": 200, "headers": list(said)}
