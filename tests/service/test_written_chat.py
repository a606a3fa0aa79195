"""A language model behind ``/v1``, as the ``openai`` package and a bare socket see it: whatever the model's server
does, a front end gets a valid reply, each sentence as soon as it is checked."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from scripted_model import Script, ScriptedModel
from socket_server import Served

from rag.engine import Engine
from rag.types import Document
from service.chat.writing import HEADING
from service.settings import Settings

BRIDGE = Document(
    "bridge",
    "青石大桥全长3.5公里,于2024年3月5日通车。大桥由周文博设计,禁止货车通行。大桥没有设置收费站。",
    "青石大桥通车",
)
TOLL = Document("toll", "青石大桥收费公告\n\n青石大桥对客车不收通行费。", "收费公告", url="https://a.example/toll")
QUESTION = "青石大桥全长多少公里?"
GOOD = "青石大桥全长3500米。[N]大桥没有收费站。[N]青石大桥对客车不收通行费。[M]"
SAID = "青石大桥全长3500米。[1]大桥没有收费站。[2]青石大桥对客车不收通行费。[3]"
TIMEOUT = 1.5

Make = Callable[..., "Chatting"]


class Chatting:
    """A service on a socket with a scripted model behind it."""

    def __init__(self, served: Served, model: ScriptedModel) -> None:
        self.served, self.model = served, model
        self.front = openai.OpenAI(base_url=f"{served.url}/v1", api_key="any", max_retries=0)
        self.http = httpx2.Client(base_url=served.url, timeout=30)

    def __call__(self, *said: str) -> Any:
        """A plain reply."""
        began = time.monotonic()
        reply = self.front.chat.completions.create(model="chengyu-rag", messages=turns(*said)).model_dump()
        assert time.monotonic() - began < TIMEOUT + 3
        return reply

    def stream(self, *said: str) -> Any:
        return self.front.chat.completions.create(
            model="chengyu-rag", messages=turns(*said), stream=True, stream_options={"include_usage": True}
        )

    def asked(self) -> dict[str, Any]:
        """The same question at ``/ask``."""
        reply: dict[str, Any] = self.http.post("/ask", json={"question": QUESTION}).json()
        return reply

    @property
    def counts(self) -> dict[str, int]:
        counts: dict[str, int] = dict(self.served.server.config.app.state.serving.writer.llm.counts)  # type: ignore[union-attr]
        return counts


def turns(*said: str) -> Any:
    texts = said or (QUESTION,)
    return [{"role": ("user", "assistant")[number % 2], "content": text} for number, text in enumerate(texts)]


def content(reply: Any) -> str:
    text: str = reply["choices"][0]["message"]["content"]
    return text


def body(reply: Any) -> str:
    return content(reply).partition(f"\n\n{HEADING}")[0]


def bridge(text: str) -> Script:
    """``text`` with N and M for the numbers of the passages."""

    def script(messages: list[dict[str, str]]) -> str:
        shown, said = messages[1]["content"], text
        for letter, title in (("N", BRIDGE.title), ("M", TOLL.title)):
            number = shown.partition(f'" title="{title}"')[0].rpartition('"')[2]
            said = said.replace(f"[{letter}]", f"[{number}]")
        return said

    return script


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine.open(tmp_path)
    engine.add([BRIDGE, TOLL])
    yield engine
    engine.close()


@pytest.fixture
def make(engine: Engine, tmp_path: Path) -> Iterator[Make]:
    with ExitStack() as stack:

        def made(script: Script | str, manner: str = "good", piece: int = 7, **settings: Any) -> Chatting:
            said = script if callable(script) else lambda _: str(script)
            model = stack.enter_context(ScriptedModel(said, manner, piece))
            given = {"vectors_dir": tmp_path, "llm_base_url": model.url, "llm_model": "scripted"}
            chosen = Settings(**{**given, "llm_timeout": TIMEOUT, **settings})
            chatting = Chatting(stack.enter_context(Served(engine, chosen)), model)
            stack.enter_context(chatting.front)
            stack.enter_context(chatting.http)
            return chatting

        yield made


def test_what_the_model_wrote_comes_with_its_sources(make: Make) -> None:
    chat = make(bridge(GOOD))
    reply = chat()
    view = f"{chat.served.url}/documents/bridge/view"
    assert body(reply) == SAID
    first, last = BRIDGE.text.index("。") + 1, BRIDGE.text.index("大桥没有")
    urls = [f"{view}#0-{first}", f"{view}#{last}-{len(BRIDGE.text)}", TOLL.url]
    assert [each["url"] for each in reply["search_results"]] == urls
    annotations = [each["url_citation"] for each in reply["choices"][0]["message"]["annotations"]]
    assert [each["url"] for each in annotations] == urls
    marks = [content(reply)[each["start_index"] : each["end_index"]] for each in annotations]
    assert marks == ["[1]", "[2]", "[3]"]
    titles = ["青石大桥通车 · 青石大桥全长3.5…", "青石大桥通车 · 大桥没有设置收费站…", "收费公告"]
    listed = [f"{n}. [{title}]({url})" for n, (title, url) in enumerate(zip(titles, urls, strict=True), 1)]
    assert content(reply).endswith("\n".join(listed))

    chunks = [chunk.model_dump() for chunk in chat.stream()]
    *told, end, usage = chunks
    assert "".join(each["choices"][0]["delta"]["content"] for each in told) == content(reply)
    assert end["choices"][0]["finish_reason"] == "stop" and end["choices"][0]["delta"]["content"] == ""
    assert end["choices"][0]["delta"]["annotations"] == reply["choices"][0]["message"]["annotations"]
    assert usage["choices"] == [] and usage["usage"] == reply["usage"]
    found = [[result["url"] for result in each.get("search_results", [])] for each in told]
    assert found == [[], urls[:1], urls[:2], urls, urls]  # those cited so far
    assert chat.counts == {"asked": 2, "written": 2}


def test_a_sentence_goes_out_before_the_next_is_written(make: Make) -> None:
    chat = make(bridge(GOOD), "held")
    with chat.stream() as stream:
        said = ""
        while "[1]" not in said:
            said += next(stream).choices[0].delta.content or ""
        assert said == "青石大桥全长3500米。[1]" and chat.model.running == 1
        chat.model.go.set()
        said += "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert said.startswith(SAID)


@pytest.mark.parametrize("said", ["青石大桥全长35公里[N]。", "大桥全长3.5公里[77]。", "大桥设置了收费站。[N]"])
def test_what_no_passage_says_is_not_given(make: Make, said: str) -> None:
    chat = make(bridge(said))
    reply = chat()
    assert content(reply) == chat.asked()["answer"] and HEADING not in content(reply)
    assert reply["search_results"] == [] and chat.counts["refused"] == 2
    chat.model.script = bridge(said + "大桥由周文博设计。[N]")
    assert body(chat()) == "大桥由周文博设计。[1]"


@pytest.mark.parametrize("manner", ["hang", "silent", "garbage", "html", "error"])
def test_a_server_that_fails_leaves_the_extractive_answer(make: Make, engine: Engine, manner: str) -> None:
    chat = make(bridge(GOOD), manner)
    reply = chat()
    assert body(reply) == engine.ask(QUESTION).text
    chunks = [chunk.model_dump() for chunk in chat.stream()]
    assert "".join(c["choices"][0]["delta"]["content"] for c in chunks if c["choices"]) == content(reply)
    assert sum(n for name, n in chat.counts.items() if name.startswith("fallback:")) == 2


def test_what_was_complete_before_the_connection_broke_stands(make: Make) -> None:
    reply = make(bridge(GOOD), "cut")()
    assert body(reply) == "青石大桥全长3500米。[1]大桥没有收费站。[2]" and len(reply["search_results"]) == 2


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/ask"])
def test_a_document_deleted_while_it_is_cited_breaks_the_stream_off(make: Make, path: str) -> None:
    chat = make(bridge(GOOD), "held", llm_timeout=20)
    asked = {"messages": turns(), "stream": True} if path != "/ask" else {"question": QUESTION, "stream": True}
    lines: list[str] = []
    with chat.http.stream("POST", path, json=asked) as response:
        for line in response.iter_lines():
            lines += [line] if line else []
            if "3500米" in line:
                assert chat.http.delete("/documents/bridge").status_code == 204
                chat.model.go.set()
    assert not any("收费站" in line for line in lines if "passages" not in line)
    if path == "/ask":
        assert lines[-2] == "event: error"
        problem = json.loads(lines[-1].removeprefix("data: "))
        assert (problem["status"], problem["title"]) == (503, "Documents changed")
    else:
        assert lines[-1] == "data: [DONE]"
        error = json.loads(lines[-2].removeprefix("data: "))["error"]
        assert (error["type"], error["code"]) == ("server_error", "documents_changed")
    assert chat.counts == {"asked": 1, "changed": 1}


def test_the_openai_package_raises_what_breaks_a_stream_off(make: Make) -> None:
    chat = make(bridge(GOOD), "held", llm_timeout=20)
    with pytest.raises(openai.APIError, match="ask again"), chat.stream() as stream:
        for chunk in stream:
            if chunk.choices and "3500米" in (chunk.choices[0].delta.content or ""):
                chat.http.delete("/documents/bridge")
                chat.model.go.set()


def test_a_document_deleted_before_anything_was_sent_is_only_left_out(make: Make, engine: Engine) -> None:
    def script(messages: list[dict[str, str]]) -> str:
        chat.http.delete("/documents/bridge")
        return bridge(GOOD)(messages)

    chat = make(script)
    reply = chat()
    assert body(reply) == engine.ask(QUESTION).text and "/documents/bridge/" not in content(reply)
    assert chat.counts == {"asked": 1, "fallback:changed": 1}


def test_where_a_document_was_deleted_before_the_model_refused_those_left_are_asked(make: Make, engine: Engine) -> None:
    def script(messages: list[dict[str, str]]) -> str:
        chat.http.delete("/documents/toll")
        return "NO_ANSWER"

    chat = make(script)
    reply = chat.asked()
    assert (reply["mode"], reply["answer"]) == ("extractive", engine.ask(QUESTION).text)
    assert chat.counts == {"asked": 1, "fallback:changed": 1}


def test_a_plain_reply_is_made_again_where_a_document_was_deleted_in_its_middle(make: Make, engine: Engine) -> None:
    chat = make(bridge(GOOD), "held", llm_timeout=20)
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(chat)
        assert chat.model.half.wait(10)
        time.sleep(0.5)  # the first sentence is being checked
        chat.http.delete("/documents/bridge")
        worker = chat.served.server.config.app.state.serving.worker  # type: ignore[union-attr]
        worker._places = threading.Semaphore(0)  # those at the door are turned away; it has been let in
        chat.model.go.set()
        reply = coming.result()
    assert body(reply) == engine.ask(QUESTION).text and "/documents/bridge/" not in content(reply)
    assert chat.counts == {"asked": 1, "changed": 1}


def test_a_client_that_leaves_ends_the_models_work(make: Make) -> None:
    chat = make(bridge(GOOD * 20), "slow", llm_timeout=60)
    for path, asked in (
        ("/v1/chat/completions", {"messages": turns(), "stream": True}),
        ("/ask", {"question": QUESTION, "stream": True}),
    ):
        with chat.http.stream("POST", path, json=asked) as response:
            for line in response.iter_lines():
                if "3500米" in line:
                    break
            assert chat.model.running == 1
        wait_until(lambda: chat.model.running == 0)


def test_a_client_that_leaves_frees_the_place_of_a_call_that_hangs(make: Make, engine: Engine) -> None:
    chat = make(bridge(GOOD), "hang", llm_timeout=60, llm_concurrency=1)
    with chat.http.stream("POST", "/v1/chat/completions", json={"messages": turns(), "stream": True}) as response:
        lines = response.iter_lines()
        assert "assistant" in next(lines)
        wait_until(lambda: chat.model.running == 1)
    chat.model.manner = "good"
    assert body(chat()) == SAID


def test_english_passages_are_left_to_the_model_to_judge(make: Make, engine: Engine) -> None:
    engine.add([Document("library", "The city library holds 2.1 million books. It is closed on Mondays.", "Library")])
    question = "How many books does the city library hold?"
    chat = make(lambda messages: "The city library holds 2.1 million books.[1]".replace("1]", f"{number(messages)}]"))

    def number(messages: list[dict[str, str]]) -> str:
        return messages[1]["content"].partition('" title="Library"')[0].rpartition('"')[2]

    assert body(chat(question)) == "The city library holds 2.1 million books.[1]"
    assert body(chat("量子纠缠的退相干时间如何测量?")) and chat.counts == {"asked": 1, "written": 1, "unasked": 1}


def test_what_a_front_end_asks_for_itself_goes_to_no_model(make: Make) -> None:
    chat = make(bridge(GOOD))
    title = "Generate a concise title for the chat, only the title.\n<chat_history>\nUSER: 桥多长?\n</chat_history>"
    assert content(chat(title)) and chat.model.asked == [] and chat.counts == {}


def test_the_conversation_goes_in_resolved(make: Make) -> None:
    chat = make(bridge("大桥由周文博设计。[N]"))
    assert body(chat(QUESTION, "3.5公里。", "它是谁设计的?")) == "大桥由周文博设计。[1]"
    (messages,) = chat.model.asked
    assert len(messages) == 2 and "青石大桥" in messages[1]["content"].rsplit("问题:", 1)[1]


def wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 5
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)
