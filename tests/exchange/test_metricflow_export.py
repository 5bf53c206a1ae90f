"""What is written for MetricFlow says the same: read back, it gives our numbers."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import workbench
from tests.exchange.test_osi import REFERENCE, _declared, write
from workbench.declare.reader import read_documents
from workbench.declare.settings import Settings
from workbench.declare.unparse import unparse
from workbench.declare.workspace import Workspace, load
from workbench.errors import Unanswerable
from workbench.exchange.metricflow import import_project
from workbench.exchange.metricflow_export import Exported, export_project
from workbench.exchange.osi_sql import metric_tree
from workbench.graph.build import build
from workbench.graph.check import check

pytestmark = pytest.mark.slow


def test_what_is_written_gives_our_numbers(tmp_path: Path, flights_file: Path) -> None:
    # A time zone cannot be said, which moves moments between days; so the same is asked without one.
    ours = tmp_path / "ours"
    for folder in ("metrics", "access"):
        shutil.copytree(REFERENCE / folder, ours / folder)
    for file in (ours / "metrics/models").iterdir():
        file.write_text(re.sub(r"\n +timezone: \w+/\w+", "", file.read_text("utf-8")), "utf-8")
    exported = export_project(load(ours).require())
    assert "dimension.timezone" not in {loss.name for loss in exported.losses}
    imported = import_project(write(tmp_path / "mf", exported.files))
    assert [str(loss) for loss in imported.losses] == []
    settings = f'[tool.workbench.environments.dev]\nwarehouse = "{flights_file}"\n'
    theirs = write(tmp_path / "theirs", {**imported.files, "pyproject.toml": settings})
    workspace = load(theirs)
    assert (*workspace.problems, *check(build(workspace), workspace)) == ()
    write(ours, {"pyproject.toml": settings})
    names = [name for name in workspace.metrics if "_part_" not in name]
    assert len(names) > 35
    reference = load(REFERENCE)
    member = next(m for group in reference.groups.values() if not group.attributes for m in group.members)
    values: list[dict[str, list[dict[str, Any]]]] = []
    for root, person in ((ours, member), (theirs, "ana@example.org")):
        with workbench.connect(root, as_user=person) as session:
            values.append({name: _rows(session, name) for name in names})
    expected, found = values
    assert sum(len(rows) > 1 for rows in expected.values()) > 5
    for name in names:
        assert [list(r) for r in found[name]] == [list(r) for r in expected[name]], name
        for one, other in zip(found[name], expected[name], strict=True):
            assert list(one.values()) == pytest.approx(list(other.values())), name


def _rows(session: Any, name: str) -> list[dict[str, Any]]:
    """The total, or the months of a metric that looks at another time."""
    try:
        return list(session.query(name).rows())
    except Unanswerable:
        return list(session.query(name, by=["metric_time.month"]).rows())


def shop(**metrics: dict[str, Any]) -> Workspace:
    """Orders with two roles to addresses, one of several columns, and the metrics given."""
    orders = {
        "semantic_model": "orders",
        "table": "gold.orders",
        "entity": "order",
        "primary_key": ["id"],
        "time_dimension": "placed",
        "relationships": {
            "home": {"to": "addresses", "on": {"home_id": "id"}},
            "work": {"to": "addresses", "on": {"work_id": "id"}},
            "rate": {"to": "rates", "on": ["day", "currency"]},
        },
        "dimensions": {
            "placed": {"type": "time", "grain": "second"},
            "due": {"type": "time"},
            "status": {"expr": "lower(state)"},
        },
    }
    addresses = {"semantic_model": "addresses", "table": "gold.addresses", "entity": "address", "primary_key": ["id"]}
    rates = {
        "semantic_model": "rates",
        "table": "rates",
        "primary_key": ["day", "currency"],
        "dimensions": {"rate": {}},
    }
    models = (orders, {**addresses, "dimensions": {"city": {}, "home": {}}}, rates)
    return Workspace(
        Path(),
        Settings(),
        models={str(one["semantic_model"]): _declared(one) for one in models},
        metrics={name: _declared({"metric": name, **one}) for name, one in metrics.items()},
        calendars={
            "fiscal": _declared({"calendar": "fiscal", "table": "gold.days", "column": "d", "grains": {"fy": "y"}})
        },
    )


def term(done: Exported, file: str) -> Any:
    """What a file holds."""
    ((document,),) = (read_documents(done.files[file], file),)
    return next(iter(document.data.values()))


def test_roles_become_entities_with_free_names() -> None:
    done = export_project(
        shop(n={"model": "orders", "expr": "count(*)", "filter": "home.city = 'Rome' and a > 1 or true"})
    )
    orders, addresses = (term(done, f"semantic_models/{name}.yml") for name in ("orders", "addresses"))
    assert [(e["name"], e["type"], e["expr"]) for e in orders["entities"]] == [
        ("order", "primary", "id"), ("home_key", "foreign", "home_id"), ("work", "foreign", "work_id"),
    ]  # fmt: skip
    assert [(e["name"], e["type"]) for e in addresses["entities"]] == [
        ("address", "primary"), ("home_key", "unique"), ("work", "unique"),
    ]  # fmt: skip
    lost = {(loss.kind, loss.name): loss.reason for loss in done.losses}
    assert "several columns" in lost["relationship", "orders.rate"]
    assert "the column 'a'" in lost["metric", "n"]
    (spine,) = term(done, "project_configuration.yml")["time_spines"]
    assert spine["custom_granularities"] == [{"name": "fy", "column_name": "y"}]


@pytest.mark.parametrize(
    ("metric", "type_params"),
    [
        ({"expr": "count(*)"}, {"measure": {"name": "m", "fill_nulls_with": 0}}),
        ({"expr": "sum(a)", "fill_nulls_with": 1, "spine": True},
         {"measure": {"name": "m", "fill_nulls_with": 1, "join_to_timespine": True}}),
        ({"expr": "sum(a)", "window": "7 days"},
         {"measure": {"name": "m"}, "cumulative_type_params": {"window": "7 days", "period_agg": "last"}}),
        ({"expr": "sum(a) / max(b)"},
         {"expr": "m_part_1 / nullif(m_part_2, 0)", "metrics": [{"name": "m_part_1"}, {"name": "m_part_2"}]}),
        ({"expr": "sum(a)", "offset": {"by": "1 year", "each": "day"}},
         {"expr": "m_part_1", "metrics": [{"name": "m_part_1", "offset_window": "1 year"}]}),
    ],
)  # fmt: skip
def test_each_kind_of_metric_has_its_words(metric: dict[str, Any], type_params: dict[str, Any]) -> None:
    done = export_project(shop(m={"model": "orders", **metric}))
    assert term(done, "metrics/m.yml")["type_params"] == type_params


def test_filters_become_template_calls() -> None:
    text = (
        "home.city = 'Rome' and placed.month = date '2024-01-01' and status <> 'x' and placed.day_of_week = 1"
        " and placed <= '2024-01-31' and placed > '2024-01-31 10:00'"
    )
    done = export_project(shop(m={"model": "orders", "expr": "percentile_disc(a, 0.9)", "filter": text}))
    assert term(done, "metrics/m.yml")["filter"].split(" and ") == [
        "{{ Dimension('home_key__city') }} = 'Rome'",
        "{{ TimeDimension('order__placed', 'month') }} = date '2024-01-01'",
        "{{ Dimension('order__status') }} <> 'x'",
        "{{ TimeDimension('order__placed').date_part('dow') }} = 1",
        "{{ TimeDimension('order__placed', 'day') }} <= '2024-01-31'",
        "{{ TimeDimension('order__placed', 'second') }} > '2024-01-31 10:00'",
    ]
    (measure,) = term(done, "semantic_models/orders.yml")["measures"]
    assert measure["agg_params"] == {"percentile": 0.9, "use_discrete_percentile": True}


def test_a_date_means_its_whole_day_in_plain_sql_too() -> None:
    filtered = {"model": "orders", "expr": "count(*)", "filter": "placed <= '2024-01-31' and due > '2024-01-31 10:00'"}
    tree = metric_tree(build(shop(m=filtered)), "m")
    assert "date_trunc('day', orders.placed) <= '2024-01-31' and orders.due > '2024-01-31 10:00'" in unparse(tree)


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        ({"model": "orders", "expr": "stddev(a)"}, "no measure like 'stddev'"),
        ({"model": "orders", "expr": "sum(home.city)"}, "columns of its own table"),
        ({"model": "rates", "expr": "sum(rate)"}, "no time dimension"),
        ({"model": "orders", "expr": "sum(a)", "filter": "home has base > 1"}, "'has'"),
        (
            {"model": "orders", "expr": "sum(a)", "filter": "home.city = 'x' and due > '2024-01-31 10:00'"},
            "'due' with a time of day",
        ),
        ({"expr": "year_ago * 2", "window": "7 days"}, "'year_ago' looks at another time itself"),
        ({"expr": "base * lost"}, "it uses 'lost'"),
        ({"conversion": {"from": "base", "to": "base", "entity": "status"}}, "conversions"),
        ({"model": "orders", "expr": "sum(a)", "non_additive": {"over": "placed", "by": "status"}}, "a level for each"),
    ],
)
def test_what_has_no_words_is_named(metric: dict[str, Any], reason: str) -> None:
    others = {"base": {"model": "orders", "expr": "sum(a)"}, "lost": {"model": "orders", "expr": "stddev(a)"}}
    others["year_ago"] = {"model": "orders", "expr": "sum(a)", "offset": {"by": "1 year", "each": "day"}}
    done = export_project(shop(**others, m=metric))
    (loss,) = [loss for loss in done.losses if loss.name == "m"]
    assert reason in loss.reason
    assert "metrics/m.yml" not in done.files
