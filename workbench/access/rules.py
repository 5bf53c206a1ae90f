"""Roles and policies to decisions: default deny, grants add up, restrictions all apply, a deny always wins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from workbench.access.principal import Principal, with_extended
from workbench.access.restriction import STRICTEST, Mask, Restriction, RowFilter, same_column
from workbench.access.verbs import UNMASK, verb_of, verbs_near
from workbench.declare.people import Deny, Policy, Role, RowRule, Scalar
from workbench.errors import AccessDenied, Problem, one_of

Tags = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something is allowed, and the rules that decided, in words."""

    allowed: bool
    rules: tuple[str, ...]
    slug: str = ""

    def __bool__(self) -> bool:
        return self.allowed


def covers(pattern: str, table: str) -> bool:
    """Whether a policy's resource, ``gold.flights`` or ``gold.*``, is about this table."""
    pattern, table = pattern.lower(), table.lower()
    return pattern == table or (pattern.endswith(".*") and table.startswith(pattern[:-1]))


def meets(whom: Iterable[str], principal: Principal) -> str | None:
    """The first word of ``whom`` that means the principal, or None; nobody without a role is ever meant."""
    if not principal.roles:
        return None
    mine = {"*", *principal.roles, *(f"group:{g}" for g in principal.groups), f"user:{principal.name}"}
    return next((word for word in whom if word in mine), None)


def decide(
    principal: Principal,
    verb: str,
    resource: str = "",
    roles: Mapping[str, Role] | None = None,
    policies: Sequence[Policy] = (),
) -> Decision:
    """May the principal do ``verb``, on a table where ``resource`` names one like ``gold.flights``?

    A resource without a dot (a metric, a dashboard) has no rules of its own: the tables behind it have.
    """
    known = verb_of(verb)
    if known is None:
        return Decision(False, (f"there is no verb '{verb}'",), "unknown-verb")
    if verb not in principal.can:
        return Decision(False, (_nobody_grants(principal, verb, roles or {}),), "no-grant")
    by = tuple(f"role '{role}' can {verb}" for role in principal.roles if verb in (roles or {}).get(role, Role()).can)
    by = by or (f"'{principal.name}' can {verb}",)
    if "." not in resource:
        return Decision(True, by)
    about = [policy for policy in policies if covers(policy.resource, resource)]
    denied = [
        f"the policy of '{policy.resource}' denies it to '{word}'"
        for policy, deny, word in _denials(about, principal)
        if _whole(deny)
    ]
    if denied:
        return Decision(False, tuple(denied), "denied")
    if not known.reads:
        return Decision(True, by)
    granted = tuple(
        f"the policy of '{policy.resource}' grants it to '{word}'" for policy, _, word in _grants(about, principal)
    )
    if not granted:
        return Decision(False, (f"no policy grants '{resource}' to '{principal.name}'",), "no-grant")
    return Decision(True, by + granted)


def require(
    principal: Principal,
    verb: str,
    resource: str = "",
    roles: Mapping[str, Role] | None = None,
    policies: Sequence[Policy] = (),
) -> Decision:
    """`decide`, but raises `AccessDenied` (unknown-verb, no-grant, denied) with the rule that decided."""
    decision = decide(principal, verb, resource, roles, policies)
    if decision.allowed:
        return decision
    of = f" on '{resource}'" if resource else ""
    raise AccessDenied(
        Problem(
            decision.slug,
            f"'{principal.name or 'nobody'}' may not {verb}{of}: {'; '.join(decision.rules)}.",
            hint=_what_would_help(verb, decision, roles or {}),
        )
    )


