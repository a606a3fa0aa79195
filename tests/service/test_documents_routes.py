"""``/documents``: list, read, add, and many at once."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from scripted_engine import ScriptedEngine
from starlette.testclient import TestClient

from service import collector as batch

FIELDS = {"id", "title", "text", "source", "url", "published", "metadata", "sha256", "chunks", "added"}


def send_batch(client: TestClient, data: bytes | Iterator[bytes], **named: Any) -> Any:
    return client.post("/documents:batch", content=data, headers={"Content-Type": "application/x-ndjson"}, **named)


def ndjson(*items: object) -> bytes:
    return b"".join(json.dumps(item, ensure_ascii=False).encode() + b"\n" for item in items)


def test_a_document_comes_back_as_it_was_sent(client: TestClient) -> None:
    sent = {
        "id": "d1", "title": "标题", "text": "\ufeff 第一行\r\n\t第二行 𝒜\u3000\n", "source": "甲报", "url": "https://a.example/x",
        "published": "2023-03-06", "metadata": {"版面": 3, "tags": ["a", None, 1.5, True], "deep": {"x": {}}},
    }  # fmt: skip
    response = client.post("/documents", json=sent)
    assert response.status_code == 201
    assert response.headers["location"] == "/documents/d1"
    stored = client.get("/documents/d1").json()
    assert set(stored) == FIELDS
    assert {name: stored[name] for name in sent} == sent
    assert response.json() == stored


def test_the_same_content_again_changes_nothing(client: TestClient, engine: ScriptedEngine) -> None:
    body = {"id": "d1", "text": "文字", "metadata": {}}
    first = client.post("/documents", json=body)
    again = client.post("/documents", json={"id": "d1", "text": "文字"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert [name for name, _ in engine.calls].count("add") == 1


@pytest.mark.parametrize("change", [{"text": "别的"}, {"title": "题"}, {"metadata": {"a": 1}}, {"source": "乙"}])
def test_an_id_with_other_content_is_a_conflict(client: TestClient, change: dict[str, Any]) -> None:
    client.post("/documents", json={"id": "d1", "text": "文字"})
    response = client.post("/documents", json={"id": "d1", "text": "文字", **change})
    assert response.status_code == 409
    assert "d1" in response.json()["detail"]
    assert client.get("/documents/d1").json()["text"] == "文字"


def test_without_an_id_it_follows_from_the_content(client: TestClient) -> None:
    first = client.post("/documents", json={"text": "文字"})
    again = client.post("/documents", json={"text": "文字", "title": None})
    titled = client.post("/documents", json={"text": "文字", "title": "题"})
    assert [each.status_code for each in (first, again, titled)] == [201, 200, 201]
    assert first.json()["id"] == again.json()["id"] != titled.json()["id"]


@pytest.mark.parametrize(
    "id", ["a b", "50%", "?q=1", "#x", "文档-一", "😀", "a+b", "a&b;c", "..x", "é", "\u200b", "x" * 200, "a:b"]
)
def test_unusual_ids_work_percent_encoded(client: TestClient, id: str) -> None:
    response = client.post("/documents", json={"id": id, "text": "文字"})
    assert response.status_code == 201
    assert response.headers["location"] == f"/documents/{quote(id, safe='')}"
    assert client.get(response.headers["location"]).json()["id"] == id
    assert client.get(response.headers["location"] + "/view").status_code == 200


@pytest.mark.parametrize("path", ["nothing", "a%2Fb", "%00", "x" * 201, "a%0Ab"])
def test_an_unknown_id_is_not_found(client: TestClient, path: str) -> None:
    response = client.get(f"/documents/{path}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_listing_goes_page_by_page_without_texts(client: TestClient) -> None:
    for number in range(5):
        client.post("/documents", json={"id": f"n{number}", "text": "文字"})
    seen, cursor = [], None
    for _ in range(10):
        page = client.get("/documents", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        assert all(set(each) == FIELDS - {"text"} for each in page["documents"])
        seen += [each["id"] for each in page["documents"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["n0", "n1", "n2", "n3", "n4", "seed-1"]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "limit=", "cursor=unknown", "cursor=%00"])
def test_a_wrong_page_is_refused(client: TestClient, query: str) -> None:
    assert client.get(f"/documents?{query}").status_code == 422


def test_a_batch_adds_the_good_lines_and_names_the_others(client: TestClient) -> None:
    lines = [
        b'\xef\xbb\xbf{"id": "a", "text": "\xe7\x94\xb2"}', b"", b'{"id": "b", "text": "x"}\r', b"{not json}",
        b'["list"]', b'{"id": "c/d", "text": "x"}', b'{"id": "e"}', b'{"id": 5, "text": "x"}',
        b'{"id": "f", "text": "x", "colour": "red"}', b'{"id": "g", "text": "\\ud800"}',
        b'{"id": "h", "text": "a\\u0000"}',
        b'{"id": "i", "text": "\xff"}', b"null", b'{"text": "the last, without an end"}',
    ]  # fmt: skip
    response = send_batch(client, b"\n".join(lines))
    reply = response.json()
    assert response.status_code == 200
    assert (reply["added"], reply["unchanged"]) == (3, 0)
    assert [refused["line"] for refused in reply["refused"]] == [4, 5, 6, 7, 8, 9, 10, 11, 12, 13]
    by_line = {refused["line"]: refused for refused in reply["refused"]}
    assert by_line[6]["id"] == "c/d" and "slash" in by_line[6]["detail"]
    assert by_line[8]["id"] is None
    assert "colour" in by_line[9]["detail"]
    assert client.get("/documents/a").json()["text"] == "甲"


def test_a_batch_again_is_unchanged(client: TestClient) -> None:
    data = ndjson({"id": "a", "text": "甲"}, {"id": "b", "text": "乙"})
    assert send_batch(client, data).json() == {"added": 2, "unchanged": 0, "refused": []}
    assert send_batch(client, data).json() == {"added": 0, "unchanged": 2, "refused": []}


def test_a_later_line_replaces_an_earlier_one_of_the_same_id(client: TestClient) -> None:
    reply = send_batch(client, ndjson({"id": "a", "text": "旧"}, {"id": "a", "text": "新"})).json()
    assert reply["added"] == 2
    assert client.get("/documents/a").json()["text"] == "新"


def test_a_document_that_the_engine_refuses_does_not_spoil_its_block(client: TestClient) -> None:
    reply = send_batch(client, ndjson(*({"id": f"d{n}", "text": "poison" if n == 2 else "x"} for n in range(5)))).json()
    assert reply["added"] == 4
    assert [(refused["line"], refused["id"]) for refused in reply["refused"]] == [(3, "d2")]


def test_a_batch_is_added_in_blocks(
    client: TestClient, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "BLOCK_DOCUMENTS", 10)
    monkeypatch.setattr(batch, "BLOCK_CHARACTERS", 100)
    texts = ["x"] * 25 + ["y" * 60] * 3
    send_batch(client, ndjson(*({"id": f"d{n}", "text": text} for n, text in enumerate(texts))))
    assert [len(ids) for name, ids in engine.calls if name == "add" and isinstance(ids, list)] == [10, 10, 7, 1]


def test_a_line_beyond_the_limit_is_refused_alone(make_client: Any) -> None:
    client = make_client(max_document_bytes=1024)
    long = ndjson({"id": "long", "text": "x" * 5000})
    chunks = (long[:700], long[700:], ndjson({"id": "short", "text": "x"}))
    reply = send_batch(client, iter(chunks)).json()
    assert reply["added"] == 1
    assert [refused["line"] for refused in reply["refused"]] == [1] and "1024" in reply["refused"][0]["detail"]


def test_a_body_that_is_no_batch_at_all_is_given_up(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MOST_REFUSED", 20)
    response = send_batch(client, b"x\n" * 100)
    assert response.status_code == 422
    assert "line 21" in response.json()["detail"]


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", None])
def test_a_batch_of_another_type_is_refused(client: TestClient, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    assert client.post("/documents:batch", content=b"{}", headers=headers).status_code == 415


def test_a_batch_beyond_the_limit_is_too_large(make_client: Any) -> None:
    client = make_client(max_batch_bytes=2048)
    for data in (b"{}\n" * 1000, iter([b"{}\n" * 500] * 2)):
        response = send_batch(client, data)
        assert response.status_code == 413
        assert response.headers["content-type"] == "application/problem+json"
        assert "2048" in response.json()["detail"]


def test_an_empty_batch_is_told_so(client: TestClient) -> None:
    before = client.get("/documents").json()
    reply = client.post("/documents:batch", content=b"", headers={"Content-Type": "application/x-ndjson"})
    assert reply.status_code == 422 and "holds no document" in reply.json()["detail"]
    assert client.get("/documents").json() == before
