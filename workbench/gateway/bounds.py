"""How much a gateway does at once, and how long that may take."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from workbench.gateway.admission import Lane

LOOKS = 4
"""Looks at the catalogue and at rights that are answered at once: threads that only compute slow one another down."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much there may be at once, and how long things may take; metric questions, unless said, as cores allow."""

    metric_questions: int | None = None
    sql_questions: int = 2
    metric_seconds: float = 60.0
    stall_seconds: float = 60.0
    drain_seconds: float = 20.0
    body_bytes: int = 1 << 20
    body_seconds: float = 30.0
    release_bytes: int = 32 << 20
    look_seconds: float = 0.5

    @property
    def lanes(self) -> Mapping[str, Lane]:
        """What may run and wait of each kind; nobody has a whole lane, however much they ask."""
        metrics, sql = self.metric_questions or max(4, os.cpu_count() or 1), self.sql_questions
        return {
            "metric": Lane(metrics, max(1, metrics * 3 // 4), waiting=400, waiting_per_user=100),
            "sql": Lane(sql, max(1, sql // 2), waiting=100, waiting_per_user=10),
            "look": Lane(LOOKS, LOOKS // 2, waiting=400, waiting_per_user=100),
        }
