"""From a merged pull request to what each environment serves, and back, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from tests.cli.conftest import Ran, Run
from tests.review.play import WORKSPACE, Git

SETTINGS = """
[tool.workbench]
name = "shop"
identity = "github:cora"
[tool.workbench.environments.dev]
warehouse = "data/shop.duckdb"
[tool.workbench.environments.staging]
warehouse = "data/shop.duckdb"
[tool.workbench.environments.prod]
warehouse = "data/shop.duckdb"
"""
REVENUE = "metrics/sales/revenue.yml"


class Shop:
    """A workspace in git with data and a key, and pull requests that are merged into it."""

    def __init__(self, folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        self.git = Git(folder)
        self.run = run
        key = run("release-key", "ci@example.org", at=folder)
        self.public = next(line for line in key.err.splitlines() if line.startswith("ed25519:"))
        monkeypatch.setenv("WORKBENCH_RELEASE_KEY", key.out.strip())
        (folder / "data").mkdir()
        with duckdb.connect(str(folder / "data/shop.duckdb")) as made:
            made.execute("CREATE SCHEMA gold")
            made.execute(
                "CREATE TABLE gold.orders AS SELECT i AS id, DATE '2026-01-01' AS day, 2 * i AS amount,"
                " 'AT' AS country, 'm' AS mail, 1 AS margin FROM range(9) t(i)"
            )
        files: dict[str, str | None] = {**WORKSPACE, "pyproject.toml": SETTINGS, ".gitignore": ".workbench\ndata\n"}
        self.git.commit(files | {"access/release_keys": self.public + "\n"})

    def release(self, target: str, *words: str, by: str = "cora", approved: str = "noah", merged: bool = True) -> Ran:
        """Release the head as the merge of a pull request."""
        head = self.git("rev-parse", "HEAD")
        request = {"user": {"login": by}, "head": {"sha": "b" * 40}, "merge_commit_sha": head, "merged": merged}
        said = {
            "event": {"pull_request": request},
            "reviews": [{"user": {"login": approved}, "state": "APPROVED", "commit_id": "b" * 40}],
            "commits": [{"author": {"login": by}}],
        }
        for name, payload in said.items():
            file = self.git.folder / ".workbench" / f"{name}.json"
            file.parent.mkdir(exist_ok=True)
            file.write_text(json.dumps(payload))
            words = (*words, f"--{name}", str(file))
        return self.run("release", target, *words, at=self.git.folder)

    def served(self, target: str) -> list[int]:
        """The numbers of the releases of an environment, the one that is served as a negative one."""
        rows = self.run("releases", target, "--format", "json", at=self.git.folder).json
        return [-row["number"] if row["served"] else row["number"] for row in rows]


@pytest.fixture
def shop(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(tmp_path / "shop", run, monkeypatch)


@pytest.mark.slow
def test_a_release_goes_through_the_environments_and_comes_back(shop: Shop) -> None:
    assert shop.release("dev").code == 0
    shop.git.commit({REVENUE: WORKSPACE[REVENUE].replace("sum(amount)", "sum(amount) * 2")})
    assert "skipped-environment" in shop.release("staging").err
    assert shop.release("dev").code == 0
    assert shop.release("staging").code == 0
    assert (shop.served("dev"), shop.served("staging"), shop.served("prod")) == ([-2, 1], [-1], [])
    told = shop.run("diff", "dev", "1", "2", "--format", "json", at=shop.git.folder)
    assert told.json == [{"what": "metric revenue", "how": "changed"}]

    refused = shop.run("rollback", "dev", "1", "--as", "github:cora", at=shop.git.folder)
    assert (refused.code, "rollback" in refused.err) == (3, True)
    assert shop.run("rollback", "dev", "1", "--as", "github:sam", at=shop.git.folder).code == 0
    assert shop.served("dev") == [2, -1]
    assert shop.release("dev").code == 0, "what follows a rollback follows what is served"
    assert shop.served("dev") == [-3, 2, 1]


def test_what_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "missing-approval" in shop.release("dev", approved="cora").err
    assert "other-head" in shop.release("dev", merged=False).err
    assert "no-grant" in shop.release("dev", "--as", "github:paula").err
    assert "unknown-environment" in shop.release("moon").err
    shop.git.commit({REVENUE: WORKSPACE[REVENUE].replace("amount", "gone")})
    assert "missing-column" in shop.release("dev").err
    shop.git.commit({REVENUE: WORKSPACE[REVENUE]})
    key = shop.run("release-key", "eve", at=shop.git.folder)
    shop.git.commit({"access/release_keys": shop.public + "\n"})
    monkeypatch.setenv("WORKBENCH_RELEASE_KEY", key.out.strip())
    assert "unknown-key" in shop.release("dev").err
    monkeypatch.setenv("WORKBENCH_RELEASE_KEY", "secret")
    wrong = shop.release("dev")
    assert ("bad-release-key" in wrong.err, "secret" in wrong.err) == (True, False)
    assert shop.served("dev") == []
