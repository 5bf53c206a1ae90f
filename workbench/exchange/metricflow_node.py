"""A mapping inside a YAML document that knows where each of its parts stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.declare.reader import Document
from workbench.errors import Place


@dataclass(frozen=True, slots=True)
class Node:
    """A mapping of a document, and the keys that lead to it."""

    data: Mapping[str, Any]
    document: Document
    path: tuple[str | int, ...]

    def get(self, key: str) -> Any:
        """The plain value of a key, None where it is not written."""
        return self.data.get(key)

    def text(self, key: str) -> str:
        """The value of a key as the text it was written as, '' where there is none."""
        return as_text(self.data.get(key))

    def flag(self, key: str) -> bool:
        """Whether a key is written as true."""
        return self.text(key).lower() == "true"

    def place(self, *keys: str | int) -> Place:
        """Where the mapping, or a part of it, stands."""
        return self.document.place_of(*self.path, *keys)

    def child(self, key: str) -> Node | None:
        """The mapping under a key."""
        value = self.data.get(key)
        return Node(value, self.document, (*self.path, key)) if isinstance(value, dict) else None

    def children(self, key: str) -> tuple[Node, ...]:
        """The mappings of a list under a key; a bare name stands for a mapping with that name."""
        return tuple(self._items(key))

    def _items(self, key: str) -> Iterator[Node]:
        values = self.data.get(key)
        for index, value in enumerate(values if isinstance(values, list) else []):
            data = value if isinstance(value, dict) else {"name": as_text(value)}
            yield Node(data, self.document, (*self.path, key, index))

    def named(self, key: str) -> Node | None:
        """The mapping under a key, where a bare name stands for a mapping with that name."""
        value = self.data.get(key)
        if value is None or isinstance(value, dict):
            return self.child(key)
        return Node({"name": as_text(value)}, self.document, (*self.path, key))

    def texts(self, key: str) -> tuple[str, ...]:
        """One text or a list of texts under a key."""
        value = self.data.get(key)
        values = value if isinstance(value, list) else [value]
        return tuple(as_text(v) for v in values if v is not None)

    def conditions(self, key: str) -> Iterator[tuple[str, Place]]:
        """The filters under a key, one text or a list of them, with their places."""
        value = self.data.get(key)
        if isinstance(value, dict):
            value = [one.get("where_sql_template") for one in value.get("where_filters", [])]
        for index, one in enumerate(value if isinstance(value, list) else [value]):
            if one is not None:
                yield as_text(one), self.place(key, index) if isinstance(value, list) else self.place(key)


def as_text(value: Any) -> str:
    """A plain YAML value as the text it was written as."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
