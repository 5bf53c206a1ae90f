"""JSON Schemas of the declarations, for editors that complete and check while one types."""

from __future__ import annotations

import json
from pathlib import Path

import click

from workbench.commands.exits import say
from workbench.commands.options import Asker, examples, in_workspace
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
