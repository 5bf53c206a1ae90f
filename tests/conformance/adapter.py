"""Runs the product against the conformance cases: translates names and spelling, computes nothing, writes no SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapter import GroupBy, ModelSource, OrderBy, Query, Result, Unsupported

import workbench
from workbench.exchange.metricflow import Imported, import_project

ANALYST = "analyst@example.com"


class Adapter:
    """The workbench behind the protocol of the conformance suite."""

    name = "workbench"

    def __init__(self) -> None:
        self.imported: Imported | None = None
        self.session: Any = None

    def load(self, source: ModelSource) -> None:
        """Import the definitions into a workspace beside the database, and open a session there as an analyst."""
        self.imported = import_project(source.manifest_dir, schema=source.schema)
        root = source.db_path.parent / "workspace"
        for name, text in {**self.imported.files, "pyproject.toml": _settings(source.db_path)}.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        self.session = workbench.connect(root, as_user=ANALYST)

    def query(self, query: Query) -> Result:
        """Ask the question in our words; whatever the product refuses is unsupported."""
        try:
            answer = self._ask(query)
        except workbench.WorkbenchError as error:
            raise Unsupported(error.slug, str(error)) from error
        rows = answer.to_arrow().to_pylist()
        names = [column.name for column in answer.columns]
        spelled = [name.replace(".min", "__min").replace(".max", "__max") for name in names]
        return Result(spelled, [tuple(row[name] for name in names) for row in rows], answer.sql)

    def close(self) -> None:
        """Close the session."""
        if self.session is not None:
            self.session.close()

    def _ask(self, query: Query) -> Any:
        names = self.imported.names
        if query.saved_query:
            if query != Query(saved_query=query.saved_query):
                raise Unsupported("saved_query", "a saved query is asked as it is")
            return self.session.saved(query.saved_query)
        metrics = [names.metric(metric) for metric in query.metrics]
        timed = query.time_constraint is not None
        home = None if metrics else names.home([item.name for item in query.group_bys], query.where, timed=timed)
        by = {item: names.path(item.name, item.grain, item.date_part, metrics, home) for item in query.group_bys}
        if differs := names.difference(metrics, by.values(), timed=timed):
            raise Unsupported("differs", differs)
        time, during = names.time(*query.time_constraint, metrics, by.values()) if timed else (None, None)
        where = names.where(query.where, metrics, home, timed=timed)
        return self.session.query(
            *metrics,
            by=[{spelling.column: spelling.path} for spelling in by.values()],
            where=" and ".join(f"({part})" for part in (where, during) if part) or None,
            order_by=[_order(item, metrics, by) for item in query.order_bys],
            limit=query.limit,
            time=time,
            extremes=query.min_max_only,
            every_row=not query.apply_group_by,
        )


def _order(item: OrderBy, metrics: list[str], by: dict[GroupBy, Any]) -> str:
    """The column of the answer that is meant, with a minus where it descends."""
    column = next((m for m in metrics if m == item.name), None)
    column = column or next((s.column for g, s in by.items() if item.name in (g.written, s.column)), None)
    column = column or next((s.column for g, s in by.items() if item.name == g.name), item.name)
    return f"-{column}" if item.descending else column


def _settings(database: Path) -> str:
    # In some tables of the suite a primary key repeats, and the expected rows are those of a join that multiplies.
    return f'[tool.workbench.environments.dev]\nwarehouse = "{database}"\nkeys = "trusted"\n'
