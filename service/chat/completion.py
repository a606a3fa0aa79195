"""Replies of ``/v1/chat/completions``, whole and as a stream."""

import json
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from service import problems
from service.chat import errors
from service.chat.schemas import MODEL, ChatReply, Choice, Said, Usage
from service.chat.writing import Writing

DONE = b"data: [DONE]\n\n"


def whole(writing: Writing, pieces: tuple[str, ...], characters: int) -> ChatReply:
    """The reply without a stream; ``characters`` is the length of what was sent."""
    content = "".join(writing.pieces(pieces))
    return ChatReply(
        id=_id(),
        created=int(time.time()),
        choices=[Choice(message=Said(content=content, annotations=writing.annotations()))],
        usage=_usage(characters, len(content)),
        search_results=writing.results(),
    )


async def streamed(
    writing: Writing, pieces: tuple[str, ...], characters: int, *, include_usage: bool
) -> AsyncIterator[bytes]:
    """The same in chunks: a first one that names the role, one for every piece of the text, the end with the
    annotations, the usage where it is asked for. An error is sent in place of what is left."""
    try:
        for chunk in _chunks(writing, pieces, characters, include_usage):
            yield chunk
    except Exception as error:
        yield _event(errors.of_problem(problems.describe(error)))
    yield DONE


def _chunks(writing: Writing, pieces: tuple[str, ...], characters: int, include_usage: bool) -> Iterator[bytes]:
    head: dict[str, Any] = {
        "id": _id(), "object": "chat.completion.chunk", "created": int(time.time()), "model": MODEL,
    }  # fmt: skip
    tail: dict[str, Any] = {"usage": None} if include_usage else {}

    def chunk(delta: dict[str, Any], more: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _event({**head, "choices": [choice], **more, **tail})

    yield chunk({"role": "assistant", "content": ""}, {})
    written = 0
    for piece in writing.pieces(pieces):
        written += len(piece)
        found = [each.model_dump() for each in writing.results()]
        yield chunk({"content": piece}, {"search_results": found} if found else {})
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
