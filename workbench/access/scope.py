"""The scope of a token to what is left of its owner's rights: a scope only narrows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from workbench.access.principal import Principal
from workbench.access.verbs import VERBS, verb_of
from workbench.errors import Problem, QuestionError, did_you_mean

ALL = "all"
"""The scope that leaves everything its owner may do."""

SCOPES: Mapping[str, tuple[str, ...]] = {"query": ("query:adhoc", "read:metric", "read:dashboard")}
"""Words for several verbs; any verb is a scope as well."""


def checked(scope: Iterable[str]) -> tuple[str, ...]:
    """The words of a scope in their one order; raises `QuestionError` (unknown-scope) with the legal ones."""
    found = tuple(sorted(set(scope)))
    legal = (*SCOPES, ALL, *VERBS)
    unknown = [word for word in found if word not in legal and verb_of(word) is None]
    if unknown or not found:
        name = unknown[0] if unknown else ""
        raise QuestionError(
            Problem("unknown-scope", f"no scope '{name}'.", hint=did_you_mean(name, legal, f"There is: {legal}."))
        )
    return found


def narrowed(principal: Principal, scope: Iterable[str]) -> Principal:
    """The principal with no more verbs than the scope names; words that mean nothing leave nothing."""
    given = set(scope)
    if ALL in given:
        return principal
    verbs = {verb for word in given for verb in SCOPES.get(word, (word,))}
    return replace(principal, can=tuple(verb for verb in principal.can if verb in verbs))
