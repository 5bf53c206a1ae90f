"""Frames in a socket: what comes out is what went in, decoded or passed on, and what breaks off is no stream."""

from __future__ import annotations

import os
import socket
import threading

import duckdb
import pyarrow as pa
import pytest

from workbench.warehouse.worker_frames import HEADER, FrameReader, FrameWriter, Unframed

SHAPES = (
    "SELECT range AS i, repeat('x', (range % 50)::INT) AS t FROM range(70_000)",
    "SELECT (CASE WHEN range % 3 = 0 THEN 'good' ELSE 'bad' END)::ENUM('good', 'bad') AS m FROM range(40_000)",
    "SELECT [{'e': 'bad'::ENUM('good', 'bad'), 'd': 1.5::DECIMAL(9, 2)}] AS l, NULL AS n FROM range(20_000)",
    "SELECT " + ", ".join(f"range + {n} AS c{n}" for n in range(400)) + " FROM range(3_000)",
    "SELECT range AS i FROM range(9) WHERE range > 10",
)


def sent(reader: pa.RecordBatchReader, handle: int) -> None:
    frames = FrameWriter(handle)
    with os.fdopen(handle, "wb"):
        writer = pa.ipc.new_stream(frames, reader.schema)
        frames.send_schema(reader.schema.serialize())
        for batch in reader:
            writer.write_batch(batch)
            frames.send(batch.num_rows)
        frames.end()


def holding(content: bytes) -> socket.socket:
    """A socket from which that comes, and nothing after it."""
    near, far = socket.socketpair()
    with far:
        far.sendall(content)
    return near


def through_a_socket(sql: str) -> tuple[pa.Table, FrameReader]:
    connection = duckdb.connect()
    expected = connection.sql(sql).to_arrow_table()
    near, far = socket.socketpair()
    reader = connection.sql(sql).to_arrow_reader(16_384)
    threading.Thread(target=sent, args=(reader, far.detach()), daemon=True).start()
    return expected, FrameReader(near, 1 << 20)


@pytest.mark.slow
@pytest.mark.parametrize("sql", SHAPES)
def test_frames_hold_the_stream(sql: str) -> None:
    expected, frames = through_a_socket(sql)
    first = frames.next()
    assert first is not None
    assert pa.ipc.read_schema(pa.py_buffer(first.content)) == expected.schema
    assert pa.ipc.open_stream(Unframed(first, frames)).read_all().to_pylist() == expected.to_pylist()
    expected, frames = through_a_socket(sql)
    passed = [*iter(frames.next, None)]
    assert sum(frame.num_rows for frame in passed) == expected.num_rows
    assert pa.ipc.open_stream(b"".join(frame.content for frame in passed)).read_all().to_pylist() == (
        expected.to_pylist()
    )


def test_a_stream_that_breaks_off_is_told_at_every_byte() -> None:
    near, far = socket.socketpair()
    sent(pa.table({"a": [1, 2]}).to_reader(), far.detach())
    with near, near.makefile("rb") as file:
        whole = file.read()
    for length in range(len(whole)):
        with holding(whole[:length]) as source, pytest.raises(EOFError):
            list(iter(FrameReader(source, 1 << 20).next, None))
    with holding(whole) as source:
        assert sum(frame.num_rows for frame in iter(FrameReader(source, 1 << 20).next, None)) == 2


def test_a_frame_larger_than_a_result_may_be_is_not_taken() -> None:
    with holding(HEADER.pack(1, 1 << 40)) as source, pytest.raises(EOFError):
        FrameReader(source, 1 << 20).next()
