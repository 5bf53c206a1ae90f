"""Requests and the parts of a question to spans, sent where the environment says; never what was asked in them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version

from opentelemetry import propagate
from opentelemetry.trace import INVALID_SPAN, NoOpTracer, Span, SpanKind, Tracer

from workbench.errors import WorkbenchError

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
NAME = "workbench-gateway"
_LOG = logging.getLogger("workbench.gateway")


class Traces:
    """The traces of one gateway: nothing is made of them where no endpoint is configured.

    Attributes are kinds, counts and slugs: names, conditions, SQL and messages of errors are for nobody's collector.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._end: Callable[[], object] = lambda: None
        self._tracer: Tracer = NoOpTracer()
        self.is_on = any(environ.get(one) for one in ENDPOINTS) and environ.get("OTEL_SDK_DISABLED", "") != "true"
        if not self.is_on:
            return
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ModuleNotFoundError as error:
            self.is_on = False
            _LOG.warning("no traces: they need the package '%s'; install 'governed-workbench[traces]'", error.name)
            return
        named = {} if environ.get("OTEL_SERVICE_NAME") else {"service.name": NAME}
        provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer, self._end = provider.get_tracer(NAME, version("governed-workbench")), provider.shutdown

    @contextmanager
    def request(self, method: str, id: str, headers: Mapping[str, str]) -> Iterator[Span]:
        """The span of a request, in the trace that it says it belongs to."""
        if not self.is_on:
            yield INVALID_SPAN
            return
        about = {"http.request.method": method, "workbench.request": id}
        with self._tracer.start_as_current_span(
            method, propagate.extract(headers), SpanKind.SERVER, about, record_exception=False,
            set_status_on_exception=False,
        ) as span:  # fmt: skip
            yield span

    @contextmanager
    def part(self, name: str) -> Iterator[Span]:
        """The span of one part of what a request takes."""
        if not self.is_on:
            yield INVALID_SPAN
            return
        with self._tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as span:
            try:
                yield span
            except WorkbenchError as error:
                span.set_attribute("error.type", error.slug)
                raise

    def close(self) -> None:
        """Send what is still here."""
        self._end()
