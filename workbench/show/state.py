"""What a dashboard shows right now, to and from the address in the browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlencode

from workbench.declare.dashboard import Dashboard
from workbench.declare.question import Question, TimeRange
from workbench.show.format import NO_GROUP
from workbench.show.periods import Span

VERSION = "1"
GRAINS = ("day", "week", "month", "quarter", "year")
_PREFIX = "f."


@dataclass(frozen=True, slots=True)
class PageState:
    """The range, the grain and the chosen values of every filter."""

    span: Span | None = None
    grain: str = "month"
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def choosing(self, path: str, values: Sequence[str]) -> PageState:
        """The same with other values for one filter; none means all."""
        others = {p: v for p, v in self.chosen.items() if p != path}
        return replace(self, chosen={**others, path: tuple(values)} if values else others)

    def time(self) -> TimeRange | None:
        """The range, as a question takes it."""
        return TimeRange(start=self.span.start, end=self.span.end) if self.span else None

    def where(self, types: Mapping[str, str], *, without: str = "", extra: str | None = None) -> str | None:
        """The condition that all filters make together; ``without`` leaves one out, to list its choices."""
        parts = [condition(p, v, types.get(p, "categorical")) for p, v in sorted(self.chosen.items()) if p != without]
        parts += [extra] if extra else []
        return " and ".join(f"({part})" for part in parts if part) or None

    def question(self, *metrics: str, **parts: Any) -> Question:
        """A question within the range."""
        return Question.model_validate({"metrics": metrics, "time": self.time(), **parts})


def condition(path: str, values: Sequence[str], kind: str = "categorical") -> str:
    """One filter as a condition; '(none)' stands for the missing group.

    >>> condition("origin.name", ["O'Hare", "(none)"])
    "origin.name in ('O''Hare') or origin.name is null"
    """
    named = [v for v in values if v != NO_GROUP]
    literal = [_literal(v, kind) for v in named]
    parts = [f"{path} in ({', '.join(literal)})"] if literal else []
    return " or ".join([*parts, f"{path} is null"] if NO_GROUP in values else parts)


def opening(dashboard: Dashboard, held: Span | None) -> PageState:
    """What a dashboard shows before anybody chose anything: its declared range, or all the data there is."""
    grain = dashboard.grain if dashboard.grain in GRAINS else "day"
    start, end = (_day(dashboard.time.start), _day(dashboard.time.end)) if dashboard.time else (None, None)
    start, end = start or (held.start if held else None), end or (held.end if held else None)
    return PageState(Span(start, end) if start and end and start <= end else held, grain)


def from_address(search: str, opening_state: PageState, filters: Sequence[str]) -> PageState:
    """The state an address asks for; what it does not say, or says wrongly, stays as at opening."""
    pairs = parse_qsl(search.lstrip("?"))
    said = dict(pairs)
    if said.get("v", VERSION) != VERSION:
        return opening_state
    state = opening_state
    start, end = _day(said.get("from")), _day(said.get("to"))
    if state.span and (start or end):
        span = Span(start or state.span.start, end or state.span.end)
        state = replace(state, span=span) if span.start <= span.end else state
    elif start and end and start <= end:
        state = replace(state, span=Span(start, end))
    if said.get("grain") in GRAINS:
        state = replace(state, grain=said["grain"])
    for path in filters:
        state = state.choosing(path, [value for key, value in pairs if key == _PREFIX + path])
    return state


def unheard(search: str, state: PageState) -> tuple[str, ...]:
    """What an address asks for and the page is not in: no such filter, no such value, no such word.

    >>> unheard("?theme=dark&grain=month&f.airline=JetBlue", PageState())
    ('f.airline=JetBlue',)
    """
    heard = {("v", VERSION), ("grain", state.grain)}
    heard |= {("from", str(state.span.start)), ("to", str(state.span.end))} if state.span else set()
    heard |= {(_PREFIX + path, value) for path, values in state.chosen.items() for value in values}
    pairs = parse_qsl(search.lstrip("?"))
    return tuple(f"{key}={value}" for key, value in pairs if key != "theme" and (key, value) not in heard)


def to_address(state: PageState, opening_state: PageState, current: str = "") -> str:
    """The query of an address: only what differs from the opening, after what others put there (such as a theme)."""
    ours = {"v", "from", "to", "grain"}
    foreign = [(k, v) for k, v in parse_qsl(current.lstrip("?")) if k not in ours and not k.startswith(_PREFIX)]
    mine: list[tuple[str, str]] = []
    if state.span and state.span != opening_state.span:
        mine += [("from", state.span.start.isoformat()), ("to", state.span.end.isoformat())]
    if state.grain != opening_state.grain:
        mine.append(("grain", state.grain))
    mine += [(_PREFIX + path, value) for path, values in sorted(state.chosen.items()) for value in values]
    pairs = [*foreign, *([("v", VERSION), *mine] if mine else [])]
    return "?" + urlencode(pairs) if pairs else ""


def _literal(value: str, kind: str) -> str:
    if kind == "number" and value.lstrip("-").replace(".", "", 1).isdigit():
        return value
    if kind == "boolean" and value in ("yes", "no"):
        return "true" if value == "yes" else "false"
    return "'" + value.replace("'", "''") + "'"


def _day(value: Any) -> date | None:
    """A day from what a declaration or an address holds; None where it is none."""
    try:
        return date.fromisoformat(str(value)[:10]) if value else None
    except ValueError:
        return None
