"""What a gateway refuses to start with, and that other users of its machine get at nothing of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from workbench.declare.settings import Environment, Gateway, Oidc, Settings
from workbench.errors import Problem, WorkbenchError
from workbench.gateway.keyring import open_keyring, weakness
from workbench.gateway.preflight import check, open_to_others, tighten
from workbench.gateway.trust import open_records

GOOD = "0a9f8e7d6c5b4a392817f6e5d4c3b2a1"


@pytest.fixture
def root() -> Iterator[Path]:
    """A workspace where everybody may look, as on a shared machine; a test's own folder keeps others out anyway."""
    mask = os.umask(0o022)
    folder = Path(tempfile.mkdtemp(prefix="shared-"))
    folder.chmod(0o755)
    for name in ("access", "metrics", ".workbench"):
        (folder / name).mkdir()
    (folder / "access" / "roles.yml").write_text("roles: {}\n")
    yield folder
    os.umask(mask)
    shutil.rmtree(folder)


def settings(**gateway: Any) -> Settings:
    return Settings(environments={"dev": Environment()}, gateway=Gateway(**gateway))


def refused(given: Settings, host: str, root: Path) -> list[str]:
    problems: tuple[Problem, ...] = ()
    try:
        check(given, host, root)
    except WorkbenchError as error:
        problems = error.problems
    assert all(problem.hint for problem in problems)
    return [problem.slug for problem in problems]


OIDC = Oidc(issuer="https://id.example", client_id="workbench")


@pytest.mark.parametrize(
    ("host", "gateway", "slugs"),
    [
        ("127.0.0.1", {}, []),
        ("::1", {"authentication": "local"}, []),
        ("localhost", {"oidc": OIDC}, []),
        ("0.0.0.0", {"url": "https://gate.example"}, []),
        ("0.0.0.0", {"authentication": "local", "url": "https://gate.example"}, ["no-authentication"]),
        ("127.evil.example", {"authentication": "local", "url": "https://gate.example"}, ["no-authentication"]),
        ("0.0.0.0", {}, ["no-url"]),
        ("10.0.0.1", {"url": "http://gate.example"}, ["insecure-url"]),
        ("10.0.0.1", {"authentication": "local"}, ["no-authentication", "no-url"]),
        ("127.0.0.1", {"oidc": OIDC.model_copy(update={"issuer": "http://id.example"})}, ["insecure-url"]),
        ("127.0.0.1", {"ledger": "postgresql+psycopg://me:pw@db/ledger"}, ["secret-in-url"]),
        ("127.0.0.1", {"ledger": "postgresql+psycopg://me@db:5432/ledger"}, []),
    ],
)
def test_where_it_may_listen(root: Path, host: str, gateway: dict[str, Any], slugs: list[str]) -> None:
    tighten(settings(), root)
    assert refused(settings(**gateway), host, root) == slugs


@pytest.mark.parametrize("variable", ["WORKBENCH_GATEWAY_SECRET", "WORKBENCH_AUDIT_KEY", "WORKBENCH_OIDC_SECRET"])
@pytest.mark.parametrize(
    "weak", ["", "secret", "changeme" * 8, "a" * 64, "ab" * 40, "my-password-0123456789-abcdefghijk"]
)
def test_a_weak_or_default_secret_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch, variable: str, weak: str
) -> None:
    tighten(settings(), root)
    monkeypatch.setenv(variable, GOOD)
    assert refused(settings(), "127.0.0.1", root) == []
    monkeypatch.setenv(variable, weak)
    assert refused(settings(), "127.0.0.1", root) == ["weak-secret"]


def test_secrets_that_came_with_the_repository_are_nobodys(root: Path) -> None:
    """Who wrote the ledger of a clone could have given themselves a token for anybody."""
    tighten(settings(), root)
    assert refused(settings(), "127.0.0.1", root) == []
    for words in (("init", "-q"), ("add", "-f", ".workbench/gateway/secret")):
        subprocess.run(["git", "-C", str(root), *words], check=True)
    assert refused(settings(), "127.0.0.1", root) == ["open-to-others"]


