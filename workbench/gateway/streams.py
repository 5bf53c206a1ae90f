"""Record batches to the bytes of a format, batch by batch: never a whole result in memory."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet
import pyarrow.types as pat

from workbench.errors import Problem, QuestionError, WarehouseError
from workbench.gateway.wire import (
    ANSWER,
    ARROW,
    CSV,
    HEAD,
    JSON,
    PARQUET,
    REFUSAL,
    REFUSAL_SHAPE,
    TAIL,
    TAIL_SHAPE,
    Head,
    Refusal,
    Tail,
)
from workbench.session.plain import plain
from workbench.warehouse.worker_frames import Frame

if TYPE_CHECKING:
    from typing import IO

PIECE = 1 << 18
"""Bytes of a file that are sent at once."""
LARGEST_FILE = 2 << 30
"""Bytes of a Parquet file, which has to be whole before its first byte can be sent."""
END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"


class Encoder(Protocol):
    """Turns an answer into bytes; what it gives may be empty."""

    media_type: str

    def batch(self, batch: pa.RecordBatch) -> bytes | memoryview:
        """The bytes that follow from one more batch."""
        ...

    def end(self, tail: Tail) -> Iterator[bytes]:
        """The bytes after the last batch."""
        ...

    def failed(self, refusal: Refusal) -> bytes:
        """The bytes that tell why no more rows come, where the format has words for it."""
        ...

    def close(self) -> None:
        """Let go of files."""
        ...


def encoder_for(media_type: str, head: Head, schema: pa.Schema) -> Encoder:
    """What writes an answer in a format."""
    kinds: dict[str, Callable[[Head, pa.Schema], Encoder]] = {ARROW: _Arrow, JSON: _Json, CSV: _Csv, PARQUET: _Parquet}
    return kinds[media_type](head, schema)


def accepted(accept: str | None) -> str:
    """The format that a request's Accept header wants most; JSON where it says nothing."""
    wanted: list[tuple[float, int, str]] = []
    for order, part in enumerate((accept or "*/*").split(",")):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((_weight(p[2:]) for p in parameters if p.startswith("q=")), 1.0)
        for given in (JSON, ARROW, CSV, PARQUET):
            if weight > 0 and name in (given, "*/*", f"{given.partition('/')[0]}/*"):
                wanted.append((-weight, order, given))
                break
    if not wanted:
        formats = ", ".join((ARROW, JSON, CSV, PARQUET))
        raise QuestionError(Problem("not-acceptable", f"no format of '{accept}' is given.", hint=f"Accept {formats}."))
    return min(wanted)[2]


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


class _Arrow:
    """The IPC stream: the head in the schema's metadata, the tail or the refusal in that of a last, empty batch."""

    media_type = ARROW

    def __init__(self, head: Head, schema: pa.Schema) -> None:
        self._schema = schema.with_metadata({**(schema.metadata or {}), ANSWER: HEAD.dump_json(head)})
        self._first = True

    def batch(self, batch: pa.RecordBatch | Frame) -> bytes | memoryview:
        """A message; what a worker has sent is passed on as it is."""
        if isinstance(batch, Frame):
            if self._first:
                self._first = False
                return b"".join((self._schema.serialize(), batch.content))
            return batch.content
        # Messages made one by one are copied once.
        if self._first:
            self._first = False
            return b"".join((self._schema.serialize(), batch.serialize()))
        return memoryview(batch.serialize())

    def end(self, tail: Tail) -> Iterator[bytes]:
        """An empty batch with the tail, and the end of the stream."""
        yield self._last(TAIL, TAIL_SHAPE.dump_json(tail)) + END_OF_STREAM

    def failed(self, refusal: Refusal) -> bytes:
        """An empty batch with the refusal; the stream has no end then."""
        return self._last(REFUSAL, REFUSAL_SHAPE.dump_json(refusal))

    def close(self) -> None:
        """Nothing is held."""

    def _last(self, key: bytes, content: bytes) -> bytes:
        batch = empty_batch(self._schema)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self._schema) as writer:
            writer.write_batch(batch, custom_metadata={key: content})
        schema, *rest = pa.ipc.MessageReader.open_stream(sink.getvalue())
        return b"".join(bytes(one.serialize()) for one in ((schema, *rest) if self._first else rest))


