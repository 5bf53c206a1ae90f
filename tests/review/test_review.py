"""A change in a real repository to one report: rules, problems, risks, consumers, moved values, and nothing run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.review.play import WORKSPACE, Git
from workbench.review.markdown import markdown
from workbench.review.people import People
from workbench.review.repository import repository
from workbench.review.review import Review, review, sides
from workbench.review.sarif import sarif
from workbench.warehouse.duckdb_engine import DuckDBEngine

GOOD = People(("github:cora",), ("github:noah", "github:fred"), (), "github")
REVENUE = "metrics/sales/revenue.yml"


@pytest.fixture
def git(tmp_path: Path) -> Git:
    git = Git(tmp_path / "repo")
    git.commit(dict(WORKSPACE))
    git("checkout", "-q", "-b", "change")
    return git


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBEngine]:
    path = tmp_path_factory.mktemp("review") / "w.duckdb"
    with duckdb.connect(str(path)) as made:
        made.execute("CREATE SCHEMA gold")
        made.execute(
            "CREATE TABLE gold.orders AS SELECT i AS id, DATE '2026-01-01' + CAST(i % 60 AS INT) AS day,"
            " i * 2 AS amount, ['AT', 'FR', NULL][1 + i % 3] AS country, 'm' || i AS mail FROM range(300) t(i)"
        )
    engine = DuckDBEngine(path)
    yield engine
    engine.close()


def looked(git: Git, people: People = GOOD, engine: DuckDBEngine | None = None, head: str | None = "HEAD") -> Review:
    repo = repository(git.folder)
    with sides(repo, "main", head) as given:
        return review(repo, given, people, engine)


def test_a_good_change_may_be_merged_and_tells_what_moves(git: Git, engine: DuckDBEngine) -> None:
    git.commit({REVENUE: WORKSPACE[REVENUE] + "filter: country = 'AT'\n"})
    found = looked(git, engine=engine)
    assert found.passed
    assert [(value.metric, value.moved) for value in found.values] == [("revenue", True), ("average", True)]
    assert found.values[0].before == sum(i * 2 for i in range(300))
    assert found.values[0].after == sum(i * 2 for i in range(300) if i % 3 == 0)
    text = markdown(found)
    assert text.startswith("# Review: may be merged")
    for said in ("`revenue`", "weekly", "200 no longer counted", "```mermaid"):
        assert said in text


def test_tests_that_the_change_breaks_stop_the_merge_and_those_broken_before_do_not(
    git: Git, engine: DuckDBEngine
) -> None:
    right, broken, whole = "tests: [{expect: 89700}, ", "{expect: 1}]\n", WORKSPACE[REVENUE]
    git("checkout", "-q", "main")
    git.commit({REVENUE: whole + right + broken})
    git("checkout", "-q", "-B", "change")
    average = WORKSPACE["metrics/sales/average.yml"] + "tests: [{expect: 299}]\n"
    git.commit({REVENUE: f"{whole}filter: country = 'AT'\n{right}{broken}", "metrics/sales/average.yml": average})
    found = looked(git, engine=engine)
    failed = [one for one in found.problems if one.slug == "test-failed"]
    assert [(one.message, one.severity) for one in failed] == [
        ("test 1 of 'revenue': expected 89700, got 29700.", "error"),
        ("test 1 of 'average': expected 299, got 99.0.", "error"),
    ]
    assert failed[0].place is not None
    assert failed[0].place.file == REVENUE
    assert found.verdict == "refused"
    repo = repository(git.folder)
    with sides(repo, "main", "HEAD") as given:
        hurried = review(repo, given, GOOD, engine, seconds=0)
    assert hurried.untested == ("revenue", "average")
    assert "No time was left to run the tests of `revenue`" in markdown(hurried)


def test_the_value_of_a_new_metric_is_shown(git: Git, engine: DuckDBEngine) -> None:
    late = "metric: late\nowner: sales\nmodel: orders\nexpr: count(*)\nwindow: 2 days\n"
    git.commit({"metrics/sales/new.yml": f"metric: new\nowner: sales\nmodel: orders\nexpr: count(*)\n---\n{late}"})
    found = looked(git, engine=engine)
    assert [(value.metric, value.was, value.after) for value in found.values] == [("late", "", None), ("new", "", 300)]
    assert "| `new` | none | 300 | new |  |" in markdown(found)
    assert "metrics it reaches" not in markdown(found)


def test_the_work_tree_is_reviewed_before_it_is_committed(git: Git) -> None:
    (git.folder / REVENUE).write_text(WORKSPACE[REVENUE].replace("amount", "net"), encoding="utf-8")
    assert [change.name for change in looked(git, head=None).changes] == ["revenue"]
    assert looked(git).changes == ()


def test_what_happened_on_the_base_meanwhile_is_not_the_changes_doing(git: Git) -> None:
    git.commit({REVENUE: WORKSPACE[REVENUE].replace("amount", "net")})
    git("checkout", "-q", "main")
    git.commit({"metrics/sales/orders.yml": None})
    git("checkout", "-q", "change")
    assert [change.name for change in looked(git).changes] == ["revenue"]


def test_an_unsound_head_is_told_with_places_and_stops_the_merge(git: Git) -> None:
    git.commit({REVENUE: "metric: revenue\nmodel: orders\nexpr: sum(\n", "metrics/x.yml": "metrik: a\n"})
    found = looked(git)
    assert not found.passed
    assert {problem.place.file for problem in found.problems if problem.place} >= {REVENUE, "metrics/x.yml"}


def test_nothing_of_the_change_is_run(git: Git) -> None:
    ran = git.folder.parent / "ran"
    evil = f"import pathlib; pathlib.Path({str(ran)!r}).touch()\n"
    git.commit({
        "workbench/__init__.py": evil, "conftest.py": evil, "notebooks/dashboards/evil.py": evil, "setup.py": evil,
        "notebooks/evil.ipynb": json.dumps({"cells": [{"cell_type": "code", "source": evil}]}),
        ".gitattributes": "*.yml filter=evil diff=evil\n",
        REVENUE: "metric: revenue\nmodel: orders\nexpr: !!python/object/apply:os.system ['touch ran']\n",
    })  # fmt: skip
    for key in ("filter.evil.smudge", "filter.evil.clean", "diff.evil.textconv", "diff.evil.command", "diff.external"):
        git("config", key, f"touch {ran}; cat")
    looked(git)
    assert not ran.exists()
    git("config", "--unset", "filter.evil.clean")  # how one's own work tree is cleaned is one's own setting
    looked(git, head=None)
    assert not ran.exists()


HOSTILE = "</details> @team [x](http://evil) <img src=x> | `a` ``` # *b*"


def test_text_of_the_change_is_quoted_in_the_report(git: Git) -> None:
    quoted = json.dumps(HOSTILE)
    git.commit({
        REVENUE: f"metric: revenue\nowner: {quoted}\ndescription: {quoted}\nmodel: orders\nexpr: sum(amount)\n",
        "metrics/a.yml": f"metric: {quoted}\nmodel: orders\nexpr: count(*)\n",
    })  # fmt: skip
    text = markdown(looked(git, People(("github:<img src=x>@team",), (), (), "github")))
    outside = re.sub(r"`[^`\n]*`", "", text)
    assert not re.search(r"(?<!\\)<(?!/?(details|summary)>)", outside)
    assert outside.count("</details>") == outside.count("<details>")
    assert not re.search(r"@(?!\u200b)", outside)
    assert not re.search(r"(?<!\\)\]\(", outside)


def test_sarif_names_rules_places_and_levels(git: Git) -> None:
    git.commit({REVENUE: WORKSPACE[REVENUE].replace("amount", "net"), "metrics/x.yml": "metrik: a\n"})
    (run,) = sarif(looked(git, People(("github:mallory",), ())))["runs"]
    told = {(r["ruleId"], r["level"]) for r in run["results"]}
    assert {("unknown-kind", "error"), ("contributor", "error"), ("change-breaking", "warning")} <= told
    place = next(r for r in run["results"] if r["ruleId"] == "unknown-kind")["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "metrics/x.yml"
    assert {r["ruleId"] for r in run["results"]} == {rule["id"] for rule in run["tool"]["driver"]["rules"]}


def test_values_of_what_cannot_be_reached_in_time_are_named(git: Git, engine: DuckDBEngine) -> None:
    git.commit({REVENUE: WORKSPACE[REVENUE] + "filter: country = 'AT'\n"})
    repo = repository(git.folder)
    with sides(repo, "main", "HEAD") as given:
        found = review(repo, given, GOOD, engine, seconds=0)
    assert found.unlooked == ("revenue", "average")
    assert "No time was left" in markdown(found)