def test_a_weak_secret_in_a_file_is_refused_too(root: Path) -> None:
    tighten(settings(), root)
    first = open_keyring(root, Gateway())
    assert first.secret != first.audit
    assert not weakness(first.secret)
    assert open_keyring(root, Gateway()).secret == first.secret
    (root / ".workbench" / "gateway" / "secret").write_text("changeme")
    assert refused(settings(), "127.0.0.1", root) == ["weak-secret"]


def test_processes_that_start_together_share_one_secret(root: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom workbench.declare.settings import Gateway\n"
        "from workbench.gateway.keyring import open_keyring\nprint(open_keyring(Path(sys.argv[1]), Gateway()).audit)\n"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(root)], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    assert len({one.communicate()[0] for one in started}) == 1


def furnished(root: Path) -> None:
    """A warehouse, a ledger with an entry and a token, and secrets, as a careless user leaves them."""
    with duckdb.connect(str(root / ".workbench" / "warehouse.duckdb")) as connection:
        connection.execute("create table salaries as select 'hush' as name")
    gateway = Gateway()
    audit, tokens = open_records(root, gateway, open_keyring(root, gateway))
    audit.decision(principal="ana", verb="read:metric", allowed=True)
    tokens.issue("ana", timedelta(1))
    audit.close()
    tokens.close()


def test_open_files_are_told_and_closed(root: Path) -> None:
    furnished(root)
    (root / "access" / "roles.yml").chmod(0o666)
    before = {Path(problem.message.split("'")[1]).name for problem in open_to_others(settings(), root)}
    assert before == {".workbench", "warehouse.duckdb", "ledger.db", "roles.yml"}
    assert set(refused(settings(), "127.0.0.1", root)) == {"open-to-others"}
    tighten(settings(), root)
    left = list(open_to_others(settings(), root))
    assert [(problem.slug, problem.hint) for problem in left] == [
        ("open-to-others", f"Run: chmod o-w '{root / 'access' / 'roles.yml'}'")
    ]  # what is declared is its author's to mend
    (root / ".workbench" / "new").write_text("made by the gateway later")
    assert (root / ".workbench" / "new").stat().st_mode & 0o777 == 0o600


LOOK = """
import os, sys
from pathlib import Path
seen = []
for name in sys.argv[2:]:
    try:
        seen.append(f"{name} {len(Path(sys.argv[1], name).read_bytes())}")
    except OSError:
        pass
try:
    seen += os.listdir(Path(sys.argv[1], ".workbench"))
except OSError:
    pass
print(*seen, sep=";", end="")
"""
OURS = (
    *(".workbench/warehouse.duckdb", ".workbench/ledger.db", ".workbench/ledger.db-wal"),
    *(".workbench/gateway/secret", ".workbench/gateway/audit.key", ".workbench/gateway/audit.head"),
)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_of_the_machine_reads_nothing_of_the_gateways(root: Path) -> None:
    furnished(root)

    def look() -> set[str]:
        done = subprocess.run(
            ["python3", "-I", "-c", LOOK, str(root), "access/roles.yml", *OURS],
            capture_output=True, text=True, check=True, user="nobody", group="nogroup", extra_groups=[], cwd="/",
        )  # fmt: skip
        return {one.split(" ")[0] for one in done.stdout.split(";")}

    # What this test would see if nothing kept others out; secrets are closed from their first moment.
    assert {".workbench/warehouse.duckdb", ".workbench/ledger.db", "access/roles.yml", "gateway"} <= look()
    assert not {name for name in look() if name.startswith(".workbench/gateway/")}
    tighten(settings(), root)
    assert look() == {"access/roles.yml"}
    (root / ".workbench").chmod(0o755)  # and should somebody open the folder, each file still keeps others out
    assert look() == {"access/roles.yml", "warehouse.duckdb", "ledger.db", "gateway"}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_secrets_of_another_user_are_not_used(root: Path) -> None:
    furnished(root)
    shutil.chown(root / ".workbench" / "gateway", "nobody")
    with pytest.raises(WorkbenchError) as error:
        open_keyring(root, Gateway())
    assert error.value.slug == "no-keys"
    tighten(settings(), root)
    assert "open-to-others" in refused(settings(), "127.0.0.1", root)
