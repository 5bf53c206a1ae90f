"""A team's own data to a first workspace: proposals written beside what is there, never over it."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from workbench.commands.exits import say
from workbench.commands.options import debuggable, examples
from workbench.commands.printer import cannot_write

if TYPE_CHECKING:
    from workbench.exchange.proposals import Draft, TableFacts

WAREHOUSE = ".workbench/warehouse.duckdb"


@click.command(
    epilog=examples(
        "workbench init sales.duckdb",
        "workbench init data/ shop --owner sales",
        "workbench init orders.parquet --dry-run",
    )
)
@click.argument("data", type=click.Path(path_type=Path, exists=True))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option("--owner", default="analytics", show_default=True, help="The group that answers for the metrics.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@debuggable
def init(data: Path, folder: Path, owner: str, dry_run: bool) -> None:
    """Propose a workspace in FOLDER over DATA: a DuckDB file, a Parquet or CSV file, or a folder of such files.

    Keys and relationships are verified on all rows; what was found stands in the proposed files as comments.
    """
    from workbench.exchange.proposals import propose, term_name
    from workbench.warehouse.profile import is_database, profile_data

    root = folder.resolve()
    say(f"Looking at {data} ...")
    tables, links = profile_data(data, say)
    owner = term_name(owner)
    drafts = (
        *_settings(root, data.resolve(), is_database(data)),
        *propose(tables, links, owner),
        *_access(tables, owner),
        *_notebook(root),
    )
    _write(root, drafts, dry_run)
    if not dry_run:
        where = "" if root == Path.cwd() else f"cd {folder} && "
        say(f"\nNext: {where}workbench validate --data && workbench up")


def _settings(root: Path, data: Path, own: bool) -> tuple[Draft, ...]:
    from workbench.exchange.proposals import Draft, term_name

    there = Path(os.path.relpath(data, root)).as_posix()
    lines = [
        "[tool.workbench]",
        f'name = "{term_name(root.name)}"',
        f"identity = {json.dumps(getpass.getuser())}",
        "",
        "[tool.workbench.environments.dev]",
        f"warehouse = {json.dumps(there if own else WAREHOUSE)}",
        *([] if own else [f"source = {json.dumps(there)}"]),
    ]
    return (
        Draft("pyproject.toml", "\n".join(lines) + "\n"),
        Draft(".gitignore", ".workbench/\n.ipynb_checkpoints/\n"),
    )


def _access(tables: Sequence[TableFacts], owner: str) -> tuple[Draft, ...]:
    """Three roles, one group with whoever runs this, and read grants for analysts on every schema."""
    from workbench.declare.reader import dump
    from workbench.exchange.proposals import Draft

    asking = ["query:adhoc", "read:metric", "read:dashboard", "draft:metric"]
    roles = {
        "analyst": {"description": "Everyone signed in: asks anything of what is granted.", "can": asking},
        "contributor": {
            "description": "Publishes metrics and dashboards, by review.",
            "extends": "analyst",
            "can": ["propose:metric", "publish:metric", "publish:dashboard"],
        },
        "steward": {
            "description": "Answers for the data and for who may see it.",
            "extends": "contributor",
            "can": ["change:access", "promote:batch", "rollback"],
        },
    }
    groups = {owner: {"role": "steward", "members": [getpass.getuser()], "description": "Owns the first metrics."}}
    schemas = sorted({table.schema for table in tables})
    policies = "---\n".join(
        dump({"resource": f"{schema}.*", "description": "Open to everyone signed in.", "grant": [{"to": ["analyst"]}]})
        for schema in schemas
    )
    return (
        Draft("access/roles.yml", dump({"roles": roles})),
        Draft("access/groups.yml", dump({"groups": groups})),
        Draft("access/policies/tables.yml", policies),
    )


def _notebook(root: Path) -> tuple[Draft, ...]:
    from workbench.exchange.proposals import Draft

    sources = ["%load_ext workbench", "from workbench import connect\n\nsession = connect()\nsession.metrics"]
    cells: list[dict[str, object]] = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": source,
        }
        for number, source in enumerate(sources)
    ]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    content = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    return (Draft("notebooks/start.ipynb", json.dumps(content, indent=1) + "\n"),)


def _write(root: Path, drafts: Sequence[Draft], dry_run: bool) -> None:
    """Write each draft whose place is free; one line each on stdout."""
    for draft in drafts:
        file = root / draft.path
        if file.exists():
            if file.read_text(encoding="utf-8", errors="replace") != draft.text:
                click.echo(f"kept     {draft.path}")
                if draft.path == "pyproject.toml":
                    say(f"Add to pyproject.toml where it is missing:\n\n{draft.text}")
            continue
        click.echo(f"{'would write' if dry_run else 'wrote'}    {draft.path}")
        for note in draft.notes[1:]:
            say(f"         {note}")
        if not dry_run:
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(draft.text, encoding="utf-8")
            except OSError as error:
                raise cannot_write(file, error) from None
