"""Explanations name the rule that decided."""

from __future__ import annotations

from pathlib import Path

from workbench.access.principal import identify
from workbench.access.why import why
from workbench.declare.people import Policy
from workbench.declare.workspace import load

ROOT = Path(__file__).parents[2]


def explained(name: str, verb: str, resource: str = "") -> str:
    workspace = load(ROOT)
    principal = identify(workspace.roles, workspace.groups, name, "dev")
    policies = [one.term for one in workspace.policies]
    return " ".join(why(principal, verb, resource, workspace.roles, policies, {"tailnum": ("aircraft",)}))


def test_what_a_partner_is_left_with() -> None:
    text = explained("paula@united.example", "query:adhoc", "gold.flights")
    assert text.startswith("paula@united.example may query:adhoc on 'gold.flights'.")
    assert "The policy of 'gold.*' grants it to 'analyst'." in text
    assert "Only rows where carrier is UA, by the rule 'own_carrier'." in text
    assert "'tailnum' is masked (hash), for its tag 'aircraft'." in text


def test_a_steward_has_all_of_it() -> None:
    assert "All rows and columns, as they are." in explained("sam@skyways.example", "query:adhoc", "gold.flights")


def test_a_hidden_table_is_explained_as_one_that_is_not_there() -> None:
    hidden, missing = (
        explained("ana@skyways.example", "query:adhoc", t) for t in ("landing.flights", "landing.no_such")
    )
    assert hidden.replace("landing.flights", "landing.no_such") == missing
    assert "may not" in hidden


def test_a_role_that_is_missing() -> None:
    assert "None of their roles (analyst) can publish:metric." in explained("dan@delta.example", "publish:metric")


def test_denied_columns_are_named_to_those_alone_who_may_know() -> None:
    principal = identify(load(ROOT).roles, load(ROOT).groups, "dan@delta.example", "dev")
    rules = {
        "resource": "gold.airports",
        "grant": [{"to": ["analyst"]}],
        "deny": [{"to": "*", "columns": ["altitude"]}],
    }
    policies = [Policy.model_validate(rules)]
    told, untold = (
        " ".join(why(principal, "query:adhoc", "gold.airports", load(ROOT).roles, policies, names_hidden=names))
        for names in (True, False)
    )
    assert "The columns altitude are denied." in told
    assert "altitude" not in untold
    assert "denied" not in untold
