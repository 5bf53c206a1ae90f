"""The gateway serves what a release lists, whatever lies in the folder beside it, and only while it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest

from tests.review.play import WORKSPACE
from workbench.access.principal import identify
from workbench.declare.manifest import Manifest, Signed, digest
from workbench.errors import QuestionError, WarehouseError
from workbench.gateway.serving import Serving
from workbench.session.draft_book import DraftBook
from workbench.warehouse.duckdb_engine import DuckDBEngine
from workbench.warehouse.releases import Releases

REVENUE = "metrics/sales/revenue.yml"
TWICE = WORKSPACE[REVENUE].replace("sum(amount)", "sum(amount) * 2")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in WORKSPACE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    with duckdb.connect(str(tmp_path / "w.duckdb")) as made:
        made.execute("CREATE SCHEMA gold")
        made.execute(
            "CREATE TABLE gold.orders AS SELECT i AS id, DATE '2026-01-01' AS day, i AS amount, 'AT' AS country,"
            " 'm' AS mail, 1 AS margin FROM range(5) t(i)"
        )
    return tmp_path


@pytest.fixture
def engine(root: Path) -> Iterator[DuckDBEngine]:
    engine = DuckDBEngine(root / "w.duckdb")
    yield engine
    engine.close()


def publish(store: Releases, number: int, files: dict[str, str]) -> str:
    content = {name: text.encode() for name, text in files.items()}
    manifest = Manifest(
        workspace="w", environment="dev", number=number, commit="c", by="ci", made=datetime(2026, 1, 1, tzinfo=UTC),
        files={name: sha256(text).hexdigest() for name, text in content.items()},
    )  # fmt: skip
    store.publish(Signed(manifest=manifest, key="k", signature="s"), content, lambda: None)
    return digest(manifest)


def asked(serving: Serving, metric: str = "revenue") -> object:
    workspace = serving.workspace
    principal = identify(workspace.roles, workspace.groups, "github:cora", "dev")
    return serving.session(principal).query(metric).rows()[0][metric]


def looked(serving: Serving) -> bool:
    """Whether something else is served after a look, and another at what has come to rest."""
    return serving.look() or serving.look()


def test_without_a_release_the_folder_is_served_and_then_the_release_alone(root: Path, engine: DuckDBEngine) -> None:
    store = Releases(root / "releases")
    serving = Serving(root, engine, None, DraftBook(root / "drafts"), store)
    assert asked(serving) == 10
    publish(store, 1, WORKSPACE | {REVENUE: TWICE})
    assert looked(serving)
    assert (asked(serving), serving.ground.release[:2]) == (20, "1:")
    (root / REVENUE).write_text(WORKSPACE[REVENUE].replace("sum(amount)", "sum(amount) * 7"))
    (root / "metrics/more.yml").write_text("metric: secretly\nmodel: orders\nexpr: count(*)\n")
    assert not looked(serving), "what is edited beside a release is not served"
    assert asked(serving) == 20
    with pytest.raises(QuestionError, match="no metric 'secretly'"):
        asked(serving, "secretly")


def test_the_next_release_and_the_one_before_take_its_place(root: Path, engine: DuckDBEngine) -> None:
    store = Releases(root / "releases")
    publish(store, 1, WORKSPACE)
    serving = Serving(root, engine, None, DraftBook(root / "drafts"), store)
    publish(store, 2, WORKSPACE | {REVENUE: TWICE})
    assert (asked(serving), looked(serving), asked(serving)) == (10, True, 20)
    store.serve_again(store.find("1"))
    assert (looked(serving), asked(serving)) == (True, 10)


@pytest.mark.parametrize("harm", ["changed", "gone", "added"])
def test_a_release_that_is_not_what_was_signed_is_not_served(root: Path, engine: DuckDBEngine, harm: str) -> None:
    store = Releases(root / "releases")
    publish(store, 1, WORKSPACE)
    serving = Serving(root, engine, None, DraftBook(root / "drafts"), store)
    file = store.content(publish(store, 2, WORKSPACE | {REVENUE: TWICE})) / REVENUE
    match harm:
        case "changed":
            file.write_text(TWICE.replace("2", "3"))
        case "gone":
            file.unlink()
        case "added":
            (file.parent / "more.yml").write_text("metric: secretly\nmodel: orders\nexpr: count(*)\n")
    assert not looked(serving)
    assert asked(serving) == 10, "the one before goes on"
    assert [problem.slug for problem in serving.problems] == ["broken-release"]
    with pytest.raises(WarehouseError):
        Serving(root, engine, None, DraftBook(root / "drafts"), store)


def test_a_release_that_cannot_be_read_is_not_served(root: Path, engine: DuckDBEngine) -> None:
    store = Releases(root / "releases")
    publish(store, 1, WORKSPACE)
    serving = Serving(root, engine, None, DraftBook(root / "drafts"), store)
    publish(store, 2, WORKSPACE | {REVENUE: "metric: revenue\nmodel: orders\nexpr: sum(\n"})
    assert (looked(serving), asked(serving)) == (False, 10)
    assert serving.problems
