"""One entry of the audit to the bytes that its hash covers; every field counts, and so does the entry before."""

from __future__ import annotations

import hmac
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Literal

Kind = Literal["begin", "end", "decision"]


def now() -> str:
    """The moment as entries have it: text, so that every database gives back exactly what was hashed."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


@dataclass(frozen=True, slots=True)
class Entry:
    """What is recorded: that something was decided, or that a question begins or ended (with the same ``id``)."""

    kind: Kind
    principal: str = ""
    verb: str = ""
    resources: str = "[]"
    decision: str = ""
    rules: str = "[]"
    policy: str = ""
    release: str = ""
    fingerprint: str = ""
    request: str = ""
    rows: int | None = None
    micros: int | None = None
    outcome: str = ""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    at: str = field(default_factory=now)


FIELDS = tuple(one.name for one in fields(Entry))


def words(several: Iterable[str]) -> str:
    """Several words as one field: canonical JSON."""
    return json.dumps([clean(one) for one in several], ensure_ascii=False, separators=(",", ":"))


def clean(text: str) -> str:
    """Text that every database gives back as it was: no NUL, which PostgreSQL refuses, and nothing but Unicode."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def sealed(key: bytes, previous: str, number: int, entry: Entry) -> dict[str, Any]:
    """The row of an entry that follows the one with the hash ``previous``."""
    row = {"number": number, **{name: getattr(entry, name) for name in FIELDS}}
    return {**row, "hash": chained(key, previous, row)}


def chained(key: bytes, previous: str, row: dict[str, Any]) -> str:
    """The hash of a row: keyed, so that whoever can write to the database still cannot make one."""
    body = json.dumps([previous, row["number"], *(row[name] for name in FIELDS)], separators=(",", ":"))
    return hmac.digest(key, body.encode(), "sha256").hex()
