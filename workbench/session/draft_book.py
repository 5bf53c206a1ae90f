"""The drafts of people to files, so that they outlive sessions and restarts."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from threading import Lock

from workbench.errors import Problem, QuestionError, WarehouseError, WorkbenchError

MOST = 200
"""Drafts that one person may keep."""


class DraftBook:
    """The texts of everybody's drafts by their askable names, a file for each person; any thread may use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, dict[str, str]] = {}
        self._lock = Lock()

    def of(self, person: str) -> Mapping[str, str]:
        """The texts of one person, in the order in which they were written."""
        with self._lock:
            return dict(self._texts(person))

    def take_up(self, person: str, draft: Callable[[str], object]) -> None:
        """Draft again what one person kept; where what it uses is gone, it stays in the book until that is back."""
        for text in self.of(person).values():
            with suppress(WorkbenchError):
                draft(text)

    def keep(self, person: str, name: str, text: str) -> None:
        """Keep a draft, in the place of one of the same name; raises where it cannot be written."""
        with self._lock:
            texts = {**self._texts(person), name: text}
            if len(texts) > MOST:
                said = f"there are {MOST} drafts already."
                raise QuestionError(Problem("bad-draft", said, hint="Publish or drop some of them."))
            self._write(person, texts)

    def drop(self, person: str, name: str) -> bool:
        """Let go of a draft; False where there is none."""
        with self._lock:
            texts = dict(self._texts(person))
            if texts.pop(name, None) is None:
                return False
            self._write(person, texts)
            return True

    def _texts(self, person: str) -> dict[str, str]:
        if person not in self._known:
            try:
                held = json.loads(self._file(person).read_text(encoding="utf-8"))
            except FileNotFoundError:
                held = {}
            except (OSError, ValueError) as error:
                raise WarehouseError(
                    Problem("no-permission", f"your drafts cannot be read: {type(error).__name__}.")
                ) from None
            self._known[person] = {str(name): str(text) for name, text in held.items()}
        return self._known[person]

    def _write(self, person: str, texts: dict[str, str]) -> None:
        file = self._file(person)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = file.with_suffix(".new")
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
                json.dump(texts, out)
            fresh.replace(file)
        except OSError as error:
            raise WarehouseError(Problem("cannot-write", f"your drafts cannot be kept: {error.strerror}.")) from None
        self._known[person] = texts

    def _file(self, person: str) -> Path:
        return self._folder / f"{sha256(person.encode()).hexdigest()[:40]}.json"
