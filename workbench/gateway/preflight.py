"""How a gateway is about to start to the reasons why it must not, each with its cure."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from workbench.declare.settings import Gateway, Settings
from workbench.errors import Problem, WorkbenchError
from workbench.gateway.addresses import is_loopback, is_safe
from workbench.gateway.keyring import AUDIT, BYTES, SECRET, open_keyring, weakness
from workbench.warehouse.open import ledger_url

CLIENT = "WORKBENCH_OIDC_SECRET"
"""The variable that holds the secret by which the identity provider knows this gateway, where it has one."""
STATE = ".workbench"
"""Where a gateway keeps what is its own."""
PRIVATE, DECLARED = 0o077, 0o002
"""Bits of a mode that let others at what is secret, and that let anybody change what is declared."""


def check(settings: Settings, host: str, root: Path, environment: str | None = None) -> None:
    """Pass if a gateway of this workspace may listen at ``host``; raises `WorkbenchError` with every reason against it.

    Slugs: weak-secret, no-authentication, no-url, insecure-url, secret-in-url, open-to-others, no-keys.
    """
    found = [*_secrets(os.environ), *_reach(settings.gateway, host), *open_to_others(settings, root, environment)]
    if not found:
        open_keyring(root, settings.gateway)
    errors = [problem for problem in found if problem.severity == "error"]
    if errors:
        raise WorkbenchError(errors)


def tighten(settings: Settings, root: Path, environment: str | None = None) -> None:
    """Keep others out of what this process makes from now on, and of what is its own already."""
    os.umask(0o077)
    for path in private(settings, root, environment):
        try:
            status = path.stat()
            if status.st_uid == os.getuid() and status.st_mode & PRIVATE:
                path.chmod(stat.S_IMODE(status.st_mode) & ~PRIVATE)
        except OSError:
            continue  # what cannot be mended is told by `check`


def private(settings: Settings, root: Path, environment: str | None = None) -> tuple[Path, ...]:
    """What only the gateway's user may read: warehouse, ledger, secrets, and the folder that is ours."""
    where = settings.environment(environment)
    ledger = ledger_url(root, settings.gateway.ledger)
    files = [root / where.warehouse]
    if ledger.startswith("sqlite:///"):
        files.append(Path(ledger.removeprefix("sqlite:///")))
    beside = [Path(f"{file}{suffix}") for file in files for suffix in ("", "-wal", "-shm", ".wal", ".lock")]
    keys = root / settings.gateway.keys
    inside = sorted(keys.glob("*")) if keys.is_dir() and os.access(keys, os.R_OK) else []
    return tuple(path for path in (root / ".workbench", keys, *inside, *beside) if path.exists())


def open_to_others(settings: Settings, root: Path, environment: str | None = None) -> Iterator[Problem]:
    """What another user of this machine could read although it is secret, or change although it is declared."""
    if os.name != "posix":
        return
    for path in private(settings, root, environment):
        status = path.stat()
        if status.st_mode & PRIVATE:
            yield Problem(
                "open-to-others",
                f"other users of this machine can get at '{path}' (mode {stat.S_IMODE(status.st_mode):o}).",
                hint=f"Give it to the gateway's user alone: chmod go= '{path}'",
            )
        elif status.st_uid not in (os.getuid(), 0):
            yield Problem("open-to-others", f"'{path}' belongs to another user.", hint="Run the gateway as its owner.")
    yield from _shared(root)
    for path in (root, root / "pyproject.toml", *_declared(root)):
        if path.exists() and path.stat().st_mode & DECLARED and not path.stat().st_mode & stat.S_ISVTX:
            yield Problem(
                "open-to-others", f"anybody on this machine can change '{path}'.", hint=f"Run: chmod o-w '{path}'"
            )


def _shared(root: Path) -> Iterator[Problem]:
    """Secrets and tokens that came with the repository: whoever put them there knows what is in them."""
    try:
        found = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", "--", STATE], capture_output=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return
    names = [name for name in found.decode("utf-8", "replace").split("\0") if name]
    if names:
        yield Problem(
            "open-to-others",
            f"git holds '{names[0]}', so that whoever wrote it knows the gateway's secrets or gave themselves a token.",
            hint=f"Take '{STATE}' out of the repository (git rm -r --cached {STATE}), and make it anew.",
        )


def _declared(root: Path) -> Iterator[Path]:
    for folder in ("access", "metrics"):
        yield root / folder
        yield from sorted((root / folder).rglob("*"))


def _secrets(environ: Mapping[str, str]) -> Iterator[Problem]:
    # A provider chooses the client's secret, and may choose fewer characters than we would.
    for variable, needed in ((SECRET, BYTES), (AUDIT, BYTES), (CLIENT, BYTES // 2)):
        why = weakness(environ[variable], needed) if variable in environ else ""
        if why:
            yield Problem(
                "weak-secret",
                f"the secret of {variable} is weak: {why}.",
                hint="Make one with: python -c 'import secrets; print(secrets.token_hex(32))'",
            )


def _reach(gateway: Gateway, host: str) -> Iterator[Problem]:
    here = is_loopback(host)
    if not here and gateway.authentication != "required":
        yield Problem(
            "no-authentication",
            f"at '{host}' anybody could ask without signing in.",
            hint='Set authentication = "required" in [tool.workbench.gateway], or listen at 127.0.0.1.',
        )
    if not here and not gateway.url:
        yield Problem(
            "no-url",
            f"at '{host}' tokens travel over the network, and it is not said how.",
            hint='Put a proxy with TLS before it, and set url = "https://..." in [tool.workbench.gateway].',
        )
    elif gateway.url and not is_safe(gateway.url):
        yield Problem(
            "insecure-url",
            f"whoever is on the way to '{gateway.url}' could read tokens.",
            hint="Put a proxy with TLS before it, and let 'url' begin with https://.",
        )
    if gateway.oidc is not None and not is_safe(gateway.oidc.issuer):
        yield Problem(
            "insecure-url",
            f"the keys of '{gateway.oidc.issuer}' could be forged on the way.",
            hint="Give the issuer's https:// address.",
        )
    authority = gateway.ledger.partition("://")[2].partition("/")[0]
    if ":" in authority.rpartition("@")[0]:
        yield Problem(
            "secret-in-url", "the ledger's address holds a password that everybody who reads this repository knows.",
            hint="Set WORKBENCH_LEDGER instead.",
        )  # fmt: skip
