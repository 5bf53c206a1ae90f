"""Governed files of a change to the characters in them that deceive readers: unseen ones, and those that turn text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from workbench.errors import Place, Problem
from workbench.review.paths import class_of
from workbench.review.repository import Entry, Moved, Repository, contents

HIDDEN = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")
"""A diff with one of these may read other than it means; joiners, which scripts and emoji need, are not among them."""


def disguises(repo: Repository, moved: Iterable[Moved], head: Mapping[str, Entry]) -> Iterator[Problem]:
    """The first such character of each governed text file that a change brings or alters."""
    paths = {one.now for one in moved if one.now}
    ours = [head[path] for path in sorted(paths & head.keys()) if class_of(path, repo.prefix) != "other"]
    for entry, content in contents(repo, ours):
        text = content.removeprefix(b"\xef\xbb\xbf").decode(errors="replace")
        found = None if "\0" in text else HIDDEN.search(text)
        if found is not None:
            before = text[: found.start()]
            yield Problem(
                "hidden-character",
                f"the character U+{ord(found[0]):04X} does not show, or turns text around.",
                Place(entry.path, before.count("\n") + 1, found.start() - before.rfind("\n")),
                "Take it out: reviewers would read other than it means.",
            )
