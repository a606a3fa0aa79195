"""Server-sent events: whether they are asked for, and how an answer becomes a stream of them."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING

from fastapi.sse import format_sse_event
from pydantic import BaseModel
from starlette.responses import StreamingResponse

from rag.types import Answer
from service import problems
from service.convert import from_answer, from_hit
from service.schemas import AskReply, SearchReply

if TYPE_CHECKING:
    from service.writing import Event

MEDIA_TYPE = "text/event-stream"
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
SCHEMA = {
    "type": "object",
    "description": "one event of the stream",
    "properties": {
        "event": {"type": "string", "enum": ["sources", "delta", "done", "error"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["event", "data"],
}


def wanted(accept: str) -> bool:
    """Whether an Accept header prefers events to JSON."""
    weights: dict[str, float] = {}
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((p.removeprefix("q=") for p in parameters if p.startswith("q=")), "1")
        weights[name] = float(weight) if weight.replace(".", "", 1).isdecimal() else 0.0
    return weights.get(MEDIA_TYPE, 0.0) > weights.get("application/json", 0.0)


def stream(answer: Answer, reply: AskReply) -> StreamingResponse:
    """``sources``, one ``delta`` for every piece of the answer, ``done`` with the whole reply; ``error`` in place of
    what is left where something fails after the headers are out."""

    async def events() -> AsyncIterator[bytes]:
        try:
            for event in _events(answer, reply):
                yield event
        except Exception as error:
            yield _event("error", problems.describe(error))

    return StreamingResponse(events(), media_type=MEDIA_TYPE, headers=HEADERS)


async def stream_written(written: "AsyncGenerator[Event]") -> StreamingResponse:
    """The same of an answer that is written while it is sent. What fails before the first event is raised here, so
    that it is answered with its own status."""
    from service.writing import Delta, Done, Sources

    first = await anext(written)

    async def events() -> AsyncIterator[bytes]:
        try:
            async with aclosing(written), aclosing(_from(first, written)) as all_of_it:
                async for event in all_of_it:
                    if isinstance(event, Sources):
                        yield _event("sources", SearchReply(passages=[from_hit(hit) for hit in event.passages]))
                    elif isinstance(event, Delta):
                        yield _event("delta", {"text": event.text})
                    elif isinstance(event, Done):
                        yield _event("done", from_answer(event.answer, event.stats))
        except Exception as error:
            yield _event("error", problems.describe(error))

    return StreamingResponse(events(), media_type=MEDIA_TYPE, headers=HEADERS)


async def _from(first: "Event", rest: "AsyncGenerator[Event]") -> "AsyncGenerator[Event]":
    yield first
    async for event in rest:
        yield event


def _events(answer: Answer, reply: AskReply) -> Iterator[bytes]:
    yield _event("sources", SearchReply(passages=[from_hit(hit) for hit in answer.passages]))
    for piece in answer.pieces:
        yield _event("delta", {"text": piece})
    yield _event("done", reply)


def _event(name: str, data: BaseModel | dict[str, object]) -> bytes:
    text = data.model_dump_json() if isinstance(data, BaseModel) else json.dumps(data, ensure_ascii=False)
    return format_sse_event(event=name, data_str=text)
