"""HEAD ends with the head: a stream without end does not go on for nobody."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from service.head import HeadAsGet


def ask_head(response: Response) -> list[Message]:
    """Return what is sent for a HEAD request that ``response`` answers."""
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["method"] == "GET"
        await response(scope, receive, send)

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> None:
        scope: Scope = {"type": "http", "method": "HEAD", "headers": [], "asgi": {"spec_version": "2.4"}}
        try:
            await asyncio.wait_for(HeadAsGet(app)(scope, receive, send), 5)
        except Exception as error:  # a client that left, as the application is told of it
            assert type(error).__name__ == "ClientDisconnect"

    asyncio.run(run())
    return sent


async def stream_without_end() -> AsyncIterator[bytes]:
    while True:
        yield b"x"
        await asyncio.sleep(0)


@pytest.mark.parametrize("response", [PlainTextResponse("text"), StreamingResponse(stream_without_end())])
def test_only_the_head_is_sent(response: Response) -> None:
    start, body = ask_head(response)
    assert start["status"] == 200 and body == {"type": "http.response.body", "body": b"", "more_body": False}
