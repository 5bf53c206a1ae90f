"""Pages over a gateway, each asked as its viewer: who they are is brought by the browser, and by nothing else."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gateway.conftest import PAULA, SAM, home, served  # noqa: F401  the gateway's own fixtures
from tests.gateway.running import running, token
from workbench.errors import AccessDenied
from workbench.gateway.gateway import Gateway
from workbench.gateway.visitors import Visitors
from workbench.show.dashboards import serve
from workbench.show.viewers import Viewers
from workbench.warehouse import tokens as tokens_module

DAN = "dan@delta.example"


@pytest.fixture(scope="module")
def boards(served: tuple[Gateway, str]) -> Iterator[str]:  # noqa: F811
    """The address of a server of dashboards that holds no right of its own."""
    visitors = Visitors(served[1])
    viewers = Viewers(
        lambda one: visitors.door(one.token, one.cookie), visitors.login, lambda one: visitors.logout(one.cookie)
    )
    told: list[str] = []
    loops: list = []  # type: ignore[type-arg]
    started = threading.Event()

    def run() -> None:
        asyncio.set_event_loop(asyncio.new_event_loop())
        server = serve(viewers, port=0, block=False, ready=told.append)
        loops.append(server.io_loop)
        started.set()
        server.io_loop.start()
        server.stop()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(30)
    yield told[0]
    loops[0].add_callback(loops[0].stop)
    thread.join(10)


def browser(address: str, **headers: str) -> httpx.Client:
    return httpx.Client(base_url=address, headers=headers, timeout=30)


@contextmanager
def signed_in(address: str, text: str) -> Iterator[httpx.Client]:
    """A browser whose viewer typed a token."""
    with browser(address) as client:
        assert client.post("/signin", data={"token": text}).status_code == 303
        yield client


def test_nobody_is_shown_anything(boards: str) -> None:
    for client in (browser(boards), browser(boards, Authorization="Bearer nonsense-of-somebody")):
        with client:
            for path in ("/", "/operations", "/catalog/flights", "/operations/autoload.js?bokeh-autoload-element=1"):
                away = client.get(path)
                assert (away.status_code, away.headers["location"].partition("?")[0]) == (302, "/signin"), path
            page = client.get("/signin?next=/operations")
            assert page.status_code == 200
            assert "Operations" not in page.text


def test_two_viewers_see_their_own(served: tuple[Gateway, str], boards: str) -> None:  # noqa: F811
    gateway, _ = served
    with signed_in(boards, token(gateway, PAULA)) as paula, browser(
        boards, Authorization=f"Bearer {token(gateway, SAM)}"
    ) as sam:  # fmt: skip
        assert PAULA in paula.get("/").text
        assert SAM in sam.get("/").text
        page = paula.get("/operations")
        assert page.status_code == 200
        assert "wbt_" not in page.text  # nothing of what the browser brought is in the page


def test_a_cookie_of_ours_is_for_our_pages_alone(served: tuple[Gateway, str], boards: str) -> None:  # noqa: F811
    text = token(served[0], PAULA)
    with browser(boards) as client:
        for origin in ("http://evil.example", "null", boards.replace("http://", "http://x.")):
            assert client.post("/signin", data={"token": text}, headers={"Origin": origin}).status_code == 403
            assert client.post("/signout", headers={"Origin": origin}).status_code == 403
        assert client.post("/signin", data={"token": text}, headers={"Sec-Fetch-Site": "same-site"}).status_code == 403
        own = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}  # as browsers say it of pages without a referrer
        assert client.post("/signin", data={"token": "x"}, headers=own).status_code == 403
        assert client.post("/signin", data={"token": text}, headers=own).status_code == 303
        client.cookies.clear()
        assert client.post("/signin", data={"token": "wbt_000000000000_" + "x" * 43}).status_code == 403
        assert not client.cookies
        for wanted in ("//evil.example", "https://evil.example", "/\\evil.example", "/signin", "evil"):
            done = client.post("/signin", params={"next": wanted}, data={"token": text})
            assert done.headers["location"] == "/", wanted
        cookie = done.headers["set-cookie"].lower()
        assert {"httponly", "samesite=lax", "path=/"} <= {part.strip() for part in cookie.split(";")}
        assert not {"expires", "max-age"} & {part.strip().partition("=")[0] for part in cookie.split(";")}
        assert client.get("/").status_code == 200
        assert client.post("/signout").status_code == 303
        assert client.get("/").status_code == 302
    with browser(boards, Host="rebound.example") as client:
        assert client.get("/operations", headers={"Authorization": f"Bearer {text}"}).status_code == 403


def test_a_visit_is_not_named_by_its_visitor(served: tuple[Gateway, str], boards: str) -> None:  # noqa: F811
    """Whoever knew a visit's name before it began could have its pictures sent to themselves."""
    with signed_in(boards, token(served[0], SAM)) as client:
        theirs = re.search(r'"token":"([^"]+)"', client.get("/operations").text)
        assert theirs
        for query in ("bokeh-session-id=chosen-by-somebody", f"bokeh-token={theirs[1]}"):
            assert client.get(f"/operations?{query}").status_code == 403
        assert client.get("/operations", headers={"Bokeh-Session-Id": "chosen"}).status_code == 403


