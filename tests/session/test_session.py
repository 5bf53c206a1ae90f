"""The one door, over the real flights: what it gives back, what it refuses, and what a draft may do."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

import workbench
from workbench.access.principal import identify
from workbench.errors import AccessDenied, DeclarationError, QuestionError, WorkbenchError
from workbench.session.session import Session

ROOT = Path(__file__).parents[2]
ANA, CORA, SAM, PAULA = "ana@skyways.example", "cora@skyways.example", "sam@skyways.example", "paula@united.example"
DRAFT = "metric: long_flights\nlabel: Long flights\nmodel: flights\nexpr: count(*)\nfilter: distance_miles > 1000\n"

As = Callable[[str], Session]


@pytest.fixture(scope="module")
def home(flights_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the reference workspace, to be written into."""
    root = tmp_path_factory.mktemp("workspace")
    for folder in ("metrics", "access", "notebooks"):
        shutil.copytree(ROOT / folder, root / folder)
    (root / "pyproject.toml").write_text(f'[tool.workbench.environments.dev]\nwarehouse = "{flights_file}"\n')
    return root


@pytest.fixture
def as_user(home: Path) -> Iterator[As]:
    """Opens sessions, and closes them."""
    opened: list[Session] = []

    def connect(name: str) -> Session:
        opened.append(workbench.connect(home, as_user=name))
        return opened[-1]

    yield connect
    for session in opened:
        session.close()


def test_an_answer_comes_in_every_form(as_user: As) -> None:
    answer = as_user(ANA).query("flights", by="origin.faa")
    wanted = [{"origin.faa": "EWR", "flights": 120835}, {"origin.faa": "JFK", "flights": 111279},
              {"origin.faa": "LGA", "flights": 104662}]  # fmt: skip
    assert answer.rows() == wanted
    assert answer.to_pandas().to_dict("records") == wanted
    assert answer.to_polars().to_dicts() == wanted
    assert answer.to_arrow().to_pylist() == wanted
    assert pa.Table.from_batches(list(answer.batches(rows=1))).to_pylist() == wanted
    assert [len(batch) for batch in answer.batches(rows=1)] == [1, 1, 1]
    assert len(answer) == 3
    assert "gold.flights" in answer.plan.tables() if answer.plan else False
    assert any(line.startswith("origin.faa <- gold.") for line in answer.lineage)
    assert [card.name for card in answer.metrics] == ["flights"]
    assert answer.asker == ANA


def test_a_question_is_typed_as_it_is_said(as_user: As) -> None:
    session = as_user(ANA)
    one = session.query("flights", by={"airport": "origin.name"}, order_by="-flights", limit=1).rows()
    assert one == [{"airport": "Newark Liberty Intl", "flights": 120835}]
    assert session.query(["flights", {"gone": "cancelled_flights"}]).rows() == [{"flights": 336776, "gone": 8255}]
    for wrong in ({"limit": -1}, {"time": "2013"}, {"by": 3}, {"time": ("2013-02-30", None)}):
        with pytest.raises(QuestionError):
            session.query("flights", **wrong)
    assert session.query("flights").rows() == [{"flights": 336776}]


@pytest.mark.parametrize(
    ("parts", "slug"),
    [
        ({"where": "carrier == 'DL'"}, "not-allowed"),
        ({"where": "carrier ="}, "bad-expression"),
        ({"having": "flights == 3"}, "not-allowed"),
        ({"where": "carrier = 3"}, "type-mismatch"),
        ({"where": "count(*) > 1"}, "aggregate-here"),
        ({"where": "nothing(carrier)"}, "unknown-function"),
        ({"limit": 10**30}, "bad-question"),
        ({"top": 10**30, "by": "carrier"}, "bad-question"),
    ],
)
def test_what_is_wrong_in_a_question_is_a_question_error(as_user: As, parts: dict[str, object], slug: str) -> None:
    for ask in (as_user(ANA).query, as_user(ANA).explain):
        with pytest.raises(QuestionError) as refused:
            ask("flights", **parts)
        assert refused.value.slug == slug
        if slug == "bad-question":
            assert str(2**63 - 1) in str(refused.value)


def test_what_is_wrong_in_a_declaration_is_not_the_questions(as_user: As) -> None:
    session = as_user(ANA)
    draft = session.draft(metric="odd", model="flights", expr="sum(distance_miles) + 'x'", owner="operations")
    with pytest.raises(DeclarationError, match="type-mismatch"):
        session.query(draft.name)


