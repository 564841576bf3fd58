"""Metrics of the service in Prometheus's text format.

Units are base units such as seconds. Labels have few values: routes instead of paths, names of
models instead of folders.
"""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

disable_created_metrics()  # type: ignore[no-untyped-call]  # a gauge that nobody reads
CONTENT_TYPE = CONTENT_TYPE_LATEST
_PREFIX = "sentiment_lstm_"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_TEXTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_TOKENS = (16, 64, 256, 1024, 4096, 16_384, 65_536)


class Metrics:
    """The counters of one service. Each service has a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        # Requests.
        self.requests = self._counter("requests", "Answered requests.", "method", "route", "status")
        self.request_seconds = self._histogram(
            "request_duration_seconds", "Time from a request to its answer.", _SECONDS, "route"
        )
        self.in_flight = self._gauge("requests_in_flight", "Requests without an answer yet.")
        self.websockets = self._gauge("websockets", "Open WebSocket connections.")
        # Queues.
        self.waiting = self._gauge("queue_jobs", "Jobs that wait for a thread.", "model")
        self.queue_seconds = self._histogram(
            "queue_duration_seconds", "Time that a job waited for a thread.", _SECONDS, "model"
        )
        # Batches.
        self.batch_seconds = self._histogram(
            "batch_duration_seconds", "Time to tokenise and score a batch.", _SECONDS, "model"
        )
        self.batch_texts = self._histogram("batch_texts", "Texts in a batch.", _TEXTS, "model")
        self.batch_tokens = self._histogram("batch_tokens", "Tokens in a batch.", _TOKENS, "model")
        # Models and logs.
        self.loads = self._counter(
            "model_loads", "How often a model was loaded.", "model", "result"
        )
        self.lost_log_lines = self._counter(
            "lost_log_lines", "Log lines that could not be written."
        )

    def text(self) -> bytes:
        """Return all counters in Prometheus's text format."""
        return generate_latest(self._registry)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(_PREFIX + name, meaning, labels, registry=self._registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(_PREFIX + name, meaning, labels, registry=self._registry)

    def _histogram(
        self, name: str, meaning: str, buckets: Sequence[float], *labels: str
    ) -> Histogram:
        return Histogram(_PREFIX + name, meaning, labels, registry=self._registry, buckets=buckets)
