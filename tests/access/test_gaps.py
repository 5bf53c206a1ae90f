"""What the rules leave open is said: facts that lead around a row rule, columns that show what others mask."""

from __future__ import annotations

from pathlib import Path

from workbench.access.check import problems
from workbench.declare.workspace import load
from workbench.errors import Problem

MODELS = """
semantic_model: orders
table: gold.orders
primary_key: [id]
relationships: {customer: {to: customers, on: customer_id}}
dimensions: {id: {}}
---
semantic_model: customers
table: gold.customers
primary_key: [customer_id]
dimensions: {customer_id: {}, email: {expr: lower(email), tags: [pii]}, country: {}}
"""
ACCESS = "roles: {analyst: {}}\n---\ngroups: {eu: {role: analyst, members: [eve], attributes: {country: FR}}}"
RULE = "restrict: [{name: own_country, to: 'group:eu', rows: {column: country, op: in, attribute: country}}]"
TABLES = {
    "gold.orders": ("id", "customer_id", "EMAIL", "country"),
    "gold.customers": ("customer_id", "email", "country"),
    "landing.customers": ("email",),
}


def warnings(tmp_path: Path, *policies: str) -> list[Problem]:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "access").mkdir()
    (tmp_path / "metrics" / "models.yml").write_text(MODELS)
    (tmp_path / "access" / "access.yml").write_text("\n---\n".join((ACCESS, *policies)))
    workspace = load(tmp_path)
    assert not workspace.problems
    found = list(problems(workspace, TABLES))
    assert all(one.severity == "warning" and one.place and one.hint for one in found)
    return found


def test_a_fact_that_leads_to_a_restricted_model(tmp_path: Path) -> None:
    (warning,) = warnings(tmp_path, f"resource: gold.customers\n{RULE}")
    assert warning.slug == "unrestricted-fact"
    assert "'orders' leads to it" in warning.message


def test_a_fact_that_is_restricted_itself(tmp_path: Path) -> None:
    assert warnings(tmp_path, f"resource: gold.customers\n{RULE}", f"resource: gold.orders\n{RULE}") == []


def test_a_rule_for_the_whole_schema(tmp_path: Path) -> None:
    assert warnings(tmp_path, f"resource: gold.*\n{RULE}") == []


def test_a_restricted_fact_that_nothing_leads_to(tmp_path: Path) -> None:
    assert warnings(tmp_path, f"resource: gold.orders\n{RULE}") == []


def test_a_twin_of_a_masked_column(tmp_path: Path) -> None:
    (warning,) = warnings(tmp_path, "resource: gold.*\nmask: [{tag: pii, with: hash}]")
    assert warning.slug == "untagged-column"
    assert warning.message.startswith("'gold.orders.EMAIL' shows what 'gold.customers.email' masks")
