"""What passes may know of the data: sizes, types, and which joins find a partner for every row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

IsMet = Callable[[str, str | tuple[str, ...]], bool]
"""Whether a `Fact` is known of the data as it is now."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one version of the data.

    ``size_of`` gives about how many rows a table has, None where nobody knows; ``types_of`` the types of its columns.
    ``is_met`` tells of (model, role) whether every row of the model has its partner there, hidden ones counted in, and
    of (model, columns) whether a key of the model is among the columns, which every row has and no two rows share.
    """

    size_of: Callable[[str], int | None]
    types_of: Callable[[str], Mapping[str, str]]
    is_met: IsMet = lambda model, role: False
