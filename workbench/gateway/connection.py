"""A client's connection to requests: one whose head grows or dawdles beyond bounds is closed."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 64 * 1024
"""Bytes of the first line and the headers of a request: the parser keeps all of them, whoever sends them."""
HEAD_SECONDS = 20.0
"""Seconds that these may take to arrive: who sends a byte now and then holds a place that others wait for."""


class Connection(HttpToolsProtocol):
    """What the server speaks HTTP by, with bounds of the part that comes before the application hears of a request."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._head = 0
        self._is_in_head = True
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is here."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request, or of several."""
        if self._is_in_head:
            self._head += len(data)
            if self._head > HEAD_BYTES + self._with_body(data):
                self.send_400_response("The headers are longer than they may be.")
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._await_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The application hears of the request now, and bounds the rest."""
        self._is_in_head = False
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The next byte belongs to another request."""
        self._is_in_head, self._head = True, 0
        super().on_message_complete()

    def _with_body(self, data: bytes) -> int:
        """Bytes that come with the end of a head and are none of it."""
        end = data.find(b"\r\n\r\n")
        return len(data) - end if end >= 0 else 0

    def _await_head(self) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
