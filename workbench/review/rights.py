"""Two sets of access rules to who can newly do what: decisions are compared for every person, not texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass

from workbench.access.principal import Claims, identify
from workbench.access.restriction import Mask, Restriction, RowFilter
from workbench.access.rules import decide, restriction
from workbench.access.signers import KEYS
from workbench.access.verbs import UNMASK, VERBS
from workbench.declare.workspace import Workspace
from workbench.graph.build import build
from workbench.graph.tags import column_tags
from workbench.review.people import SIGNERS

ANYBODY = "anybody else signed in"
"""Stands for whoever is in no group."""


@dataclass(frozen=True, slots=True)
class Widening:
    """Something that a person may do after a change, and might not before."""

    who: str
    what: str

    def __str__(self) -> str:
        return f"{self.who} {self.what}"


def widened(base: Workspace, head: Workspace) -> tuple[Widening, ...]:
    """Every right that the head gives and the base does not; the same right of many people is told of each."""
    people = sorted({m.strip() for w in (base, head) for group in w.groups.values() for m in group.members} - {"*"})
    rules = _Rules(base), _Rules(head)
    environments = sorted({*base.settings.environments, *head.settings.environments}) or ["dev"]
    found: dict[Widening, None] = {}
    for who, claims in (*((one, Claims()) for one in (*people, ANYBODY)), *_claimed(base, head)):
        for environment in environments:
            for what in _newly(rules[0].of(claims), rules[1].of(claims), who, environment):
                found[Widening(who, what)] = None
    if base.settings.gateway != head.settings.gateway:
        found[Widening(ANYBODY, "may be taken for somebody else: [tool.workbench.gateway] says whom to believe")] = None
    for file, what in ((KEYS, "may sign releases"), (SIGNERS, "may sign commits")):
        for line in sorted(_lines(head, file) - _lines(base, file)):
            found[Widening(f"whoever '{line}' means", what)] = None
    return tuple(found)


def _lines(workspace: Workspace, file: str) -> set[str]:
    """What a file of keys says, a line each."""
    try:
        said = (workspace.root / file).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    return {" ".join(line.split()) for line in said if line.strip() and not line.lstrip().startswith("#")}


def _claimed(base: Workspace, head: Workspace) -> Iterator[tuple[str, Claims]]:
    """Stand-ins for people whom an identity provider alone puts into a group: no list names them."""
    for name in sorted({*base.groups, *head.groups}):
        if any(name in one.groups and not one.groups[name].members for one in (base, head)):
            yield f"whoever is put into '{name}'", Claims((name,))


class _Rules:
    """The decisions of one workspace, about anybody and any table either workspace knows."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.claims = Claims()
        self.policies = tuple(one.term for one in workspace.policies)
        graph = build(workspace)
        self.tags = column_tags(graph)
        # The resource 'landing.*' stands for the tables of a schema that no model and no other policy names.
        self.tables = {declared.term.table for declared in graph.models.values()}
        self.tables |= {policy.resource for policy in self.policies}

    def of(self, claims: Claims) -> _Rules:
        """The same rules about somebody of whom an identity provider says this."""
        other = copy(self)
        other.claims = claims
        return other

    def verbs(self, who: str, environment: str) -> set[str]:
        """What a person may do, each tag they may see unmasked included."""
        principal = identify(self.workspace.roles, self.workspace.groups, who, environment, self.claims)
        open_family = {verb for verb in principal.can if verb.startswith(UNMASK)}
        return {verb for verb in (*VERBS, *open_family) if decide(principal, verb, roles=self.workspace.roles)}

    def left(self, who: str, environment: str, table: str) -> Restriction | None:
        """What a person is left of a table."""
        principal = identify(self.workspace.roles, self.workspace.groups, who, environment, self.claims)
        if not any(decide(principal, verb, roles=self.workspace.roles) for verb in ("query:adhoc", "read:metric")):
            return None
        return restriction(principal, table, self.policies, self.tags.get(table, {}), environment)


def _newly(before: _Rules, after: _Rules, who: str, environment: str) -> Iterator[str]:
    yield from (f"may {verb}" for verb in sorted(after.verbs(who, environment) - before.verbs(who, environment)))
    for table in sorted(before.tables | after.tables):
        was, now = (rules.left(who, environment, table) for rules in (before, after))
        if now is not None:
            yield from (f"{what} in {environment}" for what in _more(table, was, now))


def _more(table: str, was: Restriction | None, now: Restriction) -> Iterator[str]:
    """What the new restriction of a table lets through that the old one held back."""
    if was is None:
        yield f"may read {table}"
        return
    if _columns(was, now):
        yield f"may read {_columns(was, now)} of {table}"
    if not all(any(_implies(new, old) for new in now.rows) for old in was.rows):
        held = ", ".join(f"'{old.name}'" for old in was.rows if not any(_implies(new, old) for new in now.rows))
        yield f"may read rows of {table} that {held} held back"
    for mask in was.masks:
        new = now.mask_of(mask.column)
        if now.shows(mask.column) and (new is None or _is_weaker(new, mask)):
            yield f"may see {table}.{mask.column} " + ("unmasked" if new is None else f"masked by {new.kind} only")


def _columns(was: Restriction, now: Restriction) -> str:
    """The columns that are newly shown, in words; '' where there are none."""
    if now.columns is None:
        back = sorted(set(was.hidden) - set(now.hidden))
        more = ["every column"] if was.columns is not None else []
        return ", ".join(more + back)
    return ", ".join(column for column in now.columns if now.shows(column) and not was.shows(column))


def _implies(new: RowFilter, old: RowFilter) -> bool:
    """Whether every row that the new filter lets through passes the old one as well; in doubt, no."""
    if (new.column, new.op) == (old.column, old.op):
        if new.op in ("eq", "in"):
            return set(new.values) <= set(old.values)
        return new.values == old.values
    if new.column == old.column and {new.op, old.op} == {"eq", "in"}:
        return set(new.values) <= set(old.values)
    # A filter that lets nothing through implies any other.
    return new.op in ("eq", "in", "range") and not new.values


def _is_weaker(new: Mask, old: Mask) -> bool:
    """Whether the new mask may tell what the old one did not: of hash, last4 and bucket each tells other things."""
    return new.kind not in (old.kind, "null", "constant")


def by_right(found: Iterable[Widening]) -> Mapping[str, tuple[str, ...]]:
    """The people who get each new right."""
    out: dict[str, list[str]] = {}
    for one in found:
        out.setdefault(one.what, []).append(one.who)
    return {what: tuple(who) for what, who in out.items()}
