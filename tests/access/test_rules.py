"""Who may do what, held to a table of expectations and to the algebra of rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.access.principal import Principal, identify, same_name, with_extended
from workbench.access.restriction import STRICTEST
from workbench.access.rules import covers, decide, require, restriction
from workbench.declare.people import Group, Policy, Role
from workbench.errors import AccessDenied

ROLES = {
    "analyst": Role(can=("query:adhoc", "read:metric", "read:dashboard", "draft:metric", "propose:metric")),
    "contributor": Role(extends="analyst", can=("publish:metric", "publish:dashboard")),
    "steward": Role(extends="contributor", can=("change:access", "promote:batch", "rollback", "unmask:pii")),
}
GROUPS = {
    "stewards": Group(role="steward", members=("sam",)),
    "contributors": Group(role="contributor", members=("cora",)),
    "united": Group(role="analyst", members=("paula", "both"), attributes={"carrier": "UA"}),
    "delta": Group(role="analyst", members=("dan", "both"), attributes={"carrier": ["DL"]}),
    "interns": Group(role="analyst", members=("ida",)),
}
POLICIES = (
    Policy.model_validate(
        {"resource": "gold.*", "grant": [{"to": ["analyst"]}], "mask": [{"tag": "pii", "with": "hash"}]}
    ),
    Policy.model_validate(
        {
            "resource": "gold.flights",
            "restrict": [
                {
                    "name": "own_carrier",
                    "to": ["group:united", "group:delta"],
                    "rows": {"column": "carrier", "op": "in", "attribute": "carrier"},
                }
            ],
            "deny": [{"to": "group:interns", "columns": ["tailnum"]}],
        }
    ),
    Policy.model_validate({"resource": "gold.salaries", "deny": [{"to": "group:interns"}]}),
    Policy.model_validate({"resource": "landing.*", "grant": [{"to": "steward", "env": "prod"}]}),
)


def who(name: str, environment: str = "dev") -> Principal:
    return identify(ROLES, GROUPS, name, environment)


def test_no_roles_means_no_rights() -> None:
    nobody = identify({}, GROUPS, "sam", "dev")
    assert nobody.roles == ()
    assert not decide(nobody, "query:adhoc", "", {}, POLICIES)
    everyone = Policy.model_validate({"resource": "gold.flights", "grant": [{"to": "*"}]})
    assert restriction(nobody, "gold.flights", (everyone,)) is None


def test_a_grant_holds_in_its_environment_only() -> None:
    assert restriction(who("sam"), "landing.flights", POLICIES) is None
    assert restriction(who("sam", "prod"), "landing.flights", POLICIES) is not None
    assert decide(who("sam", "prod"), "query:adhoc", "landing.flights", ROLES, POLICIES)
    assert restriction(who("sam"), "landing.flights", POLICIES, environment="prod") is not None


def test_a_person_in_two_groups_has_both_values_of_an_attribute() -> None:
    left = restriction(who("both"), "gold.flights", POLICIES)
    assert left is not None
    assert sorted(map(str, left.rows[0].values)) == ["DL", "UA"]


def test_a_missing_attribute_leaves_no_rows() -> None:
    rule = {"name": "own", "rows": {"column": "carrier", "op": "in", "attribute": "carrier"}}
    policy = Policy.model_validate({"resource": "gold.flights", "grant": [{"to": "*"}], "restrict": [rule]})
    left = restriction(who("ana"), "gold.flights", (policy,))
    assert left is not None
    assert left.rows[0].values == ()


@pytest.mark.parametrize(
    ("op", "values", "kept"), [("eq", 1, 1), ("eq", 2, 0), ("range", 2, 2), ("range", 1, 0), ("range", 3, 0)]
)
def test_the_wrong_number_of_values_leaves_no_rows(op: str, values: int, kept: int) -> None:
    groups = {"g": Group(role="analyst", members=("gina",), attributes={"level": list(range(values))})}
    rule = {"name": "own", "rows": {"column": "level", "op": op, "attribute": "level"}}
    policy = Policy.model_validate({"resource": "gold.t", "grant": [{"to": "*"}], "restrict": [rule]})
    left = restriction(identify(ROLES, groups, "gina", "dev"), "gold.t", (policy,))
    assert left is not None
    assert len(left.rows[0].values) == kept


def test_deny_wins_over_every_grant() -> None:
    assert restriction(who("ida"), "gold.salaries", POLICIES) is None
    assert decide(who("ida"), "query:adhoc", "gold.salaries", ROLES, POLICIES).slug == "denied"
    left = restriction(who("ida"), "gold.flights", POLICIES)
    assert left is not None
    assert not left.shows("TailNum")
    assert left.shows("carrier")


def test_grants_of_columns_add_up() -> None:
    policies = (
        Policy.model_validate({"resource": "gold.t", "grant": [{"to": "*", "columns": ["A"]}]}),
        Policy.model_validate({"resource": "gold.*", "grant": [{"to": "steward", "columns": ["b"]}]}),
    )
    ana, sam = (restriction(who(n), "gold.t", policies) for n in ("ana", "sam"))
    assert ana is not None
    assert sam is not None
    assert ana.visible(("a", "B", "c")) == ("a",)
    assert sam.visible(("a", "B", "c")) == ("a", "B")


def test_the_strictest_mask_wins() -> None:
    masks = [{"tag": "pii", "with": kind} for kind in reversed(STRICTEST)]
    policy = Policy.model_validate({"resource": "gold.t", "grant": [{"to": "*"}], "mask": masks})
    for strictest in STRICTEST:
        left = restriction(who("ana"), "gold.t", (policy,), {"email": ["x", "pii"], "name": []})
        assert left is not None
        assert [(m.column, m.kind) for m in left.masks] == [("email", strictest)]
        policy = policy.model_copy(update={"mask": policy.mask[:-1]})


def test_unmasking_takes_the_verb_or_an_exception() -> None:
    tags = {"email": ["pii"]}
    ana, sam = (restriction(who(n), "gold.people", POLICIES, tags) for n in ("ana", "sam"))
    assert ana is not None
    assert ana.mask_of("EMAIL")
    assert sam is not None
    assert sam.is_free
    mask = {"tag": "pii", "with": "null", "except": ["user:ana"]}
    policy = Policy.model_validate({"resource": "gold.people", "grant": [{"to": "*"}], "mask": [mask]})
    left = restriction(who("ana"), "gold.people", (policy,), tags)
    assert left is not None
    assert left.is_free


def test_a_refusal_names_the_rule_and_the_role_it_takes() -> None:
    with pytest.raises(AccessDenied) as refused:
        require(who("ana"), "publish:metric", roles=ROLES)
    assert refused.value.slug == "no-grant"
    assert "'contributor' or 'steward'" in str(refused.value)
    with pytest.raises(AccessDenied, match="denies it to 'group:interns'"):
        require(who("ida"), "query:adhoc", "gold.salaries", ROLES, POLICIES)
    with pytest.raises(AccessDenied, match="publish:metric"):
        require(who("sam"), "publish:metrics", roles=ROLES)


def test_only_case_of_ascii_letters_is_dropped_from_names() -> None:
    assert who(" SAM ").roles == who("sam").roles
    assert who("\u017fam").groups == ()  # the long s folds to s elsewhere
    assert same_name("\u212aim") != same_name("kim")  # so does the Kelvin sign to k


def test_a_circle_of_roles_ends() -> None:
    roles = {"analyst": Role(extends="b"), "b": Role(extends="analyst", can=("read:metric",))}
    assert set(with_extended(roles, ("analyst",))) == {"analyst", "b"}
    assert identify(roles, {}, "x", "dev").can == ("read:metric",)


@pytest.mark.parametrize(
    ("pattern", "table", "about"),
    [
        ("gold.*", "gold.flights", True),
        ("GOLD.*", "gold.Flights", True),
        ("gold.*", "golden.flights", False),
        ("gold.*", "gold", False),
        ("gold.flight", "gold.flights", False),
        ("*", "gold.flights", False),
    ],
)
def test_covers(pattern: str, table: str, about: bool) -> None:
    assert covers(pattern, table) is about


_WHOM = st.lists(st.sampled_from(["*", "analyst", "steward", "group:united", "group:interns", "user:ana"]), min_size=1)
_POLICY = st.builds(
    lambda grants, denies, rules: Policy.model_validate(
        {
            "resource": "gold.t",
            "grant": [{"to": to, "columns": columns} for to, columns in grants],
            "deny": [{"to": to, "columns": columns} for to, columns in denies],
            "restrict": [
                {"name": f"r{i}", "to": to, "rows": {"column": "a", "op": "in", "values": [i]}}
                for i, to in enumerate(rules)
            ],
        }
    ),
    st.lists(st.tuples(_WHOM, st.lists(st.sampled_from(["a", "b", "*"]), min_size=1)), max_size=2),
    st.lists(st.tuples(_WHOM, st.lists(st.sampled_from(["a", "b", "*"]), min_size=1)), max_size=1),
    st.lists(_WHOM, max_size=2),
)


@given(st.lists(_POLICY, max_size=3), _POLICY, st.sampled_from(["", "ana", "sam", "paula", "ida"]))
def test_order_never_matters_and_rules_only_move_one_way(policies: list[Policy], more: Policy, name: str) -> None:
    principal = who(name)

    def left(these: list[Policy]) -> tuple[set[str], set[str]]:
        got = restriction(principal, "gold.t", these)
        return (set(), set()) if got is None else (set(got.visible("ab")), {r.name + str(r.values) for r in got.rows})

    assert left(policies) == left(policies[::-1])
    columns, rules = left(policies)
    fewer_rights = more.model_copy(update={"grant": ()})
    assert left([*policies, fewer_rights])[0] <= columns
    if left([*policies, fewer_rights])[0]:
        assert left([*policies, fewer_rights])[1] >= rules
    more_rights = more.model_copy(update={"deny": (), "restrict": ()})
    assert left([*policies, more_rights])[0] >= columns
