"""`up`, `serve` and `build`: ports, readiness, one Ctrl-C for everything."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.cli.conftest import REFERENCE, Run
from workbench import connect
from workbench.commands.ports import choose, is_free
from workbench.commands.serve import _has_screen

SHOPS = """semantic_model: shops
table: gold.shops
primary_key: [shop]
dimensions:
  city: {}
---
metric: shops
model: shops
owner: us
expr: count(*)
"""


@pytest.fixture
def taken() -> int:
    """A port that somebody listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    "words", [("up", "--no-browser", "--port"), ("up", "--no-browser", "--lab-port"), ("dashboards", "--port")]
)
def test_a_port_in_use_is_told_before_anything_starts(run: Run, taken: int, words: tuple[str, ...]) -> None:
    ran = run(*words, str(taken))
    assert ran.code == 2
    assert f"port {taken} is in use" in ran.err
    assert "[port-in-use]" in ran.err


def test_a_gateway_is_refused_where_rules_would_not_hold(run: Run, tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "shops.yml").write_text("semantic_model: shops\ntable: gold.shops\n")
    (tmp_path / "pyproject.toml").write_text("[tool.workbench]\n")
    for words, slug in (
        (("serve", "--host", "0.0.0.0"), "no-url"),
        (("serve", "--host", "0.0.0.0", "--insecure-loopback"), "no-authentication"),
    ):
        ran = run(*words, at=tmp_path)
        assert ran.code == 2
        assert f"[{slug}]" in ran.err


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        (("--gateway", "http://127.0.0.1:1"), "connection-lost"),
        (("--gateway", "127.0.0.1:1"), "bad-address"),
        (("--gateway", "http://127.0.0.1:1", "--host", "0.0.0.0"), "insecure-url"),
        (("--gateway", "http://127.0.0.1:1", "--url", "http://boards.example"), "insecure-url"),
    ],
)
def test_dashboards_start_where_viewers_may_sign_in(run: Run, words: tuple[str, ...], slug: str) -> None:
    ran = run("dashboards", *words)
    assert ran.code != 0
    assert f"[{slug}]" in ran.err


@pytest.mark.slow
def test_a_gateway_serves_and_leaves_when_asked(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "shops.csv").write_text("shop,city\n1,Oslo\n2,Lima\n")
    (tmp_path / "metrics" / "shops.yml").write_text(SHOPS)
    (tmp_path / "access").mkdir()
    (tmp_path / "access" / "roles.yml").write_text("roles:\n  analyst: {can: [query:adhoc, read:metric]}\n")
    (tmp_path / "access" / "shops.yml").write_text("resource: gold.*\ngrant: [{to: [analyst], columns: ['*']}]\n")
    (tmp_path / "pyproject.toml").write_text('[tool.workbench.environments.dev]\nsource = "data"\n')
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench", "serve", "--insecure-loopback", "--as", "ana"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with connect(url) as door:
            assert door.principal.name == "ana"
            assert door.query("shops").rows() == [{"shops": 2}]
            assert door.sql("select city from gold.shops order by 1").rows() == [{"city": "Lima"}, {"city": "Oslo"}]
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
        assert "asks as ana" in said
        assert "leaked" not in said, "the engine's module is silent at the end"
    finally:
        if process.poll() is None:
            process.kill()


def test_the_next_free_port_is_chosen(taken: int) -> None:
    assert not is_free(taken)
    assert choose(None, taken, "--port") > taken
    assert choose(None, taken, "--port", taken=(taken + 1,)) > taken + 1


def test_building_twice_builds_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "shops.csv").write_text("shop,city\n1,Oslo\n2,Lima\n")
    (tmp_path / "pyproject.toml").write_text('[tool.workbench.environments.dev]\nsource = "data"\n')
    first, second = run("build", at=tmp_path), run("build", at=tmp_path)
    assert (first.code, second.code) == (0, 0)
    assert first.out == second.out == ".workbench/warehouse.duckdb\n"
    assert "warehouse built" in first.err
    assert "warehouse built" not in second.err
    assert "warehouse built" in run("build", "--again", at=tmp_path).err


def test_a_source_that_nobody_knows(run: Run, tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "pyproject.toml").write_text('[tool.workbench.environments.dev]\nsource = "nowhere"\n')
    ran = run("build", at=tmp_path)
    assert ran.code == 5
    assert "[unknown-source]" in ran.err


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_up_serves_and_stops_whole(how: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench", "up", "--no-browser"],
        cwd=REFERENCE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        urls = [process.stdout.readline().split() for _ in range(2)]
        pages = dict(urls)
        for url in pages.values():
            with urllib.request.urlopen(url, timeout=20) as page:
                assert page.status == 200
        children = _children(process.pid)
        assert len(children) >= 2
        process.send_signal(how)
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
        assert re.search(r"Ready in \d+ s", said)
        assert "advisory" in said
        deadline = time.monotonic() + 10
        while any(map(_alive, children)) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not [child for child in children if _alive(child)]
    finally:
        if process.poll() is None:
            process.kill()


def _children(parent: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False)
    return [int(word) for word in listed.stdout.split()]


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    ("screen", "opens"), [({}, False), ({"DISPLAY": ":0"}, True), ({"WAYLAND_DISPLAY": "w"}, True)]
)
def test_a_browser_is_opened_where_there_is_a_screen(
    screen: dict[str, str], opens: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in screen.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", "linux")
    assert _has_screen() is opens
    monkeypatch.setattr(sys, "platform", "darwin")
    assert _has_screen()
