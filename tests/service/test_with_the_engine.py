"""The service with the real engine behind it, from an empty folder to a cited answer and through a restart."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.app import create_app
from service.settings import Settings

ARTICLE = "市图书馆扩建工程\n\n来源:甲城晚报\n\n市图书馆扩建工程于4月8日开工,总投资2.6亿元。新馆设座位1800个。\n"
NOTICE = {
    "id": "通知 1",
    "text": "𝒜 停电通知\n\n因线路检修,东湖小区5月20日停电六小时。居民可致电 12345 询问。",
    "source": "供电局",
}
QUESTION = {"question": "东湖小区哪天停电?"}


@contextmanager
def serving(folder: Path) -> Iterator[TestClient]:
    settings = Settings(seeds_dir=folder / "seeds", vectors_dir=folder / "vectors", allowed_hosts=("testserver",))
    with TestClient(create_app(settings)) as client:
        until = time.monotonic() + 60
        while client.get("/readyz").status_code != 200:
            assert time.monotonic() < until, client.get("/readyz").text
            time.sleep(0.05)
        yield client


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "a.txt").write_text(ARTICLE, encoding="utf-8")
    return tmp_path


def test_a_seed_is_served_with_exact_spans(folder: Path) -> None:
    with serving(folder) as client:
        assert client.get("/index").json()["documents"] == 1
        passages = client.post("/search", json={"query": "图书馆扩建总投资"}).json()["passages"]
        texts = {
            each["document_id"]: client.get(f"/documents/{each['document_id']}").json()["text"] for each in passages
        }
        assert passages
        assert all(texts[each["document_id"]][each["start"] : each["end"]] == each["text"] for each in passages)


def test_what_is_added_is_found_at_once_cited_exactly_and_kept(folder: Path) -> None:
    with serving(folder) as client:
        response = client.post("/documents", json=NOTICE)
        assert response.status_code == 201
        stored = client.get(response.headers["location"]).json()
        assert stored["text"] == NOTICE["text"] and stored["chunks"] > 0
        assert client.post("/documents", json=NOTICE).status_code == 200
        assert client.post("/documents", json=NOTICE | {"text": "别的"}).status_code == 409
        only = {"document_ids": [NOTICE["id"]]}
        reply = client.post("/ask", json=QUESTION | {"filter": only}).json()
        assert all(NOTICE["text"][each["start"] : each["end"]] == each["quote"] for each in reply["citations"])
    with serving(folder) as client:
        assert client.get("/index").json()["documents"] == 2
        found = client.post("/search", json={"query": QUESTION["question"]}).json()["passages"]
        assert found[0]["document_id"] == NOTICE["id"]


def test_a_stream_has_the_citations_of_the_plain_reply(folder: Path) -> None:
    with serving(folder) as client:
        client.post("/documents", json=NOTICE)
        plain = client.post("/ask", json=QUESTION).json()
        events = client.post("/ask", json=QUESTION | {"stream": True}).text.strip().split("\n\n")
        data = [json.loads(event.partition("data: ")[2]) for event in events]
        assert "".join(each["text"] for each in data[1:-1]) == plain["answer"] == data[-1]["answer"]
        assert data[-1]["citations"] == plain["citations"]


def test_a_batch_is_found_at_once_and_unchanged_the_next_time(folder: Path) -> None:
    with serving(folder) as client:
        lines = [json.dumps({"id": f"n{n}", "text": f"第{n}号公告。编号{n}的道路今天封闭。"}) for n in range(300)]
        body, headers = "\n".join([*lines, "{"]).encode(), {"Content-Type": "application/x-ndjson"}
        first = client.post("/documents:batch", content=body, headers=headers).json()
        again = client.post("/documents:batch", content=body, headers=headers).json()
        assert (first["added"], first["unchanged"], again["added"], again["unchanged"]) == (300, 0, 0, 300)
        assert [refused["line"] for refused in first["refused"]] == [301]
        seen, cursor = 0, None
        for _ in range(10):
            page = client.get("/documents", params={"limit": 100} | ({"cursor": cursor} if cursor else {})).json()
            seen, cursor = seen + len(page["documents"]), page["next_cursor"]
            if cursor is None:
                break
        assert seen == 301


def test_an_empty_corpus_is_ready_and_refuses_every_question(folder: Path) -> None:
    (folder / "seeds" / "a.txt").unlink()
    with serving(folder) as client:
        reply = client.post("/ask", json=QUESTION).json()
        assert reply["answerable"] is False and reply["citations"] == [] and reply["answer"]
        assert client.post("/search", json={"query": "x"}).json() == {"passages": []}
        assert client.get("/documents").json() == {"documents": [], "next_cursor": None}
