"""Replies of ``/v1/chat/completions``, whole and as a stream."""

import json
import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from rag.types import Citation
from service import problems
from service.asking import Delta, Done, Event
from service.chat import errors
from service.chat.schemas import MODEL, ChatReply, Choice, Said, Usage
from service.chat.writing import Writing

DONE = b"data: [DONE]\n\n"


def whole(writing: Writing, pieces: Sequence[str], citations: Sequence[Citation], characters: int) -> ChatReply:
    """The reply without a stream; ``characters`` is the length of what was sent."""
    content = "".join([*(writing.piece(piece, citations) for piece in pieces), writing.end()])
    return ChatReply(
        id=_id(),
        created=int(time.time()),
        choices=[Choice(message=Said(content=content, annotations=writing.annotations()))],
        usage=_usage(characters, len(content)),
        search_results=writing.results(),
    )


async def streamed(
    writing: Writing, answer: AsyncGenerator[Event], characters: int, *, include_usage: bool
) -> AsyncGenerator[bytes]:
    """The same in chunks, as the answer comes: a first one that names the role, one for every piece of the text, the
    end with the annotations, the usage where it is asked for. An error is sent in place of what is left."""
    try:
        async with aclosing(answer), aclosing(_chunks(writing, answer, characters, include_usage)) as chunks:
            async for chunk in chunks:
                yield chunk
    except Exception as error:
        yield _event(errors.of_problem(problems.describe(error)))
    yield DONE


async def _chunks(
    writing: Writing, answer: AsyncGenerator[Event], characters: int, include_usage: bool
) -> AsyncGenerator[bytes]:
    head: dict[str, Any] = {
        "id": _id(), "object": "chat.completion.chunk", "created": int(time.time()), "model": MODEL,
    }  # fmt: skip
    tail: dict[str, Any] = {"usage": None} if include_usage else {}
    written = 0

    def chunk(delta: dict[str, Any], more: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _event({**head, "choices": [choice], **more, **tail})

    def content(piece: str) -> bytes:
        nonlocal written
        written += len(piece)
        found = [each.model_dump() for each in writing.results()]
        return chunk({"content": piece}, {"search_results": found} if found else {})

    yield chunk({"role": "assistant", "content": ""}, {})
    async for event in answer:
        if isinstance(event, Delta):
            yield content(writing.piece(event.text, event.citations))
        elif isinstance(event, Done):
            writing.know(event.answer.citations)
    if end := writing.end():
        yield content(end)
    annotations = [each.model_dump() for each in writing.annotations()]
    yield chunk({"content": "", **({"annotations": annotations} if annotations else {})}, {}, "stop")
    if include_usage:
        yield _event({**head, "choices": [], "usage": _usage(characters, written).model_dump()})


def _usage(sent: int, written: int) -> Usage:
    return Usage(prompt_tokens=sent, completion_tokens=written, total_tokens=sent + written)


def _id() -> str:
    return f"chatcmpl-{secrets.token_hex(12)}"


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"
