"""Requests to a gateway, and its responses to values: errors are raised as they were over there."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import urllib3
from pydantic import TypeAdapter, ValidationError

from workbench.errors import Problem, QuestionError, WarehouseError, WorkbenchError
from workbench.gateway.wire import JSON, REFUSAL_SHAPE, REQUEST_ID, QueryState, error_of

T = TypeVar("T")
Progress = Callable[[QueryState], object]
"""Is told how far a question is, when it takes a while."""

PATIENCE = 1.0
"""Seconds until progress is first told at the earliest, and between two times."""
CONNECT, READ = 10.0, 900.0
"""Seconds that a connection, and the next piece of an answer, may take."""

_STATE: TypeAdapter[QueryState] = TypeAdapter(QueryState)


class Transport:
    """One gateway as seen from here; any thread may use it."""

    def __init__(self, url: str, token: str | None, progress: Progress | None = None, cookie: str = "") -> None:
        """``cookie`` is that of a browser's login, as ``name=value``."""
        self.url = url.rstrip("/")
        if urlsplit(self.url).scheme not in ("http", "https") or not urlsplit(self.url).hostname:
            hint = "Write it as http://127.0.0.1:8700 or https://workbench.example."
            raise QuestionError(Problem("bad-address", f"'{url}' is no address of a gateway.", hint=hint))
        self._progress = progress
        self._asked: dict[str, float] = {}
        self._watching = threading.Lock()
        self._watcher: threading.Thread | None = None
        said = {"Authorization": f"Bearer {token}"} if token else {}
        self._headers = {"Accept": JSON, **said, **({"Cookie": cookie} if cookie else {})}
        timeout = urllib3.Timeout(connect=CONNECT, read=READ)
        self._pool = urllib3.PoolManager(maxsize=16, timeout=timeout, retries=False)

    def get(self, shape: TypeAdapter[T], *path: str, **query: Any) -> T:
        """What is at a path."""
        return self._value(shape, "GET", self._address(path, query), None)

    def post(self, shape: TypeAdapter[T], *path: str, body: Any = None) -> T:
        """What comes back for a body."""
        return self._value(shape, "POST", self._address(path, {}), body)

    def tell(self, *path: str) -> None:
        """Have something done that gives nothing back."""
        self._raise_refusal(self._send("POST", self._address(path, {}), None, self._headers))

    @contextmanager
    def streaming(self, media_type: str, *path: str, body: Any) -> Iterator[urllib3.BaseHTTPResponse]:
        """The response to a question while its rows come in; leaving early, or Ctrl-C, stops it over there."""
        id = uuid.uuid4().hex
        whole = False
        with self._telling(id):
            try:
                headers = {**self._headers, "Accept": media_type, REQUEST_ID: id}
                response = self._send("POST", self._address(path, {}), body, headers, preload=False)
                try:
                    self._raise_refusal(response)
                    yield response
                    whole = True
                finally:
                    # A connection with unread bytes is of no use to the next request.
                    response.release_conn() if whole else response.close()
            except KeyboardInterrupt:
                self.stop(id)
                raise

    def stop(self, id: str) -> None:
        """Have a question stopped; one that has ended by itself is as good."""
        with suppress(WorkbenchError):
            self._send("DELETE", self._address(("v1", "queries", id), {}), None, self._headers)

    def close(self) -> None:
        """Let go of connections."""
        self._pool.clear()

    def _address(self, path: tuple[str, ...], query: Mapping[str, Any]) -> str:
        asked = urlencode({name: value for name, value in query.items() if value not in (None, "")}, doseq=True)
        return "/".join((self.url, *(quote(part, safe="") for part in path))) + (f"?{asked}" if asked else "")

    def _value(self, shape: TypeAdapter[T], method: str, address: str, body: Any) -> T:
        response = self._send(method, address, body, self._headers)
        self._raise_refusal(response)
        try:
            return shape.validate_json(response.data)
        except ValidationError:
            raise self._foreign(response.status) from None

    def _send(
        self, method: str, address: str, body: Any, headers: Mapping[str, str], preload: bool = True
    ) -> urllib3.BaseHTTPResponse:
        more = {"Content-Type": JSON} if body is not None else {}
        content = json.dumps(body).encode() if body is not None else None
        try:
            return self._pool.request(
                method, address, body=content, headers={**headers, **more}, preload_content=preload, redirect=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise lost(self.url, error) from None

    def _raise_refusal(self, response: urllib3.BaseHTTPResponse) -> None:
        if response.status < 400:
            return
        try:
            refusal = REFUSAL_SHAPE.validate_json(response.data)
        except ValidationError:
            raise self._foreign(response.status) from None
        raise error_of(refusal)

    def _foreign(self, status: int) -> WarehouseError:
        said = f"what answers at '{self.url}' is no workbench gateway of this version (status {status})."
        return WarehouseError(Problem("bad-address", said, hint="Check the address; a proxy may stand between."))

    @contextmanager
    def _telling(self, id: str) -> Iterator[None]:
        """Tell of progress from time to time, while what is inside takes its time."""
        if self._progress is None:
            yield
            return
        with self._watching:
            self._asked[id] = time.monotonic()
            if self._watcher is None or not self._watcher.is_alive():
                # One for all questions: to start a thread takes as long as a small question.
                self._watcher = threading.Thread(target=self._watch, name="workbench-progress", daemon=True)
                self._watcher.start()
        try:
            yield
        finally:
            with self._watching:
                del self._asked[id]

    def _watch(self) -> None:
        """Tell of the questions that take long, until nothing is asked."""
        while True:
            time.sleep(PATIENCE)
            with self._watching:
                if not self._asked:
                    self._watcher = None
                    return
                long = [id for id, began in self._asked.items() if time.monotonic() - began >= PATIENCE]
            for id in long:
                with suppress(WorkbenchError):
                    state = self.get(_STATE, "v1", "queries", id)
                    if self._progress is not None and id in self._asked:
                        self._progress(state)


def lost(url: str, error: Exception) -> WarehouseError:
    """The error for a gateway that cannot be reached, or went away."""
    is_away = isinstance(error, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError)
    said = f"no gateway answers at '{url}'." if is_away else f"the connection to '{url}' broke off."
    hint = "Is it running? 'workbench serve' starts one." if is_away else "Ask again."
    if isinstance(error, urllib3.exceptions.SSLError):
        said, hint = f"TLS to '{url}' fails: {error}.", "Without a proxy before it, a gateway speaks plain http://."
    return WarehouseError(Problem("connection-lost", said, hint=hint))
