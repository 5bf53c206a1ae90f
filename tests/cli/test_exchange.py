"""Importing and exporting from a terminal: files where they were asked for, losses on stderr."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run


def test_an_exported_workspace_is_imported_as_it_was(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "shop.yml"
    exported = run("export", "osi", "--out", str(file), "--version", "0.2.0.dev0")
    assert exported.code == 0
    assert "metric 'flights_trend' is not said" in exported.err
    assert run("import", "osi", str(file), "--to", str(tmp_path / "back"), "--dry-run").code == 0
    assert not (tmp_path / "back").exists()
    imported = run("import", "osi", str(file), "--to", str(tmp_path / "back"))
    assert "0 things not taken over" in imported.err
    assert run("validate", at=tmp_path / "back").code == 0
    again = run("import", "osi", str(file), "--to", str(tmp_path / "back"))
    assert {line.split()[0] for line in again.out.splitlines()} == {"kept"}


def test_a_document_goes_to_stdout_and_nothing_else_does(run: Run) -> None:
    exported = run("export", "osi", "--name", "flights")
    assert exported.json["version"] == "0.1.1"
    assert exported.json["semantic_model"][0]["name"] == "flights"


def test_what_is_no_document_is_refused_with_its_place(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "shop.json"
    file.write_text(json.dumps({"version": "9", "semantic_model": []}), encoding="utf-8")
    refused = run("import", "osi", str(file))
    assert refused.code == 2
    assert "shop.json:1:13" in refused.err


def test_a_metricflow_project_is_written_and_read_back(run: Run, tmp_path: Path) -> None:
    exported = run("export", "metricflow", "--to", str(tmp_path / "mf"))
    assert exported.code == 0
    assert "metric 'departure_delay_spread' is not said" in exported.err
    assert (tmp_path / "mf/metrics/flights_trend.yml").exists()
    assert run("import", "metricflow", str(tmp_path / "mf"), "--to", str(tmp_path / "back")).code == 0
    assert run("validate", at=tmp_path / "back").code == 0


def test_tables_of_a_dbt_project_are_in_a_schema_that_rules_can_name(run: Run, tmp_path: Path) -> None:
    (tmp_path / "dbt").mkdir()
    (tmp_path / "dbt/dbt_project.yml").write_text("name: shop\nmodel-paths: [models]\n")
    model = {"name": "orders", "model": "ref('orders')", "entities": [{"name": "order_id", "type": "primary"}]}
    (tmp_path / "dbt/orders.yml").write_text(json.dumps({"semantic_models": [model]}))
    ran = run("import", "metricflow", str(tmp_path / "dbt"), "--to", str(tmp_path / "back"))
    assert (ran.code, "0 things not taken over" in ran.err) == (0, True), ran.err
    assert run("validate", at=tmp_path / "back").code == 0


def test_a_folder_without_anything_to_import_is_told(run: Run, tmp_path: Path) -> None:
    ran = run("import", "metricflow", str(tmp_path), "--to", str(tmp_path / "to"), "--dry-run")
    assert (ran.code, "Nothing to import was found there." in ran.err) == (0, True)
