"""``POST /ask`` and ``POST /search``: replies, streams, and what reaches the engine."""

import json
from typing import Any

import pytest
from scripted_engine import ARTICLE, ScriptedEngine
from starlette.testclient import TestClient

from rag.types import Filter, Turn

QUESTION = "代表团什么时候提交建议?"
FIELDS = {
    "answer", "answerable", "confidence", "reason", "question_resolved", "citations", "mode", "timings_ms", "index",
}  # fmt: skip
CITATION_FIELDS = {
    "marker", "document_id", "chunk_id", "title", "source", "url", "published", "page", "also", "quote", "start",
    "end", "score", "supports",
}  # fmt: skip
PASSAGE_FIELDS = {
    "chunk_id", "document_id", "title", "source", "url", "published", "page", "text", "start", "end", "score", "scores",
}  # fmt: skip


def parse_events(body: str) -> list[tuple[str, Any]]:
    """The events of a stream, read as the specification says."""
    events = []
    for block in body.split("\n\n"):
        fields = [line.split(": ", 1) for line in block.split("\n") if line and not line.startswith(":")]
        if fields:
            name = next(value for key, value in fields if key == "event")
            events.append((name, json.loads("\n".join(value for key, value in fields if key == "data"))))
    return events


def test_an_answer_has_the_fields_of_the_contract(client: TestClient) -> None:
    response = client.post("/ask", json={"question": f"  {QUESTION}\n"})
    reply = response.json()
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert set(reply) == FIELDS
    assert set(reply["citations"][0]) == CITATION_FIELDS
    assert set(reply["timings_ms"]) == {"retrieve", "answer", "total"}
    assert set(reply["index"]) == {"generation", "documents", "chunks", "model"}
    assert reply["answerable"] is True and reply["reason"] is None and reply["mode"] == "extractive"


def test_a_quote_is_the_span_of_the_stored_text_in_code_points(client: TestClient) -> None:
    citation = client.post("/ask", json={"question": QUESTION}).json()["citations"][0]
    text = client.get(f"/documents/{citation['document_id']}").json()["text"]
    assert text == ARTICLE.text
    assert text[citation["start"] : citation["end"]] == citation["quote"]


def test_a_refusal_has_a_reason_and_no_citations(client: TestClient) -> None:
    reply = client.post("/ask", json={"question": "zzz"}).json()
    assert reply["answerable"] is False and reply["citations"] == [] and reply["reason"] == "no_topic"
    assert reply["answer"]


def test_options_reach_the_engine(client: TestClient, engine: ScriptedEngine) -> None:
    client.post(
        "/ask",
        json={
            "question": QUESTION,
            "history": [{"role": "user", "content": "甲"}, {"role": "assistant", "content": "乙"}],
            "top_k": 7,
            "filter": {"document_ids": ["seed-1"], "source": "重庆日报", "published_from": "2023-01-01"},
            "mode": "extractive",
        },
    )
    wanted = Filter(frozenset({"seed-1"}), "重庆日报", "2023-01-01", None)
    assert ("ask", (QUESTION, (Turn("user", "甲"), Turn("assistant", "乙")), 7, wanted)) in engine.calls


def test_null_is_the_same_as_absent(client: TestClient, engine: ScriptedEngine) -> None:
    body = {"question": QUESTION, "history": None, "top_k": None, "filter": None, "mode": None, "stream": None}
    assert client.post("/ask", json=body).status_code == 200
    assert ("ask", (QUESTION, (), 5, None)) in engine.calls


def test_an_empty_list_of_documents_lets_none_through(client: TestClient) -> None:
    assert client.post("/search", json={"query": QUESTION, "filter": {"document_ids": []}}).json() == {"passages": []}


def test_llm_without_one_says_what_to_set(client: TestClient) -> None:
    response = client.post("/ask", json={"question": QUESTION, "mode": "llm"})
    assert response.status_code == 422
    assert "RAG_LLM_BASE_URL" in response.json()["detail"]


@pytest.mark.parametrize(
    ("stream", "accept"),
    [(True, "*/*"), (False, "text/event-stream"), (None, "application/json;q=0.5, text/event-stream")],
)
def test_a_stream_says_the_same_as_the_plain_reply(client: TestClient, stream: bool | None, accept: str) -> None:
    plain = client.post("/ask", json={"question": QUESTION}).json()
    response = client.post("/ask", json={"question": QUESTION, "stream": stream}, headers={"Accept": accept})
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-cache"
    events = parse_events(response.text)
    names = [name for name, _ in events]
    assert names[0] == "sources" and names[-1] == "done" and set(names[1:-1]) == {"delta"}
    assert "".join(data["text"] for name, data in events if name == "delta") == plain["answer"]
    assert events[-1][1] == plain
    assert set(events[0][1]["passages"][0]) == PASSAGE_FIELDS


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, text/event-stream", "", ";;q=x,"])
def test_json_is_answered_unless_a_stream_is_preferred(client: TestClient, accept: str) -> None:
    response = client.post("/ask", json={"question": QUESTION}, headers={"Accept": accept})
    assert response.headers["content-type"] == "application/json"


def test_an_error_after_the_headers_travels_in_the_stream(
    client: TestClient, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Breaks(tuple[str, ...]):
        def __iter__(self) -> Any:
            yield "代表团"
            raise OSError("secret path")

    answer = engine.ask(QUESTION)
    object.__setattr__(answer, "pieces", Breaks(answer.pieces))
    monkeypatch.setattr(engine, "ask", lambda *args, **named: answer)
    response = client.post("/ask", json={"question": QUESTION, "stream": True})
    events = parse_events(response.text)
    assert [name for name, _ in events] == ["sources", "delta", "error"]
    assert events[-1][1]["status"] == 500 and "secret" not in response.text


def test_an_error_before_the_headers_is_a_problem_even_for_a_stream(client: TestClient, engine: ScriptedEngine) -> None:
    engine.fails = RuntimeError("secret")
    response = client.post("/ask", json={"question": QUESTION, "stream": True})
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"


def test_search_returns_passages_best_first(client: TestClient) -> None:
    client.post("/documents", json={"id": "other", "text": "与此无关的文字"})
    passages = client.post("/search", json={"query": QUESTION, "top_k": 2}).json()["passages"]
    assert [passage["document_id"] for passage in passages] == ["seed-1", "other"]
    assert set(passages[0]) == PASSAGE_FIELDS
    assert set(passages[0]["scores"]) == {"dense", "lexical"}
    assert passages[0]["text"] == ARTICLE.text[passages[0]["start"] : passages[0]["end"]]


def test_index_says_what_is_served(client: TestClient) -> None:
    reply = client.get("/index").json()
    assert reply == {
        "generation": "g1", "documents": 1, "chunks": 1, "model": "scripted", "dimension": 8, "bytes": 100,
        "since": "2026-11-01T00:00:00Z",
    }  # fmt: skip
