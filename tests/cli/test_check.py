"""`validate`, `test`, `schema`, `doctor` and `why`: all problems at once, with places, and codes that scripts use."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import REFERENCE, Run

pytestmark = pytest.mark.slow


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The reference workspace without its warehouse."""
    for folder in ("metrics", "access"):
        shutil.copytree(REFERENCE / folder, tmp_path / folder)
    shutil.copytree(REFERENCE / "notebooks" / "dashboards", tmp_path / "notebooks" / "dashboards")
    shutil.copy(REFERENCE / "pyproject.toml", tmp_path)
    return tmp_path


def test_all_problems_at_once_with_places(run: Run, copy: Path) -> None:
    flights = copy / "metrics" / "traffic" / "flights.yml"
    flights.write_text(flights.read_text() + "---\nmetric: one\nmodle: flights\nexpr: count(*)\n")
    (copy / "metrics" / "bad.yml").write_text("metric: two\nexpr: sum(\nmodel: flights\n")
    (copy / "access" / "more.yml").write_text("resource: gold.*\ngrant: [{to: [nobody]}]\n")
    ran = run("validate", "--format", "json", at=copy)
    assert ran.code == 1
    found = {(problem["slug"], problem["file"]) for problem in ran.json}
    assert ("unknown-key", "metrics/traffic/flights.yml") in found
    assert ("unknown-role", "access/more.yml") in found
    assert any(file == "metrics/bad.yml" for _, file in found)
    assert all(problem["line"] for problem in ran.json)
    text = run("validate", at=copy)
    assert "Did you mean 'model'?" in text.err
    assert text.out == ""


def test_a_good_workspace(run: Run) -> None:
    assert run("validate").code == 0
    assert run("validate", "--format", "json").json == []


def test_declarations_are_held_against_the_data(run: Run, copy: Path) -> None:
    (copy / "metrics" / "models" / "extra.yml").write_text(
        "semantic_model: extra\ntable: gold.flights\nprimary_key: [carrier]\ndimensions: {carrier: {}, colour: {}}\n"
    )
    assert run("validate", at=copy).code == 0
    ran = run("validate", "--data", "--format", "json", at=copy)
    assert ran.code == 1
    assert {"broken-key", "missing-column"} <= {problem["slug"] for problem in ran.json}


def test_tests_of_metrics(run: Run, copy: Path) -> None:
    assert run("test", "cancellation_rate").code == 0
    file = copy / "metrics" / "reliability" / "cancellation_rate.yml"
    file.write_text(file.read_text().replace("expect: 0.25", "expect: 0.26"))
    ran = run("test", "cancellation_rate", at=copy)
    assert ran.code == 1
    assert "[test-failed]" in ran.err
    assert "metrics/reliability/cancellation_rate.yml:" in ran.err
    assert run("test", "nothing").code == 2


def test_schemas(run: Run, copy: Path) -> None:
    assert run("schema", "metric").json["properties"]["expr"]
    assert set(run("schema").json) >= {"metric", "semantic_model", "dashboard", "resource"}
    assert "Did you mean 'metric'" in run("schema", "metrik").err
    assert run("schema", "--write", at=copy).code == 0
    settings = json.loads((copy / ".vscode" / "settings.json").read_text())
    assert all((copy / file).exists() for file in settings["yaml.schemas"])
    (copy / ".vscode" / "settings.json").write_text("{}")
    assert "yaml.schemas" in run("schema", "--write", at=copy).err
    assert (copy / ".vscode" / "settings.json").read_text() == "{}"


def test_doctor(run: Run, copy: Path) -> None:
    healthy = run("doctor", "--format", "json")
    assert healthy.code == 0, healthy.out
    assert {"python", "packages", "workspace", "you", "warehouse"} <= {finding["about"] for finding in healthy.json}
    shutil.rmtree(copy / "access")
    (copy / ".workbench").mkdir()
    (copy / ".workbench" / "warehouse.duckdb").write_bytes(b"broken" * 1000)
    sick = run("doctor", "--format", "json", at=copy)
    assert sick.code == 1
    assert all(finding["fix"] for finding in sick.json if finding["state"] != "ok")


def test_why(run: Run) -> None:
    yes = run("why", "paula@united.example", "query:adhoc", "gold.flights", "--format", "json")
    assert yes.code == 0
    assert yes.json["allowed"]
    assert any("own_carrier" in sentence for sentence in yes.json["why"])
    for resource, said in (("gold.flihgts", "no model is on a table"), ("gold.flights", "")):
        (last,) = run("why", "ana@skyways.example", "query:adhoc", resource, "--format", "json").json["why"][-1:]
        assert (said in last, "Did you mean 'gold.flights'" in last) == (True, bool(said))
    assert "no metric 'flihgts'" in run("why", "ana@skyways.example", "read:metric", "flihgts").out
    assert "Did you mean 'query:adhoc'?" in run("why", "ana@skyways.example", "query").out
    assert "There are query:adhoc, " in run("why", "ana@skyways.example", "xyz").out
    assert "Did you mean 'ana@skyways.example'" in run("why", "anna@skyways.example", "query:adhoc").out
    no = run("why", "ana@skyways.example", "query:adhoc", "landing.flights")
    assert no.code == 3
    assert "may not" in no.out


def test_the_catalogue(run: Run) -> None:
    cards = run("metrics", "--format", "json").json
    assert len(cards) >= 25
    assert all(card["description"] and card["owner"] for card in cards)
    assert "average_departure_delay" in run("metrics", "delay").out
    assert run("metrics", "xyzzy").out.count("\n") <= 2
    assert "origin.name" in run("dimensions", "flights", "precipitation", "--format", "csv").out
    assert run("dimensions", "nothing").code == 2
    assert "gold.flights" in run("models").out


def test_a_setting_that_is_none_is_met_with_what_is_near(run: Run, tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.workbench.environments.dev]\nwarehous = 'x.duckdb'\n")
    said = "environments.dev.warehous: there is no such key. Did you mean 'warehouse'?"
    assert said in run("validate", at=tmp_path).err
