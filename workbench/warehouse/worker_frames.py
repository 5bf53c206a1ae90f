"""An Arrow stream to frames in a socket and back: whole messages with the number of their rows, to pass on unread."""

from __future__ import annotations

import io
import os
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADER = struct.Struct("<QQ")
"""The rows in a frame, and its bytes; no bytes at all say that the stream has ended."""
PIECES = 512
"""Pieces of memory that one call writes; systems allow 1,024."""
SLACK = 64 << 20
"""Bytes of a frame beyond what a result may have: a schema, and what surrounds values."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Arrow messages of a stream as they are sent, with the number of rows in them."""

    num_rows: int
    content: memoryview


class FrameWriter(io.RawIOBase):
    """What a writer of Arrow writes to; its pieces stay where they are until a frame of them is sent."""

    def __init__(self, handle: int) -> None:
        super().__init__()
        self.size = 0
        self._skipped = 0
        self._handle = handle
        self._pieces: list[Any] = []

    def writable(self) -> bool:
        """It is there to be written to."""
        return True

    def write(self, data: Any) -> int:
        """Keep a piece: memory of Arrow's is not copied."""
        if self._skipped:
            self._skipped -= len(data)
            if self._skipped < 0:
                raise RuntimeError("the schema was written otherwise than it was sent")
        else:
            self._pieces.append(data)
            self.size += len(data)
        return len(data)

    def send_schema(self, message: Any) -> None:
        """Send the schema at once; what writes Arrow would not before the first batch, and then it is left out."""
        self.write(message)
        self.send(0)
        self._skipped = len(message)

    def send(self, rows: int) -> None:
        """Send what was written since the last frame; an empty one ends the stream."""
        pieces, size, self._pieces, self.size = self._pieces, self.size, [], 0
        pieces.insert(0, HEADER.pack(rows, size))
        for start in range(0, len(pieces), PIECES):
            _send(self._handle, pieces[start : start + PIECES])

    def end(self) -> None:
        """End the stream without what was not sent."""
        self._pieces, self.size = [], 0
        self.send(0)


class FrameReader:
    """Reads frames from a socket; raises EOFError where it ends within one, or one is larger than ``most`` bytes."""

    def __init__(self, source: socket.socket, most: int) -> None:
        self._source = source
        self._most = most + SLACK

    def next(self) -> Frame | None:
        """The next frame; None after the last."""
        import pyarrow as pa

        header = memoryview(bytearray(HEADER.size))
        self._fill(header)
        rows, size = HEADER.unpack(header)
        if size > self._most:
            raise EOFError
        if not size:
            return None
        content = memoryview(pa.allocate_buffer(size))
        self._fill(content)
        return Frame(rows, content)

    def _fill(self, room: memoryview) -> None:
        while room:
            # A frame comes in one call, as a rule: between two, whoever sends the last one would be waited for.
            count = self._source.recv_into(room, 0, socket.MSG_WAITALL)
            if not count:
                raise EOFError
            room = room[count:]


class Unframed:
    """Frames as the file that Arrow reads a stream from."""

    closed = False

    def __init__(self, schema: Frame, frames: FrameReader) -> None:
        self._left = schema.content
        self._frames = frames

    def read(self, size: int) -> memoryview | bytes:
        """The next bytes; none after the last frame. A message never stands in two frames."""
        if not self._left:
            frame = self._frames.next()
            if frame is None:
                return b""
            self._left = frame.content
        given, self._left = self._left[:size], self._left[size:]
        return given

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def close(self) -> None:
        """The socket stays open: it is the worker's."""


def _send(handle: int, pieces: Sequence[Any]) -> None:
    left = [memoryview(piece) for piece in pieces]
    while left:
        done = os.writev(handle, left)
        while left and done >= left[0].nbytes:
            done -= left.pop(0).nbytes
        if left:
            left[0] = left[0][done:]
