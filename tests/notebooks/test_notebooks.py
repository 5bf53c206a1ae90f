"""Every notebook runs from top to bottom, and is stored without outputs."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.show.workspaces import REPOSITORY, copy_workspace

NOTEBOOKS = sorted((REPOSITORY / "notebooks").rglob("*.ipynb"))


def test_there_is_a_first_notebook() -> None:
    assert "first_steps.ipynb" in [path.name for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_notebooks_are_stored_without_outputs(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in cells)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_notebooks_run(path: Path, tmp_path: Path, flights_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = copy_workspace(tmp_path / "skyways", flights_file)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("WORKBENCH_USER", "ana@skyways.example")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(path, as_version=4)
    here = workspace / path.relative_to(REPOSITORY).parent
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(here)}}).execute()
    for cell in notebook.cells:
        refused = "raises-exception" in cell.metadata.get("tags", [])
        for output in cell.get("outputs", []):
            said = "".join(output.get("traceback", [])) + output.get("text", "")
            assert "Traceback" not in said, cell.source
            assert "<script" not in output.get("data", {}).get("text/html", "")
        if cell.cell_type == "code":
            failed = any(output.output_type == "error" for output in cell.outputs)
            assert failed == refused, cell.source
