"""What happens in the gateway to figures for Prometheus: numbers alone, and no name of anything or anybody."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Measures:
    """The figures of one gateway, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "workbench_requests", "Requests answered.", ("route", "method", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "workbench_request_seconds", "Seconds until the last byte.", ("route",), buckets=_SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self.questions = Counter(
            "workbench_questions", "Questions that ran, by lane and how they ended.", ("lane", "outcome"),
            registry=self.registry,
        )  # fmt: skip
        self.question_seconds = Histogram(
            "workbench_question_seconds", "Seconds of questions that ran.", ("lane",), buckets=_SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self.rows = Counter("workbench_rows", "Rows sent, by lane.", ("lane",), registry=self.registry)
        self.refusals = Counter("workbench_refusals", "Refusals, by slug.", ("slug",), registry=self.registry)
        self.running = Gauge("workbench_running", "Questions that run now.", ("lane",), registry=self.registry)
        self.waiting = Gauge("workbench_waiting", "Questions that wait now.", ("lane",), registry=self.registry)
        self.reloads = Counter(
            "workbench_reloads", "Times that changed declarations were read.", ("outcome",), registry=self.registry
        )
        self.broken = Gauge(
            "workbench_declarations_broken", "1 while the newest declarations are broken.", registry=self.registry
        )

    def text(self) -> bytes:
        """All figures, as Prometheus reads them."""
        return generate_latest(self.registry)
