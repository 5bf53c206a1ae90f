"""A decision to the sentences that explain it: which rules decided, and what they leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workbench.access.principal import Principal
from workbench.access.restriction import Restriction, RowFilter
from workbench.access.rules import Tags, decide, restriction
from workbench.access.verbs import verbs_near
from workbench.declare.people import Policy, Role


def why(
    principal: Principal,
    verb: str,
    resource: str = "",
    roles: Mapping[str, Role] | None = None,
    policies: Sequence[Policy] = (),
    tags: Tags | None = None,
    *,
    names_hidden: bool = True,
) -> tuple[str, ...]:
    """Every rule that decided, in plain sentences; the first says yes or no.

    Without ``names_hidden`` nothing is said of denied columns: they read as missing, as everywhere else.

    Tells whether a table exists for others, so show it to those who may change access, or about what one may read.
    """
    decision = decide(principal, verb, resource, roles, policies)
    of = f" on '{resource}'" if resource else ""
    first = f"{principal.name or 'nobody'} {'may' if decision.allowed else 'may not'} {verb}{of}."
    sentences = [first, f"{_who(principal)}.", *(f"{rule[0].upper()}{rule[1:]}." for rule in decision.rules)]
    if decision.slug == "unknown-verb":
        sentences.append(verbs_near(verb))
    if decision.allowed and "." in resource:
        left = restriction(principal, resource, policies, tags)
        sentences += _left(left, names_hidden) if left is not None else []
    return tuple(sentences)


def _who(principal: Principal) -> str:
    if not principal.roles:
        return "They have no role"
    groups = f", by the groups {', '.join(principal.groups)}" if principal.groups else ", as anyone signed in"
    return f"They have the roles {', '.join(principal.roles)}{groups}"


def _left(left: Restriction, names_hidden: bool) -> list[str]:
    rows = [f"Only rows where {_condition(rule)}, by the rule '{rule.name}'." for rule in left.rows]
    masks = [f"'{mask.column}' is masked ({mask.kind}), for its tag '{mask.tag}'." for mask in left.masks]
    granted = [f"Only the columns {', '.join(left.columns)} are granted."] if left.columns is not None else []
    if not names_hidden:
        return [*rows, *masks] or ["All rows and columns, as they are."]
    denied = [f"The columns {', '.join(left.hidden)} are denied."] if left.hidden else []
    return [*rows, *masks, *granted, *denied] or ["All rows and columns, as they are."]


def _condition(rule: RowFilter) -> str:
    if rule.op in ("is_null", "is_not_null"):
        return f"{rule.column} is {'' if rule.op == 'is_null' else 'not '}empty"
    if not rule.values:
        return f"{rule.column} matches an attribute that they lack (so none)"
    if rule.op == "range":
        return f"{rule.column} is from {rule.values[0]} to {rule.values[1]}"
    return f"{rule.column} is {' or '.join(map(str, rule.values))}"
