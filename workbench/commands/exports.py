"""Declarations to what other tools read: JSON Schemas for editors, documents and projects of other metrics layers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from workbench.commands.exits import say
from workbench.commands.options import Asker, Listing, examples, in_workspace
from workbench.commands.printer import cannot_write, print_json

SCHEMAS = Path(".workbench/schemas")
SETTINGS = Path(".vscode/settings.json")


@click.command(epilog=examples("workbench schema metric", "workbench schema --write", "workbench schema"))
@click.argument("kind", required=False)
@click.option("--write", is_flag=True, help="Write the schema of each folder, and the settings that editors read.")
@in_workspace
def schema(asker: Asker, kind: str | None, write: bool) -> None:
    """Print the JSON Schema of KIND (metric, dashboard, ...), or of all kinds."""
    from workbench.declare.schema import folder_schemas, schemas

    if not write:
        print_json(schemas(kind))
        return
    root = asker.workspace_root()
    mapping = {}
    try:
        (root / SCHEMAS).mkdir(parents=True, exist_ok=True)
        for folder, content in folder_schemas().items():
            file = SCHEMAS / f"{folder.rsplit('/', 1)[-1]}.json"
            (root / file).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
            mapping[f"./{file.as_posix()}"] = f"{folder}/**/*.yml"
        wanted = json.dumps({"yaml.schemas": mapping}, indent=2) + "\n"
        if not (root / SETTINGS).exists():
            (root / SETTINGS).parent.mkdir(exist_ok=True)
            (root / SETTINGS).write_text(wanted, encoding="utf-8")
            say(f"Wrote {SCHEMAS}/ and {SETTINGS}.")
        else:
            say(f"Wrote {SCHEMAS}/. {SETTINGS} is yours already; it needs:\n{wanted}")
    except OSError as error:
        raise cannot_write(root / SCHEMAS, error) from None


@click.group(cls=Listing)
def export() -> None:
    """Write declarations for other tools."""


@export.command(
    name="osi",
    epilog=examples("workbench export osi --out shop.json", "workbench export osi --version 0.2.0.dev0 --out shop.yml"),
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file instead of stdout.")
@click.option("--version", type=click.Choice(["0.1.1", "0.2.0.dev0"]), default="0.1.1", show_default=True)
@click.option("--name", default="", help="What the semantic model is called; the workspace's name unless said.")
@click.option(
    "--dialect",
    type=click.Choice(["ANSI_SQL", "SNOWFLAKE", "DATABRICKS", "BIGQUERY"]),
    default="ANSI_SQL",
    show_default=True,
    help="Give each expression in this dialect too.",
)
@in_workspace
def export_osi(asker: Asker, out: Path | None, version: str, name: str, dialect: str) -> None:
    """Write everything declared as a document of Apache Ossie (formerly OSI), JSON or YAML by the name of the file.

    What the format cannot say is kept in an extension, so that importing the document gives the same workspace;
    it is named with its place, because other tools will not read it. Members of groups are not written.
    """
    from workbench.declare.workspace import load
    from workbench.exchange.osi import export_project

    form = "yaml" if out and out.suffix.lower() in (".yml", ".yaml") else "json"
    workspace = load(asker.workspace_root()).require()
    exported = export_project(workspace, version=version, name=name, dialect=dialect, form=form)
    if out is None:
        click.echo(exported.text, nl=False)
    else:
        _put(out, exported.text)
    _tell(exported.losses)


def _put(file: Path, text: str) -> None:
    """Write a file, and say so on stdout."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise cannot_write(file, error) from None
    click.echo(f"wrote    {file}")


def _tell(losses: Sequence[object]) -> None:
    for loss in losses:
        say(str(loss))
    say(f"{len(losses)} kinds of things that other tools will not read.")


@export.command(name="metricflow", epilog=examples("workbench export metricflow --to ../semantic_layer"))
@click.option(
    "--to", "target", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder to write into."
)
@in_workspace
def export_metricflow(asker: Asker, target: Path) -> None:
    """Write what MetricFlow can say, one document for each object; all else is named with its place.

    Files of the same names are written over.
    """
    from workbench.declare.workspace import load
    from workbench.exchange.metricflow_export import export_project

    exported = export_project(load(asker.workspace_root()).require())
    for name, text in exported.files.items():
        _put(target / name, text)
    _tell(exported.losses)
