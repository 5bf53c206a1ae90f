"""What is used leaves only after its day, and what leaves wins no new users."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.review.play import WORKSPACE
from workbench.declare.workspace import Workspace, load
from workbench.review.changes import changes
from workbench.review.gate import Ruling
from workbench.review.lifecycle import lifecycle
from workbench.warehouse.ledger import Run

TODAY = date(2026, 6, 1)
REVENUE, PAGE = "metrics/sales/revenue.yml", "notebooks/dashboards/page.yml"
DEPRECATED = WORKSPACE[REVENUE] + "deprecated: {since: 2026-01-01, until: %s, replaced_by: net}\n"
Files = dict[str, str | None]


def workspace(folder: Path, changed: Files) -> Workspace:
    for name, text in (WORKSPACE | changed).items():
        if text is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    return load(folder).require()


def ruled(folder: Path, before: Files, after: Files, *asked: str, notebook: bytes = b"") -> list[Ruling]:
    base, head = workspace(folder / "base", before), workspace(folder / "head", before | after)
    runs = [Run("ana", "metric", asked, "f", 1, 0.1, "answered")]
    return list(lifecycle(base, head, changes(base, head), ({}, {"n.ipynb": notebook}), runs, TODAY))


NOBODY: Files = {"metrics/sales/average.yml": None, "metrics/saved_queries/weekly.yml": None, PAGE: None}


@pytest.mark.parametrize(
    ("before", "after", "asked", "kept"),
    [
        ({}, {REVENUE: None}, (), False),
        (NOBODY, {REVENUE: None}, (), True),
        (NOBODY, {REVENUE: None}, ("revenue",), False),
        (NOBODY, {REVENUE: WORKSPACE[REVENUE].replace("metric: revenue", "metric: income")}, ("revenue",), False),
        (NOBODY, {REVENUE: WORKSPACE[REVENUE] + "visibility: internal\n"}, ("revenue",), False),
        ({REVENUE: DEPRECATED % "2026-05-31"}, {REVENUE: None}, ("revenue",), True),
        ({REVENUE: DEPRECATED % "2026-06-01"}, {REVENUE: None}, ("revenue",), True),
        ({REVENUE: DEPRECATED % "2026-06-02"}, {REVENUE: None}, ("revenue",), False),
        ({}, NOBODY | {REVENUE: None}, (), True),
    ],
)
def test_what_is_used_goes_after_its_day(
    tmp_path: Path, before: Files, after: Files, asked: tuple[str, ...], kept: bool
) -> None:
    mine = [one for one in ruled(tmp_path, before, after, *asked) if "'revenue'" in one.message]
    assert [one.kept for one in mine if one.rule == "announced-removal"] == [kept]


def test_an_internal_metric_may_go_at_once(tmp_path: Path) -> None:
    before = NOBODY | {REVENUE: WORKSPACE[REVENUE] + "visibility: internal\n"}
    assert ruled(tmp_path, before, {REVENUE: None}, "revenue") == []


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("metrics/new.yml", "metric: new\nexpr: revenue * 2\n"),
        ("metrics/new.yml", "metric: new\nexpr: a * 2\ninputs: {a: {metric: revenue, offset: 1 year}}\n"),
        ("metrics/saved_queries/new.yml", "saved_query: new\nmetrics: [revenue]\n"),
        ("metrics/saved_queries/new.yml", "saved_query: new\nmetrics: [orders_placed]\nhaving: revenue > 1\n"),
        ("notebooks/dashboards/new.yml", "dashboard: new\ntitle: New\nrows: [[{line: [revenue]}]]\n"),
        (PAGE, "dashboard: page\ntitle: Page\nowner: sales\nrows: [[{number: orders_placed}]]\n"),
    ],
)
def test_a_new_use_of_what_leaves_is_refused_and_an_old_one_is_not(tmp_path: Path, file: str, text: str) -> None:
    given = ruled(tmp_path, {REVENUE: DEPRECATED % "2027-01-01"}, {file: text})
    expected = [] if file == PAGE else ["no-new-use"]
    assert [one.rule for one in given if not one.kept] == expected
    assert all("Use 'net'" in one.hint for one in given)


def test_a_notebook_is_a_user_too(tmp_path: Path) -> None:
    given = ruled(tmp_path, {REVENUE: DEPRECATED % "2027-01-01"}, {}, notebook=b"wb.query('revenue')")
    assert [one.rule for one in given] == ["no-new-use"]


def test_to_deprecate_what_is_used_is_allowed(tmp_path: Path) -> None:
    assert ruled(tmp_path, {}, {REVENUE: DEPRECATED % "2027-01-01"}, "revenue") == []
