"""What a team gets for its forge: code owners that follow the declarations, workflows that a linter is content with."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import REFERENCE, Run
from tests.review.play import WORKSPACE


@pytest.fixture
def made(tmp_path: Path) -> Path:
    for name, text in WORKSPACE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def owners(text: str, path: str) -> set[str]:
    """Who owns a path by the last line that matches it, as a forge reads the file."""
    found: set[str] = set()
    for line in text.splitlines():
        pattern, *names = line.split()
        if not line.startswith("#") and (path == pattern or (pattern.endswith("/") and path.startswith(pattern))):
            found = set(names)
    return found


def test_code_owners_follow_the_declarations(run: Run, made: Path) -> None:
    assert run("codeowners", "--check", at=made).code == 1
    assert run("codeowners", at=made).code == 0
    assert run("codeowners", "--check", at=made).code == 0
    text = (made / ".github/CODEOWNERS").read_text()
    stewards = {"@sam", "@stella", "sam@example.org", "stella@example.org"}
    assert owners(text, "/metrics/sales/revenue.yml") == {"@cora", "@noah", "cora@example.org", "noah@example.org"}
    assert owners(text, "/metrics/saved_queries/weekly.yml") == {"@fred", "fred@example.org"}
    for path in ("/access/groups.yml", "/.github/CODEOWNERS", "/metrics/not/yet/there.yml", "/pyproject.toml"):
        assert owners(text, path) == stewards
    (made / "metrics/sales/revenue.yml").write_text(WORKSPACE["metrics/sales/revenue.yml"].replace("sales", "finance"))
    assert run("codeowners", "--check", at=made).code == 1, "an owner that changes is noticed"


def test_workflows_are_written_whole_and_kept_up_to_date(run: Run, made: Path) -> None:
    assert run("workflows", at=made).code == 0
    assert run("workflows", "--check", at=made).code == 0
    file = made / ".github/workflows/workbench-review.yml"
    assert "@VERSION@" not in file.read_text()
    file.write_text(file.read_text().replace("pull_request_target", "pull_request"))
    assert run("workflows", "--check", at=made).code == 1


@pytest.mark.slow
def test_linters_of_workflows_are_content(run: Run, made: Path) -> None:
    run("workflows", at=made)
    files = sorted(map(str, (made / ".github/workflows").glob("*.yml")))
    assert len(files) == 4
    scripts = Path(sys.executable).parent
    for words in (
        [str(scripts / "zizmor"), "--offline", "--persona", "pedantic", "--no-progress"],
        [str(scripts / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows"],
    ):
        ran = subprocess.run([*words, *files], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_judge_is_the_bases_and_runs_nothing_of_the_change(run: Run, made: Path) -> None:
    run("workflows", at=made)
    flow = yaml.safe_load((made / ".github/workflows/workbench-review.yml").read_text())
    assert set(flow[True]) == {"pull_request_target", "workflow_run"}, "both take the file of the base"
    assert flow["permissions"] == {}
    script = flow["jobs"]["judge"]["steps"][0]["run"]
    assert re.findall(r"checkout .*", script) == ['checkout --quiet --detach "$base"']
    assert "${{" not in script, "nothing that a change wrote becomes part of a script"
    for name in ("approval", "release", "nightly"):
        other = yaml.safe_load((made / f".github/workflows/workbench-{name}.yml").read_text())
        assert "pull_request" not in other[True]
        assert all("${{" not in step.get("run", "") for job in other["jobs"].values() for step in job["steps"])


def test_the_hooks_of_pre_commit_are_valid_and_name_our_commands() -> None:
    file = REFERENCE / ".pre-commit-hooks.yaml"
    ran = subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-manifest", str(file)], capture_output=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert [hook["entry"] for hook in yaml.safe_load(file.read_text())] == ["workbench validate", "workbench lint"]
