"""What a narrow token, a doubtful request and a refusal come to: nothing is told, and everything is on record."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.gateway.conftest import ANA, PAULA, SAM, Served
from tests.gateway.running import running, token
from workbench.gateway import flow
from workbench.gateway.bounds import Bounds
from workbench.session.session import Session
from workbench.warehouse.worker_process import Rows

LISTS = ("metrics", "models", "dimensions", "search?q=delay", "tables", "dashboards")
DRAFT = "metric: {}\nmodel: flights\nexpr: count(*)\nowner: operations\n"


@pytest.fixture
def http(served: Served) -> Iterator[httpx.Client]:
    """A client that speaks as Ana."""
    gateway, url = served
    with httpx.Client(base_url=url, headers=bearer(token(gateway, ANA)), timeout=60) as client:
        yield client


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def newest(served: Served, request: httpx.Response) -> tuple[str, str, str]:
    """Who, what and how decided, as the audit has it of that request."""
    assert served[0].audit is not None
    found = [one for one in served[0].audit.search(limit=40) if one.request == request.headers["x-request-id"]]
    assert len(found) == 1
    return found[0].principal, found[0].verb, found[0].decision


@pytest.mark.parametrize("scope", ["rollback", "change:access", "promote:batch"])
def test_a_token_for_something_else_sees_nothing(served: Served, scope: str) -> None:
    gateway, url = served
    gateway.serving.drafts.keep(SAM, "adhoc.secret_plan", DRAFT.format("secret_plan"))
    with httpx.Client(base_url=url, headers=bearer(token(gateway, SAM, (scope,)))) as client:
        assert [client.get(f"/v1/{one}").json() for one in LISTS] == [[], [], [], [], [], {}]
        assert client.get("/v1/drafts").status_code == 403
        assert client.get("/v1/tables/gold.flights").status_code == 404
        with gateway.queries.track("a-question-of-sam") as asked:
            asked.asker = SAM
            assert client.get("/v1/queries").json() == []
            assert client.get("/v1/queries/a-question-of-sam").status_code == 404
            assert client.delete("/v1/queries/a-question-of-sam").status_code == 404
            assert not asked.cancel.wished
        for path, body in (("questions", {"metrics": ["flights"]}), ("sql", {"text": "select 1"})):
            assert client.post(f"/v1/{path}", json=body).status_code == 403
            assert client.post(f"/v1/{path}/explain", json=body).status_code in (403, 404)


def test_each_verb_of_a_token_shows_what_it_is_for_and_no_more(served: Served) -> None:
    gateway, url = served

    def seen(*scope: str) -> list[str]:
        with httpx.Client(base_url=url, headers=bearer(token(gateway, ANA, scope))) as client:
            return [one for one in LISTS if client.get(f"/v1/{one}").json()]

    assert seen("query") == list(LISTS)
    assert seen("read:metric") == list(LISTS[:-1])
    assert seen("query:adhoc") == ["models", "dimensions", "search?q=delay", "tables"]
    assert seen("read:dashboard") == []


def test_a_token_ends_and_lists_itself_alone(served: Served) -> None:
    gateway, url = served
    stolen, other = token(gateway, ANA, ("query",)), token(gateway, ANA)
    with httpx.Client(base_url=url, headers=bearer(stolen)) as thief:
        assert [one["id"] for one in thief.get("/v1/tokens").json()] == [stolen.split("_")[1]]
        refused = thief.delete(f"/v1/tokens/{other.split('_')[1]}")
        assert (refused.status_code, refused.json()["problems"][0]["slug"]) == (403, "not-by-token")
        assert newest(served, refused) == (ANA, "revoke:token", "deny")
        assert thief.post("/v1/tokens", json={}).status_code == 403
        assert thief.delete(f"/v1/tokens/{stolen.split('_')[1]}").json()["state"] == "revoked"
        assert thief.get("/v1/me").status_code == 401
    assert httpx.get(f"{url}/v1/me", headers=bearer(other)).status_code == 200
    with httpx.Client(base_url=url, headers=bearer(token(gateway, SAM, ("change:access",)))) as steward:
        assert steward.delete(f"/v1/tokens/{other.split('_')[1]}").json()["state"] == "revoked"


@pytest.mark.parametrize("name", ["Authorization", "Host", "Cookie", "Origin", "Content-Type", "X-Request-ID"])
def test_a_header_that_is_said_twice_is_refused(served: Served, name: str) -> None:
    gateway, url = served
    lines = {
        "Authorization": [f"Bearer {token(gateway, PAULA)}"],
        "Host": [urlsplit(url).netloc],
        "Connection": ["close"],
    }
    first = lines.get(name, ["one-of-several"])[0]
    lines[name] = [first, f"Bearer {token(gateway, SAM)}" if name == "Authorization" else first]
    status, body = raw(url, "GET /v1/me HTTP/1.1", [(one, text) for one, several in lines.items() for text in several])
    assert status == 400
    assert SAM not in body


def test_what_it_calls_itself_is_declared_and_never_what_was_asked(served: Served, http: httpx.Client) -> None:
    told = http.get("/v1/about", headers={"Host": "evil.example"})
    assert told.status_code == 200
    assert told.json()["place"] == ""
    away = http.get("/v1/metrics/", headers={"Host": "evil.example"}, follow_redirects=False)
    assert (away.status_code, "location" in away.headers) == (404, False)


def test_each_decision_without_a_query_is_on_record(served: Served, http: httpx.Client) -> None:
    gateway, url = served
    body = {"metrics": ["flights"], "by": ["carrier"]}
    for answer, verb, decision in (
        (http.post("/v1/questions/explain", json=body), "read:metric", "allow"),
        (http.post("/v1/questions/explain", json={"metrics": ["nope" * 1000]}), "read:metric", "deny"),
        (http.post("/v1/drafts", json={"text": DRAFT.format("recorded")}), "draft:metric", "allow"),
        (http.post("/v1/drafts", json={"text": "metric: 1"}), "draft:metric", "deny"),
        (http.post("/v1/drafts/recorded/publish"), "publish:metric", "deny"),
        (http.delete("/v1/drafts/recorded"), "draft:metric", "allow"),
        (http.delete("/v1/drafts/recorded"), "draft:metric", "deny"),
        (http.get("/v1/tables/gold.flights"), "query:adhoc", "allow"),
        (http.get("/v1/tables/gold.nothing"), "query:adhoc", "deny"),
        (http.get("/v1/why", params={"verb": "rollback", "user": SAM}), "change:access", "deny"),
        (http.get("/v1/may", params={"verb": "rollback"}), "rollback", "deny"),
        (http.get("/v1/may", params={"verb": "read:metric", "resource": "gold.flights"}), "read:metric", "allow"),
        (http.post("/v1/tokens", json={}), "issue:token", "deny"),
    ):
        assert (answer.status_code < 400) == (decision == "allow"), answer.text
        assert newest(served, answer) == (ANA, verb, decision)
    assert gateway.audit is not None
    assert max(len(name) for one in gateway.audit.search(limit=20) for name in one.resources) <= 200


@pytest.mark.slow
def test_a_question_is_compiled_when_its_turn_comes(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes longest must not be free: whoever asks for thirty totals waits with them like everybody."""
    gateway, url = served
    compiling: list[str] = []
    prepare = Session.prepare

    def noted(self: Session, asked: Any) -> Any:
        compiling.append(self.principal.name)
        time.sleep(0.3)
        return prepare(self, asked)

    monkeypatch.setattr(Session, "prepare", noted)
    lane = gateway.bounds.lanes["metric"]
    ask = lambda _: httpx.post(f"{url}/v1/questions", json={"metrics": ["flights"], "totals": "total"},  # noqa: E731
                               headers=bearer(token(gateway, ANA)), timeout=60)  # fmt: skip
    with ThreadPoolExecutor(3 * lane.running) as pool:
        asked = pool.map(ask, range(3 * lane.running))
        deadline = time.monotonic() + 20
        while not gateway.admission.waiting("metric"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert len(compiling) <= 2 * lane.running  # the engine asks for one more look when it runs
        assert {one.status_code for one in asked} == {200}


@pytest.mark.slow
def test_a_token_that_ends_while_its_question_waits_is_not_answered(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare, revoked = Session.prepare, threading.Event()

    def slowly(self: Session, asked: Any) -> Any:
        if self.principal.name == ANA:
            revoked.wait(60)
        return prepare(self, asked)

    monkeypatch.setattr(Session, "prepare", slowly)
    monkeypatch.setattr(flow, "LATELY", 0)
    with running(home, Bounds(metric_questions=1)) as (gateway, url), ThreadPoolExecutor(2) as pool:
        texts = [token(gateway, name) for name in (ANA, PAULA)]
        body = {"metrics": ["flights"]}
        ask = lambda text: httpx.post(f"{url}/v1/questions", json=body, headers=bearer(text), timeout=60)  # noqa: E731
        first = pool.submit(ask, texts[0])
        while not gateway.admission.running("metric"):
            time.sleep(0.01)
        second = pool.submit(ask, texts[1])
        while not gateway.admission.waiting("metric"):
            time.sleep(0.01)
        assert gateway.tokens is not None
        gateway.tokens.revoke(texts[1].split("_")[1])
        revoked.set()
        assert first.result().status_code == 200
        assert second.result().json()["problems"][0]["slug"] == "token-revoked"


def test_who_stops_a_pivot_between_its_statements_stops_it(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway, url = served
    assert gateway.workers is not None
    stream, ran = gateway.workers.stream, []

    def then_stopped(sql: str, *, query_id: str) -> Rows:
        if ran:  # between the check and the worker, where a wish was lost
            gateway.queries.find(query_id, ANA).stop()
            time.sleep(0.2)
        ran.append(sql)
        return stream(sql, query_id=query_id)

    monkeypatch.setattr(gateway.workers, "stream", then_stopped)
    text = "PIVOT (select carrier, range as n from gold.flights, range(100)) ON carrier USING sum(n)"
    answer = httpx.post(f"{url}/v1/sql", json={"text": text}, headers=bearer(token(gateway, ANA)), timeout=60)
    assert len(ran) == 2
    assert (answer.status_code, answer.json()["problems"][0]["slug"]) == (409, "stopped")


def raw(url: str, first: str, headers: list[tuple[str, str]], body: bytes = b"") -> tuple[int, str]:
    """The status and the rest of a response to a request as typed, which no client would send."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), 10) as connection:
        said = [first, *(f"{name}: {text}" for name, text in headers), "", ""]
        connection.sendall("\r\n".join(said).encode("latin-1") + body)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    line, _, rest = received.decode("utf-8", "replace").partition("\r\n")
    return int(line.split()[1]) if line else 0, rest
