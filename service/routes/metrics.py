"""For Prometheus: ``GET /metrics``."""

import asyncio
from collections import Counter
from typing import get_args

from fastapi import APIRouter, Request
from prometheus_client.metrics_core import Metric
from starlette.responses import Response

from service.jobs.store import State
from service.metrics import MEDIA_TYPE, Metrics, gauge
from service.problems import NotReady, responses
from service.serving import Served, Serving

router = APIRouter(tags=["probes"])


@router.get(
    "/metrics",
    operation_id="metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses=responses() | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request, served: Served) -> Response:
    """Requests, their times, answers, documents, jobs; also while the index is being opened."""
    counted: Metrics = request.app.state.metrics
    version = request.app.version
    return Response(await asyncio.to_thread(lambda: counted.page(_gauges(served, version))), media_type=MEDIA_TYPE)


def _gauges(served: Serving, version: str) -> list[Metric]:
    jobs = Counter(job.state for job in served.jobs.store.list()) if served.jobs.store.exists() else Counter[State]()
    found = [
        gauge("rag_jobs", "Jobs that are known", {(state,): jobs[state] for state in get_args(State)}, ("state",)),
    ]
    try:
        stats = served.engine.stats()
    except NotReady:
        return [*found, gauge("rag_ready", "Whether questions are answered", {(): 0})]
    return [
        *found,
        gauge("rag_ready", "Whether questions are answered", {(): 1}),
        gauge("rag_documents", "Documents", {(): stats.documents}),
        gauge("rag_chunks", "Chunks of documents", {(): stats.chunks}),
        gauge("rag_build_info", "What runs", {(version, stats.model): 1}, ("version", "model")),
    ]
