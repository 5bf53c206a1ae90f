"""A workspace to the server that owns its warehouse: started where rules hold, refused where they would not."""

from __future__ import annotations

from typing import Any

import click

from workbench.commands.exits import say
from workbench.commands.options import Asker, as_someone, examples
from workbench.commands.ports import GATEWAY, HOST, choose
from workbench.errors import Problem, WorkbenchError

OPEN = (
    "Whoever connects from this machine without a token asks as {name}: the rules keep honest people from mistakes, "
    "and keep nobody out."
)


@click.command(
    epilog=examples(
        "workbench serve",
        "workbench serve --host 0.0.0.0 --port 8700 --environment prod --log-format json",
        "workbench serve --insecure-loopback --as ana@skyways.example",
    )
)
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on; otherwise a free one.")
@click.option("--host", default=HOST, show_default=True, help="Address to listen on; beyond this machine with logins.")
@click.option("--insecure-loopback", is_flag=True, help="Ask without a token from this machine, as --as says.")
@click.option("--metric-questions", type=click.IntRange(1, 256), help="Metric questions that run at once.")
@click.option(
    "--sql-questions", type=click.IntRange(1, 64), default=2, show_default=True, help="Worker processes for SQL."
)
@click.option("--memory-mb", type=click.IntRange(128), default=1024, show_default=True, help="Memory of one SQL query.")
@click.option("--seconds", type=click.FloatRange(1), default=60.0, show_default=True, help="Time of one question.")
@click.option("--result-mb", type=click.IntRange(1), default=512, show_default=True, help="Result of one SQL query.")
@click.option(
    "--drain-seconds", type=click.FloatRange(0), default=20.0, show_default=True, help="Time to end at SIGTERM."
)
@click.option("--log-format", type=click.Choice(("text", "json")), default="text", show_default=True)
@as_someone
def serve(asker: Asker, port: int | None, host: str, **options: Any) -> None:
    """Serve the workspace over HTTP: this process owns the warehouse, and rules hold for whoever asks it."""
    try:
        from workbench.gateway.bounds import Bounds
        from workbench.gateway.run import as_started, limits_of, open_gateway
        from workbench.gateway.run import serve as serve_gateway
    except ModuleNotFoundError as error:
        raise WorkbenchError(
            Problem(
                "no-gateway-extra",
                f"the gateway needs the package '{error.name}'.",
                hint="Install it with: uv pip install 'governed-workbench[gateway]'",
            )
        ) from None
    from workbench.declare.workspace import load
    from workbench.gateway.preflight import check, tighten

    root, local = asker.workspace_root(), bool(options["insecure_loopback"])
    settings = as_started(load(root).require(), local).settings
    tighten(settings, root, asker.environment)
    check(settings, host, root, asker.environment)
    chosen = choose(port, GATEWAY, "--port")
    gateway = open_gateway(
        root,
        environment=asker.environment,
        as_user=asker.user,
        local=local,
        bounds=Bounds(
            metric_questions=options["metric_questions"],
            sql_questions=options["sql_questions"],
            metric_seconds=options["seconds"],
            drain_seconds=options["drain_seconds"],
        ),
        limits=limits_of(options["memory_mb"], options["seconds"], options["result_mb"]),
        say=say,
    )
    if settings.gateway.authentication == "local":
        say(OPEN.format(name=gateway.local_name))
    serve_gateway(gateway, host=host, port=chosen, log=options["log_format"], ready=click.echo)
