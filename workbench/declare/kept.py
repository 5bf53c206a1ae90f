"""Files of declarations to documents, where a file read before is not parsed again.

Documents are kept by the hash of their file's bytes, so that they can't be stale, and validated anew each time.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from workbench.declare.reader import Document, read_documents
from workbench.declare.sealed import is_plain, seal, unseal
from workbench.errors import Place, Problem

WORTHWHILE = 100_000
"""Bytes of declarations; fewer are parsed as fast as they are remembered."""
DOCUMENTS, PROBLEMS = "declarations.kept", "problems.kept"


class KeptDocuments:
    """The documents of a workspace's files, those of unchanged files from an earlier run."""

    def __init__(self, root: Path, size: int) -> None:
        self._root = root
        self._is_worthwhile = size > WORTHWHILE
        self._before: dict[str, Any] = (unseal(root, DOCUMENTS) or {}) if self._is_worthwhile else {}
        self._now: dict[str, Any] = {}

    def documents(self, content: bytes, file: str) -> tuple[Document, ...]:
        """The documents of a file; raises `DeclarationError` or `UnicodeDecodeError` as reading it does."""
        if not self._is_worthwhile:
            return read_documents(content.decode(), file)
        key = sha256(content).hexdigest()
        kept = self._before.get(key)
        if kept is None:
            documents = read_documents(content.decode(), file)
            kept = [[document.data, list(document.marks)] for document in documents]
            if is_plain(kept):
                self._now[key] = kept
            return documents
        self._now[key] = kept
        return tuple(Document(data, file, array("I", marks)) for data, marks in kept)

    def save(self) -> None:
        """Keep what was read for the next run, and forget files that are gone."""
        if self._now.keys() != self._before.keys():
            seal(self._root, DOCUMENTS, self._now)


def kept_problems(root: Path, fingerprint: str, find: Callable[[], Iterable[Problem]]) -> tuple[Problem, ...]:
    """What ``find`` gives, or gave for declarations of the same fingerprint; '' is that of none worth keeping."""
    kept = unseal(root, PROBLEMS) if fingerprint else None
    if kept and kept["fingerprint"] == fingerprint:
        return tuple(_problem(record) for record in kept["problems"])
    found = tuple(find())
    if fingerprint:
        seal(root, PROBLEMS, {"fingerprint": fingerprint, "problems": [asdict(problem) for problem in found]})
    return found


def _problem(record: dict[str, Any]) -> Problem:
    place = record.pop("place")
    return Problem(**record, place=Place(**place) if place else None)
