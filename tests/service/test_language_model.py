"""Whatever a language model's server does, a question gets a valid reply in time, and nothing that no passage says."""

import json
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from scripted_model import Script, ScriptedModel
from socket_server import Served
from starlette.testclient import TestClient

from rag.answer.cite import QUOTE_LIMIT
from rag.engine import Engine
from rag.types import Document
from service.app import create_app
from service.settings import Settings

TEXTS = {
    "library": (
        "市图书馆延长开放时间",
        "自5月1日起,市图书馆的开放时间延长至晚上十点,周一照常闭馆。图书馆藏书210万册,比上年增长12.5%。"
        "馆长李晓明没有辞职。",
    ),
    "bridge": (
        "青石大桥通车",
        "青石大桥全长3.5公里,于2024年3月5日通车。大桥由周文博设计,禁止货车通行。大桥没有设置收费站。",
    ),
    "reprint": (
        "青石大桥通车",
        "青石大桥全长3.5公里,于2024年3月5日通车。大桥由周文博设计,禁止货车通行。大桥没有设置收费站。",
    ),
}
QUESTION = "青石大桥全长多少公里?"
TIMEOUT = 3.0


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine.open(tmp_path_factory.mktemp("vectors"))
    engine.add([Document(id, text, title) for id, (title, text) in TEXTS.items()])
    yield engine
    engine.close()


class Asking:
    """A service with a scripted model behind it."""

    def __init__(self, client: TestClient, model: ScriptedModel) -> None:
        self.client, self.model = client, model

    def __call__(self, question: str = QUESTION, **more: Any) -> dict[str, Any]:
        began = time.monotonic()
        response = self.client.post("/ask", json={"question": question, **more})
        assert response.status_code == 200, response.text
        assert time.monotonic() - began < TIMEOUT + 3
        reply: dict[str, Any] = response.json()
        valid(reply)
        return reply

    def streamed(self, question: str = QUESTION) -> tuple[dict[str, Any], list[tuple[str, Any, float]]]:
        """The whole reply, and the events with the time of each."""
        found: list[tuple[str, Any, float]] = []
        name = ""
        with self.client.stream("POST", "/ask", json={"question": question, "stream": True}) as response:
            assert response.status_code == 200
            for line in response.iter_lines():
                if line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    found.append((name, json.loads(line[6:]), time.monotonic()))
        assert [event[0] for event in found] == ["sources", *["delta"] * (len(found) - 2), "done"]
        reply: dict[str, Any] = found[-1][1]
        assert "".join(data["text"] for kind, data, _ in found if kind == "delta") == reply["answer"]
        valid(reply)
        return reply, found

    @property
    def counts(self) -> dict[str, int]:
        counts: dict[str, int] = dict(self.client.app.state.serving.writer.llm.counts)  # type: ignore[attr-defined]
        return counts


def valid(reply: dict[str, Any]) -> None:
    markers = [int(n) for n in re.findall(r"\[(\d+)\]", reply["answer"])]
    cited = [citation["marker"] for citation in reply["citations"]]
    assert list(dict.fromkeys(markers)) == cited == list(range(1, len(cited) + 1))
    assert reply["answerable"] == bool(cited) and reply["answerable"] == (reply["reason"] is None)
    assert 0 <= reply["confidence"] <= 1 and reply["mode"] in ("extractive", "llm")
    for citation in reply["citations"]:
        _, text = TEXTS[citation["document_id"]]
        assert citation["quote"] == text[citation["start"] : citation["end"]]
        assert 0 < len(citation["quote"]) <= QUOTE_LIMIT and citation["supports"]


@pytest.fixture
def ask(engine: Engine, tmp_path: Path) -> Iterator[Any]:
    with ExitStack() as stack:

        def make(script: Script | str, manner: str = "good", piece: int = 7, **settings: Any) -> Asking:
            said = script if callable(script) else lambda _: str(script)
            model = stack.enter_context(ScriptedModel(said, manner, piece))
            given = {"allowed_hosts": ("testserver",), "vectors_dir": tmp_path, "llm_base_url": model.url}
            chosen = Settings(**{**given, "llm_model": "scripted", "llm_timeout": TIMEOUT, **settings})
            return Asking(stack.enter_context(TestClient(create_app(chosen, engine))), model)

        yield make


def number_of(messages: list[dict[str, str]], title: str) -> int:
    found = re.search(rf'<passage n="(\d+)" title="{title}"', messages[1]["content"])
    assert found, messages[1]["content"]
    return int(found[1])


