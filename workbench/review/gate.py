"""Who did what to rulings: each rule of review that applies, kept or broken, judged by the base's own rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from workbench.access.principal import Principal, identify
from workbench.access.rules import decide
from workbench.declare.workspace import Workspace
from workbench.review.changes import KINDS, Change
from workbench.review.paths import Touched
from workbench.review.people import People
from workbench.review.rights import Widening, by_right

CHANGE_ACCESS = "change:access"
PUBLISH = "publish:metric"
PUBLISH_PAGE = "publish:dashboard"


@dataclass(frozen=True, slots=True)
class Ruling:
    """One rule of review: whether the change keeps it, and in words why or why not.

    One that ``waits`` is kept as soon as people have said who they are and agreed; the change itself need not change.
    """

    rule: str
    kept: bool
    message: str
    hint: str = ""
    waits: bool = False


def judge(
    people: People,
    base: Workspace,
    old: Workspace,
    head: Workspace,
    touched: Touched,
    changes: Iterable[Change],
    widenings: Iterable[Widening],
) -> tuple[Ruling, ...]:
    """Every rule that applies to the change; it may be merged when all are kept.

    The rules are those of ``base`` as it stands now, not of the ``old`` state that the change started from: who has
    lost a right meanwhile has lost it.
    """
    told, more = tuple(changes), tuple(widenings)
    rulings: list[Ruling] = []
    if touched.rules and touched.numbers:
        rulings.append(
            Ruling(
                "one-purpose",
                False,
                f"rules ({touched.rules[0]}) and numbers ({touched.numbers[0]}) change together.",
                "Make two changes of it: nobody may bend a rule and use it at once.",
            )
        )
    if touched.rules or touched.numbers:
        rulings += _somebody(people)
    if touched.numbers:
        rulings += _numbers(people, base, (base, old, head), told)
        rulings += _unread(people, base, touched, told)
    if touched.rules or more:
        rulings += _rules(people, base, more)
    return tuple(rulings)


def _somebody(people: People) -> Iterator[Ruling]:
    if not people.authors:
        hint = "In a pull request the forge tells (--event, --reviews, --commits); elsewhere signed commits (--signed)."
        yield Ruling("known-author", False, "nobody vouches for who wrote this.", hint, waits=True)
    for commit in people.unknown:
        hint = "Its author adds the address of the commit to their account there, or commits it anew with one that is."
        yield Ruling("known-author", False, f"the forge knows nobody who wrote '{commit}'.", hint, waits=True)
    for who in people.stale:
        hint = "They approve again what stands now."
        yield Ruling("fresh-approval", False, f"the approval of '{who}' is for an earlier commit.", hint, waits=True)


def _numbers(
    people: People, base: Workspace, states: tuple[Workspace, ...], changes: tuple[Change, ...]
) -> Iterator[Ruling]:
    needs = {PUBLISH_PAGE if change.kind == "dashboard" else PUBLISH for change in changes} or {PUBLISH}
    for who in people.authors:
        missing = sorted(verb for verb in needs if not decide(_known(base, who), verb, roles=base.roles))
        said = f"may not {', '.join(missing)}" if missing else "may publish"
        hint = "It takes a contributor; a steward gives roles in access/groups.yml, in a change of its own."
        yield Ruling("contributor", not missing, f"'{who}' {said}.", hint if missing else "")
    for owner, names in sorted(_owned(base, states, changes).items()):
        able = [who for who in _others(people) if owner in _known(base, who).groups or _is_steward(base, who)]
        what = f"{', '.join(sorted(names))} of '{owner or 'nobody'}'"
        if able:
            yield Ruling("owner-approval", True, f"{what}: approved by {', '.join(able)}.")
        else:
            hint = f"Ask a member of '{owner}', or a steward, who wrote none of it." if owner else "Ask a steward."
            own = " An author's own approval does not count." if set(people.approvers) & set(people.authors) else ""
            yield Ruling("owner-approval", False, f"{what}: nobody who answers for it approved.{own}", hint, waits=True)


def _unread(people: People, base: Workspace, touched: Touched, changes: tuple[Change, ...]) -> Iterator[Ruling]:
    """Files in which no declaration changed, such as programs that draw pages: somebody else has read them."""
    if changes and all(path.endswith((".yml", ".yaml")) for path in touched.numbers):
        return
    able = [
        who
        for who in _others(people)
        if any(decide(_known(base, who), verb, roles=base.roles) for verb in (PUBLISH, PUBLISH_PAGE))
    ]
    said = f"read by {', '.join(able)}" if able else "nobody else who may publish approved"
    hint = "" if able else "Ask another contributor to read it."
    yield Ruling("owner-approval", bool(able), f"files among the numbers: {said}.", hint, waits=not able)


def _owned(base: Workspace, states: tuple[Workspace, ...], changes: tuple[Change, ...]) -> dict[str, set[str]]:
    """What changed, by the group that owned it before; of what is new, by the one it names, if that exists."""
    out: dict[str, set[str]] = {}
    for change in changes:
        known = [getattr(one, KINDS[change.kind]).get(change.was) for one in states[:-1]]
        one = next(filter(None, known), None) or getattr(states[-1], KINDS[change.kind]).get(change.name)
        owner = getattr(one.term, "owner", "") if one else ""
        out.setdefault(owner if owner in base.groups else "", set()).add(change.name)
    return out


def _rules(people: People, base: Workspace, widenings: tuple[Widening, ...]) -> Iterator[Ruling]:
    stewards = [who for who in _others(people) if _is_steward(base, who)]
    needed = 2 if widenings else 1
    enough = len(stewards) >= needed
    why = " and widens rights, so two are needed" if widenings else ""
    said = f"approved by {', '.join(stewards)}" if stewards else "no steward who wrote none of it approved"
    hint = "" if enough else "Only who may change:access approves this, by the rules before the change."
    yield Ruling("steward-approval", enough, f"this changes who may do what{why}: {said}.", hint, not enough)
    for what, who in by_right(widenings).items():
        yield Ruling("widening", enough, f"{what}: {', '.join(who)}.", waits=not enough)


def _others(people: People) -> tuple[str, ...]:
    """Those who approved and wrote none of it."""
    return tuple(who for who in people.approvers if who not in people.authors)


def _is_steward(base: Workspace, who: str) -> bool:
    return bool(decide(_known(base, who), CHANGE_ACCESS, roles=base.roles))


def _known(base: Workspace, who: str) -> Principal:
    """A person by the base's groups."""
    return identify(base.roles, base.groups, who, base.settings.default_environment)
