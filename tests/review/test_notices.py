"""Notices reach a real receiver, say what happened, and never undo it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.review.play import WORKSPACE
from workbench.declare.manifest import Manifest
from workbench.declare.settings import Notices
from workbench.declare.workspace import load
from workbench.review.gate import Ruling
from workbench.review.notices import Notice, of_deprecations, of_refusal, of_release, of_rollback, send
from workbench.review.people import People
from workbench.review.reach import Reach
from workbench.review.review import Review


class Receiver:
    """A server on this machine that keeps what is sent to it."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.answer = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(receiver.answer)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://127.0.0.1:{self.server.server_port}/"
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()
    made.server.server_close()


def manifest(number: int, **terms: str) -> Manifest:
    return Manifest(
        workspace="shop", environment="dev", number=number, commit="c", by="ci", approvals=("noah",), files={},
        made=datetime(2026, 1, 1, tzinfo=UTC), terms={f"metric {n}": d for n, d in terms.items()},
    )  # fmt: skip


def test_a_notice_arrives(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM", receiver.url)
    notice = of_release(manifest(2, a="1" * 64, b="2" * 64), manifest(1, a="0" * 64))
    assert list(send(Notices(urls_from=("TEAM",)), notice)) == []
    (got,) = receiver.got
    assert got["title"] == "shop: release 2 is served in dev"
    assert got["message"].splitlines() == ["metric a changed", "metric b added", "Approved by noah."]


def test_what_is_not_wanted_is_not_sent(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM", receiver.url)
    assert list(send(Notices(urls_from=("TEAM",), on=("refusal",)), of_rollback(manifest(1), "sam"))) == []
    assert list(send(Notices(), of_rollback(manifest(1), "sam"))) == []
    assert receiver.got == []


@pytest.mark.parametrize("address", [None, "", "nonsense", "json://127.0.0.1:1/"])
def test_what_cannot_be_delivered_is_a_warning_without_the_address(
    address: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEAM", raising=False)
    if address is not None:
        monkeypatch.setenv("TEAM", address)
    (problem,) = send(Notices(urls_from=("TEAM",)), Notice("release", "t", "b"))
    assert (problem.slug, problem.severity) == ("not-told", "warning")
    assert "TEAM" in problem.message
    assert not address or address not in str(problem), "an address is a secret"


def test_a_receiver_that_refuses_is_told_of(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver.answer = 500
    monkeypatch.setenv("TEAM", receiver.url)
    assert [p.slug for p in send(Notices(urls_from=("TEAM",)), Notice("release", "t", "b"))] == ["not-told"]


def test_a_refused_change_says_why() -> None:
    people = People(("github:cora",), ())
    rulings = (Ruling("contributor", False, "may not."), Ruling("owner-approval", True, "fine."))
    review = Review("a", "b", people, rulings, (), (), Reach((), ()), (), (), 0.1)
    notice = of_refusal(review, "shop")
    assert notice is not None
    assert (notice.title, notice.body) == (
        "shop: a change by github:cora is refused",
        "contributor: may not.",
    )
    waiting = (Ruling("owner-approval", False, "nobody approved.", waits=True),)
    assert of_refusal(Review("a", "b", people, waiting, (), (), Reach((), ()), (), (), 0.1), "shop") is None
    assert of_refusal(Review("a", "b", people, (), (), (), Reach((), ()), (), (), 0.1), "shop") is None


def test_last_days_that_are_near(tmp_path: Path) -> None:
    revenue = WORKSPACE["metrics/sales/revenue.yml"]
    for name, until in (("far", "2026-07-01"), ("near", "2026-06-10"), ("past", "2026-05-01")):
        text = revenue.replace("metric: revenue", f"metric: {name}")
        (tmp_path / "metrics").mkdir(exist_ok=True)
        text += f"deprecated: {{since: 2026-01-01, until: {until}, replaced_by: new}}\n"
        (tmp_path / f"metrics/{name}.yml").write_text(text)
    notice = of_deprecations(load(tmp_path), date(2026, 6, 1))
    assert notice is not None
    assert notice.body.splitlines() == ["near: until 2026-06-10, use new", "past: refused since 2026-05-01, use new"]
