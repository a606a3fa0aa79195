"""What is counted for Prometheus: requests, how long they took, answers, documents, jobs.

Labels hold names of the service's own alone, never a path or a method as a client wrote it, so that their number stays
small. With several workers each counts in files of a common folder, which ``service.run`` names before they start, and
whichever is asked adds them up.
"""

import os
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.types import Answer

if TYPE_CHECKING:
    from rag.verify import Checked

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the package itself reads it
MEDIA_TYPE = CONTENT_TYPE_LATEST
OTHER = "other"

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0)


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "rag_requests", "Requests answered", ("route", "method", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "rag_request_seconds",
            "Seconds from a request's head to the end of its reply",
            ("route", "method"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._model = Counter("rag_model", "Questions for the language model", ("outcome",), registry=self._registry)
        self._sentences = Counter(
            "rag_model_sentences", "Sentences of the language model", ("verdict",), registry=self._registry
        )
        self._answers = Counter("rag_answers", "Questions answered", ("mode", "outcome"), registry=self._registry)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts a request; ``route`` is the template of its path."""
        method = method if method in _METHODS else OTHER
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route, method).observe(seconds)

    def answer(self, answer: Answer) -> None:
        """Counts an answer by the way it was made and by what came of it."""
        self._answers.labels(answer.mode, answer.reason or "answered").inc()

    def model(self, outcome: str) -> None:
        """Counts what became of a question put to the language model: written, refused, unasked, changed,
        fallback:WHY."""
        self._model.labels(outcome).inc()

    def sentences(self, checked: "Checked") -> None:
        """Counts a model's sentences: kept, or why they were dropped."""
        for verdict in ["kept"] * len(checked.kept) + [each.reason for each in checked.dropped]:
            self._sentences.labels(verdict).inc()

    def page(self, gauges: Iterable[Metric]) -> bytes:
        """All of it and ``gauges``, as Prometheus reads it."""
        registry = self._registry
        if os.environ.get(FOLDER):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        now = CollectorRegistry()
        now.register(_Now(gauges))
        return generate_latest(registry) + generate_latest(now)


class _Now:
    def __init__(self, gauges: Iterable[Metric]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        return self._gauges


def gauge(name: str, about: str, values: Mapping[tuple[str, ...], float], labels: tuple[str, ...] = ()) -> Metric:
    """What is so at the moment; ``values`` by their labels."""
    made = GaugeMetricFamily(name, about, labels=labels)
    for key, value in values.items():
        made.add_metric(key, value)
    return made


class Measure:
    """Counts every request, those too that no route sees."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            self._metrics.request(_template(scope), scope["method"], status, time.perf_counter() - began)


def _template(scope: Scope) -> str:
    """The path of the route that was found, of a mounted folder its place."""
    root = scope.get("root_path", "")
    mounted = root.removeprefix(scope.get("app_root_path", root))
    return getattr(scope.get("route"), "path", None) or mounted or OTHER
