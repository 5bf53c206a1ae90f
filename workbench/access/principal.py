"""Roles, groups and a name to the principal: who is asking, and what follows from that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from string import ascii_lowercase, ascii_uppercase

from workbench.declare.people import Group, Role, Scalar

EVERYONE = "analyst"
"""The role that whoever is signed in has, where it is declared."""

_FOLD = str.maketrans(ascii_uppercase, ascii_lowercase)


@dataclass(frozen=True, slots=True)
class Principal:
    """A named identity with what follows from its groups; without a role it may do nothing."""

    name: str
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    attributes: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    environment: str = "dev"
    can: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claims:
    """What an identity provider says of somebody beside the name: groups of `access/`, and attributes."""

    groups: tuple[str, ...] = ()
    attributes: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)


def identify(
    roles: Mapping[str, Role], groups: Mapping[str, Group], name: str, environment: str, claims: Claims | None = None
) -> Principal:
    """The principal called ``name``: its groups, all roles they bring, and the union of their attributes.

    A claimed group counts only where it is declared.

    Attributes are facts about a person, and membership is given by name, so one who represents two carriers has
    both values of ``carrier``. That can't undo a rule: restrictions of several groups are each applied.
    """
    who = same_name(name)
    if not who or not roles:
        return Principal(name.strip(), environment=environment)
    said = claims or Claims()
    mine = sorted(
        g
        for g, group in groups.items()
        if g in said.groups or any(same_name(member) == who for member in group.members)
    )
    held = with_extended(roles, (EVERYONE, *(groups[g].role for g in mine)))
    return Principal(
        name=who,
        groups=tuple(mine),
        roles=held,
        attributes=_united((*(groups[g].attributes for g in mine), said.attributes)),
        environment=environment,
        can=tuple(sorted({verb for role in held for verb in roles[role].can})),
    )


def same_name(name: str) -> str:
    """A name in the form in which names are compared.

    Only the case of ASCII letters is dropped: folding more would let a look-alike letter pass for a member.
    """
    return name.strip().translate(_FOLD)


def with_extended(roles: Mapping[str, Role], held: Iterable[str]) -> tuple[str, ...]:
    """The declared ones among ``held`` and every role they extend; a cycle ends where it closes."""
    found: list[str] = []
    for role in held:
        step: str | None = role
        while step is not None and step in roles and step not in found:
            found.append(step)
            step = roles[step].extends
    return tuple(found)


def _united(parts: Iterable[Mapping[str, tuple[Scalar, ...]]]) -> Mapping[str, tuple[Scalar, ...]]:
    out: dict[str, tuple[Scalar, ...]] = {}
    for part in parts:
        for key, values in part.items():
            # By type as well as value, so that 1 and true stay two things.
            known = {(type(v), v) for v in out.get(key, ())}
            out[key] = (*out.get(key, ()), *(v for v in values if (type(v), v) not in known))
    return out
