"""A workspace's settings to all that a gateway knows people and keeps records by."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.declare.settings import Gateway
from workbench.declare.workspace import Workspace
from workbench.errors import Problem, WorkbenchError
from workbench.gateway.identity import Identities
from workbench.gateway.keyring import Keyring, open_keyring
from workbench.gateway.preflight import CLIENT
from workbench.warehouse.audit import Audit
from workbench.warehouse.open import ledger_url
from workbench.warehouse.tokens import Tokens

if TYPE_CHECKING:
    from workbench.gateway.login import Login
    from workbench.gateway.oidc import Provider


@dataclass(frozen=True, slots=True)
class Trust:
    """Who is believed, the tokens issued, the audit, and how browsers log in where a provider is configured."""

    identities: Identities
    tokens: Tokens
    audit: Audit
    keyring: Keyring
    login: Login | None = None

    def close(self) -> None:
        """Write what the audit still holds, and let go of the ledger."""
        self.audit.close()
        self.tokens.close()


def open_trust(workspace: Callable[[], Workspace], environment: str = "", local: str = "") -> Trust:
    """All of it for the workspace as it is at the start; whom groups and policies mean is read at each request.

    ``local`` names whoever asks from this machine, where the settings let them. Raises `WorkbenchError`.
    """
    now = workspace()
    gateway = now.settings.gateway
    keyring = open_keyring(now.root, gateway)
    audit, tokens = open_records(now.root, gateway, keyring)
    provider = _provider(gateway)
    hub = None
    if gateway.jupyterhub is not None:
        from workbench.gateway.jupyterhub import HubTokens

        hub = HubTokens(gateway.jupyterhub)
    identities = Identities(workspace, tokens, environment, provider, hub, local)
    return Trust(identities, tokens, audit, keyring, _login(gateway, provider, tokens, keyring, audit))


def open_records(root: Path, gateway: Gateway, keyring: Keyring) -> tuple[Audit, Tokens]:
    """The audit and the tokens in the ledger of a workspace."""
    url = ledger_url(root, gateway.ledger)
    return Audit(url, keyring.audit, keyring.head), Tokens(url)


def _provider(gateway: Gateway) -> Provider | None:
    if gateway.oidc is None:
        return None
    try:
        from workbench.gateway.oidc import Provider as Configured
    except ModuleNotFoundError as error:
        raise WorkbenchError(
            Problem(
                "no-gateway-extra",
                f"logins need the package '{error.name}'.",
                hint="Install it with: uv pip install 'governed-workbench[gateway]'",
            )
        ) from None
    return Configured(gateway.oidc)


def _login(gateway: Gateway, provider: Provider | None, tokens: Tokens, keyring: Keyring, audit: Audit) -> Login | None:
    if provider is None:
        return None
    from workbench.gateway.login import Login as Configured

    return Configured(gateway, provider, tokens, keyring, audit, os.environ.get(CLIENT, ""))
