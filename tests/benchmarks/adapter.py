"""Runs the product in the benchmark of peers: names metrics and dimensions, translates columns, holds no SQL."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import workbench
from workbench.declare.workspace import load
from workbench.errors import DeclarationError
from workbench.quality.keys import verify_keys
from workbench.quality.problems import find_problems
from workbench.warehouse.open import open_engine, open_ledger

MODELS = Path(__file__).parent / "models"
ANALYST = "analyst@example.com"
IN_THE_QUESTION = {"q09": "the share of the total is asked for, beside the metric"}
QUESTIONS: dict[str, dict[str, Any]] = {
    "q01": {
        "metrics": ["revenue"],
        "by": [{"month": "shipped.month"}],
        "time": ("1995-01-01", "1996-12-31"),
    },
    "q02": {
        "metrics": ["order_revenue", "order_count", "avg_order_value"],
        "by": [{"nation": "customer.nation.name"}, {"month": "ordered.month"}],
    },
    "q03": {"metrics": ["return_rate"], "by": ["shipmode"]},
    "q04": {"metrics": ["order_revenue", "line_count"], "by": [{"nation": "order.customer.nation.name"}]},
    "q05": {"metrics": ["supply_value", "revenue"], "by": [{"nation": "supplier.nation.name"}]},
    "q06": {"metrics": ["customers"], "by": [{"month": "ordered.month"}]},
    "q07": {"metrics": ["revenue_t3m"], "by": [{"month": "shipped.month"}]},
    "q07b": {"metrics": ["revenue_mtd"], "by": [{"day": "shipped"}], "time": ("1996-01-15", "1996-12-31")},
    "q08": {"metrics": ["revenue", "revenue_yoy"], "by": [{"month": "shipped.month"}]},
    "q09": {"metrics": ["revenue"], "by": [{"region": "order.customer.nation.region.name"}], "share_of": "total"},
    "q10": {
        "metrics": ["revenue", "line_count"],
        "by": [{"customer": "order.customer.name"}],
        "having": "line_count <= 80",
        "order_by": ["-revenue"],
        "limit": 10,
    },
    "q11": {"metrics": ["revenue_air", "revenue_returned", "qty_discounted"], "by": [{"day": "shipped"}]},
    "q12": {"metrics": ["revenue", "line_count"]},
    "f01": {
        "metrics": ["flights", "avg_dep_delay"],
        "by": [{"airline": "airline.name"}, {"month": "flight_date.month"}],
    },
    "f02": {"metrics": ["late_rate"], "by": [{"airport": "origin.name"}]},
    "f03": {"metrics": ["flights", "avg_dep_delay"], "by": [{"manufacturer": "aircraft.manufacturer"}]},
}


class Adapter:
    """The workbench behind the protocol of the benchmark."""

    name = "workbench"

    def __init__(self) -> None:
        self.home: tempfile.TemporaryDirectory[str] | None = None
        self.session: Any = None

    def versions(self) -> dict[str, str]:
        """The versions that matter for the record."""
        out = {"governed-workbench": workbench.__version__}
        for package in ("duckdb", "ibis-framework", "sqlglot"):
            try:
                out[package] = version(package)
            except PackageNotFoundError:
                out[package] = "missing"
        return out

    def load(self, dataset: str, db_path: str, threads: int) -> None:
        """Open a workspace of the data set's models over the file, as an analyst; WORKBENCH_KEPT names one to stay."""
        self.close()
        kept = os.environ.get("WORKBENCH_KEPT")
        self.home = None if kept else tempfile.TemporaryDirectory(prefix="workbench-")
        root = Path(self.home.name if self.home else str(kept)) / "workspace"
        shutil.copytree(MODELS / dataset, root, dirs_exist_ok=True)
        settings = f'[tool.workbench.environments.dev]\nwarehouse = "{Path(db_path).resolve()}"\n'
        (root / "pyproject.toml").write_text(settings, encoding="utf-8")
        if "--once" not in sys.orig_argv:  # a process that is started for one answer finds what was checked before
            _check_keys(root)
        self.session = workbench.connect(root, as_user=ANALYST)

    def supports(self, query_id: str) -> tuple[str, str]:
        """Whether the metrics are all declared, and what the question adds where they aren't."""
        return ("query", IN_THE_QUESTION[query_id]) if query_id in IN_THE_QUESTION else ("model", "")

    def compile(self, query_id: str) -> str:
        """The SQL of a question, through the whole path: nothing compiled before is used."""
        self.session.forget()
        return str(self.session.explain(*_metrics(query_id), **_parts(query_id)).sql)

    def run(self, query_id: str) -> Any:
        """The answer as an Arrow table, compiled anew but in a workspace that stays."""
        if self.home is not None:
            self.session.forget()
        return self.session.query(*_metrics(query_id), **_parts(query_id)).to_arrow()

    def columns(self, query_id: str) -> dict[str, str] | None:
        """Columns come out under the canonical names, as asked, but for a share, whose name is ours."""
        return (
            {"revenue": "revenue", "region": "region", "revenue.share": "revenue_share"} if query_id == "q09" else None
        )

    def write_scaling_model(self, out_dir: str, spec: list[dict[str, Any]]) -> None:
        """Declare the metrics of the specification, all of a model in one file."""
        sys.path.append(str(Path(__file__).parents[2]))  # this file is loaded by its path
        from tests.benchmarks.scaling import write

        write(Path(out_dir), spec)

    def load_scaling(self, out_dir: str, db_path: str) -> None:
        """Open and check the declarations; remembers none of them unless the caller wants an unchanged workspace."""
        self.close()
        root = Path(out_dir)
        if os.environ.get("WORKBENCH_SCALING") != "unchanged":
            shutil.rmtree(root / ".workbench", ignore_errors=True)
        settings = f'[tool.workbench.environments.dev]\nwarehouse = "{Path(db_path).resolve()}"\n'
        (root / "pyproject.toml").write_text(settings, encoding="utf-8")
        self.session = workbench.connect(root, as_user=ANALYST)
        problems = find_problems(self.session.workspace)
        if problems:
            raise DeclarationError(problems)

    def compile_scaling(self, item: dict[str, Any]) -> str:
        """The SQL of one metric by a joined dimension and month, compiled anew."""
        self.session.forget()
        return str(self.session.explain(item["name"], by=["dim.name", "metric_time.month"]).sql)

    def close(self) -> None:
        """Close the session and remove the workspace."""
        if self.session is not None:
            self.session.close()
            self.session = None
        if self.home is not None:
            self.home.cleanup()
            self.home = None


def _check_keys(root: Path) -> None:
    """What `workbench keys` does once per version of the data: record which joins find every partner."""
    workspace = load(root).require()
    engine = open_engine(root, workspace.settings.environment(workspace.settings.default_environment))
    ledger = open_ledger(root)
    try:
        verify_keys(workspace, engine, ledger)
    finally:
        ledger.close()
        engine.close()


def _metrics(query_id: str) -> list[str]:
    return list(QUESTIONS[query_id]["metrics"])


def _parts(query_id: str) -> dict[str, Any]:
    return {key: value for key, value in QUESTIONS[query_id].items() if key != "metrics"}