def bridge(text: str) -> Script:
    return lambda messages: text.replace("N", str(number_of(messages, "青石大桥通车")))


def test_a_good_answer_is_given_with_its_quotes(ask: Any) -> None:
    asking = ask(bridge("青石大桥全长3500米[N]。大桥没有收费站。【N】"))
    reply = asking()
    assert reply["answer"] == "青石大桥全长3500米。[1]大桥没有收费站。[2]"
    assert reply["mode"] == "llm" and [c["supports"] for c in reply["citations"]] == [[0], [1]]
    assert {c["quote"] for c in reply["citations"]} == {
        "青石大桥全长3.5公里,于2024年3月5日通车。",
        "大桥没有设置收费站。",
    }
    assert all(c["also"] for c in reply["citations"])  # its reprint
    assert asking.counts == {"asked": 1, "written": 1}
    assert 'rag_model_total{outcome="written"} 1.0' in asking.client.get("/metrics").text
    assert asking.model.requests[0]["stream"] is True and "tools" not in asking.model.requests[0]


def test_neighbours_are_one_citation(ask: Any) -> None:
    reply = ask(bridge("大桥禁止货车通行,没有收费站。[N]大桥由周文博设计。[N]"))()
    assert reply["answer"] == "大桥禁止货车通行,没有收费站。[1]大桥由周文博设计。[1]"
    assert [c["supports"] for c in reply["citations"]] == [[0, 1]]


@pytest.mark.parametrize(
    "said",
    ["青石大桥全长35公里[N]。", "大桥全长3.5公里[77]。", "市长出席了隆重的通车典礼。[N]", "大桥设置了收费站。[N]"],
)  # fmt: skip
def test_what_no_passage_says_is_not_given(ask: Any, said: str) -> None:
    asking = ask(bridge(said))
    reply = asking()
    assert (reply["mode"], reply["answerable"], reply["citations"]) == ("llm", False, [])
    assert asking.counts["refused"] == 1
    alone = ask(bridge(said + "大桥由周文博设计。[N]"))()
    assert alone["answer"] == "大桥由周文博设计。[1]"


def test_a_refusal_of_the_model_is_one(ask: Any) -> None:
    reply = ask("NO_ANSWER")()
    assert reply["mode"] == "llm" and reply["reason"] == "no_answer" and "没有说明" in reply["answer"]


@pytest.mark.parametrize("manner", ["hang", "silent", "garbage", "html", "error", "slow"])
def test_a_server_that_fails_leaves_the_extractive_answer(ask: Any, engine: Engine, manner: str) -> None:
    asking = ask(bridge("没有编号的话。" * 10), manner)
    reply = asking()
    assert reply["mode"] == "extractive" and reply["answer"] == engine.ask(QUESTION).text
    assert sum(n for name, n in asking.counts.items() if name.startswith("fallback:")) == 1
    assert len(asking.model.asked) <= 2


@pytest.mark.parametrize("said", ["", "好的,我来回答这个问题。", "{}[]<>" * 500, "，" * 3000, "\x00\x01"])
def test_nonsense_leaves_the_extractive_answer(ask: Any, said: str) -> None:
    assert ask(said)()["mode"] == "extractive"


def test_no_server_leaves_the_extractive_answer(ask: Any) -> None:
    assert ask("", llm_base_url="http://127.0.0.1:9/v1")()["mode"] == "extractive"


def test_an_error_is_tried_once_more(ask: Any) -> None:
    asking = ask(bridge("青石大桥全长3.5公里。[N]"), "once")
    assert asking()["mode"] == "llm" and len(asking.model.asked) == 2


def test_what_was_complete_before_the_connection_broke_stands(ask: Any) -> None:
    asking = ask(bridge("青石大桥全长3.5公里。[N]大桥没有设置收费站。[N]大桥由周文博设计,禁止货车通行。[N]"), "cut")
    reply, _ = asking.streamed()
    assert reply["mode"] == "llm" and reply["answer"].startswith("青石大桥全长3.5公里。[1]")
    assert "周文博" not in reply["answer"]


def test_an_answer_without_end_is_ended(ask: Any) -> None:
    reply = ask(bridge("青石大桥全长3.5公里。[N]"), "endless", piece=400)()
    assert reply["mode"] == "llm" and len(reply["answer"]) < 60_000


