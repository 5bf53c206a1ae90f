"""A workspace to the files by which a forge helps to govern it: code owners, and workflows."""

from __future__ import annotations

from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import click

from workbench.commands.exits import CHECK_FAILED, OK, say
from workbench.commands.options import Asker, examples, in_workspace

WORKFLOWS = ".github/workflows"
CHECK = click.option("--check", is_flag=True, help="Write nothing; fail where a file is not as it would be written.")


@click.command(epilog=examples("workbench codeowners", "workbench codeowners --check"))
@CHECK
@in_workspace
def codeowners(asker: Asker, check: bool) -> int:
    """Write .github/CODEOWNERS from the owners that declarations name."""
    from workbench.declare.workspace import load
    from workbench.review.codeowners import FILE
    from workbench.review.codeowners import codeowners as written

    workspace = load(asker.workspace_root()).require()
    return _written(asker, {FILE: written(workspace)}, check)


@click.command(epilog=examples("workbench workflows", "workbench workflows --check"))
@CHECK
@in_workspace
def workflows(asker: Asker, check: bool) -> int:
    """Write the GitHub workflows of a team: review, approval, release, nightly tests."""
    held = files("workbench.commands") / "workflows"
    own = version("governed-workbench")
    texts = {one.name: one.read_text(encoding="utf-8") for one in held.iterdir() if one.name.endswith(".yml")}
    return _written(asker, {f"{WORKFLOWS}/{n}": t.replace("@VERSION@", own) for n, t in sorted(texts.items())}, check)


def _written(asker: Asker, wanted: dict[str, str], check: bool) -> int:
    root = asker.workspace_root()
    other = {name: text for name, text in wanted.items() if not _is(root / name, text)}
    for name, text in other.items():
        if check:
            say(f"{name} is not as it would be written. Without --check it is.")
        else:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(text.encode())
            say(f"Wrote {name}.")
    if not other:
        say(f"{', '.join(wanted)}: up to date.")
    return CHECK_FAILED if check and other else OK


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()
