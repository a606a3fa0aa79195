"""A front end's own requests are told from a person's questions by what they hold, in words that no front end uses."""

import json
import time
from typing import Any

import pytest
from scripted_engine import ScriptedEngine
from starlette.testclient import TestClient

from service.chat.asides import reply
from service.chat.schemas import Message

HISTORY = "USER: 青江大桥全长多少?\nASSISTANT: 2386米。[1]"
ASKED, ANSWER = ("user", "青江大桥全长多少?"), ("assistant", "2386米。[1]")


def aside(*turns: tuple[str, str], **more: Any) -> str | None:
    return reply([Message(role=role, content=content) for role, content in turns], **more)


def task(what: str, form: str, history: str = HISTORY) -> str:
    rules = "### Rules:\n- Use the language of the chat."
    return f"### Task:\n{what}\n{rules}\n### Output:\n{form}\n<chat_history>\n{history}\n</chat_history>"


@pytest.mark.parametrize(
    ("what", "form", "expected"),
    [
        ("Write a short title for the chat.", 'JSON: { "title": "a title" }', {"title": "青江大桥全长多少"}),
        ("Create up to three tags for the themes.", 'JSON: { "tags": ["one", "two"] }', {"tags": []}),
        ("Suggest three follow-up questions.", 'JSON: {"follow_ups": ["One?"]}', {"follow_ups": []}),
        ("Foretell what this person sends next.", 'JSON: { "next": ["First", "Second"] }', {"next": []}),
        ("Generate search queries, where needed.", 'JSON only: { "queries": ["a"] }', {"queries": []}),
        ("You are an autocompletion system.", 'Only JSON: { "text": "" }', {"text": ""}),
        ("Generate a detailed prompt for a picture.", 'JSON: { "prompt": "…" }', {"prompt": ""}),
        ("为这段对话生成标题", '只返回 JSON:{"title": "标题"}', {"title": "青江大桥全长多少"}),
    ],
)
def test_one_message_with_a_transcript_gets_the_json_it_asks_for(what: str, form: str, expected: Any) -> None:
    assert json.loads(aside(("user", task(what, form))) or "") == expected


@pytest.mark.parametrize(
    "turns",
    [
        [("system", "You name chats. Give a title for the conversation in at most 5 words, only the title."),
         ("user", "user: 青江大桥全长多少?\nassistant: 2386米。")],
        [("system", "将用户的对话总结成一个标题,10个字以内,不要使用标点"),
         ("user", '[{"role":"user","content":"青江大桥全长多少?"},{"role":"assistant","content":"2386米。"}]')],
        [ASKED, ANSWER, ("user", "用五个字返回这句话的主题,不要解释、不要标点,没有主题就返回“闲聊”")],
        [ASKED, ANSWER, ("user", "Write a four word title for our conversation without punctuation, only words.")],
        [ASKED, ANSWER, ("system", "总结一下对话内容,用作后续的提示,200 字以内")],
        [ASKED, ANSWER, ("system", "Summarize the discussion briefly, to be used as a prompt for future context.")],
    ],
)  # fmt: skip
def test_a_title_is_what_was_asked_first(turns: list[tuple[str, str]]) -> None:
    assert aside(*turns) == "青江大桥全长多少"


@pytest.mark.parametrize(
    "turns",
    [
        [("system", "Given this conversation, rephrase the follow up as a standalone question.\n<chatHistory>\nx\n"
          "</chatHistory>"), ("user", "Follow Up Input: 那它何时通车?")],
        [("user", "Rephrase queries of a conversation into standalone queries. Return XML only.\n<conversation>\n"
          f"{HISTORY}\n</conversation>\nFollow up question: 那它何时通车?\nRephrased question:")],
    ],
)  # fmt: skip
def test_a_query_is_rewritten_to_itself(turns: list[tuple[str, str]]) -> None:
    assert aside(*turns) == "那它何时通车?"


def test_a_schema_is_filled_with_nothing() -> None:
    schema = {"type": "object", "properties": {"chips": {"type": "array"}, "n": {"type": "integer"}}}
    given = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    turns = [
        ("system", "Extract up to 4 quick replies from the last assistant message. Output JSON only."),
        ("user", 'Last assistant message:\n"""\n2386米。\n"""'),
    ]
    assert json.loads(aside(*turns, response_format=given) or "") == {"chips": [], "n": 0}
    odds: list[Any] = [{"json_schema": 1}, {"json_schema": {"schema": []}}, [], "x"]
    for odd in odds:
        assert aside(*turns, response_format=odd) is not None


@pytest.mark.parametrize(
    "turns",
    [
        [ASKED],
        [("user", "请总结一下大桥报道的主题")],
        [("user", "这份建议的标题是什么?")],
        [("user", "What is the title of the report?")],
        [("user", "Give me a summary of the agreement in 50 words, no explanation.")],
        [("user", "文中给出的关键词有哪些?只返回关键词,不要解释")],
        [("user", "会议提出了哪些主题?")],
        [("user", "对话会由谁主持?")],
        [("user", "Who chaired the conversation on climate?")],
        [("user", "JSON 是什么?")],
        [("user", '这段 JSON 里的 name 是谁?\n```\n{ "name": "张三" }\n```')],
        [("user", "<history>只留最后一段</history> 这段历史讲了什么?")],
        [("system", "你是助手,只用中文回答,不要解释。"), ASKED],
        [("system", "You are a helpful assistant. Answer in JSON only. Use the conversation history."), ASKED],
        [ASKED, ANSWER, ("user", "请总结上面的内容,不要超过五十字")],
        [ASKED, ANSWER, ("user", "这次对话会的主题是什么?")],
        [ASKED, ANSWER, ("user", "What was the topic of the discussion?")],
        [ASKED, ANSWER, ("user", "那它何时通车?")],
        [("assistant", "x")],
        [],
    ],
)
def test_a_person_is_answered_from_the_documents(turns: list[tuple[str, str]]) -> None:
    assert aside(*turns) is None


@pytest.mark.parametrize("stream", [False, True])
def test_nothing_is_searched_for_an_aside(client: TestClient, engine: ScriptedEngine, stream: bool) -> None:
    body = {"messages": [{"role": "user", "content": task("Write a title.", '{"title": "x"}')}], "stream": stream}
    response = client.post("/v1/chat/completions", json=body)
    assert response.status_code == 200 and "青江大桥全长多少" in response.text
    assert not engine.calls


@pytest.mark.parametrize("text", ["user:" * 20_000, "<history" * 20_000, "generate " * 20_000, "user: \n" * 20_000])
def test_long_texts_are_told_apart_in_little_time(text: str) -> None:
    began = time.perf_counter()
    aside(("user", text))
    aside(("system", text), ("user", text))
    assert time.perf_counter() - began < 0.5
