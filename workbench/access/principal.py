"""Who is asking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.declare.people import Scalar


@dataclass(frozen=True, slots=True)
class Principal:
    """A named identity with what follows from its groups."""

    name: str
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    attributes: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    environment: str = "dev"
