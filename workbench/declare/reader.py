"""YAML text to plain documents that know the place of each key and value, and back."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import yaml

from workbench.errors import DeclarationError, Place, Problem

# The C parser is ten times faster; a build of PyYAML without it still reads the same language.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEEPEST = 50
"""Levels of nesting: more than anything declared has."""


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
    try:
        loader = _Loader(text)
    except UnicodeEncodeError:  # half of a character, as JSON can spell it
        raise DeclarationError(Problem("bad-yaml", "not YAML: it holds what is no character.", Place(file))) from None
    try:
        return tuple(_Reading(loader, file).documents())
    except yaml.MarkedYAMLError as error:
        raise DeclarationError(_bad_yaml(error, file)) from None
    except yaml.YAMLError as error:
        raise DeclarationError(Problem("bad-yaml", f"not YAML: {error}.", Place(file))) from None
    finally:
        loader.dispose()


def dump(data: Mapping[str, Any]) -> str:
    """A mapping as YAML in the order given, as a person would lay it out."""
    nested = any(isinstance(value, dict | list) for value in data.values())
    # None writes the innermost lists and mappings on one line, as people do; it would do so to a flat document too.
    style = None if nested else False
    text = str(yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True, width=110, default_flow_style=style))
    return text.replace("'on': ", "on: ")  # our reader takes keys as text, so this one needs no quotes


def _bad_yaml(error: yaml.MarkedYAMLError, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
    what = " ".join(filter(None, (error.context, error.problem)))
    tab = "tab character" in what or "'\\t'" in what
    hint = "Indent with blanks, never with tabs." if tab else "Check the indentation and quotes around here."
    return Problem("bad-yaml", f"not YAML: {what}.", place, hint)


class _Reading:
    """One text on its way from YAML's events to documents; nodes would take twice the memory, and any depth."""

    def __init__(self, loader: Any, file: str) -> None:
        self.loader, self.file = loader, file
        self.next: Callable[[], Any] = loader.get_event
        self.marks = array("I")
        self.problems: list[Problem] = []

    def documents(self) -> Iterator[Document]:
        """Every document that is not empty; raises `DeclarationError` for what we do not allow in one."""
        self.next()  # the start of the stream
        while isinstance(self.next(), yaml.DocumentStartEvent):
            self.marks = array("I")
            root = self.next()
            data = self.plain(root, 1)
            self.next()  # the end of the document
            if self.problems:
                raise DeclarationError(self.problems)
            if data is not None or not isinstance(root, yaml.ScalarEvent) or root.value:
                yield Document(data, self.file, self.marks)

    def plain(self, event: Any, depth: int) -> Any:
        """The plain data that starts with an event; its marks and those of all in it are added."""
        first = len(self.marks)
        self.marks.extend((event.start_mark.line + 1, event.start_mark.column + 1, 1))
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event)
        if isinstance(event, yaml.AliasEvent):
            return self.refuse("yaml-alias", "anchors and aliases are not allowed.", event, "Write the value out.")
        if depth > DEEPEST:
            self.refuse("bad-yaml", f"nested more than {DEEPEST} levels deep.", event)
            raise DeclarationError(self.problems)
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        data = dict(self.entries(depth + 1)) if is_mapping else list(self.items(depth + 1))
        self.marks[first + 2] = (len(self.marks) - first) // 3
        return data

    def items(self, depth: int) -> Iterator[Any]:
        """The plain values of a list."""
        while not isinstance(event := self.next(), yaml.SequenceEndEvent):
            yield self.plain(event, depth)

    def entries(self, depth: int) -> Iterator[tuple[str, Any]]:
        """The keys and plain values of a mapping."""
        written: set[str] = set()
        while not isinstance(event := self.next(), yaml.MappingEndEvent):
            # Keys are always text: in YAML 1.1 a bare `on` would be a boolean.
            key = event.value if isinstance(event, yaml.ScalarEvent) else str(self.plain(event, depth))
            if not isinstance(event, yaml.ScalarEvent):
                self.refuse("bad-yaml", "a key must be text.", event)
            elif key == "<<" and event.implicit[0]:
                self.refuse("yaml-alias", "merge keys are not allowed.", event, "Write the keys out.")
            elif key in written:
                self.refuse("duplicate-key", f"the key '{key}' stands here twice.", event)
            written.add(key)
            self.marks.extend((event.start_mark.line + 1, event.start_mark.column + 1, 1))
            yield key, self.plain(self.next(), depth)

    def scalar(self, event: Any) -> Any:
        """A scalar by the strict reading: only true and false are booleans, and `no` stays text."""
        value = event.value
        tag = event.tag if event.tag not in (None, "!") else self.loader.resolve(yaml.ScalarNode, value, event.implicit)
        match tag.rsplit(":", 1)[-1]:
            case "null":
                return None
            case "bool":
                return {"true": True, "false": False}.get(value.lower(), value)
            case "int" | "float":
                return _number(value)
            case "timestamp":
                return _moment(value)
        return value

    def refuse(self, slug: str, message: str, event: Any, hint: str = "") -> None:
        """Note what we do not allow."""
        place = Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)
        self.problems.append(Problem(slug, message, place, hint))


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
