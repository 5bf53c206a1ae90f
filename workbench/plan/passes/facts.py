"""What passes may know of the data: sizes, types, and which joins find a partner for every row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one version of the data.

    ``size_of`` gives about how many rows a table has, None where nobody knows; ``types_of`` the types of its columns.
    ``is_met`` tells of (model, role) whether every row of the model has its partner there, hidden ones counted in.
    """

    size_of: Callable[[str], int | None]
    types_of: Callable[[str], Mapping[str, str]]
    is_met: Callable[[str, str], bool] = lambda model, role: False