class _Json:
    """One object: the head, the rows as objects, then their count and the seconds."""

    media_type = JSON

    def __init__(self, head: Head, schema: pa.Schema) -> None:
        self._before = b'{"answer":' + HEAD.dump_json(head) + b',"rows":['

    def batch(self, batch: pa.RecordBatch) -> bytes:
        """Rows."""
        columns = [_plain_column(column) for column in batch.columns]
        names = batch.schema.names
        rows = [_dumped(dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)]
        text = ",".join(rows).encode()
        before, self._before = self._before, b"," if rows or self._before == b"," else self._before
        return before + text if rows else b""

    def end(self, tail: Tail) -> Iterator[bytes]:
        """The closing bracket, and what is known now."""
        before = b"" if self._before == b"," else self._before
        yield before + f'],"count":{tail.rows},"seconds":{tail.seconds:.6f}}}'.encode()

    def failed(self, refusal: Refusal) -> bytes:
        """Nothing: an object without its end is read by no one as a whole."""
        return b""

    def close(self) -> None:
        """Nothing is held."""


class _Csv:
    """A line of names, then the rows; NULL is nothing between commas, and text stands in quotes."""

    media_type = CSV

    def __init__(self, head: Head, schema: pa.Schema) -> None:
        self._header = True
        self._schema = schema

    def batch(self, batch: pa.RecordBatch) -> bytes:
        """Lines."""
        sink = io.BytesIO()
        columns = [column if _is_flat(column.type) else pa.array(map(_cell, column), pa.string()) for column in batch]
        flat = pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
        pyarrow.csv.write_csv(flat, sink, pyarrow.csv.WriteOptions(include_header=self._header))
        self._header = False
        return sink.getvalue()

    def end(self, tail: Tail) -> Iterator[bytes]:
        """The line of names, where there was no row."""
        if self._header:
            names = [name.replace('"', '""') for name in self._schema.names]
            yield (",".join(f'"{name}"' for name in names) + "\n").encode()

    def failed(self, refusal: Refusal) -> bytes:
        """Nothing."""
        return b""

    def close(self) -> None:
        """Nothing is held."""


class _Parquet:
    """A file beside memory, of bounded size, sent once it is whole."""

    media_type = PARQUET

    def __init__(self, head: Head, schema: pa.Schema) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="workbench-")  # noqa: SIM115  closed with the answer
        kept = schema.with_metadata({**(schema.metadata or {}), ANSWER: HEAD.dump_json(head)})
        try:
            self._writer = pyarrow.parquet.ParquetWriter(self._file, kept)
        except pa.ArrowNotImplementedError as error:
            said = f"a file of Parquet does not hold these columns: {error}"
            raise QuestionError(Problem("not-acceptable", said, hint="Cast them, or ask for Arrow.")) from None
        self._schema = kept

    def batch(self, batch: pa.RecordBatch) -> bytes:
        """Nothing yet."""
        if batch.num_rows:
            self._writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=self._schema))
        if self._file.tell() > LARGEST_FILE:
            said = f"The file would be larger than {LARGEST_FILE >> 30} GB."
            raise WarehouseError(Problem("result-too-large", said, hint="Ask for Arrow, which is sent as it comes."))
        return b""

    def end(self, tail: Tail) -> Iterator[bytes]:
        """The file."""
        self._writer.close()
        self._file.seek(0)
        while piece := self._file.read(PIECE):
            yield piece

    def failed(self, refusal: Refusal) -> bytes:
        """Nothing was sent before."""
        return b""

    def close(self) -> None:
        """The file is gone with this."""
        self._file.close()


def empty_batch(schema: pa.Schema) -> pa.RecordBatch:
    """A batch of these columns without rows."""
    return pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)


def _is_flat(kind: pa.DataType) -> bool:
    return not (pat.is_nested(kind) or pat.is_interval(kind) or pat.is_duration(kind))


def _plain_column(column: pa.Array) -> list[Any]:
    values: list[Any] = column.to_pylist()
    if pat.is_integer(column.type) or pat.is_boolean(column.type) or pat.is_string(column.type):
        return values
    return [plain(value) for value in values]


def _cell(value: pa.Scalar) -> str | None:
    given = plain(value.as_py())
    return given if given is None or isinstance(given, str) else _dumped(given)


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
