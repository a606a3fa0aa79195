"""The same question by every interface: the same answer from the same sources, with the real engine, with and without
a language model behind it."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import mcp
import openai
import pytest
from prometheus_client.parser import text_string_to_metric_families
from scripted_model import ScriptedModel
from socket_server import Served

from service.chat.writing import HEADING
from service.settings import Settings

NOTICES = [
    {"id": "图书馆", "title": "市图书馆延长开放时间", "source": "市图书馆", "published": "2026-05-01",
     "text": "市图书馆延长开放时间\n\n自5月1日起,市图书馆的开放时间延长至晚上十点。图书馆藏书210万册,设座位1800个。"},
    {"id": "大桥", "title": "青江大桥通车", "url": "https://news.example/bridge",
     "text": "青江大桥通车\n\n10月8日,青江大桥正式通车。青江大桥全长2386米,双向六车道。大桥总投资12亿元。"},
]  # fmt: skip
QUESTIONS = [
    "市图书馆藏书多少册?",
    "青江大桥全长多少米?总投资多少?",
    "How long is the Qingjiang bridge?",
    "量子计算机的价格是多少?",
]
INTERFACES = 5


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("one")
    with running(folder) as served:
        yield served


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("written")
    with ScriptedModel(sentences) as model, running(folder, llm_base_url=model.url, llm_model="scripted") as served:
        yield served


@contextmanager
def running(folder: Path, **settings: Any) -> Iterator[Served]:
    """A service with the notices."""
    (folder / "seeds").mkdir()
    chosen = Settings(seeds_dir=folder / "seeds", vectors_dir=folder / "vectors", **settings)
    with Served(None, chosen) as served:
        with httpx2.Client(base_url=served.url, timeout=60) as client:
            for _ in range(600):
                if client.get("/readyz").status_code == 200:
                    break
            for notice in NOTICES:
                assert client.post("/documents", json=notice).status_code == 201
        yield served


def sentences(messages: list[dict[str, str]]) -> str:
    """The last passage's sentences, then the first's; an invention, and a number that none of them has."""
    passages = re.findall(r'<passage n="(\d+)"[^>]*>\n(.*?)\n</passage>', messages[1]["content"], re.S)
    said = [f"{each}[{number}]" for number, text in reversed(passages) for each in re.findall("[^。\n]+。", text)]
    return "".join([*said[:1], "大桥和图书馆都由王大明设计。[1]", *said[1:], "图书馆藏书999万册。[1]", "无编号的话。"])


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_same_answer_from_the_same_sources(served: Served, question: str) -> None:
    assert same(served, question)["mode"] == "extractive"


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_same_that_a_model_wrote(written: Served, question: str) -> None:
    before = counted(written)
    plain = same(written, question)
    outcome = "written" if plain["mode"] == "llm" else "unasked"
    assert (outcome == "unasked") == (question == QUESTIONS[3])
    assert not re.search("王大明|999|无编号", plain["answer"])
    new = {name: number - before.get(name, 0) for name, number in counted(written).items()}
    assert new["rag_model_total", outcome] == INTERFACES
    assert sum(number for (name, _), number in new.items() if name == "rag_answers_total") == INTERFACES
    if outcome == "written":
        verdicts = {verdict: number for (name, verdict), number in new.items() if name == "rag_model_sentences_total"}
        assert verdicts["uncited"] == INTERFACES and sum(verdicts.values()) - verdicts["kept"] == 3 * INTERFACES
        assert all(number % INTERFACES == 0 for number in verdicts.values())


def counted(served: Served) -> dict[tuple[str, str], float]:
    """Counters by name and last label."""
    text = httpx2.get(f"{served.url}/metrics").text
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    found: dict[tuple[str, str], float] = {}
    for each in samples:
        key = (each.name, list(each.labels.values())[-1] if each.labels else "")
        found[key] = found.get(key, 0) + each.value
    return found


def same(served: Served, question: str) -> dict[str, Any]:
    """The reply of ``/ask``, once every other interface has said the same."""
    with httpx2.Client(base_url=served.url, timeout=60) as client:
        plain = client.post("/ask", json={"question": question}).json()
        events = client.post("/ask", json={"question": question, "stream": True}).text.strip().split("\n\n")
        streamed = json.loads(events[-1].partition("data: ")[2])
    urls = list(dict.fromkeys(url(served, each) for each in plain["citations"]))
    assert (streamed["answer"], streamed["citations"]) == (plain["answer"], plain["citations"])

    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="any", max_retries=0) as front:
        whole: Any = front.chat.completions.create(
            model="chengyu-rag", messages=[{"role": "user", "content": question}]
        ).model_dump()
        chunks = [
            chunk.model_dump()
            for chunk in front.chat.completions.create(
                model="chengyu-rag", messages=[{"role": "user", "content": question}], stream=True
            )
        ]
    message = whole["choices"][0]["message"]
    assert bare(message["content"]) == bare(plain["answer"])
    assert "".join(chunk["choices"][0]["delta"]["content"] or "" for chunk in chunks) == message["content"]
    assert [each["url_citation"]["url"] for each in message["annotations"]] == urls
    assert [each["url"] for each in whole["search_results"]] == urls
    assert [each["url_citation"]["url"] for each in chunks[-1]["choices"][0]["delta"].get("annotations", [])] == urls
    assert (HEADING in message["content"]) is plain["answerable"]

    async def ask() -> Any:
        async with mcp.Client(f"{served.url}/mcp") as client:
            return await client.call_tool("ask", {"question": question})

    told = json.loads(asyncio.run(ask()).content[0].text)
    assert (told["answer"], told["answerable"]) == (plain["answer"], plain["answerable"])
    assert [each["quote"] for each in told["citations"]] == [each["quote"] for each in plain["citations"]]
    assert list(dict.fromkeys(each["url"] for each in told["citations"])) == urls
    return dict(plain)


def test_there_are_answers_to_compare(served: Served) -> None:
    with httpx2.Client(base_url=served.url, timeout=60) as client:
        known = [client.post("/ask", json={"question": each}).json()["answerable"] for each in QUESTIONS]
    assert known[0] and known[1] and not known[3]


def url(served: Served, citation: dict[str, Any]) -> str:
    view = f"{served.url}/documents/{quote(citation['document_id'])}/view#{citation['start']}-{citation['end']}"
    return citation["url"] or view


def bare(text: str) -> str:
    """An answer without its markers, which count sources in one interface and citations in the other."""
    return re.sub(r"\[\d+\]", "", text.partition(f"\n\n{HEADING}")[0])
