"""An engine that is opened, and built where need be, by the first thing asked of it: listing metrics costs nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

    from workbench.warehouse.engine import Engine


class LateEngine:
    """The engine that ``start`` gives, from the first use on; a failed start is tried again."""

    def __init__(self, start: Callable[[], Engine]) -> None:
        self._start = start
        self._engine: Engine | None = None
        self._gate = threading.Lock()

    def _started(self) -> Engine:
        with self._gate:
            if self._engine is None:
                self._engine = self._start()
            return self._engine

    @property
    def dialect(self) -> str:
        """As the engine's."""
        return self._started().dialect

    @property
    def catalog(self) -> str:
        """As the engine's."""
        return self._started().catalog

    def tables(self) -> tuple[str, ...]:
        """As the engine's."""
        return self._started().tables()

    def schema(self, table: str) -> ibis.Schema:
        """As the engine's."""
        return self._started().schema(table)

    def types(self, table: str) -> Mapping[str, str]:
        """As the engine's."""
        return self._started().types(table)

    def size(self, table: str) -> int | None:
        """As the engine's."""
        return self._started().size(table)

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """As the engine's."""
        return self._started().run(sql, parameters)

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> pa.RecordBatchReader:
        """As the engine's."""
        return self._started().stream(sql, parameters)

    @property
    def holds_moments(self) -> bool:
        """As the engine's."""
        return self._started().holds_moments

    def moment(self) -> AbstractContextManager[None]:
        """As the engine's."""
        return self._started().moment()

    def version(self) -> str:
        """As the engine's."""
        return self._started().version()

    def modified(self) -> datetime:
        """As the engine's."""
        return self._started().modified()

    def close(self) -> None:
        """Close the engine if it was ever opened."""
        with self._gate:
            if self._engine is not None:
                self._engine.close()
