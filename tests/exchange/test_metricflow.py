"""Imported definitions give the numbers MetricFlow gives, and what is left out is named with its place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.exchange.conftest import LIBRARY, as_dbt
from workbench.declare.reader import read_documents
from workbench.declare.workspace import load
from workbench.errors import DeclarationError, WorkbenchError
from workbench.exchange.metricflow import Imported, import_project
from workbench.graph.build import build
from workbench.graph.check import check


def term(imported: Imported, name: str) -> Any:
    """The one document of a written file."""
    (document,) = read_documents(imported.files[name], name)
    return document.data


def ask(
    session: Any, imported: Imported, metrics: Sequence[str], by: Sequence[str] = (), where: str | None = None
) -> list[tuple[Any, ...]]:
    """Rows of a question in MetricFlow's spelling."""
    home = None if metrics else imported.names.home(by, where)
    spelled = [imported.names.path(name, metrics=metrics, home=home) for name in by]
    answer = session.query(
        *metrics,
        by=[{one.column: one.path} for one in spelled],
        where=imported.names.where(where, metrics, home),
    )
    return [tuple(row.values()) for row in answer.rows()]


def test_a_dbt_file_becomes_the_same_workspace(imported: Imported, tmp_path: Path) -> None:
    file = tmp_path / "semantic_layer.yml"
    file.write_text(as_dbt(LIBRARY), encoding="utf-8")
    other = import_project(file, schema="lib")
    assert other.files == imported.files
    assert {(loss.kind, loss.name, loss.reason) for loss in other.losses} == {
        (loss.kind, loss.name, loss.reason) for loss in imported.losses
    }


def test_what_is_written_is_a_workspace_without_a_problem(imported: Imported, tmp_path: Path) -> None:
    for name, text in imported.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    workspace = load(tmp_path)
    assert (*workspace.problems, *check(build(workspace), workspace)) == ()
    assert len(workspace.models) == 8


def test_entities_become_roles_keys_and_dimensions(imported: Imported) -> None:
    loans = term(imported, "metrics/models/loans.yml")
    assert loans["relationships"] == {
        "book_books": {"to": "books", "on": "book_id"},
        "book_shelves": {"to": "shelves", "on": "book_id"},
        "member": {"to": "members", "on": "member_id"},
        "member_town": {"to": "weather", "on": {"member_town": "town", "day": "day"}},
    }
    assert (loans["entity"], loans["table"]) == ("loan", "lib.loans")
    assert loans["dimensions"]["member"] == {"expr": "member_id"}
    books = term(imported, "metrics/models/books.yml")
    assert (books["entity"], books["primary_key"]) == ("book_books", ["book_id"])
    assert books["relationships"]["book_shelves"]["type"] == "one_to_one"
    assert term(imported, "metrics/models/members.yml")["primary_key"] == ["member_id"]


def test_losses_are_named_with_place_and_reason(imported: Imported) -> None:
    found = {(loss.kind, loss.name): loss for loss in imported.losses}
    for kind, name, place, reason in (
        ("metric", "loan_to_borrower", "metrics.yml:", "no single count"),
        ("metric", "oddly_loved_titles", "metrics.yml:", "compared with something else"),
        ("metric", "rough_fine", "models.yml:", "approximated"),
        ("dimension", "books.odd", "models.yml:", "not in our language"),
        ("relationship", "members.town", "models.yml:", "partitioned"),
        ("export", "genres_table", "metrics.yml:", "pipelines"),
    ):
        loss = found.pop((kind, name))
        assert str(loss.place).startswith(place)
        assert loss.place.line > 1
        assert reason in loss.reason
    assert found == {}


def test_a_loss_stands_where_the_thing_is_declared(imported: Imported) -> None:
    lines = (LIBRARY / "metrics.yml").read_text(encoding="utf-8").splitlines()
    place = next(loss.place for loss in imported.losses if loss.name == "oddly_loved_titles")
    assert lines[place.line - 1] == "  name: oddly_loved_titles"


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("loans", 6),
        ("renewals", 3),
        ("fines", 31.5),
        ("average_fine", 6.3),
        ("middle_fine", 4.0),
        ("high_fine", 12.8),
        ("actual_high_fine", 16.0),
        ("about_half_fine", 4.0),
        ("noted", 2),
        ("borrowers", 3),
        ("titles", 3),
        ("renewed_fines", 2.0),
        ("loans_per_reservation", 2.0),
        ("novel_share", 0.5),
        ("fines_gap", 28.0),
        ("doubled_gap", 0),
    ],
)
def test_totals(session: Any, imported: Imported, metric: str, value: float) -> None:
    ((got,),) = ask(session, imported, [metric])
    assert float(got) == pytest.approx(value)


