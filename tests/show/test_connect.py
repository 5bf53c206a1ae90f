"""From a number in a notebook to a branch for review: the draft itself proposes, checks and says what comes next."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

import workbench
from tests.review.play import WORKSPACE, Git
from workbench.errors import AccessDenied, QuestionError, ReviewError

SETTINGS = """
[tool.workbench]
identity = "cora@example.org"
[tool.workbench.environments.dev]
warehouse = "data/shop.duckdb"
"""


@pytest.fixture
def git(tmp_path: Path) -> Git:
    git = Git(tmp_path / "shop")
    git.commit({**WORKSPACE, "pyproject.toml": SETTINGS, ".gitignore": ".workbench\ndata\n"})
    git("config", "user.name", "Cora")
    git("config", "user.email", "cora@example.org")
    (git.folder / "data").mkdir()
    with duckdb.connect(str(git.folder / "data/shop.duckdb")) as made:
        made.execute("CREATE SCHEMA gold")
        made.execute(
            "CREATE TABLE gold.orders AS SELECT i AS id, DATE '2026-01-01' AS day, 2 * i AS amount, 'AT' AS country,"
            " 'm' AS mail, 1 AS margin FROM range(9) t(i)"
        )
    return git


def test_a_draft_by_its_keys_is_asked_and_proposed(git: Git, capsys: pytest.CaptureFixture[str]) -> None:
    with workbench.connect(git.folder) as session:
        draft = session.draft(metric="biggest", model="orders", owner="sales", domain="sales", expr="max(amount)")
        assert "max(amount)" in str(draft._repr_mimebundle_())
        assert session.query(draft.name).rows() == [{"adhoc.biggest": 16}]
        made = draft.propose()
    assert (made.branch, made.file, made.value) == ("propose/biggest", "metrics/sales/biggest.yml", 16)
    assert "expr: max(amount)" in git("show", f"propose/biggest:{made.file}")
    assert git("status", "--porcelain") == ""
    assert "Checking 'biggest'" in capsys.readouterr().err


def test_a_saved_draft_is_there_in_ones_next_session_alone(git: Git) -> None:
    with workbench.connect(git.folder, as_user="cora@example.org") as session:
        session.draft(metric="passing", model="orders", expr="count(*)")
        few = session.draft(metric="few", model="orders", expr="count(*)", filter="amount < 4")
        few.save()
        assert session.query(few, by="country").rows() == [{"country": "AT", "adhoc.few": 2}]
        answer = session.query({"how_many": few})
        assert answer.rows() == [{"how_many": 2}]
        assert answer.warnings == ("'adhoc.few' is unpublished: it is a draft that nobody has reviewed.",)
        assert answer.warnings[0] in str(answer)
    with workbench.connect(git.folder, as_user="cora@example.org") as session:
        assert [card.name for card in session.metrics if card.state == "ad hoc"] == ["adhoc.few"]
        session.draft(metric="few", model="orders", expr="count(*)", filter="amount < 6").save()
    with workbench.connect(git.folder, as_user="CORA@example.org") as session:
        assert session.query("adhoc.few").rows() == [{"adhoc.few": 3}]
    with workbench.connect(git.folder, as_user="ana@example.org") as session:
        assert [card for card in session.metrics if card.state == "ad hoc"] == []
    (git.folder / "metrics/models/orders.yml").write_text(
        WORKSPACE["metrics/models/orders.yml"].replace("semantic_model: orders", "semantic_model: sold")
    )
    for name in ("revenue", "orders"):
        text = WORKSPACE[f"metrics/sales/{name}.yml"].replace("model: orders", "model: sold")
        (git.folder / f"metrics/sales/{name}.yml").write_text(text)
    with workbench.connect(git.folder, as_user="cora@example.org") as session:
        assert "adhoc.few" not in [card.name for card in session.metrics], "what it used is gone, and nothing breaks"


def test_a_found_metric_and_dimension_are_asked_for_as_they_are(git: Git) -> None:
    with workbench.connect(git.folder) as session:
        (revenue,) = (card for card in session.metrics if card.name == "revenue")
        (country,) = (card for card in session.dimensions("revenue") if card.path == "country")
        assert session.query(revenue, by=[country]).rows() == session.query("revenue", by="country").rows()


def test_an_expression_of_a_draft_is_text(git: Git) -> None:
    with workbench.connect(git.folder) as session:
        with pytest.raises(QuestionError, match="'expr' is a IntegerScalar.*An expression is text"):
            session.draft(expr=session.table("gold.orders").count())
        assert session.query(session.draft(expr="revenue / orders_placed")).rows() == [{"adhoc.draft": 8.0}]


def test_who_may_not_publish_may_not_propose(git: Git) -> None:
    with workbench.connect(git.folder, as_user="ana@example.org") as session:
        draft = session.draft("metric: mine\nmodel: orders\nexpr: count(*)\n")
        assert session.query("adhoc.mine").rows() == [{"adhoc.mine": 9}]
        with pytest.raises(AccessDenied):
            draft.propose()
    assert git("branch", "--list", "propose/*") == ""


def test_what_would_break_the_workspace_is_no_branch(git: Git) -> None:
    with workbench.connect(git.folder) as session:
        draft = session.draft(metric="revenue", model="orders", domain="other", expr="sum(amount)")
        with pytest.raises((ReviewError, workbench.WorkbenchError)) as raised:
            draft.propose()
    assert "declared twice" in str(raised.value)
    assert git("branch", "--list", "propose/*") == ""


def test_a_draft_is_text_or_keys(git: Git) -> None:
    with workbench.connect(git.folder) as session:
        for wrong in (lambda: session.draft(), lambda: session.draft("metric: a", expr="count(*)")):
            with pytest.raises(QuestionError, match="as YAML, or by its keys"):
                wrong()
        assert session.draft(model="orders", expr="count(*)").name == "adhoc.draft"
