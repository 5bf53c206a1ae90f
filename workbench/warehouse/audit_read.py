"""The audit's entries to who did what, and to a verdict on whether all of them are as they were written."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from workbench.errors import Problem
from workbench.warehouse.audit_entry import chained
from workbench.warehouse.audit_head import HeadFile
from workbench.warehouse.audit_table import AUDIT

CHUNK = 5000
"""Entries held in memory at once."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing somebody did or was refused; ``outcome`` is 'unfinished' where a question has no end on record."""

    number: int
    at: str
    principal: str
    verb: str
    resources: tuple[str, ...]
    decision: str
    rules: tuple[str, ...]
    policy: str
    release: str
    fingerprint: str
    request: str
    rows: int | None
    seconds: float | None
    outcome: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many entries are sound, and what is wrong with the first that is not."""

    entries: int
    problem: Problem | None = None

    def __bool__(self) -> bool:
        return self.problem is None


def search(connection: sa.Connection, user: str, table: str, since: str, denied: bool, limit: int) -> tuple[Seen, ...]:
    """Questions and decisions, newest first; each question with its end."""
    ended = AUDIT.alias("ended")
    query = (
        sa.select(AUDIT, ended.c.rows.label("got"), ended.c.micros.label("took"), ended.c.outcome.label("how"))
        .outerjoin(ended, (ended.c.id == AUDIT.c.id) & (ended.c.kind == "end"))
        .where(AUDIT.c.kind != "end")
        .order_by(AUDIT.c.number.desc())
        .limit(limit)
    )
    if user:
        query = query.where(AUDIT.c.principal == user)
    if table:
        query = query.where(AUDIT.c.resources.contains(json.dumps(table, ensure_ascii=False), autoescape=True))
    if since:
        query = query.where(AUDIT.c.at >= since)
    if denied:
        query = query.where(AUDIT.c.decision == "deny")
    return tuple(_seen(row) for row in connection.execute(query).mappings())


def verify(connection: sa.Connection, key: bytes, head_file: HeadFile) -> Verdict:
    """Walk the chain from its first entry, and hold its length to the head; the head is read first, so it may lag."""
    try:
        head = head_file.read()
    except ValueError:
        return _wrong(0, f"'{head_file.path}' was not written by this gateway")
    previous, sound, found_head = "", 0, head is None
    query = sa.select(AUDIT).order_by(AUDIT.c.number)
    for row in connection.execution_options(yield_per=CHUNK).execute(query).mappings():
        number = row["number"]
        if number != sound + 1:
            return _wrong(sound, _missing(sound + 1, number))
        if not isinstance(row["hash"], str) or not hmac.compare_digest(
            row["hash"].encode(), chained(key, previous, dict(row)).encode()
        ):
            return _wrong(sound, f"entry {number} is not as it was written")
        previous, sound = row["hash"], number
        found_head = found_head or (head is not None and head.number == number and head.hash == previous)
    if not found_head and head is not None:
        if head.number > sound:
            return _wrong(sound, f"entries {sound + 1} to {head.number} are missing at the end")
        return _wrong(head.number - 1, f"entry {head.number} is not the one that was written")
    if head is None and sound:
        return _wrong(sound, f"'{head_file.path}' is missing, without which entries at the end would not be missed")
    return Verdict(sound)


def _missing(first: int, there: object) -> str:
    if isinstance(there, int) and there > first:
        return f"entry {first} is missing" if there == first + 1 else f"entries {first} to {there - 1} are missing"
    return f"entry {first} has the number {there!r}"


def _wrong(sound: int, what: str) -> Verdict:
    hint = f"The {sound} entries before are sound." if sound else ""
    return Verdict(sound, Problem("audit-broken", f"The audit was changed from outside: {what}.", hint=hint))


def _seen(row: Mapping[Any, Any]) -> Seen:
    unfinished = row["kind"] == "begin" and row["how"] is None
    return Seen(
        **{name: row[name] for name in ("number", "at", "principal", "verb", "decision", "policy", "release")},
        **{name: row[name] for name in ("fingerprint", "request")},
        resources=tuple(json.loads(row["resources"])),
        rules=tuple(json.loads(row["rules"])),
        rows=row["got"],
        seconds=None if row["took"] is None else row["took"] / 1e6,
        outcome="unfinished" if unfinished else (row["how"] or ""),
    )