def test_joins_keep_rows_without_a_partner(session: Any, imported: Imported) -> None:
    assert ask(session, imported, ["loans"], ["book__genre"]) == [("atlas", 1), ("novel", 3), (None, 2)]


def test_two_hops_and_a_path_without_its_first_entity(session: Any, imported: Imported) -> None:
    expected = [("FR", 2), ("IT", 1), (None, 3)]
    assert ask(session, imported, ["loans"], ["book__publisher__country"]) == expected
    assert ask(session, imported, ["loans"], ["publisher__country"]) == expected
    assert imported.names.path("publisher__country", metrics=["loans"]).column == "book__publisher__country"


def test_entities_group_too(session: Any, imported: Imported) -> None:
    assert ask(session, imported, ["loans"], ["member"]) == [(100, 3), (101, 1), (102, 1), (None, 1)]


def test_one_path_for_metrics_of_several_models(session: Any, imported: Imported) -> None:
    rows = ask(session, imported, ["loans", "titles", "reservations"], ["book__genre"])
    assert rows == [("atlas", 1, 1, 1), ("novel", 3, 2, 2), (None, 2, None, 0)]


def test_metric_time_is_the_time_of_each_measure(session: Any, imported: Imported) -> None:
    rows = ask(session, imported, ["loans", "returns"], ["metric_time__month"])
    assert rows == [
        (date(2024, 1, 1), 2, 1),
        (date(2024, 2, 1), 3, 2),
        (date(2024, 3, 1), 1, None),
        (None, None, 3),
    ]


JAN, FEB, MAR, APR = (date(2024, month, 1) for month in range(1, 5))


@pytest.mark.parametrize(
    ("metric", "months"),
    [
        ("early_loans_every_day", [(JAN, 2), (FEB, 1)]),
        ("late_loans_every_day", [(JAN, 2), (FEB, 1), (MAR, None), (APR, None)]),
        ("loans_in_month", [(JAN, 2), (FEB, 3), (MAR, 1)]),
        # A loan counts on its day and the next: 1.5, 1.5, 2, 2 in January; 4, 4, 8, 8 in February.
        # On the first day of January that has any there is one; each later month starts with those before.
        ("loans_so_far", [(JAN, 1), (FEB, 2), (MAR, 6), (APR, 6)]),
        ("two_day_fines", [(JAN, 1.75), (FEB, 6.0), (MAR, 16.0)]),
        ("loans_change", [(JAN, None), (FEB, 1), (MAR, -2), (APR, None)]),
        ("change_twice", [(JAN, None), (FEB, 2), (MAR, -4), (APR, None)]),
        ("loans_at_month_start", [(MAR, 1)]),
        # Novel 10, lent in January, is reserved in February; atlas 11, lent in February, is reserved in April.
        ("loan_to_reservation", [(JAN, 0.5), (FEB, 1 / 3), (MAR, None)]),
        ("loan_to_reservation_in_every_month", [(JAN, 0.5), (FEB, 1 / 3), (MAR, 0.0), (APR, None)]),
        ("reserved_again", [(JAN, 1), (FEB, 0)]),
        ("loans_every_day", [(JAN, 2), (FEB, 3), (MAR, 1), (APR, 0)]),
        ("last_fine", [(JAN, 2.0), (FEB, 8.0), (MAR, 16.0)]),
    ],
)
def test_metrics_that_look_at_other_times(session: Any, imported: Imported, metric: str, months: list[Any]) -> None:
    assert ask(session, imported, [metric], ["metric_time__month"]) == months


def test_a_history_is_joined_where_it_is_valid(session: Any, imported: Imported) -> None:
    assert term(imported, "metrics/models/shelves.yml")["relationships"]["room"] == {
        "to": "rooms",
        "on": "room",
        "valid": {"from": "since", "to": "until"},
    }
    # The first loan of book 10 came before the change of its room; that of book 11 before its room had a purpose.
    found = ask(session, imported, ["loans"], ["book__room__purpose"])
    assert found == [("drama", 1), ("fiction", 1), (None, 4)]