def test_what_there_is_can_be_looked_up(as_user: As) -> None:
    session = as_user(ANA)
    assert {"flights", "cancellation_rate"} <= {card.name for card in session.metrics}
    assert {card.name for card in session.models} == {"airlines", "airports", "flights", "planes", "weather"}
    paths = {card.path for card in session.dimensions("flights")}
    assert {"origin.name", "destination.name", "metric_time"} <= paths
    assert "observed_hour" not in paths
    assert getattr(session.search("trips")[0], "name", "") == "flights"
    assert session.search("no such thing at all") == ()
    assert "join gold.airlines" in session.explain("flights", by="airline.name").text
    with pytest.raises(QuestionError, match="unknown-saved-query"):
        session.saved("nothing")


def test_hidden_reads_as_missing(as_user: As) -> None:
    session = as_user(PAULA)
    assert all(table.startswith("gold.") for table in session.tables())
    told = []
    for name in ("landing.flights", "landing.nothing"):
        for act in (session.table, lambda table: session.sql(f"select * from {table}")):
            with pytest.raises(WorkbenchError) as refused:
                act(name)
            told.append((refused.value.slug, str(refused.value).split(".")[0].replace(name.split(".")[1], "")))
    assert {slug for slug, _ in told} == {"missing-table"}


def test_a_draft_is_ones_own(as_user: As) -> None:
    session, other = as_user(ANA), as_user(SAM)
    card = session.draft(DRAFT)
    assert (card.name, card.state) == ("adhoc.long_flights", "ad hoc")
    answer = session.query("adhoc.long_flights", "flights")
    assert (
        answer.rows()
        == session.sql(
            'select count(*) filter (where distance_miles > 1000) as "adhoc.long_flights", count(*) as flights '
            "from gold.flights"
        ).rows()
    )
    assert [one.state for one in answer.metrics] == ["ad hoc", "public"]
    with pytest.raises(QuestionError, match="unknown-metric"):
        other.query("adhoc.long_flights")
    for wrong in ("metric: x\nexpr: flights + nothing\n", "semantic_model: x\ntable: y\n", "metric: [", "a: 1\n"):
        with pytest.raises(DeclarationError):
            session.draft(wrong)
    assert session.query("adhoc.long_flights").rows()


def test_publishing_takes_the_right_and_replaces_nothing(as_user: As, home: Path) -> None:
    analyst, contributor = as_user(ANA), as_user(CORA)
    analyst.draft(DRAFT)
    with pytest.raises(
        AccessDenied, match=r"may not publish:metric on 'long_flights': none of their roles \(analyst\)"
    ):
        analyst.publish("long_flights")
    file = home / "metrics" / "proposed" / "long_flights.yml"
    assert not file.exists()
    contributor.draft(DRAFT)
    assert contributor.publish("long_flights") == file
    assert file.read_text() == DRAFT
    contributor.draft(DRAFT.replace("1000", "2000"))
    with pytest.raises(QuestionError, match="already-there"):
        contributor.publish("long_flights")
    assert file.read_text() == DRAFT
    contributor.draft("metric: longer\nexpr: adhoc.long_flights * 2\n")
    with pytest.raises(DeclarationError, match="uses-a-draft"):
        contributor.publish("longer")
    file.unlink()


def test_verbs_of_the_steward_are_refused_with_the_rule(as_user: As) -> None:
    for name in (ANA, CORA):
        with pytest.raises(AccessDenied, match="change:access"):
            as_user(name).require("change:access")
    as_user(SAM).require("change:access")


def test_a_closed_session_says_so(as_user: As) -> None:
    session = as_user(ANA)
    session.query("flights")
    session.close()
    with pytest.raises(WorkbenchError, match="closed"):
        session.query("flights", by="origin.faa")


