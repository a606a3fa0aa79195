"""The same question by every interface: the same answer from the same sources, with the real engine."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx2
import mcp
import openai
import pytest
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


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("one")
    (folder / "seeds").mkdir()
    with Served(None, Settings(seeds_dir=folder / "seeds", vectors_dir=folder / "vectors")) as running:
        with httpx2.Client(base_url=running.url, timeout=60) as client:
            for _ in range(600):
                if client.get("/readyz").status_code == 200:
                    break
            for notice in NOTICES:
                assert client.post("/documents", json=notice).status_code == 201
        yield running


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_same_answer_from_the_same_sources(served: Served, question: str) -> None:
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
