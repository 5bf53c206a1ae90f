"""Arrow as an engine gives it to Arrow in which text is text: no dictionary goes along with all values there may be."""

from __future__ import annotations

from typing import TypeVar

import pyarrow as pa
import pyarrow.types as pat

Found = TypeVar("Found", pa.Table, pa.RecordBatchReader)


def spelled_out(found: Found) -> Found:
    """The same rows with the values of dictionaries in their place, also where they stand inside of others.

    The dictionary of an enum holds every value of its type, those of rows that the asker may not see as well.
    """
    schema = pa.schema([field.with_type(_plain(field.type)) for field in found.schema], found.schema.metadata)
    return found if schema.equals(found.schema) else found.cast(schema)


def _plain(kind: pa.DataType) -> pa.DataType:
    if pat.is_dictionary(kind):
        return kind.value_type
    if pat.is_struct(kind):
        return pa.struct([field.with_type(_plain(field.type)) for field in kind])
    if pat.is_map(kind):
        return pa.map_(_plain(kind.key_type), _plain(kind.item_type))
    if pat.is_fixed_size_list(kind):
        return pa.list_(kind.value_field.with_type(_plain(kind.value_type)), kind.list_size)
    if pat.is_list(kind):
        return pa.list_(kind.value_field.with_type(_plain(kind.value_type)))
    return kind
