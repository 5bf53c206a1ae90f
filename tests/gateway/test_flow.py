"""Questions on their way: formats, request ids, streaming without keeping, stopping, leaving, and changes of rules."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import pyarrow as pa
import pyarrow.parquet
import pytest

import workbench
from tests.gateway.conftest import ANA, PAULA, SAM, Served
from tests.gateway.running import running, token
from workbench.errors import AccessDenied, QuestionError, WarehouseError, WorkbenchError
from workbench.gateway import admission, transport
from workbench.gateway.bounds import Bounds
from workbench.gateway.client import open_remote
from workbench.gateway.gateway import BEHIND, Gateway
from workbench.gateway.wire import ARROW, CSV, JSON, PARQUET, QueryState
from workbench.warehouse.limits import STOPPED
from workbench.warehouse.worker_process import Rows

LONG = "select count(*) as n from range(100000) a, range(100000) b, range(10) c where a.range + b.range = c.range"
SHORT = "select count(*) as n from range(15000) a, range(15000) b where a.range + b.range < 0"
SQL = "select i as n, 'row ' || i as word from range(3) t(i)"


@pytest.fixture
def http(served: Served) -> Iterator[httpx.Client]:
    """A client that speaks as Ana, and knows nothing of us."""
    gateway, url = served
    headers = {"Authorization": f"Bearer {token(gateway, ANA)}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
        yield client


def test_every_format_has_the_same_rows(http: httpx.Client) -> None:
    wanted = [{"n": i, "word": f"row {i}"} for i in range(3)]

    def asked(accept: str) -> httpx.Response:
        response = http.post("/v1/sql", json={"text": SQL}, headers={"Accept": accept})
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == accept
        return response

    body = asked(JSON).json()
    assert (body["rows"], body["count"]) == (wanted, 3)
    assert [column["name"] for column in body["answer"]["columns"]] == ["n", "word"]
    assert asked(CSV).text == '"n","word"\n' + "".join(f'{i},"row {i}"\n' for i in range(3))
    assert pa.ipc.open_stream(asked(ARROW).content).read_all().to_pylist() == wanted
    assert pyarrow.parquet.read_table(io.BytesIO(asked(PARQUET).content)).to_pylist() == wanted


def test_values_of_several_types_are_told_where_the_format_has_them(http: httpx.Client) -> None:
    def asked(accept: str) -> httpx.Response:
        return http.post("/v1/sql", json={"text": "select union_value(n := 2) as u"}, headers={"Accept": accept})

    assert asked(JSON).json()["rows"] == [{"u": 2}]
    assert asked(CSV).text == '"u"\n"2"\n'
    assert pa.ipc.open_stream(asked(ARROW).content).read_all().to_pylist() == [{"u": 2}]
    assert (asked(PARQUET).status_code, asked(PARQUET).json()["problems"][0]["slug"]) == (406, "not-acceptable")


@pytest.mark.parametrize("accept", [JSON, CSV, ARROW, PARQUET])
def test_no_rows_are_an_answer_too(http: httpx.Client, accept: str) -> None:
    response = http.post("/v1/sql", json={"text": "select 1 as one limit 0"}, headers={"Accept": accept})
    assert response.status_code == 200
    if accept == JSON:
        assert response.json()["rows"] == []
    elif accept == CSV:
        assert response.text == '"one"\n'
    elif accept == PARQUET:
        assert pyarrow.parquet.read_table(io.BytesIO(response.content)).column_names == ["one"]
    else:
        assert pa.ipc.open_stream(response.content).read_all().num_rows == 0


def test_a_format_is_chosen_as_the_asker_weighs_it(http: httpx.Client) -> None:
    for accept, chosen in (("text/csv;q=0.5, application/json;q=0.9", JSON), ("text/*", CSV), ("*/*", JSON)):
        response = http.post("/v1/sql", json={"text": SQL}, headers={"Accept": accept})
        assert response.headers["content-type"] == chosen
    response = http.post("/v1/sql", json={"text": SQL}, headers={"Accept": "image/png"})
    assert (response.status_code, response.json()["problems"][0]["slug"]) == (406, "not-acceptable")


def test_every_response_has_the_id_of_its_request(http: httpx.Client, served: Served) -> None:
    mine = "a-request-of-my-own"
    asked = http.post("/v1/questions", json={"metrics": ["nothing"]}, headers={"X-Request-ID": mine})
    assert asked.headers["X-Request-ID"] == mine == asked.json()["request_id"]
    for wrong in ("short", "with blanks in it", "x" * 200, "<script>alert(1)</script>"):
        response = http.get("/v1/nowhere", headers={"X-Request-ID": wrong})
        assert response.status_code == 404
        assert response.headers["X-Request-ID"] == response.json()["request_id"] != wrong
    entries = served[0].audit.search(user=ANA, denied=True)  # type: ignore[union-attr]
    assert mine in {entry.request for entry in entries}


def test_what_is_misshapen_is_told_without_what_stood_there(http: httpx.Client) -> None:
    for body in ({"metrics": 3}, {"limit": "SECRET"}, {"nonsense": "SECRET"}, ["SECRET"]):
        response = http.post("/v1/questions", json=body)
        assert response.status_code == 422
        assert response.json()["error"] == "QuestionError"
        assert "SECRET" not in response.text
    assert "bad 'nonsense': there is no such key." in http.post("/v1/questions", json={"nonsense": 1}).text
    for content, kind, status, slug in (
        (b"{", JSON, 422, "not-json"),
        (b"{}", "text/plain", 422, "not-json"),
        (b"x" * 2_000_000, JSON, 413, "too-large"),
    ):
        response = http.post("/v1/questions", content=content, headers={"Content-Type": kind})
        assert (response.status_code, response.json()["problems"][0]["slug"]) == (status, slug)
        assert response.json()["request_id"]


def test_nobody_is_answered_without_a_name(served: Served) -> None:
    _, url = served
    for headers in ({}, {"Authorization": "Bearer wbt_nonsense"}, {"Authorization": "Basic x"}):
        response = httpx.post(f"{url}/v1/questions", json={"metrics": ["flights"]}, headers=headers)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    with pytest.raises(AccessDenied, match="not-signed-in"):
        workbench.connect(url)
    assert {httpx.get(url + path).status_code for path in ("/healthz", "/readyz", "/metrics")} == {200}


def test_our_own_fault_tells_nothing_but_its_id(
    http: httpx.Client, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("SECRET")

    for part, ask in (
        ("session", lambda: http.get("/v1/metrics")),
        ("who", lambda: http.post("/v1/questions", json={"metrics": ["flights"]})),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(served[0], part, broken)
            response = ask()
        assert response.status_code == 500
        assert "SECRET" not in response.text
        assert response.headers["X-Request-ID"] in response.json()["problems"][0]["message"]


def test_a_large_answer_is_never_whole_in_memory(served: Served) -> None:
    """The reader is slow, and what is sent is a multiple of what the gateway may grow by."""
    gateway, url = served
    headers = {"Authorization": f"Bearer {token(gateway, ANA)}", "Accept": ARROW}
    text = "select a.*, b.carrier as other from gold.flights a, gold.airlines b"
    process = psutil.Process()
    warm = httpx.post(f"{url}/v1/sql", json={"text": f"{text} limit 10"}, headers=headers, timeout=60)
    assert warm.status_code == 200
    before, highest, received = process.memory_info().rss, 0, 0
    with httpx.stream("POST", f"{url}/v1/sql", json={"text": text}, headers=headers, timeout=60) as response:
        assert response.status_code == 200
        for piece in response.iter_raw(1 << 20):
            received += len(piece)
            highest = max(highest, process.memory_info().rss)
            if received > 300 << 20:
                break
    assert received > 300 << 20
    assert highest - before < 150 << 20
    _until(lambda: len(gateway.queries) == 0)


@pytest.mark.slow
@pytest.mark.parametrize("lane", ["sql", "metric"])
def test_who_leaves_stops_the_question(served: Served, lane: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway, url = served
    path, body = _long(gateway, lane, monkeypatch)
    headers = {"Authorization": f"Bearer {token(gateway, ANA)}"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(url + path, json=body, headers=headers, timeout=httpx.Timeout(10, read=1.5))
    _until(lambda: len(gateway.queries) == 0, 3)
    assert gateway.admission.running(lane) == 0


@pytest.mark.parametrize("lane", ["sql", "metric"])
def test_a_question_is_stopped_by_its_asker_alone(
    served: Served, http: httpx.Client, lane: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, url = served
    path, body = _long(gateway, lane, monkeypatch)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(http.post, path, json=body, headers={"X-Request-ID": f"to-be-stopped-{lane}"})
        _until(lambda: gateway.admission.running(lane) == 1)
        one = http.get(f"/v1/queries/to-be-stopped-{lane}").json()
        assert (one["state"], one["kind"]) == ("running", lane)
        assert [state["id"] for state in http.get("/v1/queries").json()] == [f"to-be-stopped-{lane}"]
        other = {"Authorization": f"Bearer {token(gateway, SAM)}"}
        assert httpx.delete(f"{url}/v1/queries/to-be-stopped-{lane}", headers=other).status_code == 404
        assert not asked.done()
        assert http.delete(f"/v1/queries/to-be-stopped-{lane}").status_code == 202
        response = asked.result(3)
    assert (response.status_code, response.json()["problems"][0]["slug"]) == (409, "stopped")


def test_control_c_stops_it_over_there(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway, url = served
    door = workbench.connect(url, token=token(gateway, ANA))
    stopped: list[str] = []
    transport = door._transport
    real = transport.stop
    monkeypatch.setattr(transport, "stop", lambda id: (stopped.append(id), real(id)))

    def interrupted(*_: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(transport, "_raise_refusal", interrupted)
    with pytest.raises(KeyboardInterrupt):
        door.sql("select 1 as one")
    assert len(stopped) == 1


def test_how_far_long_questions_are_is_told_by_one_thread(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "PATIENCE", 0.1)
    gateway, url = served
    told: list[QueryState] = []
    doors = [open_remote(url, token(gateway, name), progress=told.append) for name in (ANA, SAM)]
    before = set(threading.enumerate())
    watchers = lambda: [one for one in {*threading.enumerate()} - before if one.name == "workbench-progress"]  # noqa: E731
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(door.sql, LONG) for door in doors]
        _until(lambda: {one.elapsed > 0.2 for one in told if one.state == "running"} >= {True})
        assert [doors[0].query("flights").rows() for _ in range(5)] == [[{"flights": 336776}]] * 5
        assert len(watchers()) == 2  # one for each door
        _until(lambda: len({one.id for one in told if one.kind == "sql"}) == 2)
        for id in {one.id for one in told}:
            for door in doors:
                door._transport.stop(id)
        for one in asked:
            with pytest.raises(WarehouseError, match="stopped"):
                one.result(10)
    _until(lambda: not watchers())


@pytest.mark.slow
def test_a_stream_that_fails_midway_is_no_answer(served: Served, http: httpx.Client) -> None:
    """Rows come first, then one that cannot be read: whoever reads learns of it, in any format."""
    gateway, url = served
    text = "select case when i < 900000 then i else ('x' || i)::bigint end as n from range(1000000) t(i)"
    door = workbench.connect(url, token=token(gateway, ANA))
    with pytest.raises(WorkbenchError) as refused:
        door.sql(text)
    assert refused.value.slug in ("bad-sql", "engine-failed")
    for accept in (JSON, CSV, ARROW):
        with pytest.raises(httpx.RemoteProtocolError):
            http.post("/v1/sql", json={"text": text}, headers={"Accept": accept})


@pytest.mark.slow
def test_the_gateway_leaves_gracefully(home: Path) -> None:
    """What runs is answered or told why not; nothing new is taken."""
    with ThreadPoolExecutor(2) as pool:
        with running(home, replace(Bounds(), drain_seconds=4.0)) as (gateway, url):
            ana, sam = (workbench.connect(url, token=token(gateway, name)) for name in (ANA, SAM))
            assert sam.sql("select 1 as n").rows()
            endless, short = pool.submit(ana.sql, LONG), pool.submit(sam.sql, SHORT)
            _until(lambda: gateway.admission.running("sql") == 2)
            left = time.monotonic()
        assert time.monotonic() - left < 4 + 3
        assert short.result(1).rows() == [{"n": 0}]
        with pytest.raises(WarehouseError, match="shutting-down"):
            endless.result(1)
        with pytest.raises(WarehouseError, match="connection-lost"):
            workbench.connect(url)


def test_nothing_new_is_taken_while_leaving(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway, url = served
    door = workbench.connect(url, token=token(gateway, ANA))
    monkeypatch.setattr(gateway, "is_leaving", True)
    assert httpx.get(f"{url}/readyz").status_code == 503
    assert httpx.get(f"{url}/healthz").status_code == 200
    with pytest.raises(WarehouseError, match="shutting-down"):
        door.query("flights")


@pytest.mark.slow
def test_changed_rules_hold_within_seconds(home: Path) -> None:
    with running(home) as (gateway, url):
        paula = workbench.connect(url, token=token(gateway, PAULA))
        assert {row["carrier"] for row in paula.query("flights", by="carrier").rows()} == {"UA"}
        groups = home / "access" / "groups.yml"
        before = groups.read_text()
        try:
            groups.write_text(before.replace("carrier: [UA]", "carrier: [DL]"))
            _until(lambda: {row["carrier"] for row in paula.query("flights", by="carrier").rows()} == {"DL"}, 5)
            groups.write_text(before.replace("role: analyst", "role: nobody"))
            _until(lambda: httpx.get(f"{url}/readyz").json()["declarations"] == "broken", 5)
            assert {row["carrier"] for row in paula.query("flights", by="carrier").rows()} == {"DL"}
            assert httpx.get(f"{url}/readyz").status_code == 200
        finally:
            groups.write_text(before)
        _until(lambda: httpx.get(f"{url}/readyz").json()["declarations"] == "current", 5)
        _until(lambda: {row["carrier"] for row in paula.query("flights", by="carrier").rows()} == {"UA"}, 5)


def test_nothing_runs_without_its_record(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway, url = served
    door = workbench.connect(url, token=token(gateway, ANA))

    def unwritable(**_: object) -> str:
        raise WarehouseError(gateway.audit._problem("audit-unwritable", "cannot be written", OSError("full")))  # type: ignore[union-attr]

    monkeypatch.setattr(gateway.audit, "begin", unwritable)
    for ask in (lambda: door.query("flights"), lambda: door.sql("select 1 as one")):
        with pytest.raises(WarehouseError, match="audit-unwritable"):
            ask()


def test_who_stands_back_is_answered_and_on_record_like_everybody(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, url = served
    assert gateway.audit is not None
    for bound in ("MUCH", "TIMES"):
        monkeypatch.setattr(admission, bound, 0.0)  # whoever took anything stands back where others ask
    many = "select i, md5(i::varchar) as word from range(300000) t(i)"
    doors = [workbench.connect(url, token=token(gateway, name)) for name in (SAM, ANA)]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            for ask in (
                lambda door: door.query("flights").rows() == [{"flights": 336776}],
                lambda door: door.sql(many).table.num_rows == 300_000,
            ):
                assert list(pool.map(ask, doors)) == [True, True]
    threads = list(gateway._behind._threads)
    assert threads
    nice = {os.getpriority(os.PRIO_PROCESS, thread.native_id or 0) for thread in threads}
    assert nice == {BEHIND} or sys.platform != "linux"
    audit = gateway.audit  # who has the whole answer may be quicker than its record of the end
    _until(lambda: {one.outcome for one in audit.search(limit=8)} == {"answered"})
    assert len({one.request for one in audit.search(limit=8)}) == 8


def test_a_lost_process_is_asked_around_once(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway, url = served
    assert gateway.workers is not None
    door, stream, asked = workbench.connect(url, token=token(gateway, ANA)), gateway.workers.stream, []

    def lost(sql: str, *, query_id: str) -> Rows:
        asked.append(query_id)
        if len(asked) in (1, 3, 4):
            raise WarehouseError(STOPPED["worker-lost"])
        return stream(sql, query_id=query_id)

    monkeypatch.setattr(gateway.workers, "stream", lost)
    assert door.sql("select 1 as one").rows() == [{"one": 1}]
    with pytest.raises(WarehouseError, match="worker-lost"):
        door.sql("select 1 as one")
    assert len(set(asked)) == 4


def test_a_question_of_ones_own_is_found_by_nobody_else(served: Served) -> None:
    gateway, _ = served
    with gateway.queries.track("somebody-elses-id") as one:
        one.asker = SAM
        with pytest.raises(QuestionError, match="unknown-query"):
            gateway.queries.state("somebody-elses-id", ANA)
        with pytest.raises(QuestionError, match="unknown-query"):
            gateway.queries.state("somebody-elses-id", "")


def _long(gateway: Gateway, lane: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, dict[str, Any]]:
    """A question of the lane that takes minutes."""
    if lane == "sql":
        return "/v1/sql", {"text": LONG}
    stream = gateway.serving.engine.stream
    monkeypatch.setattr(gateway.serving.engine, "stream", lambda sql, parameters=(): stream(LONG))
    return "/v1/questions", {"metrics": ["flights"], "limit": 77}


def _until(holds: Any, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def test_openapi_describes_every_route_with_its_refusals(http: httpx.Client) -> None:
    described = http.get("/openapi.json").json()
    assert len(json.dumps(described)) > 10_000
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            responses = operation["responses"]
            assert any(status.startswith(("2", "3")) for status in responses), where
            if path.startswith("/v1/"):
                assert {"401", "403", "500", "503"} <= responses.keys(), where
            for status, response in responses.items():
                if status.startswith("4") or status == "500":
                    schema = response["content"][JSON]["schema"]
                    assert schema == {"$ref": "#/components/schemas/Refusal"}, f"{where} {status}"