def test_the_verbs_of_sql_see_what_their_asker_sees(as_user: As) -> None:
    paula = as_user(PAULA)
    pivoted = paula.sql("PIVOT flights ON origin USING count(*) GROUP BY carrier").rows()
    assert [row["carrier"] for row in pivoted] == ["UA"]
    assert sum(row[airport] for row in pivoted for airport in ("EWR", "JFK", "LGA")) == 58665
    summary = {row["column_name"]: row for row in paula.sql("SUMMARIZE flights").rows()}
    assert summary["carrier"]["min"] == summary["carrier"]["max"] == "UA"
    assert summary["carrier"]["count"] == 58665
    assert not summary["tailnum"]["min"].startswith("N")
    assert "ACCESS rows of gold.flights limited by 'own_carrier'" in str(paula.sql("EXPLAIN FROM flights").rows())
    assert {row["name"] for row in paula.sql("SHOW TABLES").rows()} == set(paula.tables())
    described = paula.sql("DESCRIBE SELECT carrier, count(*) AS n FROM flights GROUP BY 1").rows()
    assert [(row["column_name"], row["column_type"]) for row in described] == [("carrier", "VARCHAR"), ("n", "BIGINT")]


@pytest.mark.parametrize("name", ["t", "at", "a", "low", "value", "rank", "select", 'quo"te', "%", "metric"])
@pytest.mark.parametrize("metric", ["flights_trailing_7_days", "late_share", "flights_change_on_week"])
def test_a_column_may_have_any_name_that_is_not_ours(as_user: As, metric: str, name: str) -> None:
    parts = {"by": [{name: "carrier"}, "metric_time.month"], "time": ("2013-01-01", "2013-01-31")}
    renamed = as_user(ANA).query(metric, **parts).to_arrow()
    plain = as_user(ANA).query(metric, by=["carrier", "metric_time.month"], time=parts["time"]).to_arrow()
    assert renamed.column_names == [name, *plain.column_names[1:]]
    assert [c.to_pylist() for c in renamed.columns] == [c.to_pylist() for c in plain.columns]


@pytest.mark.parametrize("name", ["two words", "-minus", "x desc", "desc"])
def test_any_column_may_order(as_user: As, name: str) -> None:
    rows = as_user(ANA).query({name: "flights"}, by="carrier", order_by=f"-{name}", limit=2).rows()
    assert rows == as_user(ANA).query({name: "flights"}, by="carrier", order_by=f"{name} desc", limit=2).rows()
    assert [row["carrier"] for row in rows] == ["UA", "B6"]
    least = as_user(ANA).query({name: "flights"}, by="carrier", order_by=name, limit=1).rows()
    assert [row["carrier"] for row in least] == ["OO"]


@pytest.mark.parametrize("expr", ["max(scheduled_departure)", "bool_or(cancelled)", "min(carrier)"])
def test_what_is_no_number_has_no_change_and_no_share(as_user: As, expr: str) -> None:
    ana = as_user(ANA)
    draft = ana.draft(metric="no_number", model="flights", expr=expr)
    assert len(ana.query(draft, by="carrier", totals="total", top=2)) == 4
    with pytest.raises(WorkbenchError, match=r"'adhoc.no_number.change' cannot be computed: .*type-mismatch"):
        ana.query(draft, by="metric_time.month", compare="1 month")
    with pytest.raises(WorkbenchError, match=r"'adhoc.no_number.share' cannot be computed: .*type-mismatch"):
        ana.query(draft, by="carrier", share_of="total")


@pytest.mark.parametrize("name", ["__at", "__0", "", " "])
def test_a_name_of_ours_is_refused(as_user: As, name: str) -> None:
    with pytest.raises(QuestionError, match="cannot name a column"):
        as_user(ANA).query("flights", by={name: "carrier"})


def test_how_fresh_rows_are_is_looked_at_once_for_all_who_see_the_same(
    as_user: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = as_user(ANA)
    asked: list[str] = []
    run = ana.ground.engine.run
    monkeypatch.setattr(ana.ground.engine, "run", lambda sql, given=(): (asked.append(sql), run(sql, given))[1])

    def beside(name: str) -> Session:
        principal = identify(ana.workspace.roles, ana.workspace.groups, name, "dev")
        return Session(ana.workspace, principal, ana.ground.engine, None, ground=ana.ground)

    def looked(session: Session) -> int:
        before = len(asked)
        card = session.query("flights").metrics[0]
        assert card.fresh_until is not None
        return len(asked) - before - 1

    assert [looked(session) for session in (ana, ana, beside(SAM), beside("bob@skyways.example"))] == [1, 0, 0, 0]
    assert [looked(beside(PAULA)) for _ in range(2)] == [1, 0]  # she sees fewer rows
    assert len({sql for sql in asked if "max" in sql.lower()}) == 2
