"""YAML text to plain documents that know the place of each key and value, and back."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import yaml

from workbench.errors import DeclarationError, Place, Problem

# The C parser is ten times faster; a build of PyYAML without it still reads the same language.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: plain data, and where each part of it stands.

    ``marks`` holds three numbers for each node in the order written, keys included: its line, its column, and how
    many nodes it is with all that stands in it. Thousands of documents then cost little, and a place is made when
    somebody wants it.
    """

    data: Any
    file: str
    marks: Sequence[int] = field(repr=False)

    @property
    def place(self) -> Place:
        """Where the document starts."""
        return self._place(0)

    def place_of(self, *path: str | int) -> Place:
        """Where the value at ``path`` stands, or its nearest parent that is written."""
        return self._place(self._find(path)[1])

    def place_of_key(self, *path: str | int) -> Place:
        """Where the last key of ``path`` stands."""
        return self._place(self._find(path)[0])

    def _find(self, path: tuple[str | int, ...]) -> tuple[int, int]:
        """The nodes of the key and of the value at ``path``; where that is not written, its parent's twice."""
        data, key, value = self.data, 0, 0
        for step in path:
            if isinstance(data, dict) and step in data:
                key = value + 1
                for name in data:
                    if name == step:
                        break
                    key += 1 + self._size(key + 1)
                value = key + 1
            elif isinstance(data, list) and isinstance(step, int) and 0 <= step < len(data):
                value += 1
                for _ in range(step):
                    value += self._size(value)
                key = value
            else:
                return value, value
            data = data[step]
        return key, value

    def _place(self, node: int) -> Place:
        return Place(self.file, self.marks[3 * node], self.marks[3 * node + 1])

    def _size(self, node: int) -> int:
        return self.marks[3 * node + 2]


def read_documents(text: str, file: str) -> tuple[Document, ...]:
    """The documents of a YAML text; raises `DeclarationError` (bad-yaml, duplicate-key, yaml-alias)."""
    loader = _Loader(text)
    documents: list[Document] = []
    try:
        while loader.check_node():
            node = loader.get_node()
            if not _is_empty(node):
                documents.append(_Reading(file).document(node))
    except yaml.MarkedYAMLError as error:
        raise DeclarationError(_bad_yaml(error, file)) from None
    except yaml.YAMLError as error:
        raise DeclarationError(Problem("bad-yaml", f"not YAML: {error}.", Place(file))) from None
    finally:
        loader.dispose()
    return tuple(documents)


def dump(data: Mapping[str, Any]) -> str:
    """A mapping as YAML in the order given, as a person would lay it out."""
    nested = any(isinstance(value, dict | list) for value in data.values())
    # None writes the innermost lists and mappings on one line, as people do; it would do so to a flat document too.
    style = None if nested else False
    text = str(yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True, width=110, default_flow_style=style))
    return text.replace("'on': ", "on: ")  # our reader takes keys as text, so this one needs no quotes


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value == "" and node.tag == "tag:yaml.org,2002:null"


def _bad_yaml(error: yaml.MarkedYAMLError, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
    what = " ".join(filter(None, (error.context, error.problem)))
    return Problem("bad-yaml", f"not YAML: {what}.", place, "Check the indentation and quotes around here.")


class _Reading:
    """One document on its way from nodes to plain data."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.marks = array("I")
        self.problems: list[Problem] = []
        self.seen: set[int] = set()

    def document(self, node: yaml.Node) -> Document:
        """The whole document; raises `DeclarationError` for what we do not allow in one."""
        data = self.plain(node)
        if self.problems:
            raise DeclarationError(self.problems)
        return Document(data, self.file, self.marks)

    def plain(self, node: yaml.Node) -> Any:
        """The plain data of a node, whose marks and those of all in it are added."""
        first = len(self.marks)
        self.mark(node)
        if id(node) in self.seen:  # an alias gives the very node of its anchor
            self.refuse("yaml-alias", "anchors and aliases are not allowed.", node, "Write the value out.")
            return None
        self.seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        data = dict(self.entries(node)) if isinstance(node, yaml.MappingNode) else list(map(self.plain, node.value))
        self.marks[first + 2] = (len(self.marks) - first) // 3
        return data

    def entries(self, node: yaml.MappingNode) -> Iterator[tuple[str, Any]]:
        """The keys and plain values of a mapping."""
        written: set[str] = set()
        for key_node, value_node in node.value:
            # Keys are always text: in YAML 1.1 a bare `on` would be a boolean.
            key = str(key_node.value)
            if key_node.tag == "tag:yaml.org,2002:merge":
                self.refuse("yaml-alias", "merge keys are not allowed.", key_node, "Write the keys out.")
            elif key in written:
                self.refuse("duplicate-key", f"the key '{key}' stands here twice.", key_node)
            else:
                written.add(key)
                self.mark(key_node)
                yield key, self.plain(value_node)

    def mark(self, node: yaml.Node) -> None:
        """Note where a node stands; it is one node until more is found in it."""
        start = node.start_mark
        self.marks.extend((start.line + 1, start.column + 1, 1))

    def refuse(self, slug: str, message: str, node: yaml.Node, hint: str = "") -> None:
        """Note what we do not allow."""
        place = Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)
        self.problems.append(Problem(slug, message, place, hint))


def _scalar(node: yaml.Node) -> Any:
    """A scalar by the strict reading: only true and false are booleans, and `no` stays text."""
    value, kind = str(node.value), node.tag.rsplit(":", 1)[-1]
    if kind == "null":
        return None
    if kind == "bool":
        return {"true": True, "false": False}.get(value.lower(), value)
    if kind in ("int", "float"):
        return _number(value)
    if kind == "timestamp":
        return _moment(value)
    return value


def _number(value: str) -> int | float | str:
    for number in (int, float):
        try:
            return number(value.replace("_", ""))
        except ValueError:
            continue
    return value


def _moment(value: str) -> date | datetime | str:
    for moment in (date.fromisoformat, datetime.fromisoformat):
        try:
            return moment(value)
        except ValueError:
            continue
    return value