def test_a_partition_is_kept_over_two_joins(session: Any, imported: Imported) -> None:
    hidden = {"expr": "member.town", "visibility": "internal"}
    assert term(imported, "metrics/models/loans.yml")["dimensions"]["member_town"] == hidden
    assert ask(session, imported, ["loans"], ["town__sky"]) == [("rain", 1), ("sun", 1), (None, 4)]


def test_metrics_of_an_entity_are_conditions(session: Any, imported: Imported) -> None:
    assert ask(session, imported, ["loved_titles"]) == [(1,)]
    once = "{{ Metric('loans', ['book']) }} = 1"
    assert ask(session, imported, ["titles"], where=once) == [(2,)]
    assert ask(session, imported, ["fines"], where=f"not ({once}) and {{{{ Metric('fines', ['book']) }}}} > 3") == [
        (3.5,)
    ]
    assert ask(session, imported, ["titles"], where="{{ Metric('novel_share', ['book']) }} is null") == [(1,)]


def test_events_of_a_conversion_are_metrics(imported: Imported) -> None:
    conversion = term(imported, "metrics/loans/loan_to_reservation.yml")["conversion"]
    assert conversion == {"from": "loans", "to": "loan_to_reservation_then", "entity": "book"}
    assert term(imported, "metrics/reservations/loan_to_reservation_then.yml")["visibility"] == "internal"


def test_totals_over_time(session: Any, imported: Imported) -> None:
    assert ask(session, imported, ["loans_so_far"]) == [(6,)]
    assert ask(session, imported, ["last_fine"]) == [(16.0,)]


def test_the_first_day_stands_for_a_period_unless_said(imported: Imported) -> None:
    assert term(imported, "metrics/loans/loans_so_far.yml")["period"] == "first"
    assert term(imported, "metrics/loans/loans_in_month.yml")["period"] == "last"


def test_grains_of_ones_own(session: Any, imported: Imported) -> None:
    assert term(imported, "metrics/calendars/days.yml") == {
        "calendar": "days",
        "table": "lib.days",
        "column": "day",
        "grains": {"term": "term"},
    }
    terms = [(date(2024, 1, 1), 3), (date(2024, 2, 5), 3)]
    assert ask(session, imported, ["loans"], ["metric_time__term"]) == terms
    where = "{{ TimeDimension('loan__borrowed_on', 'term') }} = '2024-02-05'"
    assert ask(session, imported, ["loans"], ["loan__borrowed_on__term"], where) == terms[1:]


def test_values_without_a_metric(session: Any, imported: Imported) -> None:
    genres = [("atlas", "IT"), ("novel", "FR"), ("novel", None)]
    assert ask(session, imported, [], ["book__genre", "publisher__country"]) == genres
    assert ask(session, imported, [], ["book__genre"], "{{ Dimension('publisher__country') }} = 'IT'") == [("atlas",)]
    assert ask(session, imported, [], ["metric_time__month"]) == [(JAN,), (FEB,), (MAR,), (APR,)]
    # Every genre meets every month, and a condition on other values asks only whether any row meets it.
    assert len(ask(session, imported, [], ["book__genre", "metric_time__month"])) == 8
    for country, months in (("IT", 4), ("ES", 0)):
        where = f"{{{{ Dimension('publisher__country') }}}} = '{country}'"
        assert len(ask(session, imported, [], ["metric_time__month"], where)) == months


def test_without_metrics_rows_are_asked_what_their_entity_has(session: Any, imported: Imported) -> None:
    often = "{{ Metric('loans', ['book']) }} > 1"
    assert ask(session, imported, [], ["loan__renewed"], often) == [(False,), (True,)]
    assert ask(session, imported, [], ["loan__renewed"], f"not ({often})") == [(False,), (True,)]
    assert ask(session, imported, [], ["loan__renewed"], "{{ Metric('average_fine', ['book']) }} > 4") == [(True,)]
    with pytest.raises(WorkbenchError, match="not computed from 'books'.*metric-in-where"):
        ask(session, imported, [], ["book__genre"], often)


