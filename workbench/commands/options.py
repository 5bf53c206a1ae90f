"""Options that many commands share, and the session that they open."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from workbench.session.session import Session

F = TypeVar("F", bound=Callable[..., Any])

FORMATS = ("table", "json", "csv", "parquet")


@dataclass(frozen=True, slots=True)
class Asker:
    """Which workspace is asked, as whom, in which environment."""

    root: Path | None
    user: str | None
    environment: str | None

    def workspace_root(self) -> Path:
        """The root of the workspace; raises `DeclarationError` (no-workspace)."""
        from workbench.declare.workspace import find_root

        return find_root(self.root)

    def session(self) -> Session:
        """A session of the workspace for the asker."""
        from workbench import connect

        session: Session = connect(self.workspace_root(), as_user=self.user, environment=self.environment)
        return session


class Listing(click.Group):
    """Commands, each listed with its whole first sentence: click would cut it where the line ends."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each command beside what it does."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, self.commands[name].get_short_help_str(200)) for name in self.list_commands(ctx)]
            )


def examples(*lines: str) -> str:
    """An epilog that shows commands as they are typed."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def debuggable(function: F) -> F:
    """Adds --debug, which `main` itself looks for."""
    return click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")(function)


def in_workspace(function: F) -> F:
    """Adds --workspace and --environment, and hands the command an Asker without a name."""
    return _asker(function, named=False)


def as_someone(function: F) -> F:
    """Adds --workspace, --environment and --as, and hands the command an Asker."""
    return _asker(function, named=True)


def _asker(function: F, named: bool) -> F:
    @functools.wraps(function)
    def wrapper(*args: Any, root: Path | None, environment: str | None, user: str | None = None, **rest: Any) -> Any:
        return function(Asker(root, user, environment), *args, **rest)

    options = [
        click.option(
            "--workspace",
            "root",
            type=click.Path(path_type=Path, exists=True, file_okay=False),
            envvar="WORKBENCH_WORKSPACE",
            help="Folder of the workspace; otherwise the nearest one above.",
        ),
        click.option(
            "--environment", envvar="WORKBENCH_ENVIRONMENT", metavar="NAME", help="As named in pyproject.toml."
        ),
    ]
    if named:
        options.append(
            click.option("--as", "user", envvar="WORKBENCH_USER", metavar="USER", help="An identity of access/.")
        )
    decorated: Any = wrapper
    for option in reversed(options):
        decorated = option(decorated)
    done: F = debuggable(decorated)
    return done


def printed(*formats: str) -> Callable[[F], F]:
    """Adds --format, and --out where a file makes sense."""
    allowed = formats or FORMATS

    def decorate(function: F) -> F:
        function = click.option(
            "--format", "form", type=click.Choice(allowed), default=allowed[0], show_default=True, help="How to print."
        )(function)
        if "parquet" in allowed:
            function = click.option(
                "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file instead of stdout."
            )(function)
        return function

    return decorate
