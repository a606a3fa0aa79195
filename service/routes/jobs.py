"""Long work: ``POST /index/rebuild``, and how far a job is."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.sse import format_sse_event
from starlette.responses import Response, StreamingResponse

from service import problems
from service.body import JsonRoute
from service.convert import from_job
from service.events import MEDIA_TYPE, Stream
from service.jobs.store import ENDED, Job
from service.problems import responses
from service.schemas import JobList, JobOut, RebuildRequest
from service.serving import Served

EVERY, BEAT = 0.25, 15.0  # seconds between looks at a job, and between comments that keep a connection open
_EVENTS = (
    'event: progress\ndata: {"id": "…", "state": "running"}\n\nevent: done\ndata: {"id": "…", "state": "done"}\n\n'
)
_SCHEMA = {
    "type": "object",
    "description": "one event of the stream; its data is the job",
    "properties": {
        "event": {"type": "string", "enum": ["progress", "done", "error"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["event", "data"],
}

router = APIRouter(route_class=JsonRoute, tags=["jobs"])
JobId = Annotated[str, Path(description="as the job was answered with")]


def accepted(request: Request, job: Job) -> Response:
    """202 with a job and where to ask for it."""
    headers = {"Location": f"{request.scope.get('root_path', '')}/jobs/{job.id}"}
    return Response(from_job(job).model_dump_json(), 202, headers=headers, media_type="application/json")


@router.post(
    "/index/rebuild",
    operation_id="rebuild",
    summary="Rebuild the index",
    status_code=202,
    response_model=JobOut,
    responses=responses(413, 415),
)
async def rebuild(request: Request, served: Served, body: RebuildRequest | None = None) -> Response:
    """A job that reads the seeds again and embeds what changed; with `full` it embeds all again. Questions are
    answered from the former index meanwhile, and a job that is cancelled leaves that as it was."""
    _ = served.engine
    options = {"full": bool(body and body.full)}
    return accepted(request, await asyncio.to_thread(served.jobs.create, "rebuild", options))


@router.get("/jobs", operation_id="list_jobs", summary="List jobs", responses=responses())
async def list_jobs(served: Served) -> JobList:
    """The newest first; of those that have ended the last hundred are kept."""
    return JobList(jobs=[from_job(job) for job in await asyncio.to_thread(served.jobs.store.list)])


@router.get("/jobs/{id}", operation_id="get_job", summary="How far a job is", responses=responses(404))
async def get_job(id: JobId, served: Served) -> JobOut:
    """State, progress with rate and remaining time, what was refused and what came of it."""
    return from_job(await asyncio.to_thread(served.jobs.store.get, id))


@router.delete("/jobs/{id}", operation_id="cancel_job", summary="Cancel a job", responses=responses(404, 409))
async def cancel_job(id: JobId, served: Served) -> JobOut:
    """The index that is served stays as it was. A running job stops within moments; one that has ended stays ended.
    A conflict where it is storing already what it made."""
    return from_job(await asyncio.to_thread(served.jobs.store.cancel, id))


@router.get(
    "/jobs/{id}/events",
    operation_id="job_events",
    summary="Follow a job",
    response_class=StreamingResponse,
    responses=responses(404) | {200: {"content": {MEDIA_TYPE: {"schema": _SCHEMA, "example": _EVENTS}}}},
)
async def job_events(id: JobId, served: Served, request: Request) -> StreamingResponse:
    """Server-sent events: `progress` whenever the job got further, `done` once it has ended; the data is the job."""
    first = await asyncio.to_thread(served.jobs.store.get, id)
    connections = request.app.state.connections
    if connections.followers >= connections.most_followers:
        raise problems.Overloaded("too many connections follow jobs; ask GET /jobs/{id} from time to time instead")

    async def events() -> AsyncGenerator[bytes]:
        job, told, quiet = first, None, 0.0
        connections.followers += 1
        try:
            while True:
                if job != told:
                    told, quiet = job, 0.0
                    name = "done" if job.state in ENDED else "progress"
                    yield format_sse_event(event=name, data_str=from_job(job).model_dump_json())
                    if name == "done":
                        return
                elif quiet >= BEAT:
                    quiet = 0.0
                    yield b": still there\n\n"
                if served.stopping or await request.is_disconnected():
                    return
                await asyncio.sleep(EVERY)
                quiet += EVERY
                job = await asyncio.to_thread(served.jobs.store.get, id)
        except Exception as error:
            yield format_sse_event(event="error", data_str=problems.text(problems.describe(error)))
        finally:
            connections.followers -= 1

    return Stream(events())