def test_nobody_listens_to_a_visit_of_somebody_else(served: tuple[Gateway, str], boards: str) -> None:  # noqa: F811
    upgrade = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13", "Origin": boards.rstrip("/"),
    }  # fmt: skip
    bearer = {"Authorization": f"Bearer {token(served[0], SAM)}"}
    with browser(boards) as client:
        token_of_visit = re.search(r'"token":"([^"]+)"', client.get("/operations", headers=bearer).text)
        assert token_of_visit
        named = {"Sec-WebSocket-Protocol": f"bokeh, {token_of_visit[1]}"}
        assert client.get("/operations/ws", headers={**upgrade, **named}).status_code == 403
        for origin in ("http://evil.example", "null"):
            headers = {**upgrade, **named, **bearer, "Origin": origin}
            assert client.get("/operations/ws", headers=headers).status_code == 403
        for path in ("/operations/metadata", "/operations/autoload.js"):
            assert client.get(path).status_code in (302, 403, 404)
        for path in ("/static/..%2f..%2f..%2fpyproject.toml", "/static/extensions/..%2f..%2fetc/passwd"):
            assert client.get(path, headers=bearer).status_code in (400, 403, 404)


def test_what_one_may_not_open_reads_as_missing(served: tuple[Gateway, str], boards: str) -> None:  # noqa: F811
    with signed_in(boards, token(served[0], PAULA, ("read:metric",))) as client:
        assert client.get("/operations").status_code == 404
        for path in ("/nothing", "/operations%00", "/../operations", "/operations/../../etc/passwd", "/.workbench"):
            assert client.get(path).status_code in (403, 404), path


def test_a_revoked_token_ends_with_the_next_page(served: tuple[Gateway, str], boards: str) -> None:  # noqa: F811
    gateway, _ = served
    text = token(gateway, PAULA)
    with signed_in(boards, text) as client:
        assert client.get("/catalog").status_code == 200
        assert gateway.tokens is not None
        gateway.tokens.revoke(text.split("_")[1])
        assert client.get("/catalog").status_code == 302


def test_an_expired_token_ends_with_the_next_page(
    served: tuple[Gateway, str],  # noqa: F811
    boards: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokens = served[0].tokens
    assert tokens is not None
    text, _ = tokens.issue(PAULA, timedelta(minutes=1), ("all",), "tests")

    class InAMinute(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(minutes=1)

    with signed_in(boards, text) as client:
        assert client.get("/catalog").status_code == 200
        monkeypatch.setattr(tokens_module, "datetime", InAMinute)
        assert client.get("/catalog").status_code == 302


def test_whoever_comes_from_elsewhere_is_not_taken_for_this_machine(home: Path) -> None:  # noqa: F811
    """A gateway that lets this machine ask without a token sees every visitor of a proxy come from here."""
    with running(home, local=True) as (_, url):
        assert Visitors(url, is_local=True).door("", "").principal.name
        with pytest.raises(AccessDenied, match="not-signed-in"):
            Visitors(url).door("", "")


def test_a_login_at_the_gateway_counts_here_and_ends_from_here(
    served: tuple[Gateway, str],  # noqa: F811
    boards: str,
) -> None:
    gateway, _ = served
    assert gateway.tokens is not None
    secret, _ = gateway.tokens.issue(DAN, timedelta(hours=1), ["all"], kind="session")
    with browser(boards) as client:
        client.cookies.set("workbench_session", secret, path="/")
        assert DAN in client.get("/").text
