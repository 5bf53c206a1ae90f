"""Turns the text of an expression into tokens, each with its offset; anything foreign is refused here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["word", "quoted", "number", "string", "parameter", "symbol", "end"]

RESERVED = frozenset(
    {
        "all", "and", "any", "as", "between", "case", "cast", "collate", "distinct", "else", "end", "escape",
        "exists", "false", "from", "having", "ilike", "in", "is", "like", "not", "null", "or", "over",
        "partition", "qualify", "select", "similar", "some", "then", "true", "union", "when", "where", "with",
        "within",
    }
)  # fmt: skip
"""Words that cannot be names unless quoted or behind a dot."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token: ``text`` is the value of a string or a quoted name, else what was written."""

    kind: Kind
    text: str
    at: int

    @property
    def word(self) -> str:
        """The word in lower case, '' for any other kind: keywords know no case."""
        return self.text.lower() if self.kind == "word" else ""

    @property
    def key(self) -> str:
        """What the token is to the grammar: a symbol, a word in lower case, or '' for values and quoted names."""
        return self.text if self.kind == "symbol" else self.word

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else f"'{self.text}'"


class Refused(Exception):
    """Why a text is no expression, and where in it; the parser makes a Problem of it."""

    def __init__(self, slug: str, message: str, at: int, hint: str = "") -> None:
        super().__init__(message)
        self.slug, self.message, self.at, self.hint = slug, message, at, hint


_TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<string>'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")+")
    | (?P<word>[^\W\d]\w*)
    | (?P<foreign>--|/\*|//|\{\{|\{%|->|\$\w*|:(?!:)\w*|==|\*\*|[?@;{}\[\]^&~\#`\\|!](?![=|]))
    | (?P<symbol><=|>=|<>|!=|\|\||::|[-+*/%(),.<>=])""",
    re.VERBOSE,
)

_PARAMETER = re.compile(r"(?P<parameter>:(?!:)[A-Za-z_]\w*)")

_PLACEHOLDER = "There are no placeholders: write the value. Parameters such as :name belong to saved queries."
_TEMPLATE = "There is no templating: write the expression itself."
_FOREIGN = {
    "--": "Comments go beside the expression, after a # of the YAML.",
    "/*": "Comments go beside the expression, after a # of the YAML.",
    "//": "Write floor(a / b).",
    "{{": _TEMPLATE,
    "{%": _TEMPLATE,
    "==": "Write a single =.",
    "**": "Write power(a, b).",
    "^": "Write power(a, b).",
    ";": "One expression at a time.",
    "?": _PLACEHOLDER,
    "`": "Names are quoted with double quotes.",
    "{": _TEMPLATE,
    "$": _PLACEHOLDER,
    ":": _PLACEHOLDER,
    "@": _PLACEHOLDER,
}


def tokens(text: str, parameters: bool = False) -> list[Token]:
    """Every token of the text, with one of kind 'end' behind them; offsets are 0 in a text of several lines.

    With ``parameters``, ``:name`` is one; elsewhere it is refused.
    """
    found: list[Token] = []
    at, several = 0, "\n" in text
    while at < len(text):
        match = (_PARAMETER.match(text, at) if parameters else None) or _TOKEN.match(text, at)
        kind = match.lastgroup if match else None
        if match is None or kind == "foreign":
            raise _foreign(text, at, match.group() if match else text[at])
        written = match.group()
        if kind == "number":
            _check_number(text, at, match.end())
        if kind == "parameter":
            written = written[1:]
        if kind in ("string", "quoted"):
            mark = written[0]
            written = written[1:-1].replace(mark * 2, mark)
        elif written == "!=":
            written = "<>"
        if kind != "space":
            found.append(Token(kind, written, 0 if several else at))  # type: ignore[arg-type]
        at = match.end()
    found.append(Token("end", "", 0 if several else len(text)))
    return found


def _check_number(text: str, at: int, end: int) -> None:
    if end < len(text) and (text[end].isalnum() or text[end] == "_"):
        written = re.match(r"[\w.]+", text[at:])
        shown = written.group() if written else text[at]
        raise Refused("bad-expression", f"'{shown}' is neither a number nor a name.", at, 'Quote such a name: "1st".')


def _foreign(text: str, at: int, written: str) -> Refused:
    if text[at] in "'\"":
        what = "text" if text[at] == "'" else "name"
        return Refused("bad-expression", f"A quoted {what} has no closing {text[at]}.", at)
    hint = _FOREIGN.get(written) or _FOREIGN.get(written[0], "")
    return Refused("not-allowed", f"{written!r} is not part of the expression language.", at, hint)
