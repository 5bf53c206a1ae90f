"""One line of words to a question: ``flights by airline.name where distance > 500 order by flights desc limit 5``."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pydantic import ValidationError

from workbench.declare.question import Question
from workbench.errors import Problem, QuestionError, did_you_mean

CLAUSES = (
    "by", "where", "having", "order by", "limit", "time", "compare", "share of", "totals", "top", "fill",
    "extremes", "every row", "timezone",
)  # fmt: skip
ALONE = ("totals", "fill", "extremes", "every row")
"""Words that say something without anything after them."""
_PAIRS = {"order": "by", "share": "of", "every": "row"}
_TOKEN = re.compile(r"'(?:[^']|'')*'?|\"(?:[^\"]|\"\")*\"?|[A-Za-z_][\w.]*|\d[\w.\-]*|\s+|.", re.DOTALL)
_WANTS_MORE = {",", "(", "=", "<", ">", "!", "+", "-", "*", "/", "%", "and", "or", "not", "in", "like", "between", "is"}
_PERIOD = re.compile(r"^(\d{4})(?:-(?:(\d{1,2})(?:-(\d{1,2}))?|[qQ]([1-4])))?$")


@dataclass(frozen=True, slots=True)
class Clause:
    """One part of a line: its keyword ('' for the metrics), its text and where that text starts."""

    word: str
    text: str
    start: int


def parse(line: str) -> Question:
    """The question a line of words asks; a QuestionError says what is not understood."""
    parts: dict[str, Any] = {}
    for clause in clauses(line):
        key = clause.word.replace(" ", "_") or "metrics"
        if key in parts:
            raise _wrong("repeated-clause", f"'{clause.word}' is said twice.", "Join the two: conditions with 'and'.")
        text = clause.text.strip()
        if not text and clause.word and clause.word not in ALONE:
            raise _wrong("empty-clause", f"'{clause.word}' is followed by nothing.", f"Say: {_EXAMPLES[clause.word]}.")
        if text and clause.word in _FLAGS:
            raise _wrong(
                "bad-list", f"'{clause.word}' is followed by '{text}'.", f"It stands alone: {_FLAGS[clause.word]}."
            )
        parts[key] = _VALUES[key](text)
    try:
        return Question(**parts)
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        said = said if said.endswith("?") else f"{said}."
        raise _wrong("bad-question", f"'{line.strip()}' is no question: {said}") from None


def clauses(line: str) -> list[Clause]:
    """A line cut at its keywords; words inside quotes or brackets, or where a value is awaited, are no keywords."""
    found = [Clause("", "", 0)]
    depth, awaiting, text_start = 0, True, 0
    tokens = list(_tokens(line))
    for index, (start, token) in enumerate(tokens):
        if token.isspace():
            continue
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token, 0)
        word = _keyword(tokens, index)
        free = not awaiting or (len(found) == 1 and not line[:start].strip())
        if word and depth <= 0 and free:
            found[-1] = Clause(found[-1].word, line[text_start:start], text_start)
            text_start = _end_of(tokens, index, word)
            found.append(Clause(word, "", text_start))
            awaiting = word not in ALONE
            continue
        if start >= text_start:
            awaiting = token.lower() in _WANTS_MORE
    found[-1] = Clause(found[-1].word, line[text_start:], text_start)
    return [c for c in found if c.word or c.text.strip()]


def split_list(text: str) -> list[str]:
    """The parts between the commas that stand outside quotes and brackets."""
    parts, depth, last = [], 0, 0
    for start, token in _tokens(text):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token, 0)
        if token == "," and depth <= 0:
            parts.append(text[last:start])
            last = start + 1
    return [part.strip() for part in [*parts, text[last:]]]


def parse_time(text: str) -> tuple[date | datetime | None, date | datetime | None]:
    """A span in words, both ends included: '2013', '2013-01 to 2013-06', 'since 2013-03', 'until 2013-Q2'.

    >>> parse_time("2013-01 to 2013-06")
    (datetime.date(2013, 1, 1), datetime.date(2013, 6, 30))
    """
    words = text.split()
    if len(words) == 2 and words[0].lower() in ("since", "from"):
        return _moment(words[1])[0], None
    if len(words) == 2 and words[0].lower() in ("until", "to"):
        return None, _moment(words[1])[1]
    if len(words) == 4 and words[0].lower() in ("from", "since", "between"):
        words = words[1:]
    if len(words) == 3 and words[1].lower() in ("to", "until", "and"):
        return _moment(words[0])[0], _moment(words[2])[1]
    if len(words) == 1:
        return _moment(words[0])
    raise _wrong("bad-time", f"'{text}' is no span of time.", _TIME_HINT)


_TIME_HINT = "Write '2013', '2013-01 to 2013-06', '2013-Q2', 'since 2013-03-15' or 'until 2013-06'."


def _moment(text: str) -> tuple[date | datetime, date | datetime]:
    """The first and last moment a date, month, quarter or year covers."""
    match = _PERIOD.match(text)
    try:
        if match is None:
            moment = datetime.fromisoformat(text)
            return moment, moment
        year, month, day, quarter = (int(g) if g else None for g in match.groups())
        assert year is not None
        if day and month:
            return date(year, month, day), date(year, month, day)
        first, last = (month, month) if month else (quarter * 3 - 2, quarter * 3) if quarter else (1, 12)
        return date(year, first, 1), date(year, last, monthrange(year, last)[1])
    except ValueError:
        raise _wrong("bad-date", f"'{text}' is no date.", _TIME_HINT) from None


def _names(text: str) -> list[str | dict[str, str]]:
    """Names between commas, each with an optional 'as other_name'."""
    out: list[str | dict[str, str]] = []
    for item in split_list(text):
        words = item.split()
        if len(words) == 3 and words[1].lower() == "as":
            out.append({words[2]: words[0]})
        elif len(words) == 1:
            out.append(item)
        else:
            message = f"'{item}' is not one name." if item else "A name is missing beside a comma."
            raise _wrong("bad-list", message, _list_hint([w.lower() for w in words[1:]]))
    return out


def _list_hint(after: list[str]) -> str:
    if "group" in after:
        return "Leave out 'group': write 'by airline.name'."
    near = did_you_mean(after[0], [word.split()[0] for word in CLAUSES]) if after else ""
    return near or "Put a comma between names."


def _limit(text: str) -> int:
    if not text.isdigit():
        raise _wrong("bad-limit", f"'{text}' is no number of rows.", "Write a whole number, as in 'limit 5'.")
    return int(text)


def _columns(text: str) -> list[str]:
    """Columns to total by, or share within; 'totals' alone means the grand one."""
    return split_list(text) if text else ["total"]


_FLAGS = {
    "fill": "periods without rows are shown",
    "extremes": "the least and the greatest value are shown",
    "every row": "a line is shown for each row",
}


def _yes(text: str) -> bool:
    return not text


_VALUES: dict[str, Any] = {
    "metrics": _names, "by": _names, "where": str, "having": str, "order_by": split_list, "limit": _limit,
    "time": parse_time, "compare": str, "share_of": _columns, "totals": _columns, "top": str, "fill": _yes,
    "extremes": _yes, "every_row": _yes, "timezone": str,
}  # fmt: skip
_EXAMPLES = {
    "by": "by airline.name", "where": "where distance > 500", "having": "having flights > 100",
    "order by": "order by flights desc", "limit": "limit 5", "time": "time 2013-01 to 2013-06",
    "compare": "compare 1 year", "share of": "share of total",
    "top": "top 5 of carrier", "timezone": "timezone Europe/Paris",
}  # fmt: skip


def _tokens(line: str) -> Iterator[tuple[int, str]]:
    return ((m.start(), m.group()) for m in _TOKEN.finditer(line))


def _keyword(tokens: list[tuple[int, str]], index: int) -> str:
    word = tokens[index][1].lower()
    if word in _PAIRS:
        following = [t.lower() for _, t in tokens[index + 1 : index + 3] if not t.isspace()]
        return f"{word} {_PAIRS[word]}" if following[:1] == [_PAIRS[word]] else ""
    return word if word in CLAUSES else ""


def _end_of(tokens: list[tuple[int, str]], index: int, word: str) -> int:
    if " " in word:
        last = word.split()[1]
        index = next(i for i in range(index + 1, len(tokens)) if tokens[i][1].lower() == last)
    return tokens[index][0] + len(tokens[index][1])


def _wrong(slug: str, message: str, hint: str = "") -> QuestionError:
    return QuestionError(Problem(slug, message, hint=hint))
