"""The words of a terminal to one call of a command, and any error to its message and exit code."""

from __future__ import annotations

import os
import sys
import warnings
from uuid import uuid4

import click

from workbench.commands.access import why
from workbench.commands.ask import explain, query, saved, sql
from workbench.commands.audit import audit
from workbench.commands.automation import codeowners, workflows
from workbench.commands.catalog import dimensions, metrics, models
from workbench.commands.check import test, validate
from workbench.commands.doctor import doctor
from workbench.commands.exits import EPILOG, INTERRUPTED, exit_code, report
from workbench.commands.exports import export, schema
from workbench.commands.gateway import serve
from workbench.commands.imports import import_
from workbench.commands.keys import keys
from workbench.commands.lint import lint
from workbench.commands.migrate import migrate
from workbench.commands.options import Listing
from workbench.commands.release import release, release_key
from workbench.commands.releases import diff, releases_, rollback
from workbench.commands.review import review
from workbench.commands.serve import build, dashboards, up
from workbench.commands.start import init
from workbench.commands.token import token
from workbench.errors import InternalError, Problem, WorkbenchError

COMMANDS = (
    *(up, init, doctor, build, serve, dashboards),
    *(query, sql, saved, explain),
    *(metrics, dimensions, models),
    *(validate, lint, keys, test, why),
    *(token, audit),
    *(review, migrate, release, releases_, diff, rollback, release_key),
    *(codeowners, workflows, schema, import_, export),
)


def _version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(version("governed-workbench"))
        context.exit()


@click.group(
    cls=Listing,
    commands=COMMANDS,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    no_args_is_help=True,
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print the version and exit."
)
def workbench() -> None:
    """Metrics declared in YAML, asked through one governed door."""


def main(arguments: list[str] | None = None) -> None:
    """Run one command and leave the process with its exit code; a mistake is explained, never dumped."""
    words = sys.argv[1:] if arguments is None else arguments
    warnings.formatwarning = _warned
    debug = "--debug" in words or bool(os.environ.get("WORKBENCH_DEBUG"))
    try:
        code = workbench.main(args=words, prog_name="workbench", standalone_mode=False)
    except WorkbenchError as error:
        code = _told(error, debug)
    except click.exceptions.Abort:
        click.echo("Interrupted.", err=True)
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except BrokenPipeError:
        # The reader left early, as in `workbench sql ... | head`; nothing may be written any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:  # the outermost layer: our own fault, told with an id
        if debug:
            raise
        code = _told(_own_fault(error), debug)
    sys.exit(code if isinstance(code, int) else 0)


def _warned(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """What a person needs of a warning: not the line of code that gave it."""
    return f"warning: {message}\n"


def _told(error: WorkbenchError, debug: bool) -> int:
    if debug:
        raise error
    report(error)
    return exit_code(error)


def _own_fault(error: Exception) -> InternalError:
    return InternalError(
        Problem(
            "internal",
            f"{type(error).__name__}: {error} (id {uuid4().hex[:8]}).",
            hint="This is our fault, not yours. Run it again with --debug and report what it prints.",
        )
    )


if __name__ == "__main__":
    main()
