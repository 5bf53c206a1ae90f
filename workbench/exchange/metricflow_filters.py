"""SQL with MetricFlow's template calls to pieces: plain text, and references to what it groups and filters by."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from workbench.errors import Problem, QuestionError

KINDS = ("Dimension", "TimeDimension", "Entity", "Metric")
_TEMPLATE = re.compile(r"\{\{(.*?)\}\}", re.S)
# Text in quotes is passed over; of the rest, words that have the dunder of a MetricFlow column are references.
_WORD = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|[A-Za-z_]\w*", re.S)


@dataclass(frozen=True, slots=True)
class Reference:
    """A template call such as ``TimeDimension('metric_time', 'month')``, or a dundered name written outright."""

    kind: str
    name: str
    grain: str | None = None
    part: str | None = None
    descending: bool = False
    by: tuple[str, ...] = ()


def rewrite(text: str, render: Callable[[Reference], str]) -> str:
    """The text with every reference replaced by what ``render`` makes of it; raises `QuestionError` (bad-template)."""
    out: list[str] = []
    end = 0
    for match in _TEMPLATE.finditer(text):
        out += [_plain(text[end : match.start()], render), render(reference(match.group(1)))]
        end = match.end()
    return "".join([*out, _plain(text[end:], render)]).strip()


def _plain(text: str, render: Callable[[Reference], str]) -> str:
    if "{%" in text or "{#" in text or "{{" in text:
        raise _bad(text, "only calls in {{ ... }} are read")

    def one(match: re.Match[str]) -> str:
        word = match.group()
        return render(Reference("name", word)) if "__" in word and word[0] not in "'\"" else word

    return _WORD.sub(one, text)


def references(text: str) -> Iterator[Reference]:
    """Every reference in a text, in the order written."""
    found: list[Reference] = []

    def note(one: Reference) -> str:
        found.append(one)
        return ""

    rewrite(text, note)
    yield from found


def reference(text: str) -> Reference:
    """The reference that a call is, with the calls that hang on it: ``Dimension('a__b').grain('month')``."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        raise _bad(text, "it is no call") from None
    return _call(tree, text)


def _call(tree: ast.expr, text: str) -> Reference:
    if not isinstance(tree, ast.Call):
        raise _bad(text, "it is no call")
    arguments, named = _arguments(tree, text)
    if isinstance(tree.func, ast.Attribute):
        inner = _call(tree.func.value, text)
        match tree.func.attr:
            case "grain":
                return replace(inner, grain=str(arguments[0]).lower())
            case "date_part":
                return replace(inner, part=str(arguments[0]).lower())
            case "descending":
                return replace(inner, descending=bool(arguments[0]) if arguments else True)
        raise _bad(text, f"'.{tree.func.attr}' is unknown")
    kind = tree.func.id if isinstance(tree.func, ast.Name) else ""
    if kind not in KINDS or not arguments and "name" not in named:
        raise _bad(text, f"there are {', '.join(KINDS)}")
    name = str(arguments[0] if arguments else named["name"])
    grain = arguments[1] if kind == "TimeDimension" and len(arguments) > 1 else named.get("time_granularity_name")
    links = named.get("entity_path") or ()
    return Reference(
        kind,
        "__".join([*map(str, links), name]),
        str(grain).lower() if grain else None,
        str(named["date_part_name"]).lower() if named.get("date_part_name") else None,
        bool(named.get("descending")),
        _entities(arguments[1] if len(arguments) > 1 else named.get("group_by")) if kind == "Metric" else (),
    )


def _entities(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else (str(value),) if value else ()


def _arguments(tree: ast.Call, text: str) -> tuple[list[Any], dict[str, Any]]:
    """The constants a call is given; nothing is evaluated."""
    try:
        positional = [ast.literal_eval(argument) for argument in tree.args]
        return positional, {str(k.arg): ast.literal_eval(k.value) for k in tree.keywords}
    except ValueError:
        raise _bad(text, "its arguments must be constants") from None


def _bad(text: str, why: str) -> QuestionError:
    return QuestionError(Problem("bad-template", f"cannot read the template '{text.strip()}': {why}."))
