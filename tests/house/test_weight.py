"""Starting is light: the package, its help and its catalogue load nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.house.source import ROOT

HEAVY = {
    "ibis",
    "pandas",
    "polars",
    "panel",
    "bokeh",
    "IPython",
    "pyarrow",
    "duckdb",
    "sqlalchemy",
    "jsonschema",
    "nbformat",
}

pytestmark = pytest.mark.slow

PROBE = """
import json, sys
sys.argv = {words!r}
try:
    {code}
except SystemExit:
    pass
print("\\n#" + json.dumps(sorted({{name.split(".")[0] for name in sys.modules}})))
"""


def loaded(code: str, *words: str) -> set[str]:
    """The top modules that a fresh Python holds after running ``code``."""
    ran = subprocess.run(
        [sys.executable, "-c", PROBE.format(code=code, words=["workbench", *words])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "\n#" in ran.stdout, ran.stderr
    return set(json.loads(ran.stdout.rsplit("\n#", 1)[1]))


@pytest.mark.parametrize("code", ["import workbench", "import workbench; workbench.WorkbenchError"])
def test_importing_the_package_is_light(code: str) -> None:
    assert not loaded(code) & (HEAVY | {"pydantic", "yaml", "sqlglot", "click", "rich"})


@pytest.mark.parametrize("words", [["--help"], ["query", "--help"], ["--version"]])
def test_help_is_light(words: list[str]) -> None:
    assert not loaded("from workbench.cli import main; main()", *words) & (HEAVY | {"pydantic", "yaml", "sqlglot"})


@pytest.mark.parametrize(
    "words", [["metrics"], ["metrics", "delay"], ["models"], ["dimensions", "flights"], ["validate"], ["lint"]]
)
def test_the_catalogue_needs_no_warehouse(words: list[str]) -> None:
    assert not loaded("from workbench.cli import main; main()", *words) & HEAVY