def test_a_thought_is_not_said(ask: Any) -> None:
    reply = ask(bridge("<think>大桥由周文博设计。[N]</think>\n\n青石大桥全长3.5公里。[N]"))()
    assert reply["answer"] == "青石大桥全长3.5公里。[1]"


def test_streamed_and_whole_are_one(ask: Any) -> None:
    asking = ask(bridge("青石大桥全长3.5公里。[N]2024年4月5日通车。[N]\n- 大桥没有设置收费站。[N]"))
    whole = asking()
    reply, events = asking.streamed()
    assert [event for event, _, _ in events] == ["sources", "delta", "delta", "done"]
    assert {k: reply[k] for k in ("answer", "citations", "confidence")} == {
        k: whole[k] for k in ("answer", "citations", "confidence")
    }


def test_the_first_sentence_is_sent_before_the_last_is_written(ask: Any) -> None:
    asking = ask(bridge("青石大桥全长3.5公里。[N]大桥没有设置收费站。[N]大桥由周文博设计。[N]"), "slow", piece=9)
    _, events = asking.streamed()
    times = [at for kind, _, at in events if kind == "delta"]
    assert events[-1][2] - times[0] > 0.35


def test_the_model_is_not_asked_where_it_need_not_be(ask: Any) -> None:
    asking = ask("NO_ANSWER")
    assert asking(mode="extractive")["mode"] == "extractive"
    assert asking("量子纠缠的退相干时间如何测量?")["reason"] == "no_topic"
    assert asking.model.asked == []
    assert asking.counts == {"unasked": 1}


def test_neither_the_model_nor_its_first_sentence_waits_for_the_draft(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, waited = threading.Event(), []
    draft = engine.draft

    def late(*given: Any) -> Any:
        waited.append(read.wait(10))
        return draft(*given)

    monkeypatch.setattr(engine, "draft", late)
    with ScriptedModel(bridge("青石大桥全长3500米。[N]大桥没有收费站。[N]"), "slow", piece=9) as model:
        settings = Settings(vectors_dir=tmp_path, llm_base_url=model.url, llm_model="scripted")
        with Served(engine, settings) as served:
            connection = HTTPConnection("127.0.0.1", served.port, timeout=20)
            body = json.dumps({"question": QUESTION, "stream": True})
            connection.request("POST", "/ask", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            while line := response.readline():
                if line == b"event: delta\n":
                    read.set()
                if line.startswith(b'data: {"answer"'):
                    reply = json.loads(line[6:])
            connection.close()
    assert waited == [True]
    assert reply["mode"] == "llm" and reply["confidence"] == draft(engine.look(QUESTION)).answer.confidence


def test_a_draft_that_fails_is_an_error_and_no_wait(ask: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("no such luck")

    monkeypatch.setattr(engine, "draft", fail)
    asking = ask("NO_ANSWER")
    assert asking.client.post("/ask", json={"question": QUESTION}).status_code == 500


def test_calls_are_bounded(ask: Any) -> None:
    asking = ask(bridge("青石大桥全长3.5公里。[N]"), "slow", piece=30, llm_concurrency=2)
    with ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(lambda _: asking(), range(6)))
    assert asking.model.most <= 2 and {reply["mode"] for reply in replies} == {"llm"}


def test_history_goes_in_resolved(ask: Any) -> None:
    asking = ask("NO_ANSWER")
    history = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": "3.5公里。"}]
    asking("它是谁设计的?", history=history)
    (messages,) = asking.model.asked
    assert len(messages) == 2 and "青石大桥" in messages[1]["content"].rsplit("问题:", 1)[1]


def test_own_prompts_are_used(ask: Any, tmp_path: Path) -> None:
    folder = tmp_path / "prompts"
    folder.mkdir()
    (folder / "zh.system.md").write_text("只说实话。", encoding="utf-8")
    asking = ask("NO_ANSWER", llm_prompts_dir=folder)
    asking()
    assert asking.model.asked[0][0] == {"role": "system", "content": "只说实话。"}


def test_a_model_that_is_not_there_cannot_be_asked_for(engine: Engine, tmp_path: Path) -> None:
    settings = Settings(allowed_hosts=("testserver",), vectors_dir=tmp_path)
    with TestClient(create_app(settings, engine)) as client:
        reply = client.post("/ask", json={"question": QUESTION, "mode": "llm"})
        assert reply.status_code == 422 and "RAG_LLM_BASE_URL" in reply.json()["detail"]
