"""Turns rows of PostgreSQL into Arrow, so that a column has the type that the same column has on DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import Column
from psycopg.adapt import AdaptersMap
from psycopg.types.bool import BoolDumper, BoolLoader
from psycopg.types.datetime import DateLoader, TimeLoader, TimestampLoader, TimestamptzLoader
from psycopg.types.numeric import FloatDumper, FloatLoader, IntDumper, IntLoader, NumericLoader
from psycopg.types.string import ByteaLoader, StrDumper, TextLoader

from workbench.errors import Problem, WarehouseError

WIDEST = pa.decimal256(76, 38)
"""Of numbers whose digits no type tells."""

_NUMERIC = 1700
_TYPES: Mapping[int, tuple[type[Any], pa.DataType]] = {
    16: (BoolLoader, pa.bool_()),
    17: (ByteaLoader, pa.binary()),
    20: (IntLoader, pa.int64()),
    21: (IntLoader, pa.int16()),
    23: (IntLoader, pa.int32()),
    26: (IntLoader, pa.int64()),
    700: (FloatLoader, pa.float32()),
    701: (FloatLoader, pa.float64()),
    1082: (DateLoader, pa.date32()),
    1083: (TimeLoader, pa.time64("us")),
    1114: (TimestampLoader, pa.timestamp("us")),
    1184: (TimestamptzLoader, pa.timestamp("us", tz="UTC")),
    _NUMERIC: (NumericLoader, WIDEST),
}
"""Type numbers, which are the same on every server, to how they are read; what is not here is read as text."""


def adapters() -> AdaptersMap:
    """What reads and writes values: exactly the types above, anything else as the text that the server writes."""
    known = AdaptersMap(types=psycopg.adapters.types)
    known.register_loader(0, TextLoader)
    for number, (loader, _) in _TYPES.items():
        known.register_loader(number, loader)
    for kind, dumper in ((bool, BoolDumper), (int, IntDumper), (float, FloatDumper), (str, StrDumper)):
        known.register_dumper(kind, dumper)
    return known


@dataclass(frozen=True, slots=True)
class Reading:
    """How the rows of one statement become Arrow."""

    schema: pa.Schema
    scales: dict[int, int]
    """Columns of numbers whose digits no type tells, and the most digits after the point that were seen."""

    @classmethod
    def of(cls, columns: Sequence[Column]) -> Reading:
        """By what the server says of the columns."""
        fields = [pa.field(column.name, _arrow(column)) for column in columns]
        return cls(pa.schema(fields), {i: 0 for i, field in enumerate(fields) if field.type == WIDEST})

    def batch(self, rows: Sequence[Sequence[Any]]) -> pa.RecordBatch:
        """Some of the rows."""
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(self.schema)
        for position, scale in self.scales.items():
            seen = (_digits_after(value) for value in columns[position] if value is not None)
            self.scales[position] = max(scale, max(seen, default=0))
        arrays = [_array(values, field) for values, field in zip(columns, self.schema, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def batches(self, fetch: Callable[[], Sequence[Sequence[Any]]]) -> Iterator[pa.RecordBatch]:
        """All rows, as ``fetch`` gives them, until it gives none."""
        while rows := fetch():
            yield self.batch(rows)

    def table(self, batches: Sequence[pa.RecordBatch]) -> pa.Table:
        """The rows together, each number with as many digits as the longest of its column has."""
        table = pa.Table.from_batches(batches, self.schema)
        for position, scale in self.scales.items():
            name, column = table.schema.field(position).name, table.column(position)
            if (narrow := _narrowed(column, scale)) is not None:
                table = table.set_column(position, pa.field(name, narrow.type), narrow)
        return table


def _arrow(column: Column) -> pa.DataType:
    if column.type_code != _NUMERIC:
        return _TYPES[column.type_code][1] if column.type_code in _TYPES else pa.string()
    digits, scale = column.precision, column.scale
    if digits is None or scale is None or not 0 <= scale <= digits <= 76:
        return WIDEST
    return pa.decimal128(digits, scale) if digits <= 38 else pa.decimal256(digits, scale)


def _array(values: Sequence[Any], field: pa.Field) -> pa.Array:
    try:
        return pa.array(values, field.type)
    except (pa.ArrowInvalid, OverflowError):
        said = f"The column '{field.name}' has a value that {field.type} cannot hold."
        hint = "Numbers may have 38 digits on each side of the point, and none may be NaN or infinite."
        raise WarehouseError(Problem("engine-failed", said, hint=hint)) from None


def _digits_after(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0  # NaN has none


def _narrowed(column: pa.ChunkedArray, scale: int) -> pa.ChunkedArray | None:
    try:
        return column.cast(pa.decimal128(38, min(scale, 38)))
    except pa.ArrowInvalid:
        return None
