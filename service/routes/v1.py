"""For chat front ends: ``/v1/models`` and ``/v1/chat/completions``, as OpenAI's."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from service import asking, events
from service.body import SmallJsonRoute
from service.chat import asides, completion
from service.chat.conversation import read
from service.chat.errors import ModelNotFound
from service.chat.schemas import FAILED, MODEL, ChatReply, ChatRequest, ModelList, ModelOut
from service.chat.writing import Writing
from service.disconnect import work_while_connected
from service.problems import responses
from service.serving import Served

MOST_BYTES = 4 * 2**20  # of a body: a long chat, with a picture or two among its messages
NO_WORDS = "请用文字提问。 Please ask in words."
_EXAMPLE = f'data: {{"object": "chat.completion.chunk", "model": "{MODEL}", …}}\n\ndata: [DONE]\n\n'
_CHUNKS = {
    "type": "object",
    "description": "one event of the stream: a chunk as JSON, or [DONE]",
    "properties": {"data": {"type": "string"}},
    "required": ["data"],
}

router = APIRouter(prefix="/v1", route_class=SmallJsonRoute, tags=["chat front ends"])


def _failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {**each, "content": {"application/json": FAILED}} for status, each in responses(*statuses).items()}


@router.get("/models", operation_id="list_models", summary="List models", responses=_failures())
async def list_models() -> ModelList:
    """The one model that front ends choose."""
    return ModelList(data=[ModelOut()])


@router.get("/models/{id}", operation_id="get_model", summary="A model", responses=_failures(404))
async def get_model(id: str) -> ModelOut:
    """The model of this name."""
    _known(id)
    return ModelOut()


@router.post(
    "/chat/completions",
    operation_id="chat",
    summary="Ask in a conversation",
    response_model=ChatReply,
    responses=_failures(404, 413, 415)
    | {200: {"content": {events.MEDIA_TYPE: {"schema": _CHUNKS, "example": _EXAMPLE}}}},
)
async def chat(body: ChatRequest, request: Request, served: Served) -> Response | ChatReply:
    """The answer to the last message of the user, with markers `[n]` and a list of sources at its end; sources also
    as `annotations` and `search_results`. With `stream: true` a stream of chunks that ends with `[DONE]`. Unknown
    fields and system messages are ignored; what a front end asks for its own ends, a title for the chat or the like,
    is answered without a search."""
    _known(body.model or MODEL)
    asked = read(body.messages)
    said = await asyncio.to_thread(asides.reply, body.messages, body.response_format)
    if said is None and not asked.question:
        said = NO_WORDS
    question = asking.Asked(asked.question, history=asked.history)
    writing = Writing(_base(request, served.settings.public_url), own_words=said is not None)
    if body.stream:
        usage = bool(body.stream_options and body.stream_options.include_usage)
        coming = await events.begun(asking.ask(served, question) if said is None else _only(said))
        return events.Stream(completion.streamed(writing, coming, asked.characters, include_usage=usage))
    if said is not None:
        return completion.whole(writing, (said,), (), asked.characters)
    answer = (await work_while_connected(request, asking.answer(served, question))).answer
    return completion.whole(writing, answer.pieces, answer.citations, asked.characters)


async def _only(said: str) -> AsyncGenerator[asking.Event]:
    """A reply that nothing was searched for."""
    yield asking.Delta(said)


def _base(request: Request, public: str | None) -> str:
    return public or str(request.base_url)


def _known(model: str) -> None:
    if model != MODEL:
        raise ModelNotFound(f"there is no model of this name; the one there is is {MODEL}")
