"""Requests as no client of ours would send them: two lengths, endless heads, dawdling bytes, names that are paths."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from tests.gateway.conftest import ANA, SAM
from tests.gateway.running import running, token
from workbench.gateway import connection
from workbench.gateway.bounds import Bounds
from workbench.gateway.gateway import Gateway

BODY = json.dumps({"metrics": ["flights"]}).encode()


@pytest.fixture(scope="module")
def served(home: Path) -> Iterator[tuple[Gateway, str]]:
    """A gateway that waits for nobody for long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "HEAD_SECONDS", 1.0)
        with running(home, replace(Bounds(), body_seconds=1.0)) as made:
            yield made


class Raw:
    """One connection, on which anything may be said."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname or "", parts.port or 0), 20)

    def say(self, *lines: str, body: bytes = b"") -> None:
        self.socket.sendall("\r\n".join((*lines, "", "")).encode("latin-1") + body)

    def heard(self) -> list[int]:
        """The statuses of all responses until the server hangs up, or says nothing more."""
        self.socket.settimeout(3)
        received = b""
        try:
            while piece := self.socket.recv(65536):
                received += piece
        except (TimeoutError, ConnectionResetError):
            pass
        self.socket.close()
        return [int(part.split(b" ", 1)[0]) for part in received.split(b"HTTP/1.1 ")[1:]]


def bearer(gateway: Gateway, name: str = ANA) -> str:
    return f"Authorization: Bearer {token(gateway, name)}"


ASK = "POST /v1/questions HTTP/1.1"
SMUGGLED = b"GET /v1/tokens HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "lengths",
    [
        ("Content-Length: 4", "Content-Length: {n}"),
        ("Content-Length: {n}", "Content-Length: {n}"),
        ("Content-Length: {n}", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: {n}"),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: chunked, identity",),
        ("Content-Length: +{n}",),
        ("Content-Length: -1",),
        ("Content-Length: 99999999999999999999999",),
        ("Content-Length : {n}",),
        (" Content-Length: {n}",),
    ],
    ids=str,
)
def test_no_request_hides_in_another(served: tuple[Gateway, str], lengths: tuple[str, ...]) -> None:
    """Whoever reads the lengths otherwise than a proxy before us would take one request for two."""
    gateway, url = served
    raw = Raw(url)
    said = [line.replace("{n}", str(len(BODY))) for line in lengths]
    raw.say(ASK, "Host: x", bearer(gateway), "Content-Type: application/json", *said, body=BODY + SMUGGLED)
    statuses = raw.heard()
    assert statuses[:1] in ([400], [408], []), statuses
    assert 200 not in statuses


def test_headers_without_end_are_not_kept(served: tuple[Gateway, str]) -> None:
    process = psutil.Process()
    before = process.memory_info().rss
    for start in ("GET /v1/me HTTP/1.1\r\nHost: x\r\nX-Long: ", "GET /", "GET /v1/me HTTP/1.1\r\n" + "A: b\r\n" * 10):
        raw = Raw(served[1])
        raw.socket.sendall(start.encode())
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            raw.socket.sendall(b"x" * (64 << 20))
    assert process.memory_info().rss - before < 30 << 20
    raw = Raw(served[1])
    raw.say("GET /healthz HTTP/1.1", "Host: x", "X-Long: " + "x" * 30_000, "Connection: close")
    assert raw.heard() == [200]


@pytest.mark.slow
def test_whoever_dawdles_is_let_go(served: tuple[Gateway, str]) -> None:
    gateway, url = served
    began = time.monotonic()
    silent, slow = Raw(url), Raw(url)
    slow.socket.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
    body = Raw(url)
    body.say(ASK, "Host: x", bearer(gateway), "Content-Type: application/json", f"Content-Length: {len(BODY)}")
    body.socket.sendall(BODY[:5])
    assert body.heard() == [408]
    assert silent.heard() == slow.heard() == []
    assert time.monotonic() - began < 12


def test_a_kept_connection_answers_one_after_another(served: tuple[Gateway, str]) -> None:
    gateway, url = served
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token(gateway, ANA)}"}, timeout=60) as http:
        for _ in range(3):
            assert http.post("/v1/questions", content=BODY, headers={"Content-Type": "application/json"}).json()["rows"]
    raw = Raw(url)
    one = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    last = one.replace("Host: x", "Host: x\r\nConnection: close")
    raw.socket.sendall((one * 4 + last).encode())
    assert raw.heard() == [200] * 5


@pytest.mark.parametrize(
    "path",
    [
        "/v1/../v1/tokens", "//v1/tokens", "/v1/tables/..%2f..%2fpyproject.toml", "/v1/tables/gold.flights%00",
        "/v1/drafts/..%2f..%2fsecret/publish", "/v1/saved/..%2f..%2faccess%2fgroups.yml", "/.workbench/gateway/secret",
        "/v1/tables/%2e%2e", "/docs/../.workbench/ledger.db", "/openapi.json/../access/groups.yml", "/static/x",
    ],
)  # fmt: skip
def test_a_path_is_a_name_and_no_way_to_a_file(served: tuple[Gateway, str], path: str) -> None:
    gateway, url = served
    for method in ("GET", "POST", "DELETE"):
        raw = Raw(url)
        raw.say(f"{method} {path} HTTP/1.1", "Host: x", bearer(gateway, SAM), "Content-Length: 0", "Connection: close")
        assert all(400 <= status < 500 for status in raw.heard()), (method, path)


def test_made_up_methods_are_counted_together(served: tuple[Gateway, str]) -> None:
    for method in ("PROPFIND", "MKCOL", "LOCK", "PURGE"):
        assert httpx.request(method, f"{served[1]}/v1/me").status_code in (404, 405)
    figures = httpx.get(f"{served[1]}/metrics").text
    assert "PROPFIND" not in figures
    assert 'method="-"' in figures


def test_pages_of_ours_run_nothing_and_ask_nobody(served: tuple[Gateway, str]) -> None:
    """A script in a page of this origin has the rights of whoever is logged in here."""
    page = httpx.get(f"{served[1]}/docs")
    document = httpx.get(f"{served[1]}/openapi.json").json()
    assert page.status_code == 200
    for word in ("<script", "http://", "https://", "src=", "onload"):
        assert word not in page.text
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            assert f"<b>{method.upper()}</b> {path}" in page.text
            assert escape(told["summary"]) in page.text
    for path in ("/docs", "/healthz", "/v1/me", "/nowhere"):
        said = httpx.get(f"{served[1]}{path}").headers
        assert "default-src 'none'" in said["content-security-policy"]
        assert "frame-ancestors 'none'" in said["content-security-policy"]
        assert said["x-content-type-options"] == "nosniff"


def test_there_is_no_websocket(served: tuple[Gateway, str]) -> None:
    raw = Raw(served[1])
    raw.say("GET /v1/me HTTP/1.1", "Host: x", "Connection: Upgrade, close", "Upgrade: websocket",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13")  # fmt: skip
    assert raw.heard()[:1] == [401]
