"""Many documents at once: ``POST /documents:batch``, one JSON object a line, taken in as it arrives."""

import asyncio
import os
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from rag.errors import InvalidInput
from service import body
from service.collector import Collector
from service.jobs.store import Job, new_id
from service.ndjson import lines
from service.problems import responses
from service.routes.jobs import accepted
from service.schemas import BatchReply, JobOut, RefusedLine
from service.serving import Served, Serving

MEDIA_TYPE = "application/x-ndjson"
EMPTY = (
    "the body holds no document; send one JSON object a line (did curl find the file that --data-binary @FILE names?)"
)


def make_router(max_body_size: int) -> APIRouter:
    """The route with its own limit on the body, in bytes."""
    router = APIRouter(tags=["documents"], max_body_size=max_body_size)
    router.post(
        "/documents:batch",
        operation_id="add_documents",
        summary="Add many documents",
        response_model=BatchReply,
        responses=responses(413, 415) | {202: {"model": JobOut, "description": "Taken in; a job adds them"}},
        openapi_extra={
            "requestBody": {
                "required": True,
                "description": "one document a line, in the shape of DocumentIn",
                "content": {
                    MEDIA_TYPE: {
                        "schema": {"type": "string"},
                        "example": '{"id": "notice-1", "title": "通知", "text": "会议定于3月5日举行。"}\n',
                    }
                },
            }
        },
    )(add_documents)
    return router


async def add_documents(
    request: Request,
    served: Served,
    wait: Annotated[bool, Query(description="false: answer at once with a job that adds them")] = True,
) -> BatchReply | Response:
    """Answers once all is durable and can be found. A line that is not a document is refused with its number and the
    others are added; an id that exists is replaced. `added` counts documents that are new or replaced, `unchanged`
    those that were there with the same content. What was added before a connection breaks stays; sending all of it
    again is safe. With `wait=false` the reply is a job, and documents can be found as it goes on."""
    body.require(request, MEDIA_TYPE)
    _ = served.engine  # not ready: said before the body is read
    if not wait:
        return accepted(request, await _spooled(request, served))
    collector = Collector(served.settings.max_document_bytes)
    async for number, line in lines(request.stream(), served.settings.max_document_bytes):
        for block in collector.take(number, line):
            await served.write(lambda engine, block=block: collector.store(engine, block))  # type: ignore[misc]
    for block in collector.rest():
        await served.write(lambda engine, block=block: collector.store(engine, block))  # type: ignore[misc]
    if not (collector.added or collector.unchanged or collector.refused):
        raise InvalidInput(EMPTY)
    return BatchReply(
        added=collector.added, unchanged=collector.unchanged, refused=sorted(collector.refused, key=_number)
    )


async def _spooled(request: Request, served: Serving) -> Job:
    """The body in a file beside its job; on disk before the job is."""
    id, count, last = new_id(), 0, b"\n"
    path = served.jobs.store.spool(id)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    try:
        with beside.open("xb") as stream:
            async for data in request.stream():
                stream.write(data)
                count += data.count(b"\n")
                last = data[-1:] or last
            stream.flush()
            await asyncio.to_thread(os.fsync, stream.fileno())
        count += last != b"\n"
        if not count:
            raise InvalidInput(EMPTY)
        beside.rename(path)
        return await asyncio.to_thread(served.jobs.create, "batch", {"lines": count}, id)
    except BaseException:
        beside.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise


def _number(line: RefusedLine) -> int:
    return line.line
