"""A draft becomes a checked branch without touching what lies here, and a pull request where a token allows."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import duckdb
import pytest

from tests.review.play import WORKSPACE, Git
from workbench.errors import DeclarationError, ReviewError, WorkbenchError
from workbench.review.proposal import Proposed, propose
from workbench.warehouse.duckdb_engine import DuckDBEngine

TEXT = "metric: biggest\nowner: sales\nmodel: orders\nexpr: max(amount)\n"
FILE = "metrics/sales/biggest.yml"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBEngine]:
    path = tmp_path_factory.mktemp("proposal") / "w.duckdb"
    with duckdb.connect(str(path)) as made:
        made.execute("CREATE SCHEMA gold")
        made.execute(
            "CREATE TABLE gold.orders AS SELECT i AS id, DATE '2026-01-01' AS day, i * 2 AS amount, 'AT' AS country,"
            " 'm' AS mail, 1 AS margin FROM range(10) t(i)"
        )
    engine = DuckDBEngine(path)
    yield engine
    engine.close()


@pytest.fixture
def git(tmp_path: Path) -> Git:
    git = Git(tmp_path / "repo")
    git.commit(dict(WORKSPACE))
    git("config", "user.name", "Cora")
    git("config", "user.email", "cora@example.org")
    return git


def proposed(git: Git, engine: DuckDBEngine, text: str = TEXT, file: str = FILE) -> Proposed:
    return propose(git.folder, file, text, engine)


def test_a_branch_holds_the_file_and_nothing_here_changes(git: Git, engine: DuckDBEngine) -> None:
    (git.folder / "metrics/unsaved.yml").write_text("metric: half")
    git("add", "metrics/unsaved.yml")
    before = git("status", "--porcelain"), git("rev-parse", "HEAD"), git("branch", "--show-current")
    made = proposed(git, engine)
    assert (git("status", "--porcelain"), git("rev-parse", "HEAD"), git("branch", "--show-current")) == before
    assert not (git.folder / FILE).exists()
    assert git("show", f"propose/biggest:{FILE}") == TEXT.strip()
    assert git("diff", "--name-status", "main", "propose/biggest") == f"A\t{FILE}"
    assert (made.branch, made.commit, made.value) == ("propose/biggest", git("rev-parse", "propose/biggest"), 18)
    assert {problem.slug for problem in made.warnings} >= {"tested-metric", "telling-description"}
    assert "Its value over everything is 18" in str(made)
    assert made.url == ""


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        (TEXT.replace("amount", "gone"), "missing-column"),
        (TEXT.replace("model: orders", "model: order"), "unknown-model"),
        ("metric: revenue\nmodel: orders\nexpr: sum(amount)\n", "duplicate-name"),
        ("metric: [", "bad-yaml"),
    ],
)
def test_what_is_wrong_leaves_no_branch(git: Git, engine: DuckDBEngine, text: str, slug: str) -> None:
    with pytest.raises((ReviewError, DeclarationError)) as raised:
        proposed(git, engine, text)
    assert slug in {problem.slug for problem in raised.value.problems}
    assert git("branch", "--list", "propose/*") == ""


def test_what_is_there_is_not_replaced(git: Git, engine: DuckDBEngine) -> None:
    with pytest.raises(ReviewError, match="is there already"):
        proposed(git, engine, file="metrics/sales/revenue.yml")


def test_proposed_again_it_is_one_more_commit_where_anything_changed(git: Git, engine: DuckDBEngine) -> None:
    first = proposed(git, engine)
    assert proposed(git, engine).commit == first.commit
    git.commit({"README.md": "Words."})
    second = proposed(git, engine, TEXT + "unit: EUR\n")
    assert git("rev-parse", f"{second.commit}^") == first.commit
    assert git("show", f"propose/biggest:{FILE}").endswith("unit: EUR")
    with pytest.raises(ReviewError):
        proposed(git, engine, TEXT.replace("amount", "gone"))
    assert git("rev-parse", "propose/biggest") == second.commit


class Forge:
    """A server that answers as GitHub's API does, and keeps what it was asked."""

    def __init__(self, status: int = 201) -> None:
        forge = self
        self.asked: list[tuple[str, str, Any]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                forge.note(self, None)
                self.answer(200, {"default_branch": "main"})

            def do_POST(self) -> None:
                forge.note(self, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.answer(status, {"html_url": "https://github.com/sky/ways/pull/7"})

            def answer(self, code: int, body: dict[str, str]) -> None:
                self.send_response(code)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    def note(self, request: BaseHTTPRequestHandler, body: Any) -> None:
        self.asked.append((request.path, request.headers["Authorization"], body))


@pytest.mark.parametrize("status", [201, 403])
def test_a_token_opens_the_pull_request(
    git: Git, engine: DuckDBEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    forge = Forge(status)
    monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{forge.server.server_port}")
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    subprocess.run(["git", "init", "-q", "--bare", tmp_path / "sky/ways.git"], check=True)
    git("remote", "add", "origin", "https://github.com/sky/ways.git")
    git("config", f"url.file://{tmp_path}/.insteadOf", "https://github.com/")
    try:
        made: Any = proposed(git, engine)
    except WorkbenchError as error:
        made = error
    pushed = subprocess.run(
        ["git", "branch", "--list"], cwd=tmp_path / "sky/ways.git", capture_output=True, text=True, check=True
    )
    assert "propose/biggest" in pushed.stdout
    (path, token, _), (_, _, body) = forge.asked
    assert (path, token) == ("/repos/sky/ways", "Bearer secret")
    assert (body["base"], body["head"]) == ("main", "propose/biggest")
    if status == 201:
        assert made.url == "https://github.com/sky/ways/pull/7"
    else:
        assert made.slug == "not-opened"
        assert "secret" not in str(made)
    forge.server.shutdown()
    forge.server.server_close()


def test_without_a_token_it_says_what_to_do(git: Git, engine: DuckDBEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    git("remote", "add", "origin", "git@github.com:sky/ways.git")
    made = proposed(git, engine)
    assert made.steps == (
        "workbench review --base main --head propose/biggest",
        "git push origin propose/biggest",
        "open https://github.com/sky/ways/compare/propose/biggest?expand=1",
    )
