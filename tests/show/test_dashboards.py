"""The server's own pages over HTTP, and the page of a dashboard without a browser."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from workbench.errors import WarehouseError
from workbench.session.release import short_commit
from workbench.session.session import Session
from workbench.show.dashboards import serve
from workbench.show.frame import page
from workbench.show.page import DashboardPage

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def address(session: Session) -> Iterator[str]:
    """A running server's address."""
    started = threading.Event()
    told: list[str] = []

    def run() -> None:
        asyncio.set_event_loop(asyncio.new_event_loop())
        server = serve(session, port=0, block=False, ready=told.append)
        loops.append(server.io_loop)
        started.set()
        server.io_loop.start()
        server.stop()

    loops: list = []  # type: ignore[type-arg]
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(30)
    yield told[0]
    loops[0].add_callback(loops[0].stop)
    thread.join(10)


def _get(url: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    try:
        with urlopen(Request(url, headers=headers), timeout=20) as reply:
            return reply.status, reply.read().decode(), dict(reply.headers)
    except HTTPError as error:
        return error.code, error.read().decode(), dict(error.headers)


def test_the_index_lists_the_dashboards(address: str, session: Session) -> None:
    status, html, headers = _get(address)
    assert status == 200
    for name, dashboard in session.dashboards.items():
        assert f'href="/{name}"' in html
        assert dashboard.title in html
    assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_a_page_is_there_as_soon_as_its_file_is(address: str, session: Session) -> None:
    file = session.workspace.root / "notebooks" / "dashboards" / "fresh.yml"
    file.write_text("dashboard: fresh\ntitle: Just written\nrows: [[{number: flights}]]\naudience: ['*']\n")
    try:
        assert "Just written" in _get(address)[1]
        assert "<title>Just written</title>" in _get(address + "fresh")[1]
        file.write_text("dashboard: fresh\ntitle: Just written\nrows: [[{nummer: flights}]]\n")
        status, html, _ = _get(address)
        assert (status, "notebooks/dashboards/fresh.yml:3:10" in html) == (503, True)
    finally:
        file.unlink()
    assert "Just written" not in _get(address)[1]


@pytest.mark.parametrize("path", ["", "catalog", "catalog/flights", "catalog?q=delay", "nowhere"])
def test_our_pages_hold_no_script_and_call_nobody(address: str, path: str) -> None:
    _, html, _ = _get(address + path)
    assert "<script" not in html
    assert "http://" not in html
    assert "https://" not in html
    assert "@import" not in html


def test_the_catalogue_searches_and_tells_where_numbers_come_from(address: str) -> None:
    _, html, _ = _get(address + "catalog?q=cancellation")
    assert 'href="/catalog/cancellation_rate"' in html
    _, html, _ = _get(address + "catalog/cancellation_rate")
    assert "gold.flights" in html
    assert "Operations of the New York airports" in html
    assert "airline.name" in html


def test_what_is_not_there_is_said_in_words(address: str) -> None:
    status, html, _ = _get(address + "nowhere")
    assert status == 404
    assert "There is no such page." in html
    _, html, _ = _get(address + "catalog/no_such_metric")
    assert "no_such_metric" in html


def test_words_searched_for_are_not_run(address: str) -> None:
    _, html, _ = _get(address + "catalog?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script" not in html


def test_a_foreign_host_is_refused(address: str) -> None:
    assert _get(address, Host="rebinding.example")[0] == 403


def test_a_dashboard_is_served_with_resources_of_its_own(address: str) -> None:
    status, html, _ = _get(address + "operations")
    assert status == 200
    assert "Operations of the New York airports" in html
    assert "https://cdn" not in html


def test_a_taken_port_is_named(session: Session) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(WarehouseError, match=f"port {port}") as caught:
            serve(session, port=port, block=False)
        assert caught.value.slug == "port-in-use"


def test_a_page_builds_for_every_declared_dashboard(session: Session) -> None:
    for dashboard in session.dashboards.values():
        made = DashboardPage(dashboard, session, release="abc1234")
        made.start()
        assert "Data until 31 Dec 2013" in made._footer.object
        assert "not released, on commit abc1234" in made._footer.object
        made.release = "3:abc1234"
        assert "· release 3:abc1234" in made._footer_html([])
        bare = DashboardPage(dashboard.model_copy(update={"description": ""}), session)
        assert ">owned by " in bare._heading_html()
        assert all(view.answer is not None for row in made.views for view in row if view.tile.kind == "table")


def test_a_tile_that_cannot_be_answered_says_why_and_the_rest_is_drawn(session: Session) -> None:
    broken = next(iter(session.dashboards.values())).model_copy(deep=True)
    tile = broken.rows[0][0].model_copy(update={"number": "flihts"})
    wrong = broken.model_copy(update={"rows": ((tile, broken.rows[0][1]),)})
    made = DashboardPage(wrong, session)
    made.start()
    said, drawn = (view._body[0].object for view in made.views[0])
    assert "no metric &#x27;flihts&#x27;" in said
    assert 'class="value"' in drawn


def test_downloads_hold_the_rows_of_the_table(session: Session) -> None:
    made = DashboardPage(session.dashboards["operations"], session)
    made.start()
    view = next(view for row in made.views for view in row if view.tile.kind == "table")
    text = view._file("CSV")().read().decode()
    assert text.splitlines()[0].startswith("airline.name,flights,")
    assert len(text.splitlines()) == len(view.answer or ()) + 1
    assert view._file("Excel")().read()[:2] == b"PK"


@pytest.mark.parametrize("packed", [False, True])
def test_the_commit_is_read_from_the_files_of_git(tmp_path: Path, packed: bool) -> None:
    assert short_commit(tmp_path) == ""
    heads = tmp_path / ".git" / "refs" / "heads"
    heads.mkdir(parents=True)
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
    commit = "0123456789abcdef0123456789abcdef01234567"
    if packed:
        (tmp_path / ".git" / "packed-refs").write_text(f"# pack-refs\n{commit} refs/heads/main\n", encoding="utf-8")
    else:
        (heads / "main").write_text(f"{commit}\n", encoding="utf-8")
    assert short_commit(tmp_path) == "01234567"


def test_a_frame_escapes_what_it_is_given() -> None:
    assert "<script" not in page(HOSTILE, "", name=HOSTILE, who=HOSTILE)
