"""Each rule finds what it is for, at its place, and is content with a good workspace."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.declare.workspace import Workspace, load
from workbench.errors import DeclarationError
from workbench.review.lint import RULES, lint, mend, problems

GROUPS = "groups:\n  sales: {role: analyst, members: [ana]}\n"
ROLES = "roles:\n  analyst: {can: []}\n"
MODEL = "semantic_model: orders\ntable: gold.orders\nowner: sales\nprimary_key: id\ndimensions: {country: {}}\n"
GOOD = """metric: revenue
description: Paid order value, net of refunds, before tax.
owner: sales
model: orders
expr: sum(amount)
unit: EUR
format: currency
tests: [{expect: 1}]
"""


def workspace(folder: Path, *metrics: str, settings: str = "") -> Workspace:
    files = {"access/groups.yml": GROUPS, "access/roles.yml": ROLES, "metrics/orders.yml": MODEL}
    files |= {f"metrics/{n}.yml": text for n, text in enumerate(metrics)}
    files["pyproject.toml"] = f"[tool.workbench.lint]\n{settings}\n"
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return load(folder).require()


def other(name: str, **keys: str) -> str:
    """The good metric under another name, with other keys; '' leaves a key out."""
    lines = {line.split(":")[0]: line for line in GOOD.splitlines()}
    lines |= {"metric": f"metric: {name}", "expr": f"expr: sum({name})"}
    lines |= {key: text and f"{key}: {text}" for key, text in keys.items()}
    return "\n".join(line for line in lines.values() if line) + "\n"


def test_a_good_workspace_has_no_findings(tmp_path: Path) -> None:
    assert lint(workspace(tmp_path, GOOD)) == ()


PART = other("part", visibility="internal", description="", unit="", format="", tests="")

CASES = {
    "a year in the name": ([other("revenue_2024")], "timeless-name"),
    "a kind in the name": ([other("margin_kpi")], "timeless-name"),
    "a version in the name": ([other("margin_v2")], "timeless-name"),
    "a plural": ([GOOD, other("revenues")], "distinct-name"),
    "the words turned round": ([other("net_margin"), other("margin_net")], "distinct-name"),
    "another's name as a synonym": ([GOOD, other("margin", synonyms="[Revenue]")], "distinct-name"),
    "no description": ([other("margin", description="")], "telling-description"),
    "a description of the name's words": (
        [other("margin", description="The metric margin, of the margin")], "telling-description",
    ),
    "a short description": ([other("margin", description="What is left over")], "telling-description"),
    "no unit": ([other("margin", unit="")], "unit-and-format"),
    "no format": ([other("margin", format="")], "unit-and-format"),
    "no owner": ([other("margin", owner="")], "known-owner"),
    "an owner that is no group": ([other("margin", owner="ghosts")], "known-owner"),
    "no test": ([other("margin", tests="")], "tested-metric"),
    "an internal metric by itself": ([GOOD, other("part", visibility="internal")], "used-internal"),
    "a deprecated input": (
        [other("net", deprecated="{since: 2026-01-01, replaced_by: gross}"), other("gross"),
         other("share", expr="net / gross", model="", unit="", format="percent")],
        "current-inputs",
    ),
    "the same in other letters": ([GOOD, other("turnover", expr="SUM( amount )")], "one-meaning"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_rule_finds_what_it_is_for(tmp_path: Path, case: str) -> None:
    metrics, slug = CASES[case]
    found = lint(workspace(tmp_path, *metrics))
    assert {one.rule for one in found} == {slug}
    assert all(one.place.file.startswith("metrics/") and one.message for one in found)


def test_every_rule_has_a_case_and_a_reason() -> None:
    assert {slug for _, slug in CASES.values()} == set(RULES)
    assert all(rule.reason.endswith(".") for rule in RULES.values())


@pytest.mark.parametrize(
    "metrics",
    [
        [other("share", unit="", format="percent")],
        [PART, other("all", expr="part", model="")],
        [GOOD, other("turnover", expr="sum(amount)", deprecated="{since: 2026-01-01, replaced_by: revenue}")],
        [other("renewal_rate"), other("interest_rate"), other("latest_price")],
    ],
)  # fmt: skip
def test_what_is_fine_is_left_alone(tmp_path: Path, metrics: list[str]) -> None:
    assert lint(workspace(tmp_path, *metrics)) == ()


def test_settings_leave_rules_out_or_make_them_errors(tmp_path: Path) -> None:
    metrics = [other("margin", unit="", tests="")]
    some = workspace(tmp_path, *metrics, settings='ignore = ["unit-and-format"]\nrequire = ["tested-metric"]')
    assert [(p.slug, p.severity) for p in problems(lint(some), some.settings.lint)] == [("tested-metric", "error")]
    none = workspace(tmp_path, *metrics, settings='ignore_for = {margin = ["unit-and-format", "tested-metric"]}')
    assert lint(none) == ()
    with pytest.raises(DeclarationError, match="Did you mean 'tested-metric'"):
        lint(workspace(tmp_path, *metrics, settings='ignore = ["tested-metrics"]'))


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_fix_adds_its_line_and_touches_nothing_else(tmp_path: Path, ending: str) -> None:
    text = "# A word.\n" + other("orders_placed", expr="count(*)", format="") + "---\n" + GOOD.rstrip("\n")
    made = workspace(tmp_path, GOOD.replace("revenue", "income").replace("amount", "income"))
    file = tmp_path / "metrics/more.yml"
    file.write_bytes(text.replace("\n", ending).encode())
    found = lint(load(made.root))
    assert mend(made.root, found) == (file,)
    expected = text.replace("metric: orders_placed\n", "metric: orders_placed\nformat: integer\n")
    assert file.read_bytes() == expected.replace("\n", ending).encode()
    assert lint(load(made.root)) == ()


def test_the_reference_workspace_is_clean() -> None:
    assert lint(load(Path(__file__).parents[2])) == ()
