"""Server-sent events: whether they are asked for, and how an answer becomes a stream of them."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi.sse import format_sse_event
from pydantic import BaseModel
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from service import problems
from service.asking import Delta, Event, Sources
from service.convert import from_answer, from_hit
from service.schemas import SearchReply

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


class Stream(StreamingResponse):
    """Events as a response; what makes them is ended with it, also where the client leaves before their end."""

    def __init__(self, made: AsyncGenerator[bytes]) -> None:
        super().__init__(made, media_type=MEDIA_TYPE, headers=HEADERS)
        self._made = made

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends them."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._made.aclose()


async def begun(asked: AsyncGenerator[Event]) -> AsyncGenerator[Event]:
    """The same events once the first is there: what fails before it is raised here, to be answered with its own
    status."""
    first = await anext(asked)

    async def all_of_them() -> AsyncGenerator[Event]:
        async with aclosing(asked):
            yield first
            async for event in asked:
                yield event

    return all_of_them()


def stream(answer: AsyncGenerator[Event]) -> Stream:
    """``sources``, one ``delta`` for every piece of the answer, ``done`` with the whole reply; ``error`` in place of
    what is left where something fails after the headers are out."""

    async def events() -> AsyncGenerator[bytes]:
        try:
            async with aclosing(answer):
                async for event in answer:
                    yield _told(event)
        except Exception as error:
            yield _event("error", problems.describe(error))

    return Stream(events())


def _told(event: Event) -> bytes:
    if isinstance(event, Sources):
        return _event("sources", SearchReply(passages=[from_hit(hit) for hit in event.passages]))
    if isinstance(event, Delta):
        return _event("delta", {"text": event.text})
    return _event("done", from_answer(event.answer, event.stats))


def _event(name: str, data: BaseModel | dict[str, object]) -> bytes:
    text = data.model_dump_json() if isinstance(data, BaseModel) else json.dumps(data, ensure_ascii=False)
    return format_sse_event(event=name, data_str=text)
