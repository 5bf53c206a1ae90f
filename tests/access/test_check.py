"""Every mistake in access/ is found, at its place; the reference workspace has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.access.check import problems
from workbench.declare.workspace import load
from workbench.errors import Problem

ROOT = Path(__file__).parents[2]
TABLES = {"gold.flights": ("carrier", "tailnum"), "gold.airports": ("faa",), "landing.flights": ("carrier",)}
ROLES = "roles: {analyst: {can: [query:adhoc]}, steward: {extends: analyst}}"
GROUPS = "groups: {united: {role: analyst, members: [paula], attributes: {carrier: UA}}}"
MODEL = "semantic_model: flights\ntable: gold.flights\ndimensions: {tailnum: {tags: [aircraft]}}"


def found(tmp_path: Path, **files: str) -> list[Problem]:
    texts = {"roles": ROLES, "groups": GROUPS, **files}
    (tmp_path / "metrics").mkdir()
    (tmp_path / "access").mkdir()
    (tmp_path / "metrics" / "flights.yml").write_text(MODEL)
    for name, text in texts.items():
        (tmp_path / "access" / f"{name}.yml").write_text(text)
    workspace = load(tmp_path)
    assert not workspace.problems
    return list(problems(workspace, TABLES))


def test_the_reference_workspace_is_sound() -> None:
    assert problems(load(ROOT)) == ()


def test_a_sound_workspace_has_no_problems(tmp_path: Path) -> None:
    assert found(tmp_path, policy="resource: gold.*\ngrant: [{to: [analyst, group:united, user:paula, '*']}]") == []


@pytest.mark.parametrize(
    ("policy", "slug", "line", "hint"),
    [
        ("resource: gold.flight\ngrant: []", "missing-table", 1, "gold.flights"),
        ("resource: silver.*", "missing-table", 1, ""),
        ("resource: flights", "bad-resource", 1, "gold.*"),
        ("resource: gold.flights\ngrant:\n- {to: analist}", "unknown-role", 3, "analyst"),
        ("resource: gold.flights\ngrant:\n- {to: 'group:untied'}", "unknown-group", 3, "united"),
        ("resource: gold.flights\ngrant:\n- {to: 'user:paul'}", "unknown-user", 3, "paula"),
        ("resource: gold.flights\ngrant:\n- {to: 'user:Paula'}", "unknown-user", 3, ""),
        ("resource: gold.flights\ngrant:\n- {to: 'team:united'}", "bad-whom", 3, "group:"),
        ("resource: gold.flights\ngrant:\n- {to: '*', env: prod}", "unknown-environment", 3, "pyproject"),
        ("resource: gold.flights\ngrant:\n- {to: '*', columns: [carier]}", "missing-column", 3, "carrier"),
        ("resource: gold.flights\ndeny:\n- {to: '*', columns: [carier]}", "missing-column", 3, "carrier"),
        ("resource: gold.flights\nmask:\n- {tag: aircrft, with: hash}", "unknown-tag", 3, "aircraft"),
        (
            "resource: gold.flights\nrestrict:\n- {name: r, rows: {column: carrier, op: in, attribute: carier}}",
            "unknown-attribute",
            3,
            "carrier",
        ),
        (
            "resource: gold.flights\nrestrict:\n- {name: r, rows: {column: carier, op: in, values: [UA]}}",
            "missing-column",
            3,
            "carrier",
        ),
        (
            "resource: gold.flights\nrestrict:\n- {name: r, rows: {column: carrier, op: eq, values: [UA, DL]}}",
            "bad-value",
            3,
            "in",
        ),
        (
            "resource: gold.*\nrestrict:\n- {name: r, rows: {column: carrier, op: in, values: [UA]}}",
            "missing-column",
            3,
            "tables that have",
        ),
    ],
)
def test_a_policy_that_names_what_is_not_there(tmp_path: Path, policy: str, slug: str, line: int, hint: str) -> None:
    (problem,) = found(tmp_path, policy=policy)
    assert problem.slug == slug
    assert problem.place is not None
    assert (problem.place.file, problem.place.line) == ("access/policy.yml", line)
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("files", "slug"),
    [
        ({"roles": "roles: {analyst: {can: [query:adhok]}}"}, "unknown-verb"),
        ({"roles": "roles: {analyst: {extends: boss}}"}, "unknown-role"),
        ({"roles": "roles: {analyst: {}, a: {extends: b}, b: {extends: a}}"}, "role-cycle"),
        ({"roles": "roles: {analyst: {extends: analyst}}"}, "role-cycle"),
        ({"roles": "roles: {reader: {}}", "groups": "groups: {}"}, "no-common-role"),
        ({"roles": "roles: {}", "groups": "groups: {}"}, "no-roles"),
        ({"groups": "groups: {g: {role: boss}}"}, "unknown-role"),
        ({"groups": "groups: {g: {role: analyst, members: ['*']}}"}, "bad-member"),
    ],
)
def test_roles_and_groups(tmp_path: Path, files: dict[str, str], slug: str) -> None:
    got = found(tmp_path, **files)
    assert {one.slug for one in got} == {slug}
    assert all(one.place is not None for one in got)


def test_a_page_for_nobody(tmp_path: Path) -> None:
    page = "dashboard: board\ntitle: Board\naudience: [analyst, 'group:united', '*', analist]\nrows: [[{number: n}]]"
    (tmp_path / "notebooks" / "dashboards").mkdir(parents=True)
    (tmp_path / "notebooks" / "dashboards" / "board.yml").write_text(page)
    (problem,) = found(tmp_path)
    assert (problem.slug, "analyst" in problem.hint) == ("unknown-role", True)
    assert problem.place is not None
    assert (problem.place.file, problem.place.line) == ("notebooks/dashboards/board.yml", 3)
