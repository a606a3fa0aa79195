"""No chat, however long or odd, holds up the service: bodies, messages and turns are bounded before they are read."""

import asyncio
import json
import time
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.requests import ClientDisconnect, Request

from rag.followup import resolve
from rag.types import Turn
from service.chat import asides
from service.chat.schemas import LONGEST_TEXT, MOST_MESSAGES, ChatRequest
from service.disconnect import work_while_connected

CHAT = "/v1/chat/completions"


def read_messages(messages: list[Any]) -> ChatRequest:
    return ChatRequest.model_validate({"messages": messages})


def test_a_body_over_four_megabytes_is_refused(client: TestClient) -> None:
    body = {"messages": [{"role": "user", "content": "a" * (4 * 2**20)}]}
    reply = client.post(CHAT, json=body)
    assert reply.status_code == 413 and reply.json()["error"]["type"]


@pytest.mark.parametrize("small", ["{}", '{"role":"user","content":"a"}', "[]", "[[]]", "1"])
def test_hundreds_of_thousands_of_messages_are_answered_at_once(client: TestClient, small: str) -> None:
    many = ",".join([small] * (3_900_000 // (len(small) + 1)))
    began = time.perf_counter()
    reply = client.post(CHAT, content=f'{{"messages":[{many}]}}', headers={"Content-Type": "application/json"})
    assert reply.status_code in (200, 400, 422) and time.perf_counter() - began < 3


def test_the_first_system_message_and_the_last_messages_count_and_are_cut() -> None:
    system = [{"role": "system", "content": f"{number}" + "s" * 20_000} for number in range(500)]
    talk = [{"role": "user", "content": "b" * 9000 + f"{number}?"} for number in range(60)]
    kept = read_messages([*system, *talk]).messages
    assert len(kept) == MOST_MESSAGES + 1
    assert isinstance(kept[0].content, str) and kept[0].content.startswith("0s")
    assert all(isinstance(each.content, str) and len(each.content) <= LONGEST_TEXT for each in kept)
    assert isinstance(kept[-1].content, str) and kept[-1].content.endswith("59?")


def test_parts_of_a_message_are_cut_too() -> None:
    parts: list[Any] = [{"type": "text", "text": "a" * 50_000}] * 300
    (message,) = read_messages([{"role": "user", "content": parts}]).messages
    assert isinstance(message.content, list) and len(message.content) <= 40
    assert all(len(json.dumps(part)) < 2 * LONGEST_TEXT for part in message.content)


@pytest.mark.parametrize(
    "filler", ["\n", " ", "\t", "\u3000", "#", "user:\n", "\r\n", ".", "a\n", '"content":"', "<text "]
)
@pytest.mark.parametrize("head", ["generate a title\n", "生成标题 json\n", "user: a\n", "chat history"])
def test_what_a_front_end_asks_is_told_in_linear_time(head: str, filler: str) -> None:
    text = head + filler * (16_000 // len(filler)) + "x"
    request = read_messages([{"role": "system", "content": text}, {"role": "user", "content": text}])
    began = time.process_time()
    asides.reply(request.messages)
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("unit", ["重庆的科技创新中心", "a ", "那么它呢?", "的", "《", "2023年"])
def test_a_long_history_costs_little(unit: str) -> None:
    text = unit * (4000 // len(unit))
    history = [Turn("user" if number % 2 == 0 else "assistant", text) for number in range(400)]
    resolve("那里有多少人?", history[:6])  # what is loaded on first use
    began = time.process_time()
    resolve("那里有多少人?", history)
    assert time.process_time() - began < 1


class Leaving(Request):
    """A request whose client has left."""

    async def is_disconnected(self) -> bool:
        return True


def test_work_ends_when_its_client_leaves() -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.append(True)

    async def ask() -> None:
        await work_while_connected(Leaving({"type": "http"}), work())

    began = time.perf_counter()
    with pytest.raises(ClientDisconnect):
        asyncio.run(ask())
    assert ended and time.perf_counter() - began < 5
