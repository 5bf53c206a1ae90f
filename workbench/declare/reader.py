"""YAML text to plain documents that know the place of each key and value, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import yaml

from workbench.errors import DeclarationError, Place, Problem

Path = tuple[str | int, ...]
# The C parser is ten times faster; a build of PyYAML without it still reads the same language.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: plain data, and where each part of it stands."""

    data: Any
    file: str
    keys: Mapping[Path, Place] = field(repr=False)
    values: Mapping[Path, Place] = field(repr=False)

    @property
    def place(self) -> Place:
        """Where the document starts."""
        return self.values[()]

    def place_of(self, *path: str | int) -> Place:
        """Where the value at ``path`` stands, or its nearest parent that is written."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values[path]

    def place_of_key(self, *path: str | int) -> Place:
        """Where the last key of ``path`` stands."""
        return self.keys.get(path) or self.place_of(*path)


def read_documents(text: str, file: str) -> tuple[Document, ...]:
    """The documents of a YAML text; raises `DeclarationError` (bad-yaml, duplicate-key, yaml-alias)."""
    loader = _Loader(text)
    documents: list[Document] = []
    try:
        while loader.check_node():
            node = loader.get_node()
            if not _is_empty(node):
                documents.append(_document(node, file))
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


def _document(node: yaml.Node, file: str) -> Document:
    keys: dict[Path, Place] = {}
    values: dict[Path, Place] = {}
    problems: list[Problem] = []
    seen: set[int] = set()

    def place(of: yaml.Node) -> Place:
        return Place(file, of.start_mark.line + 1, of.start_mark.column + 1)

    def plain(of: yaml.Node, path: Path) -> Any:
        values[path] = place(of)
        if id(of) in seen:  # an alias gives the very node of its anchor
            problems.append(
                Problem("yaml-alias", "anchors and aliases are not allowed.", values[path], "Write the value out.")
            )
            return None
        seen.add(id(of))
        if isinstance(of, yaml.MappingNode):
            return dict(entries(of, path))
        if isinstance(of, yaml.SequenceNode):
            return [plain(item, (*path, index)) for index, item in enumerate(of.value)]
        return _scalar(of)

    def entries(of: yaml.MappingNode, path: Path) -> Iterator[tuple[str, Any]]:
        written: set[str] = set()
        for key_node, value_node in of.value:
            # Keys are always text: in YAML 1.1 a bare `on` would be a boolean.
            key = str(key_node.value)
            if key_node.tag == "tag:yaml.org,2002:merge":
                problems.append(
                    Problem("yaml-alias", "merge keys are not allowed.", place(key_node), "Write the keys out.")
                )
                continue
            if key in written:
                problems.append(Problem("duplicate-key", f"the key '{key}' stands here twice.", place(key_node)))
                continue
            written.add(key)
            keys[(*path, key)] = place(key_node)
            yield key, plain(value_node, (*path, key))

    data = plain(node, ())
    if problems:
        raise DeclarationError(problems)
    return Document(data, file, keys, values)


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