@pytest.mark.parametrize(
    ("condition", "alike"),
    [("{} > 0", True), ("0 < {}", True), ("{} >= 0", False), ("not {} >= 0", True), ("not ({} > 0)", False),
     ("not (not {} > 0)", True), ("{} is null", False), ("{} in (1, 2)", False), ("{} > 0 or {} = 0", False)],
)  # fmt: skip
def test_what_is_filled_in_is_compared_where_none_counts_alike(imported: Imported, condition: str, alike: bool) -> None:
    where = condition.replace("{}", "{{ Metric('reservations', ['book']) }}")
    if alike:
        assert str(imported.names.where(where, ["loans"])).count("book_books has (") == 1
        return
    with pytest.raises(WorkbenchError, match="fill_nulls_with.*metric-in-where"):
        imported.names.where(where, ["loans"])


def test_an_entity_beside_what_its_model_has_is_the_key(session: Any, imported: Imported) -> None:
    assert ask(session, imported, [], ["publisher", "publisher__country"]) == [(1, "FR"), (2, "IT")]
    assert ask(session, imported, [], ["publisher"], "{{ Dimension('publisher__country') }} = 'IT'") == [(2,)]


def test_without_metrics_a_partitioned_table_has_many_rows_for_one(session: Any, imported: Imported) -> None:
    home = imported.names.home(["member__city", "town__sky"])
    by = [imported.names.path(name, home=home).path for name in ("member__city", "town__sky")]
    listed = session.query(by=[{"city": by[0]}, {"sky": by[1]}], every_row=True)
    assert [tuple(row.values()) for row in listed.rows()] == [("Oslo", "snow"), ("Rome", "rain"), ("Rome", "sun")]
    assert "(lib.weather, met by town)" in " ".join(listed.warnings)
    where = "{{ Dimension('member__city') }} = 'Rome'"
    assert ask(session, imported, [], ["town__sky"], where) == [("rain",), ("sun",)]


def test_questions_whose_answers_knowingly_differ(imported: Imported) -> None:
    with pytest.raises(WorkbenchError) as raised:
        imported.names.home(["book__genre", "publisher__country", "metric_time"])
    assert raised.value.slug == "not-imported"
    # A span of time, or a condition on them, keeps the rows that have a time alone: then both say the same.
    known = ["book__genre", "publisher__country"]
    home = imported.names.home(known, timed=True)
    assert imported.names.where(None, [], home, timed=True) == f"({home}.book is not null)"
    assert imported.names.home([*known, "metric_time"], "{{ Dimension('book__genre') }} = 'atlas'") == home
    later = "CAST({{ TimeDimension('metric_time', 'day') }} AS TIMESTAMP) > CAST('2024-02-01' AS TIMESTAMP)"
    assert imported.names.home([*known, "metric_time"], later) == home
    assert str(imported.names.where(later, [], home)).endswith(f"and ({home}.book is not null)")
    with pytest.raises(WorkbenchError, match="no time"):
        imported.names.home(known, f"{later} or {{{{ TimeDimension('metric_time', 'day') }}}} is null")
    with pytest.raises(WorkbenchError, match="no time"):
        imported.names.home([*known, "book__room"], later)
    by = [imported.names.path("metric_time__month", metrics=["loans_change"])]
    days = [imported.names.path("metric_time__day", metrics=["loans_change"])]
    assert imported.names.difference(["loans_change"], days, timed=True) == ""
    assert "no time" in imported.names.difference(["two_day_fines"], (), timed=True)
    assert imported.names.difference(["loans_every_day", "late_loans_every_day"], (), timed=True) == ""
    genres = [imported.names.path("book__genre", metrics=["loans"])]
    assert imported.names.difference(["late_loans_every_day"], genres, timed=False) == ""
    assert "adds no period" in imported.names.difference(["late_loans_every_day"], [*genres, *by], timed=False)
    assert imported.names.difference(["early_loans_every_day"], by, timed=False) == ""
    assert "adds no period" in imported.names.difference(["early_loans_every_day", "loans"], by, timed=False)
    assert "span" in imported.names.difference(["loans_so_far_last_month"], by, timed=True)
    assert "whole month" in imported.names.difference(["loans_at_month_start"], by, timed=False)
    own = [imported.names.path("loan__borrowed_on__month", metrics=["loans_at_month_start"])]
    assert "whole month" in imported.names.difference(["loans_at_month_start"], own, timed=False)
    assert imported.names.difference(["loans_at_month_start"], days, timed=False) == ""
    weeks = [imported.names.path("metric_time__week", metrics=["loans_change"])]
    assert "whole periods" in imported.names.difference(["loans_change"], weeks, timed=False)
    assert imported.names.difference(["loans_change"], by, timed=False) == ""
    assert "whole periods" in imported.names.difference(["loans_change_before"], by, timed=False)
    assert imported.names.difference(["loans_change_before"], days, timed=False) == ""
    assert "outside" in imported.names.difference(["loan_to_reservation_in_every_month"], by, timed=True)
    assert imported.names.difference(["loan_to_reservation_in_every_month"], by, timed=False) == ""
    terms = [imported.names.path("metric_time__term", metrics=["loans_at_month_start"])]
    assert "adds up" in imported.names.difference(["loans_at_month_start"], terms, timed=False)
    assert imported.names.difference(["loans_so_far_at_month_start"], by, timed=False) == ""
    assert "empty" in imported.names.difference(["reserved_again", "loans"], by, timed=False)
    assert imported.names.difference(["reserved_again"], by, timed=False) == ""


