"""A widening is whatever a person may do after and not before, found by comparing decisions over every person."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.review.play import WORKSPACE
from workbench.declare.workspace import Workspace, load
from workbench.review.rights import ANYBODY, widened

POLICY = "access/policies/orders.yml"


def workspace(folder: Path, **changed: str) -> Workspace:
    for name, text in (WORKSPACE | {key.replace("__", "/") + ".yml": text for key, text in changed.items()}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return load(folder).require()


def told(tmp_path: Path, old: str, new: str) -> set[str]:
    """What widens where the policy says ``new`` instead of ``old``."""
    assert old in WORKSPACE[POLICY]
    before = workspace(tmp_path / "before")
    after = workspace(tmp_path / "after", access__policies__orders=WORKSPACE[POLICY].replace(old, new))
    return {str(one) for one in widened(before, after)}


def test_the_same_rules_widen_nothing(tmp_path: Path) -> None:
    one = workspace(tmp_path)
    assert widened(one, one) == ()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("with: hash", "with: last4", {ANYBODY, "github:cora", "github:paula"}),
        ("with: hash", "with: 'null'", set()),
        ("mask: [{tag: pii", "mask: [{tag: pie", {ANYBODY, "github:cora", "github:paula"}),
        ("columns: [margin]", "columns: [other]", {"github:paula"}),
        ("columns: [margin]", "columns: [margin, other]", set()),
        ('to: ["group:partners"], rows', 'to: ["group:finance"], rows', {"github:paula"}),
        ("op: in, attribute: country", "op: in, values: [AT, FR]", {"github:paula"}),
        ("op: in, attribute: country", "op: eq, attribute: country", set()),
        ("op: in, attribute: country", "op: is_not_null", {"github:paula"}),
        ("grant: [{to: [analyst]", "grant: [{to: [steward]", set()),
    ],
)
def test_policies(tmp_path: Path, old: str, new: str, expected: set[str]) -> None:
    found = told(tmp_path, old, new)
    people = {ANYBODY, "github:cora", "github:paula"}
    assert {who for who in people if any(one.startswith(who) for one in found)} == expected
    assert not any("sam" in one for one in found), "a steward saw it all before"


def test_everything_a_new_group_gets(tmp_path: Path) -> None:
    before = workspace(tmp_path / "before")
    groups = WORKSPACE["access/groups.yml"] + "  guests: {role: steward, members: [eve]}\n"
    found = {str(one) for one in widened(before, workspace(tmp_path / "after", access__groups=groups))}
    assert {"eve may change:access", "eve may unmask:pii", "eve may see gold.orders.mail unmasked in dev"} <= found
    assert all(one.startswith("eve ") for one in found)


def test_a_right_for_everyone_is_told_for_whoever_is_in_no_group(tmp_path: Path) -> None:
    before = workspace(tmp_path / "before")
    roles = WORKSPACE["access/roles.yml"].replace('"draft:metric"', '"draft:metric", "rollback"')
    found = {str(one) for one in widened(before, workspace(tmp_path / "after", access__roles=roles))}
    assert f"{ANYBODY} may rollback" in found
    assert "github:sam may rollback" not in found


def test_a_new_table_is_newly_read(tmp_path: Path) -> None:
    before = workspace(tmp_path / "before")
    after = workspace(tmp_path / "after", access__policies__pay="resource: gold.pay\ngrant: [{to: ['group:sales']}]\n")
    found = {str(one) for one in widened(before, after)}
    assert "github:cora may read gold.pay in dev" in found
    assert not any(one.startswith("github:paula") for one in found)


def test_a_schema_that_no_model_reads_is_looked_at_too(tmp_path: Path) -> None:
    before = workspace(tmp_path / "before", access__policies__landing="resource: landing.*\ngrant: [{to: [steward]}]\n")
    after = workspace(tmp_path / "after", access__policies__landing="resource: landing.*\ngrant: [{to: [analyst]}]\n")
    assert f"{ANYBODY} may read landing.* in dev" in {str(one) for one in widened(before, after)}
    assert f"{ANYBODY} may read landing.* in dev" in {str(one) for one in widened(workspace(tmp_path / "none"), after)}


def test_a_group_that_an_identity_provider_fills_counts_as_people_do(tmp_path: Path) -> None:
    listed = WORKSPACE["access/groups.yml"]
    groups = [f"{listed}  guests: {{role: {role}, members: []}}\n" for role in ("analyst", "steward")]
    before, after = (workspace(tmp_path / str(n), access__groups=text) for n, text in enumerate(groups))
    assert "whoever is put into 'guests' may change:access" in {str(one) for one in widened(before, after)}


def test_whom_the_gateway_believes_is_a_right_of_everybody(tmp_path: Path) -> None:
    before, after = workspace(tmp_path / "before"), workspace(tmp_path / "after")
    more = '\n[tool.workbench.gateway]\nauthentication = "local"\n'
    with (tmp_path / "after" / "pyproject.toml").open("a", encoding="utf-8") as out:
        out.write(more)
    assert widened(before, after) == ()
    assert any("[tool.workbench.gateway]" in str(one) for one in widened(before, load(tmp_path / "after").require()))


@pytest.mark.parametrize("file", ["access/release_keys", "access/allowed_signers"])
def test_another_signature_that_counts_is_a_widening(tmp_path: Path, file: str) -> None:
    before, after = workspace(tmp_path / "before"), workspace(tmp_path / "after")
    (before.root / file).write_text("one  of-ours\nold gone\n")
    (after.root / file).write_text("# none\none of-ours\n\n")
    assert widened(before, after) == ()
    (after.root / file).write_text("one of-ours\noidc:https://forge.example ref=refs/heads/main\n")
    what = "may sign releases" if "release" in file else "may sign commits"
    assert [str(one) for one in widened(before, after)] == [
        f"whoever 'oidc:https://forge.example ref=refs/heads/main' means {what}"
    ]
    (before.root / file).unlink()
    assert len(widened(before, after)) == 2
