"""Each verb by each role on each kind of resource, held to a table that a steward can read."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from workbench.access.principal import Principal, identify
from workbench.access.restriction import Restriction
from workbench.access.rules import decide, require, restriction
from workbench.access.scope import narrowed
from workbench.access.verbs import VERBS
from workbench.access.why import why
from workbench.declare.people import Group, Policy
from workbench.declare.workspace import load
from workbench.errors import AccessDenied

REFERENCE = Path(__file__).parents[2]
ROLES = load(REFERENCE).roles
"""Those of the reference workspace, so that the table says what is true of it."""
GROUPS = {
    "stewards": Group(role="steward", members=("sam",)),
    "contributors": Group(role="contributor", members=("cora",)),
    "guests": Group(role="analyst", members=("gus",)),
}
POLICIES = tuple(
    Policy.model_validate(one)
    for one in (
        {"resource": "gold.*", "grant": [{"to": "analyst"}], "mask": [{"tag": "aircraft", "with": "hash"}]},
        {"resource": "gold.flights", "deny": [{"to": "group:guests"}]},
        {"resource": "gold.salaries", "deny": [{"to": "*"}]},
        {"resource": "landing.*", "grant": [{"to": "analyst", "env": "prod"}]},
    )
)
RESOURCES = ("", "flights", "overview", "gold.flights", "hidden.people", "gold.salaries", "landing.flights")
PEOPLE = {
    "nobody": Principal(""),
    "analyst": identify(ROLES, GROUPS, "ana", "dev"),
    "guest": identify(ROLES, GROUPS, "gus", "dev"),
    "contributor": identify(ROLES, GROUPS, "cora", "dev"),
    "steward": identify(ROLES, GROUPS, "sam", "dev"),
    "token": narrowed(identify(ROLES, GROUPS, "sam", "dev"), ["query"]),
}
MATRIX: dict[str, dict[str, str]] = yaml.safe_load(Path(__file__).with_name("matrix.yml").read_text("utf-8"))
FAMILY = {"unmask:aircraft", "unmask:other"}


def test_every_verb_has_its_rows_and_every_row_its_cells() -> None:
    assert set(MATRIX) == {*VERBS, *FAMILY, "fly:away"}
    for verb, rows in MATRIX.items():
        assert set(rows) == set(PEOPLE), verb
        assert all(len(row.split()) == len(RESOURCES) for row in rows.values()), verb


def test_every_role_that_is_declared_has_rows() -> None:
    assert set(ROLES) <= set(PEOPLE)


@pytest.mark.parametrize(
    ("verb", "role", "row"), [(verb, role, row) for verb, rows in MATRIX.items() for role, row in rows.items()]
)
def test_verb_by_role_by_resource(verb: str, role: str, row: str) -> None:
    who = PEOPLE[role]
    for resource, expected in zip(RESOURCES, row.split(), strict=True):
        may = expected == "y"
        decision = decide(who, verb, resource, ROLES, POLICIES)
        assert decision.allowed is may, (verb, role, resource, decision.rules)
        assert decision.rules  # each answer names what decided
        first = why(who, verb, resource, ROLES, POLICIES)[0]
        assert (" may not " not in first) is may
        if may:
            require(who, verb, resource, ROLES, POLICIES)
        else:
            with pytest.raises(AccessDenied):
                require(who, verb, resource, ROLES, POLICIES)


def test_what_may_be_read_is_what_is_left_of_a_table() -> None:
    """Verbs and the rows behind them agree: who may query a table has something left of it, and nobody else."""
    for role, who in PEOPLE.items():
        for resource in RESOURCES[3:]:
            left = restriction(who, resource, POLICIES, {"tail": ["aircraft"]})
            assert isinstance(left, Restriction) is bool(decide(who, "query:adhoc", resource, ROLES, POLICIES)), role
            if left is not None:
                masked = not decide(who, "unmask:aircraft", resource, ROLES, POLICIES)
                assert (left.mask_of("tail") is not None) is masked, (role, resource)


def test_a_narrow_token_is_told_from_a_missing_role() -> None:
    with pytest.raises(AccessDenied) as token:
        require(PEOPLE["token"], "rollback", roles=ROLES)
    assert "token" in token.value.problems[0].message
    assert "--scope rollback" in token.value.problems[0].hint
    with pytest.raises(AccessDenied) as role:
        require(PEOPLE["analyst"], "rollback", roles=ROLES)
    assert "roles (analyst)" in role.value.problems[0].message
