"""A real JupyterHub's tokens: believed while the Hub does, and no longer than five seconds after."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from workbench.declare.people import Role
from workbench.declare.settings import Hub, Settings
from workbench.declare.workspace import Workspace
from workbench.errors import AccessDenied, QuestionError
from workbench.gateway import jupyterhub as module
from workbench.gateway.identity import Identities
from workbench.gateway.jupyterhub import HubTokens
from workbench.warehouse.tokens import Tokens

pytestmark = pytest.mark.slow

SERVICE = "s" * 40
CONFIG = """
from jupyterhub.proxy import Proxy

class NoProxy(Proxy):
    should_start = False
    async def add_route(self, routespec, target, data): pass
    async def delete_route(self, routespec): pass
    async def get_all_routes(self): return {{}}
    async def check_routes(self, *words, **named): pass

c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.hub_ip = "127.0.0.1"
c.JupyterHub.hub_port = {port}
c.JupyterHub.bind_url = "http://127.0.0.1:{other}"
c.JupyterHub.services = [{{"name": "tests", "api_token": "{service}"}}]
c.JupyterHub.load_roles = [{{"name": "tests", "services": ["tests"], "scopes": ["admin:users", "tokens"]}}]
c.Authenticator.allowed_users = {{"ana"}}
"""


class RealHub:
    """A Hub without a proxy: only its API is asked."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
            port, other = one.getsockname()[1], two.getsockname()[1]
        (folder / "jupyterhub_config.py").write_text(CONFIG.format(port=port, other=other, service=SERVICE))
        self.api = f"http://127.0.0.1:{port}/hub/api"
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub"], cwd=folder, stdout=self._log, stderr=self._log, env={**os.environ}
        )
        ends = time.monotonic() + 60
        while not self._answers():
            assert time.monotonic() < ends, (folder / "log").read_text()
            time.sleep(0.2)

    def ask(self, verb: str, path: str) -> Any:
        answer = httpx.request(verb, self.api + path, headers={"Authorization": f"token {SERVICE}"}, timeout=20)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)
        self._log.close()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.api}/").status_code == 200
        except httpx.HTTPError:
            return False


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHub]:
    real = RealHub(tmp_path_factory.mktemp("hub"))
    yield real
    real.close()


def refusal(tokens: HubTokens, token: str) -> str:
    with pytest.raises(AccessDenied) as error:
        tokens.name_of(token)
    assert token not in str(error.value)
    return error.value.slug


def test_the_hub_says_who_has_a_token_until_it_revokes_it(hub: RealHub, monkeypatch: pytest.MonkeyPatch) -> None:
    made = hub.ask("POST", "/users/ana/tokens")
    tokens = HubTokens(Hub(api=f"{hub.api}/", domain="skyways.example"))
    assert tokens.name_of(made["token"]) == "ana@skyways.example"
    hub.ask("DELETE", f"/users/ana/tokens/{made['id']}")
    assert tokens.name_of(made["token"]) == "ana@skyways.example"  # asked a moment ago
    assert module.REMEMBERED <= 5
    monkeypatch.setattr(module, "REMEMBERED", 0.0)
    assert refusal(tokens, made["token"]) == "bad-token"


def test_tokens_of_nobody_are_refused(hub: RealHub) -> None:
    tokens = HubTokens(Hub(api=hub.api))
    assert refusal(tokens, SERVICE) == "bad-token"  # a service is no user
    assert refusal(tokens, "x" * 32) == "bad-token"


def test_a_token_must_have_the_declared_scope(hub: RealHub) -> None:
    token = hub.ask("POST", "/users/ana/tokens")["token"]
    assert HubTokens(Hub(api=hub.api, scope="access:servers!user=ana")).name_of(token) == "ana"
    assert refusal(HubTokens(Hub(api=hub.api, scope="access:services!service=workbench")), token) == "bad-token"


def test_a_token_that_lies_in_a_kernel_is_good_for_questions_only(hub: RealHub, tmp_path: Path) -> None:
    roles = {"analyst": Role(can=("query:adhoc", "draft:metric", "change:access", "unmask:pii"))}
    token = {"Authorization": f"token {hub.ask('POST', '/users/ana/tokens')['token']}"}
    ours = Tokens(f"sqlite:///{tmp_path / 'ledger.db'}")
    for rights, left in (({}, {"query:adhoc", "draft:metric"}), ({"rights": "all"}, set(roles["analyst"].can))):
        tokens = HubTokens(Hub(api=hub.api, **rights))
        caller = Identities(lambda: Workspace(tmp_path, Settings(), roles=roles), ours, hub=tokens).caller(token)
        assert (caller.principal.name, caller.means, set(caller.principal.can)) == ("ana", "jupyterhub", left)
    with pytest.raises(QuestionError):
        HubTokens(Hub(api=hub.api, rights="everything"))


def test_a_hub_that_is_away_is_no_refusal_of_the_person() -> None:
    assert refusal(HubTokens(Hub(api="http://127.0.0.1:9/hub/api")), "x" * 32) == "identity-unavailable"