def test_distinct_counts_are_null_where_a_model_has_no_rows(session: Any, imported: Imported) -> None:
    rows = ask(session, imported, ["borrowers", "reservations"], ["metric_time__month"])
    assert rows == [
        (date(2024, 1, 1), 2, 1),
        (date(2024, 2, 1), 2, 1),
        (date(2024, 3, 1), 0, 0),
        (date(2024, 4, 1), None, 1),
    ]


def test_the_default_grain_is_the_coarsest_of_the_metrics(imported: Imported) -> None:
    path = imported.names.path
    assert path("metric_time", metrics=["loans"]).column == "metric_time__day"
    assert path("metric_time", metrics=["returns"]).column == "metric_time__day"
    assert path("metric_time", metrics=["loans", "reservations"]).column == "metric_time__month"
    assert path("loan__borrowed_on", metrics=["loans"]).path == "loan.borrowed_on.day"
    assert path("metric_time", date_part="dow", metrics=["loans"]).path == "metric_time.day_of_week"


def test_filters_in_templates_and_in_dundered_names(session: Any, imported: Imported) -> None:
    template = "{{ TimeDimension('metric_time', 'month') }} >= '2024-02-01' and {{ Dimension('loan__renewed') }}"
    assert ask(session, imported, ["loans"], where=template) == [(2,)]
    assert ask(session, imported, ["loans"], where="cast(metric_time__day as date) < date '2024-02-01'") == [(2,)]
    assert ask(session, imported, ["loans"], where="{{ Entity('book') }} = 10 or 'a__b' = 'c'") == [(2,)]


def test_a_saved_query_may_ask_for_values_alone(session: Any) -> None:
    rows = [tuple(row.values()) for row in session.saved("origins").rows()]
    assert rows == [("novel", "FR"), ("atlas", "IT")]
    days = [(row["metric_time__day"].day, row["loans_so_far"]) for row in session.saved("running").rows()]
    assert days == [(9, 2), (29, 5)]


def test_a_saved_query_keeps_its_columns(session: Any) -> None:
    answer = session.saved("genres")
    assert [column.name for column in answer.columns] == ["metric_time__month", "book__genre", "loans", "fines"]
    assert [tuple(row.values()) for row in answer.rows()] == [
        (date(2024, 1, 1), "novel", 2, 3.5),
        (date(2024, 2, 1), "atlas", 1, 4.0),
        (date(2024, 2, 1), "novel", 1, None),
    ]


@pytest.mark.parametrize(
    ("name", "metrics", "slug"),
    [
        ("genre", ["reservations"], None),
        ("loan__renewed", ["reservations"], "unknown-dimension"),
        ("metric_time__fortnight", ["loans"], "unknown-dimension"),
        ("book__genre__month", ["loans"], "not-time"),
        ("city", ["rough_fine"], "not-imported"),
    ],
)
def test_names_that_mean_nothing_here(imported: Imported, name: str, metrics: list[str], slug: str | None) -> None:
    if slug is None:
        assert imported.names.path(name, metrics=metrics).path == "book_books.genre"
        return
    with pytest.raises(WorkbenchError) as raised:
        imported.names.path(name, metrics=metrics)
    assert raised.value.slug == slug


