"""An explanation that also draws itself, where there is something that draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from workbench.session.door import Explanation


@dataclass(frozen=True, slots=True, repr=False)
class Explained(Explanation):
    """How a question would be answered, with a picture of the plan in a notebook."""

    draw: Callable[..., Any] | None = field(default=None, compare=False)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any] | None:
        return self.draw(self, "bundle") if self.draw else None
