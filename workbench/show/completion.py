"""The text before the cursor to what may come next, as this session's principal may see it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from workbench.declare.grains import DATE_PARTS, GRAINS
from workbench.session.catalog import DimensionCard, MetricCard
from workbench.show.grammar import ALONE, CLAUSES, clauses, split_list

_TAIL = re.compile(r"[A-Za-z_][\w.]*$")
_TABLES = re.compile(r"\b(?:from|join)\s+([A-Za-z_][\w.]*)", re.IGNORECASE)
_SQL_WORDS = ("select", "from", "where", "group by", "order by", "having", "limit", "join", "on", "with", "distinct")
_DAY = GRAINS.index("day")
_CLOCK_PARTS = ("hour_of_day", "minute_of_hour")


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that may come next, and the word that says what it is."""

    text: str
    kind: str


class Catalogue(Protocol):
    """What completion asks of a session: names alone, never a row of data."""

    @property
    def metrics(self) -> Sequence[MetricCard]:
        """The metrics the principal may see."""
        ...

    def dimensions(self, *metrics: str) -> Sequence[DimensionCard]:
        """The paths that all of ``metrics`` may be grouped by."""
        ...

    def tables(self) -> Sequence[str]:
        """The tables the principal may read."""
        ...


def complete_metric(before: str, session: Catalogue) -> tuple[str, list[Choice]]:
    """What may follow in a ``%metric`` line: the fragment under the cursor, and the choices that replace it."""
    fragment = _fragment(before)
    if _in_quotes(before):
        return "", []
    known = clauses(before[: len(before) - len(fragment)])
    clause = known[-1] if known else None
    word = clause.word if clause else ""
    body = clause.text if clause else ""
    named = {m.name for m in session.metrics}
    asked = [_bare(name) for c in known[:1] if not c.word for name in split_list(c.text) if _bare(name) in named]
    grouped = [name for c in known if c.word == "by" for name in split_list(c.text) if name]
    offers = {
        "": lambda: [Choice(n, "metric") for n in sorted(named - set(asked))],
        "by": lambda: _paths(fragment, session, asked),
        "where": lambda: _paths(fragment, session, asked),
        "having": lambda: [Choice(n, "metric") for n in asked or sorted(named)],
        "order by": lambda: [*(Choice(n, "metric") for n in asked), *(Choice(n, "dimension") for n in grouped)],
        "top": lambda: _of_top(body, asked, grouped),
        "share of": lambda: [Choice("total", "keyword"), *(Choice(n, "dimension") for n in grouped)],
        "totals": lambda: [Choice("total", "keyword"), *(Choice(n, "dimension") for n in grouped)],
    }
    ended = (_ended(body) and not (word == "top" and body.split()[-1] in ("of", "using"))) or (
        word in ALONE and not body.strip()
    )
    choices: list[Choice] = []
    if word in ("", "by") and ended:
        choices = _next_words(known)
    elif word == "compare" and body.strip().isdigit():
        choices = [Choice(grain, "grain") for grain in GRAINS[_DAY:]]
    elif word in offers:
        choices = offers[word]()
        if ended and word not in ("", "by"):
            choices = [*_next_words(known), *choices]
    elif ended:
        choices = [*([Choice("to", "keyword")] if word == "time" else []), *_next_words(known)]
    return fragment, _starting(fragment, choices)


def complete_sql(
    before: str, whole: str, session: Catalogue, columns: Callable[[str], Iterable[str]]
) -> tuple[str, list[Choice]]:
    """What may follow in SQL: tables after FROM and JOIN, elsewhere the columns of the tables named in the cell."""
    fragment = _fragment(before)
    if _in_quotes(before):
        return "", []
    visible = tuple(session.tables())
    head = before[: len(before) - len(fragment)].rstrip().lower()
    if re.search(r"(\bfrom|\bjoin)$", head) or (head.endswith(",") and re.search(r"\bfrom\s+[\w.,\s]*$", head)):
        return fragment, _starting(fragment, [Choice(t, "table") for t in visible])
    used = [name for name in dict.fromkeys(_TABLES.findall(whole)) if name in visible]
    names = dict.fromkeys(column for table in used for column in columns(table))
    choices = [Choice(n, "column") for n in names] + [Choice(w, "keyword") for w in _SQL_WORDS]
    prefix, _, part = fragment.rpartition(".")
    if prefix and not any(t.startswith(fragment) for t in visible):
        return fragment, [Choice(f"{prefix}.{n}", "column") for n in names if n.lower().startswith(part.lower())]
    return fragment, _starting(fragment, [*choices, *(Choice(t, "table") for t in visible)])


def _paths(fragment: str, session: Catalogue, metrics: Sequence[str]) -> list[Choice]:
    """Paths the typed metrics can all be grouped by; after a time path and a dot, its grains and parts."""
    cards = session.dimensions(*metrics)
    stem = fragment.rpartition(".")[0]
    for card in cards:
        if card.type == "time" and stem == card.path:
            grains = card.grains or GRAINS[_DAY:]
            clock = any(GRAINS.index(g) < _DAY for g in grains if g in GRAINS)
            parts = [p for p in DATE_PARTS if clock or p not in _CLOCK_PARTS]
            return [Choice(f"{stem}.{g}", "grain") for g in (*sorted(grains, key=GRAINS.index), *parts)]
    return [Choice(card.path, "dimension") for card in cards]


def _of_top(body: str, asked: Sequence[str], grouped: Sequence[str]) -> list[Choice]:
    """What may follow in ``top 5 of carrier using flights``."""
    words = body.split()
    if words[-1:] == ["of"]:
        return [Choice(name, "dimension") for name in grouped]
    if words[-1:] == ["using"]:
        return [Choice(name, "metric") for name in asked]
    return [Choice(word, "keyword") for word in ("least", "of", "using", "alone") if words and word not in words]


def _next_words(known: Sequence[object]) -> list[Choice]:
    used = {getattr(clause, "word", "") for clause in known}
    return [Choice(word, "keyword") for word in CLAUSES if word not in used]


def _starting(fragment: str, choices: Iterable[Choice]) -> list[Choice]:
    """Those that begin with what is typed; where none does, those that hold it."""
    wanted, found = fragment.lower(), list(choices)
    begins = [c for c in found if c.text.lower().startswith(wanted)]
    return begins or [c for c in found if wanted in c.text.lower()]


def _fragment(before: str) -> str:
    match = _TAIL.search(before)
    return match.group() if match else ""


def _ended(body: str) -> bool:
    """Whether the last item of a clause is complete: something, then a blank, and no comma or operator waiting."""
    text = body.rstrip()
    last = text.split()[-1].lower() if text else ""
    return (
        bool(text) and text != body and text[-1] not in ",=<>(+-*/" and last not in ("and", "or", "not", "like", "in")
    )


def _in_quotes(before: str) -> bool:
    return before.count("'") % 2 == 1


def _bare(item: str) -> str:
    return item.split()[0] if item.split() else ""
