"""How far the audit's chain had come, kept beside the database: without it, nobody would miss entries at the end."""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SLOT = 256
"""Bytes of each of the two places that are written in turn, so that a torn write leaves the other."""


@dataclass(frozen=True, slots=True)
class Head:
    """The number and the hash of an entry that was committed."""

    number: int
    hash: str


class HeadFile:
    """The head in a file that only the gateway's user may read; each head carries a mark made with the key."""

    def __init__(self, path: Path, key: bytes) -> None:
        self.path = path
        self._key = key

    def read(self) -> Head | None:
        """The newest head; None where no file is. Raises ValueError where there is one and no mark is right."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        heads = list(self._heads(content))
        if not heads and content:
            raise ValueError(str(self.path))
        return max(heads, key=lambda head: head.number) if heads else None

    def advance(self, head: Head) -> None:
        """Write a head unless a later one is there: several processes commit, and the last to write is not the last."""
        with self._locked() as handle:
            content = os.pread(handle, 2 * SLOT, 0)
            there = [next(self._heads(content[i : i + SLOT]), Head(0, "")) for i in (0, SLOT)]
            if head.number <= max(one.number for one in there):
                return
            older = 0 if there[0].number <= there[1].number else 1
            os.pwrite(handle, self._line(head), older * SLOT)
            if not content:  # an empty file after a loss of power would look like a forged one
                os.fsync(handle)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        import fcntl  # a gateway runs on systems that have it

        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield handle
        finally:
            os.close(handle)

    def _line(self, head: Head) -> bytes:
        text = f"{head.number} {head.hash}"
        return f"{text} {self._mark(text)}".ljust(SLOT - 1).encode() + b"\n"

    def _heads(self, content: bytes) -> Iterator[Head]:
        for start in range(0, len(content), SLOT):
            text, _, mark = content[start : start + SLOT].decode("ascii", "replace").strip().rpartition(" ")
            number, _, digest = text.partition(" ")
            if number.isdecimal() and hmac.compare_digest(mark.encode(), self._mark(text).encode()):
                yield Head(int(number), digest)

    def _mark(self, text: str) -> str:
        return hmac.digest(self._key, f"head {text}".encode(), "sha256").hex()
