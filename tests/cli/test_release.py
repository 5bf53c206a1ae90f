"""From a merged pull request to what each environment serves, and back, on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import httpx
import pytest

from tests.cli.conftest import Ran, Run
from tests.cli.forge import Forge
from tests.gateway.running import running, token
from tests.review.play import WORKSPACE, Git
from workbench.declare.manifest import digest
from workbench.gateway.parcel import packed
from workbench.warehouse.releases import Releases

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
        self.private = key.out.strip()
        monkeypatch.setenv("WORKBENCH_RELEASE_KEY", self.private)
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
        """Release the head as the merge of a pull request, on the machine that serves it."""
        return self.released(self.git, target, *words, by=by, approved=approved, merged=merged)

    def released(
        self, git: Git, target: str, *words: str, by: str = "cora", approved: str = "noah", merged: bool = True
    ) -> Ran:
        """Release the head of any clone."""
        head = git("rev-parse", "HEAD")
        request = {"user": {"login": by}, "head": {"sha": "b" * 40}, "merge_commit_sha": head, "merged": merged}
        said = {
            "event": {"pull_request": request},
            "reviews": [{"user": {"login": approved}, "state": "APPROVED", "commit_id": "b" * 40}],
            "commits": [{"author": {"login": by}}],
        }
        for name, payload in said.items():
            file = git.folder / ".workbench" / f"{name}.json"
            file.parent.mkdir(exist_ok=True)
            file.write_text(json.dumps(payload))
            words = (*words, f"--{name}", str(file))
        return self.run("release", target, *words, at=git.folder)

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
    meaning = {"risk": "breaking", "why": "expr: sum(amount) → sum(amount) * 2"}
    assert told.json == [{"what": "metric revenue", "how": "changed"} | meaning]

    refused = shop.run("rollback", "dev", "1", "--as", "github:cora", at=shop.git.folder)
    assert (refused.code, "rollback" in refused.err) == (3, True)
    assert shop.run("rollback", "dev", "1", "--as", "github:sam", at=shop.git.folder).code == 0
    assert shop.served("dev") == [2, -1]
    told = shop.run("audit", "--format", "json", at=shop.git.folder).json
    assert [(one["principal"], one["verb"], one["decision"], one["resources"][0]) for one in reversed(told)] == [
        ("github:cora", "publish:metric", "allow", "release 1 to dev"),
        ("github:cora", "publish:metric", "deny", "release 1 to staging"),
        ("github:cora", "publish:metric", "allow", "release 2 to dev"),
        ("github:cora", "publish:metric", "allow", "release 1 to staging"),
        ("github:cora", "rollback", "deny", "release 1 to dev"),
        ("github:sam", "rollback", "allow", "release 1 to dev"),
    ]
    assert shop.release("dev").code == 0, "what follows a rollback follows what is served"
    assert shop.served("dev") == [-3, 2, 1]


@pytest.mark.slow
def test_what_was_pushed_past_review_is_not_released_with_the_next_pull_request(shop: Shop) -> None:
    assert shop.release("dev").code == 0
    shop.git.commit({"README.md": "not released\n"}, message="pushed")
    shop.git.commit({REVENUE: WORKSPACE[REVENUE].replace("sum(amount)", "sum(amount) * 2")}, message="merged")
    assert shop.release("dev").code == 0, "what is not released is nobody's number"
    shop.git.commit({REVENUE: WORKSPACE[REVENUE].replace("sum(amount)", "sum(amount) * 3")}, message="pushed")
    shop.git.commit({"metrics/sales/revenue.md": "more"}, message="merged")
    refused = shop.release("dev")
    assert "unreviewed-change" in refused.err, refused.err
    assert shop.served("dev") == [-2, 1]
    shallow = Git(shop.git.folder.parent / "shallow")
    shallow("fetch", "-q", "--depth", "1", f"file://{shop.git.folder}", "main")
    shallow("reset", "-q", "--hard", "FETCH_HEAD")
    assert "fetch --unshallow" in shop.released(shallow, "dev").err


def test_signatures_count_from_what_is_served_and_from_nothing_later(shop: Shop) -> None:
    assert "goes with --since" in shop.run("release", "dev", "--signed", at=shop.git.folder).err
    assert shop.release("dev").code == 0
    assert "serves this commit already" in shop.run("release", "dev", "--signed", at=shop.git.folder).err
    shop.git.commit({REVENUE: WORKSPACE[REVENUE].replace("sum(amount)", "sum(amount) * 2")}, message="unseen")
    later = shop.run("release", "dev", "--signed", "--since", "HEAD", at=shop.git.folder)
    assert (later.code, "[not-next]" in later.err) == (2, True), later.err
    unsigned = shop.run("release", "dev", "--signed", at=shop.git.folder)
    assert unsigned.code == 2
    assert "no-signers" in unsigned.err or "unsigned-commit" in unsigned.err
    assert shop.served("dev") == [-1]


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


@pytest.fixture
def forge() -> Iterator[Forge]:
    forge = Forge()
    yield forge
    forge.close()


class Job:
    """A job of CI on a machine of its own: a clone, and a token for the gateway; no data, and no key unless given."""

    def __init__(self, shop: Shop, folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shop, self.url, self._patch = shop, url, monkeypatch
        shop.git("clone", "-q", str(shop.git.folder), str(folder))
        self.git = Git(folder)

    def release(self, target: str = "dev", **said: str) -> Ran:
        """Release what is merged now."""
        self.git("fetch", "-q", str(self.shop.git.folder), "main")
        self.git("reset", "-q", "--hard", "FETCH_HEAD")
        return self.shop.released(self.git, target, "--gateway", self.url, **said)  # type: ignore[arg-type]

    def ask(self, *words: str, token: str) -> Ran:
        """Run another command against the gateway, as somebody else."""
        self._patch.setenv("WORKBENCH_TOKEN", token)
        return self.shop.run(*words, "--gateway", self.url, at=self.git.folder)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_job_releases_through_the_gateway_by_a_key_or_by_what_the_forge_says_of_it(
    shop: Shop, forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(shop.git.folder) as (gateway, url):
        job = Job(shop, tmp_path / "job", url, monkeypatch)
        publisher = ("publish:metric", "publish:dashboard")
        cora, sam = token(gateway, "github:cora", publisher), token(gateway, "github:sam", ("rollback",))
        monkeypatch.setenv("WORKBENCH_TOKEN", cora)
        done = job.release()
        assert (done.code, "Release 1 of 'shop' is served in 'dev'" in done.err) == (0, True), done.err
        assert gateway.serving.ground.release.startswith("1:")
        assert "other-environment" in job.release("prod").err
        assert "missing-approval" in job.release(approved="cora").err
        shop.git.commit({REVENUE: WORKSPACE[REVENUE].replace("amount", "gone")})
        assert "'gold.orders' has no column 'gone'" in job.release().err, "the data is over there"

        for name in ("WORKBENCH_RELEASE_KEY", *forge.variables):
            monkeypatch.delenv(name, raising=False)
        shop.git.commit({REVENUE: WORKSPACE[REVENUE].replace("sum(amount)", "sum(amount) * 2")}, "--amend")
        assert "bad-release-key" in job.release().err
        for name, value in forge.variables.items():
            monkeypatch.setenv(name, value)
        claims = {"repository": "our/shop", "workflow_ref": "our/shop/r.yml@refs/heads/main", "ref": "refs/heads/main"}
        forge.runs(**claims, sha=shop.git("rev-parse", "HEAD"))
        assert "no forge is trusted here" in job.release().err
        line = f"oidc:{forge.openid.issuer} {' '.join(f'{name}={value}' for name, value in claims.items())}\n"
        shop.git.commit({"access/release_keys": shop.public + "\n" + line}, "--amend")
        monkeypatch.setenv("WORKBENCH_RELEASE_KEY", shop.private)
        assert "no steward approved" in job.release().err
        assert job.release(approved="sam").code == 0
        monkeypatch.delenv("WORKBENCH_RELEASE_KEY")

        shop.git.commit({REVENUE: WORKSPACE[REVENUE].replace("sum(amount)", "sum(amount) * 3")})
        head = shop.git("rev-parse", "HEAD")
        for name in claims:
            forge.runs(**{**claims, name: "other"}, sha=head)
            assert "unknown-key" in job.release().err
        forge.runs(**claims, sha="b" * 40)
        assert "other-head" in job.release().err
        forge.runs(**claims, sha=head)
        done = job.release()
        assert done.code == 0, done.err
        third = Releases(shop.git.folder / ".workbench/releases/dev").find("3")
        assert (third.key, forge.asked[-1]) == ("oidc", f"workbench:{digest(third.manifest)}")

        folder = shop.git.folder / ".workbench/releases/dev" / digest(third.manifest) / "files"
        parcel = packed(third, {path: (folder / path).read_bytes() for path in third.manifest.files})
        again = httpx.post(f"{url}/v1/releases", json=parcel, headers={"Authorization": f"Bearer {cora}"})
        assert again.json()["problems"][0]["slug"] == "replayed-release", "a token of the forge is good for once"

        listed = job.ask("releases", "--format", "json", token=cora).json
        assert [(one["number"], one["served"]) for one in listed] == [(3, "yes"), (2, ""), (1, "")]
        told = job.ask("diff", "dev", "1", "3", "--format", "json", token=cora).json
        assert ("metric revenue", "changed", "breaking") in [(one["what"], one["how"], one["risk"]) for one in told]
        assert (job.ask("rollback", "dev", "2", token=cora).code, shop.served("dev")) == (3, [-3, 2, 1])
        assert (job.ask("rollback", "dev", "2", token=sam).code, shop.served("dev")) == (0, [3, -2, 1])
        assert job.ask("releases", "dev", token="wbt_nobody").code == 3
