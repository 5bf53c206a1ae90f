"""A workspace to the list of what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click

from workbench.commands.exits import CHECK_FAILED, OK, say, tell
from workbench.commands.options import Asker, examples, in_workspace
from workbench.commands.printer import print_json
from workbench.errors import Problem, count


@click.command(
    epilog=examples(
        "workbench validate", "workbench validate --data", "workbench validate --format json > problems.json"
    )
)
@click.option("--data", is_flag=True, help="Also hold the declarations against the warehouse: tables, columns, keys.")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
@in_workspace
def validate(asker: Asker, data: bool, form: str) -> int:
    """Check every declaration and list all problems at once, each with its place."""
    from workbench.declare.workspace import load
    from workbench.quality.problems import find_problems

    workspace = load(asker.workspace_root())
    problems = list(find_problems(workspace))
    if data and not any(problem.severity == "error" for problem in problems):
        from workbench.access.check import problems as access_problems
        from workbench.quality.checks import check_data
        from workbench.warehouse.open import open_engine

        where = workspace.settings.environment(asker.environment)
        engine = open_engine(workspace.root, where, say)
        try:
            tables = {table: tuple(engine.types(table)) for table in engine.tables()}
            found = (*access_problems(workspace, tables), *check_data(workspace, engine))
            problems.extend(problem for problem in found if problem not in problems)
        finally:
            engine.close()
    errors = sum(problem.severity == "error" for problem in problems)
    if form == "json":
        print_json([record(problem) for problem in problems])
    else:
        for problem in problems:
            tell(problem)
        counted = f"{workspace.counted()}, {count(len(workspace.policies), 'policy', 'policies')}"
        say(f"{counted}: {count(errors, 'error')}, {count(len(problems) - errors, 'warning')}.")
    return CHECK_FAILED if errors else OK


@click.command(epilog=examples("workbench test", "workbench test cancellation_rate", "workbench test --format json"))
@click.argument("metrics", nargs=-1)
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
@in_workspace
def test(asker: Asker, metrics: Sequence[str], form: str) -> int:
    """Run the tests that METRICS declare, or those of all metrics."""
    from workbench.declare.workspace import load
    from workbench.quality.proof import prove
    from workbench.warehouse.open import open_engine

    workspace = load(asker.workspace_root()).require()
    engine = open_engine(workspace.root, workspace.settings.environment(asker.environment), say)
    try:
        outcomes = tuple(prove(workspace, engine, metrics))
    finally:
        engine.close()
    failed = [one for one in outcomes if not one.passed]
    if form == "json":
        print_json([asdict(one) | {"place": str(one.place), "message": one.message} for one in outcomes])
    else:
        for one in failed:
            tell(Problem("test-failed", f"test {one.number} of '{one.metric}': {one.message}.", one.place))
        say(f"{count(len(outcomes), 'test')}: {len(outcomes) - len(failed)} passed, {len(failed)} failed.")
    return CHECK_FAILED if failed else OK


def record(problem: Problem) -> dict[str, object]:
    """A problem as plain data."""
    place = problem.place
    return {
        "slug": problem.slug,
        "severity": problem.severity,
        "message": problem.message,
        "hint": problem.hint,
        "file": place.file if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
    }
