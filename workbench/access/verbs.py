"""The closed set of things a person can do here, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.errors import did_you_mean


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing to do: what it is in words, and whether it shows rows of a table."""

    name: str
    meaning: str
    reads: bool = False


VERBS: Mapping[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb("query:adhoc", "write SQL of one's own", reads=True),
        Verb("read:metric", "ask for metrics", reads=True),
        Verb("read:dashboard", "open dashboards"),
        Verb("draft:metric", "keep private drafts of metrics"),
        Verb("propose:metric", "propose a draft for review"),
        Verb("publish:metric", "publish metrics"),
        Verb("publish:dashboard", "publish dashboards"),
        Verb("change:access", "change who may do what"),
        Verb("promote:batch", "promote a batch of data"),
        Verb("rollback", "go back to an earlier release"),
    )
}

UNMASK = "unmask:"
"""The one open family, ``unmask:<tag>``: see the values of columns that carry the tag."""


def verb_of(name: str) -> Verb | None:
    """The verb of that name, or None where there is no such thing to do."""
    if name.startswith(UNMASK) and len(name) > len(UNMASK):
        return Verb(name, f"see values tagged '{name.removeprefix(UNMASK)}'", reads=True)
    return VERBS.get(name)


def verbs_near(name: str) -> str:
    """A sentence that offers the verbs that may have been meant, or names them all."""
    return did_you_mean(name, VERBS, f"There are {', '.join(VERBS)} and {UNMASK}<tag>.")
