"""The bytes of a streamed answer to its head and its rows; a stream that breaks off is no answer."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.ipc
import urllib3

from workbench.errors import WarehouseError
from workbench.gateway.transport import lost
from workbench.gateway.wire import ANSWER, HEAD, REFUSAL, REFUSAL_SHAPE, TAIL, Head, error_of

SMALL = 1 << 20
"""Bytes of an answer that may be held twice."""


def arrived(response: urllib3.BaseHTTPResponse, url: str) -> tuple[Head, pa.Table]:
    """The head and all rows; raises what ended the rows over there, or `WarehouseError` (connection-lost)."""
    try:
        # A small answer is read at once: Arrow asks for many pieces, and each is a walk through all layers.
        size = response.length_remaining
        with pa.ipc.open_stream(response if size is None or size > SMALL else response.read()) as reader:
            schema = reader.schema
            batches, is_whole = _batches(reader)
        response.drain_conn()
    except (urllib3.exceptions.HTTPError, pa.ArrowInvalid, OSError) as error:
        raise lost(url, error) from None
    if not is_whole:
        raise _cut_short(url)
    metadata = dict(schema.metadata)
    head = HEAD.validate_json(metadata.pop(ANSWER))
    own = schema.with_metadata(metadata or None)
    return head, pa.Table.from_batches(batches, schema).replace_schema_metadata(own.metadata)


def _batches(reader: Any) -> tuple[list[pa.RecordBatch], bool]:
    batches: list[pa.RecordBatch] = []
    while True:
        try:
            batch, said = reader.read_next_batch_with_custom_metadata()
        except StopIteration:
            return batches, False
        if said and REFUSAL in said:
            raise error_of(REFUSAL_SHAPE.validate_json(said[REFUSAL]))
        if said and TAIL in said:
            # What follows is the end of the stream alone; reading it leaves the connection fit for the next request.
            for _ in reader:
                pass
            return batches, True
        if batch.num_rows or not batches:
            batches.append(batch)


def _cut_short(url: str) -> WarehouseError:
    return lost(url, EOFError())