def restriction(
    principal: Principal,
    table: str,
    policies: Sequence[Policy],
    tags: Tags | None = None,
    environment: str | None = None,
) -> Restriction | None:
    """What the principal is left of a table; None where nothing is granted, and then it reads as missing.

    To one without a verb that reads, as by a token for something else, nothing is.

    ``tags`` are those of the table's columns; ``environment`` is the principal's unless said.
    """
    about = [policy for policy in policies if covers(policy.resource, table)]
    denials = [deny for _, deny, _ in _denials(about, principal)]
    granted = [columns for _, columns, _ in _grants(about, principal, environment)]
    if not granted or any(_whole(deny) for deny in denials) or not reads(principal):
        return None
    columns = None if any("*" in each for each in granted) else _lower(name for each in granted for name in each)
    if columns == ():
        return None
    return Restriction(
        table=table,
        rows=tuple(_row_filters(about, principal)),
        masks=tuple(_masks(about, principal, tags or {})),
        hidden=_lower(column for deny in denials for column in deny.columns),
        columns=columns,
    )


def reads(principal: Principal) -> bool:
    """Whether the principal may do anything at all that shows what is in tables."""
    verbs = map(verb_of, principal.can)
    return any(verb is not None and verb.reads for verb in verbs)


def _denials(about: Sequence[Policy], principal: Principal) -> Iterator[tuple[Policy, Deny, str]]:
    for policy in about:
        for deny in policy.deny:
            if word := meets(deny.to, principal):
                yield policy, deny, word


def _whole(deny: Deny) -> bool:
    return "*" in deny.columns


def _grants(
    about: Sequence[Policy], principal: Principal, environment: str | None = None
) -> Iterator[tuple[Policy, tuple[str, ...], str]]:
    here = environment or principal.environment
    for policy in about:
        for grant in policy.grant:
            word = meets(grant.to, principal)
            if word and ("*" in grant.env or here in grant.env):
                yield policy, grant.columns, word


def _row_filters(about: Sequence[Policy], principal: Principal) -> Iterator[RowFilter]:
    for policy in about:
        for rule in policy.restrict:
            if meets(rule.to, principal) and not meets(rule.except_, principal):
                yield RowFilter(rule.name, same_column(rule.rows.column), rule.rows.op, _values(rule.rows, principal))


def _values(rule: RowRule, principal: Principal) -> tuple[Scalar, ...]:
    """The literals of a row rule; () (no rows) for a missing attribute or one with the wrong number of values."""
    values = rule.values if rule.attribute is None else tuple(principal.attributes.get(rule.attribute, ()))
    fits = {"eq": len(values) == 1, "range": len(values) == 2}
    return values if fits.get(rule.op, True) else ()


def _masks(about: Sequence[Policy], principal: Principal, tags: Tags) -> Iterator[Mask]:
    rules = [
        rule
        for policy in about
        for rule in policy.mask
        if meets(rule.to, principal)
        and not meets(rule.except_, principal)
        and f"{UNMASK}{rule.tag}" not in principal.can
    ]
    for column, carried in tags.items():
        mine = [rule for rule in rules if rule.tag in carried]
        if mine:
            rule = min(mine, key=lambda one: STRICTEST.index(one.with_))
            yield Mask(same_column(column), rule.tag, rule.with_)


def _lower(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(same_column, names)))


def _nobody_grants(principal: Principal, verb: str, roles: Mapping[str, Role]) -> str:
    if not principal.roles:
        return "no role is declared for them" if roles else "no roles are declared in access/"
    if any(verb in roles[name].can for name in with_extended(roles, principal.roles)):
        return f"the token they come with is not for {verb}"
    return f"none of their roles ({', '.join(principal.roles)}) can {verb}"


def _what_would_help(verb: str, decision: Decision, roles: Mapping[str, Role]) -> str:
    if decision.slug == "unknown-verb":
        return verbs_near(verb)
    if decision.slug == "no-grant" and decision.rules[0].startswith("the token"):
        return f"Come with one whose scope has it: workbench token issue --scope {verb}."
    able = [role for role in roles if any(verb in roles[r].can for r in with_extended(roles, (role,)))]
    if decision.slug == "no-grant" and able and "can" in decision.rules[0]:
        return f"It takes the role {one_of(able)}; a steward gives roles in access/groups.yml."
    return "Ask a steward: access is changed by a reviewed change of access/."
