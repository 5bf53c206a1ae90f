"""What changed in a declaration to how dangerous that is, and why: one table for each kind of thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

Risk = Literal["breaking", "risky", "safe"]
RISKS: tuple[Risk, ...] = ("breaking", "risky", "safe")
"""From the one that asks for most care."""

How = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Rule:
    """Parts whose dotted path fits the pattern, changed in one of these ways, are so dangerous, for this reason."""

    pattern: str
    how: tuple[How, ...]
    risk: Risk
    reason: str


ANY: tuple[How, ...] = ("added", "removed", "changed")

_PROSE = ("label", "description", "synonyms", "domain", "owner", "format", "better", "version")


def _prose(*inside: str) -> tuple[Rule, ...]:
    """Words about a thing, at the top or inside of its parts."""
    paths = (*_PROSE, *(f"{part}.*.{word}" for part in inside for word in _PROSE))
    return tuple(Rule(path, ANY, "safe", "it says something about the thing and computes nothing") for path in paths)


def _visibility(path: str) -> tuple[Rule, ...]:
    # Public is the default, so that to become public is to lose the key, and to become internal is to get it.
    return (
        Rule(path, ("added", "changed"), "breaking", "it leaves the catalogue, and nobody may ask for it"),
        Rule(path, ("removed",), "safe", "it joins the catalogue"),
    )


RULES: Mapping[str, tuple[Rule, ...]] = {
    "metric": (
        *_prose(),
        Rule("tags", ANY, "risky", "masks and searches go by tags"),
        Rule("tests", ANY, "safe", "a test computes nothing for anybody else"),
        Rule("tests.*", ANY, "safe", "a test computes nothing for anybody else"),
        Rule("unit", ANY, "breaking", "the same figure would mean something else"),
        Rule("grain", ANY, "risky", "questions that name no grain show other rows"),
        Rule("spine", ANY, "risky", "periods without rows appear or disappear"),
        Rule("deprecated*", ("removed",), "safe", "it is recommended again"),
        Rule("deprecated*", ANY, "risky", "whoever asks is warned, and refused in the end"),
        *_visibility("visibility"),
        Rule("*", ANY, "breaking", "the number is computed in another way"),
    ),
    "semantic_model": (
        *_prose("dimensions", "relationships"),
        Rule("tags", ANY, "risky", "masks and searches go by tags"),
        Rule("dimensions.*.tags", ANY, "risky", "masks go by tags: other people may see other values"),
        *_visibility("visibility"),
        *_visibility("dimensions.*.visibility"),
        Rule("primary_key", ANY, "risky", "joins rely on keys, and what one row is follows from them"),
        Rule("unique_keys", ANY, "risky", "joins rely on keys"),
        Rule("dimensions.*.*", ANY, "breaking", "the dimension has other values"),
        Rule("dimensions.*", ("added",), "safe", "nobody uses it yet"),
        Rule("dimensions.*", ("removed",), "breaking", "questions that name it are refused"),
        Rule("relationships.*.*", ANY, "breaking", "rows are joined to others"),
        Rule("relationships.*", ("added",), "risky", "a second way to the same model makes short paths ambiguous"),
        Rule("relationships.*", ("removed",), "breaking", "questions that go through it are refused"),
        Rule("entity", ("added",), "risky", "the name starts paths, and may hide another"),
        Rule("*", ANY, "breaking", "its metrics read other rows"),
    ),
    "calendar": (
        Rule("description", ANY, "safe", "it says something about the thing and computes nothing"),
        Rule("grains.*", ("added",), "safe", "nobody uses it yet"),
        Rule("*", ANY, "breaking", "periods start and end elsewhere"),
    ),
    "saved_query": (
        *_prose(),
        Rule("tags", ANY, "safe", "it says something about the thing and computes nothing"),
        Rule("order_by", ANY, "risky", "rows come in another order"),
        Rule("limit", ANY, "risky", "more or fewer rows come"),
        Rule("*", ANY, "breaking", "it asks another question"),
    ),
    "dashboard": (
        Rule("audience", ANY, "risky", "other people may open it"),
        Rule("*", ANY, "safe", "a page is looked at, and nothing is computed from it"),
    ),
}
"""For each kind the rules in order; the first that fits decides."""

GONE: Mapping[str, str] = {
    "metric": "whoever asks for it is refused",
    "semantic_model": "its metrics and dimensions are gone",
    "calendar": "its grains are gone",
    "saved_query": "whoever asks for it is refused",
    "dashboard": "its page is gone",
}


def risk_of(kind: str, path: tuple[str, ...], how: How) -> tuple[Risk, str]:
    """The risk of one changed part of a thing of this kind, and the reason."""
    dotted = ".".join(path)
    depth = len(path)
    for rule in RULES[kind]:
        same_depth = rule.pattern in ("*", "deprecated*") or rule.pattern.count(".") + 1 == depth
        if how in rule.how and same_depth and fnmatchcase(dotted, rule.pattern):
            return rule.risk, rule.reason
    # A part deeper than any rule is judged as the part that holds it.
    return risk_of(kind, path[:-1], "changed")


def worst(risks: tuple[Risk, ...]) -> Risk:
    """The most dangerous of several; safe where there is none."""
    return min(risks, key=RISKS.index, default="safe")
