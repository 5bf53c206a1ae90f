"""A metric on its way out warns whoever asks, in every face, and after its last day answers no more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

import workbench
from tests.review.play import WORKSPACE
from workbench.errors import Unanswerable
from workbench.session.session import Session


@pytest.fixture
def today() -> date:
    """The day of each test, not of the run: midnight may come between the two."""
    return date.today()


@pytest.fixture
def session(tmp_path: Path, today: date) -> Iterator[Session]:
    with duckdb.connect(str(tmp_path / "w.duckdb")) as made:
        made.execute("CREATE SCHEMA gold")
        made.execute("CREATE TABLE gold.orders AS SELECT 1 AS id, DATE '2026-01-01' AS day, 5 AS amount")
    revenue = WORKSPACE["metrics/sales/revenue.yml"]
    files = {
        "access/roles.yml": WORKSPACE["access/roles.yml"],
        "access/policies/all.yml": "resource: gold.*\ngrant: [{to: [analyst]}]\n",
        "metrics/orders.yml": "semantic_model: orders\ntable: gold.orders\nprimary_key: id\n",
        "pyproject.toml": 'tool.workbench.identity = "ana"\ntool.workbench.environments.dev.warehouse = "w.duckdb"\n',
        "metrics/net.yml": "metric: net\nexpr: old * 2\n",
    }
    for name, until in (("plain", None), ("last", today), ("old", today - timedelta(days=1))):
        text = revenue.replace("metric: revenue", f"metric: {name}")
        more = f", until: {until}, replaced_by: net" if until else ""
        files[f"metrics/{name}.yml"] = f"{text}deprecated: {{since: 2026-01-01{more}}}\n"
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    with workbench.connect(tmp_path) as session:
        yield session


def test_whoever_asks_is_warned_and_told_what_to_use(session: Session, today: date) -> None:
    answer = session.query("last")
    assert answer.rows() == [{"last": 5}]
    (said,) = answer.warnings
    assert said == f"'last' is deprecated since 2026-01-01 and answers until {today}: use 'net'."
    assert said in repr(answer)
    assert "is deprecated since" in str(answer._repr_mimebundle_())
    assert session.query("plain").warnings == ("'plain' is deprecated since 2026-01-01.",)


def test_after_its_last_day_it_answers_no_more_but_what_is_computed_from_it_does(session: Session) -> None:
    with pytest.raises(Unanswerable, match="Ask for 'net'") as raised:
        session.query("old")
    assert raised.value.slug == "deprecated-metric"
    with pytest.raises(Unanswerable):
        session.explain("net", "old")
    answer = session.query("net")
    assert (answer.rows(), answer.warnings) == ([{"net": 10}], ())
