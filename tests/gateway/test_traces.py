"""Traces at a real collector: a question in its parts, and no word of what was asked, by whom or of whom."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.gateway.conftest import ANA
from tests.gateway.running import running, token
from workbench.gateway.traces import Traces

SECRET = "a-word-that-nobody-else-may-read"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector:
    """Takes OTLP over HTTP, as collectors do."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.bodies.append(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
                assert self.path == "/v1/traces"
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def spans(self) -> list[Span]:
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [
            s for r in requests for resource in r.resource_spans for scope in resource.scope_spans for s in scope.spans
        ]


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    made = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", made.url)
    yield made
    made.server.shutdown()
    made.server.server_close()


def told(span: Span) -> dict[str, object]:
    return {one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in span.attributes}


@pytest.mark.slow
def test_a_question_is_traced_in_its_parts_and_without_its_words(collector: Collector, home: Path) -> None:
    with running(home) as (gateway, url):
        headers = {"Authorization": f"Bearer {token(gateway, ANA)}", "traceparent": f"00-{TRACE}-{PARENT}-01"}
        with httpx.Client(base_url=url, headers=headers, timeout=60) as http:
            asked = http.post("/v1/questions", json={"metrics": ["flights"], "where": f"carrier <> '{SECRET}'"})
            assert asked.status_code == 200
            text = f"select '{SECRET}' as word, count(*) as n from gold.flights where carrier <> '{SECRET}'"
            assert http.post("/v1/sql", json={"text": text}).status_code == 200
            refused = http.post("/v1/questions", json={"metrics": [SECRET]})
            assert refused.status_code == 400
            assert http.get("/v1/search", params={"q": SECRET}).status_code == 200
            assert http.delete(f"/v1/drafts/{SECRET}").status_code == 400 + 4
            assert http.request(SECRET.upper(), "/").status_code in (400, 404, 405)
    spans = collector.spans()
    mine = {span.span_id: span for span in spans}
    of_question = next(span for span in spans if told(span).get("workbench.request") == asked.headers["x-request-id"])
    assert (of_question.name, of_question.trace_id.hex(), of_question.parent_span_id.hex()) == (
        "POST /v1/questions", TRACE, PARENT,
    )  # fmt: skip
    assert told(of_question)["http.response.status_code"] == 200

    def parts(parent: Span) -> list[str]:
        children = sorted(
            (s for s in spans if s.parent_span_id == parent.span_id), key=lambda s: s.start_time_unix_nano
        )
        return [name for child in children for name in (child.name, *(f"{child.name}/{one}" for one in parts(child)))]

    assert parts(of_question) == [
        "identify", "wait", "answer", "answer/compile", "answer/record", "answer/first rows",
    ]  # fmt: skip
    answer = next(span for span in spans if span.name == "answer" and mine[span.parent_span_id] is of_question)
    assert told(answer) == {"workbench.lane": "metric", "workbench.format": "application/json", "workbench.rows": 1}
    failed = next(span for span in spans if told(span).get("workbench.request") == refused.headers["x-request-id"])
    assert told(failed)["http.response.status_code"] == 400
    assert "unknown-metric" in {told(span).get("error.type") for span in spans}
    everything = b"".join(collector.bodies)
    assert b"workbench-gateway" in everything
    for word in (SECRET, ANA, "carrier", "wbt_", "gold.flights"):
        assert word.encode() not in everything
        assert word.upper().encode() not in everything


def test_nothing_is_traced_unless_it_is_said_where_to(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    traces = Traces()
    with traces.part("answer") as span:
        assert not span.is_recording()
    traces.close()
    assert not Traces({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"}).is_on