@pytest.mark.parametrize(
    "text",
    [
        "{{ Dimension }}",
        "{{ open('x') }}",
        "{{ Dimension(x) }}",
        "{% if a %}",
        "{{ Dimension('book__genre').upper() }}",
    ],
)
def test_templates_are_read_never_run(imported: Imported, text: str) -> None:
    with pytest.raises(WorkbenchError) as raised:
        imported.names.where(text, ["loans"])
    assert raised.value.slug == "bad-template"


def test_broken_yaml_is_refused_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "models.yml").write_text("metric:\n  name: [a\n", encoding="utf-8")
    with pytest.raises(DeclarationError) as raised:
        import_project(tmp_path)
    assert raised.value.slug == "bad-yaml"
    assert raised.value.problems[0].place is not None


def test_a_column_that_a_dimension_would_hide_is_not_confused_with_it(tmp_path: Path) -> None:
    (tmp_path / "sales.yml").write_text(
        """
semantic_model:
  name: sales
  node_relation: {alias: sales}
  primary_entity: sale
  dimensions: [{name: amount, type: categorical, expr: round(net)}]
  measures: [{name: takings, agg: sum, expr: amount, create_metric: true}]
""",
        encoding="utf-8",
    )
    (loss,) = import_project(tmp_path).losses
    assert (loss.name, loss.place.line) == ("takings", 7)
    assert "hides" in loss.reason


def test_a_span_covers_whole_periods_of_the_finest_time_asked_or_else_the_default(
    imported: Imported, tmp_path: Path
) -> None:
    (tmp_path / "visits.yml").write_text(
        """
semantic_model:
  name: visits
  node_relation: {alias: visits}
  defaults: {agg_time_dimension: month}
  primary_entity: visit
  dimensions: [{name: month, type: time, type_params: {time_granularity: month}}]
  measures: [{name: visits, agg: sum, expr: people, create_metric: true}]
""",
        encoding="utf-8",
    )
    names, start, end = import_project(tmp_path).names, datetime(2024, 1, 15), datetime(2024, 2, 15)
    assert names.time(start, end, ["visits"])[1] == (
        "metric_time >= '2024-01-01 00:00:00' and metric_time <= '2024-02-29 23:59:59.999999'"
    )
    for asked, low, high in (
        (["week", "year"], date(2024, 1, 15), date(2024, 2, 18)),
        (["term", "month"], date(2024, 1, 1), date(2024, 2, 29)),
    ):
        by = [imported.names.path("metric_time", grain, metrics=["loans"]) for grain in asked]
        part = imported.names.path("metric_time", date_part="doy", metrics=["loans"])
        span, where = imported.names.time(start, end, ["loans"], [*by, part])
        assert isinstance(span, tuple)
        assert ([one.date() for one in span], where) == ([low, high], None)
    terms = [imported.names.path("metric_time", "term", metrics=["loans"])]
    for asked_by in (terms, []):  # widened to whole terms, numbers would be others than those of days
        span, where = imported.names.time(start, end, ["loans"], asked_by)
        assert span is None
        assert where == "metric_time >= '2024-01-15 00:00:00' and metric_time <= '2024-02-15 23:59:59.999999'"


def test_without_a_grain_time_has_the_one_of_its_column(imported: Imported) -> None:
    assert imported.names.path("loan__returned_at", metrics=["loans"]).column == "loan__returned_at__hour"
    assert imported.names.path("loan__borrowed_on", metrics=["loans"]).column == "loan__borrowed_on__day"


def test_names_never_lead_out_of_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text(
        """
semantic_model: {name: ../../out, node_relation: {alias: t, schema_name: ../up}}
---
saved_query: {name: /etc/out, query_params: {group_by: []}}
---
semantic_model:
  name: fine
  node_relation: {alias: t, schema_name: ../up}
  entities: [{name: Loud, type: primary}]
  dimensions: [{name: Shout, type: categorical}]
""",
        encoding="utf-8",
    )
    got = import_project(tmp_path)
    assert sorted(got.files) == ["access/policies/___up.yml", "access/roles.yml", "metrics/models/fine.yml"]
    assert [loss.name for loss in got.losses] == ["../../out", "/etc/out", "fine.Loud", "fine.Shout"]
