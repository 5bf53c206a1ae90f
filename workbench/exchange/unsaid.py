"""What a format that we write has no words for."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.exchange.metricflow_project import Loss


@dataclass(frozen=True, slots=True)
class Unsaid(Loss):
    """Something declared that others will not read in what was written: what, its name, where it stands and why."""

    def __str__(self) -> str:
        return f"{self.place}: {self.kind} '{self.name}' is not said: {self.reason}."
