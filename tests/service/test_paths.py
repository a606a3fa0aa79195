"""Paths that are no UTF-8 are refused, ids that clients resolve away too, and HEAD answers where GET does."""

import json
import os
import stat
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError
from scripted_engine import ScriptedEngine

from rag.engine import Engine
from rag.errors import InvalidInput
from rag.types import Document
from service.access import keys
from service.cli.sources import Sources
from service.settings import Settings, explain


@pytest.mark.parametrize(
    "path", ["%D6%D8%C7%EC", "%C7%EC%D6%D8", "%FF", "%ED%A0%80", "%E9%87", "%zz", "%", "a%2", "%C0%AF"]
)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_a_path_that_is_no_utf8_is_malformed(client: TestClient, method: str, path: str) -> None:
    response = client.request(
        method, f"/documents/{path}", json={"text": "文字"} if method in ("PUT", "PATCH") else None
    )
    assert response.status_code == 400 and response.json()["title"] == "Malformed path"


def test_utf8_and_gbk_of_one_name_are_not_confused(client: TestClient) -> None:
    assert client.put("/documents/%E9%87%8D%E5%BA%86", json={"text": "重庆"}).status_code in (200, 201)
    assert client.put("/documents/%D6%D8%C7%EC", json={"text": "别的"}).status_code == 400
    assert client.get("/documents/%E9%87%8D%E5%BA%86").json()["text"] == "重庆"


@pytest.mark.parametrize("id", [".", ".."])
def test_an_id_that_is_a_part_of_paths_is_refused(client: TestClient, id: str) -> None:
    response = client.post("/documents", json={"id": id, "text": "文字"})
    assert response.status_code == 422 and "take another id" in response.text


def send_raw(client: TestClient, method: str, path: str, body: bytes = b"") -> int:
    """Return the status of a request whose path no client has resolved, as it comes over a socket."""
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    headers = [(b"host", b"testserver"), (b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": unquote(path), "raw_path": path.encode("ascii"), "root_path": "", "query_string": b"",
        "headers": headers, "server": ("testserver", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip
    assert client.portal is not None
    client.portal.call(client.app, scope, receive, send)
    return statuses[0]


@pytest.mark.parametrize("path", ["%2E%2E", "%2e%2E", "..", "%2E", "."])
def test_an_old_document_of_such_an_id_can_be_deleted(client: TestClient, engine: ScriptedEngine, path: str) -> None:
    engine.add([Document(unquote(path), "文字")])
    assert send_raw(client, "DELETE", f"/documents/{path}") == 204
    assert unquote(path) not in engine.held
    assert send_raw(client, "DELETE", f"/documents/{path}") == 404
    assert send_raw(client, "PUT", f"/documents/{path}", '{"text": "文字"}'.encode()) == 422


@pytest.mark.parametrize("id", [".", ".."])
def test_such_an_id_is_refused_wherever_one_is_given(client: TestClient, engine: ScriptedEngine, id: str) -> None:
    batch = client.post(
        "/documents:batch", content=json.dumps({"id": id, "text": "文字"}),
        headers={"Content-Type": "application/x-ndjson"},
    )  # fmt: skip
    assert batch.json()["added"] == 0 and "take another id" in batch.json()["refused"][0]["detail"]
    form = client.post("/documents", files={"file": ("a.txt", "文字文字".encode())}, data={"id": id})
    assert form.status_code == 422 and id not in engine.held


@pytest.mark.parametrize("id", ["...", "..a", ".hidden", "a..b", "重庆.", "%2E%2E"])
def test_an_id_with_points_in_it_is_kept(client: TestClient, id: str) -> None:
    assert client.post("/documents", json={"id": id, "text": "文字"}).json()["id"] == id


@pytest.mark.parametrize("id", [".", "..", "a/b", "", "甲" * 201, "a\x1bb"])
def test_the_command_line_takes_no_other_ids_than_the_service(tmp_path: Path, id: str) -> None:
    file = tmp_path / "a.txt"
    file.write_text("文字", encoding="utf-8")
    with pytest.raises(InvalidInput, match="--id"):
        Sources([file], id)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JavaScript:alert(1)", " javascript:alert(1)", "java\tscript:x", "\x01javascript:x",
        "javascript://a.example/%0aalert(1)", "data:text/html,x", "file:///etc/passwd", "vbscript:x", "blob:http://a.b/c",
        "ftp://a.example/x", "view-source:http://a.example", "mailto:a@b.c", "a.example", "//a.example", "/a", "http:",
        "http:a.example", "http:/a.example", "http://", "http:///a", "http://?a", "http://:80/", "http://@/",
        "http://a\\b.example/", "http:\\\\a.example", "http://a b.example/", "http://[::1", "http://a.example:x/",
        " http://a.example", "\u3000http://a.example", "http://a.example/\u202ecod.exe", "http://a.\u200bexample/",
        "ht\ttp://a.example", "",
    ],
)  # fmt: skip
def test_an_address_that_is_none_of_the_web_is_refused(client: TestClient, url: str) -> None:
    assert client.post("/documents", json={"text": "文字", "url": url}).status_code == 422
    assert client.put("/documents/a", json={"text": "文字", "url": url}).status_code == 422
    assert client.patch("/documents/seed-1", json={"url": url}).status_code == 422
    form = client.post("/documents", files={"file": ("a.txt", "文字文字".encode())}, data={"url": url})
    assert form.status_code == 422


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example",
        "HTTPS://a.example/b (2)",
        "https://中文.example/页",
        "http://[::1]:8000/a?b#c",
        "http://1.2.3.4/",
    ],
)
def test_an_address_of_the_web_is_kept(client: TestClient, url: str) -> None:
    assert client.post("/documents", json={"text": "文字", "url": url}).json()["url"] == url


OLD = ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//a.example"]


@pytest.mark.parametrize("url", OLD)
def test_an_old_address_that_is_none_of_the_web_is_told_nowhere(
    client: TestClient, engine: ScriptedEngine, url: str
) -> None:
    engine.held.clear()
    engine.add([Document("old", "代表团于3月5日提交建议。", title="题", url=url)])
    question = "代表团什么时候提交建议?"
    assert client.get("/documents/old").json()["url"] is None
    assert client.get("/documents").json()["documents"][0]["url"] is None
    asked = client.post("/ask", json={"question": question})
    assert asked.json()["citations"][0]["url"] is None
    streamed = client.post("/ask", json={"question": question, "stream": True})
    found = client.post("/search", json={"query": question})
    assert found.json()["passages"][0]["url"] is None
    chat = client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": question}]})
    assert "http://testserver/documents/old/view#" in chat.text
    assert not any(url in reply.text for reply in (asked, streamed, found, chat))


@pytest.mark.parametrize("url", OLD)
def test_the_engine_tells_no_such_address_but_keeps_the_document(tmp_path: Path, url: str) -> None:
    engine = Engine.open(tmp_path / "v")
    try:
        engine.add([Document("old", "青江大桥建成通车\n\n青江大桥全长2386米。", title="大桥", url=url)])
        answer = engine.ask("青江大桥全长多少米?")
        assert answer.citations and {each.url for each in answer.citations} == {None}
        assert {each.url for each in answer.passages} == {None}
        assert engine.correct("old", {"title": "新题"}).title == "新题"
        assert engine.remove(["old"]) == ["old"]
    finally:
        engine.close()


@pytest.mark.parametrize("key", ["short", "a" * 15, "reader:read:short", "w:write:" + "b" * 15])
def test_a_key_that_can_be_guessed_is_refused_untold(key: str) -> None:
    with pytest.raises(ValidationError, match="fewer than 16 characters") as refused:
        Settings(api_keys=(key,))
    assert key not in explain(refused.value)


@pytest.mark.parametrize("key", ["a" * 16, "reader:read:" + "b" * 16])
def test_a_key_of_sixteen_characters_is_taken(key: str) -> None:
    assert len(Settings(api_keys=(key,)).given_keys) == 1


@pytest.mark.parametrize("before", [None, 0o644, 0o666])
def test_the_lock_of_the_keys_has_their_rights(tmp_path: Path, before: int | None) -> None:
    lock = tmp_path / f"{keys.FILE}.lock"
    if before is not None:  # an earlier version made it
        lock.touch()
        lock.chmod(before)
    umask = os.umask(0)
    try:
        keys.add(tmp_path, "reader", "read")
    finally:
        os.umask(umask)
    assert stat.S_IMODE(lock.stat().st_mode) == stat.S_IMODE((tmp_path / keys.FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/livez", "/readyz", "/index", "/documents", "/jobs", "/v1/models", "/openapi.json"]
)
def test_head_answers_where_get_does(client: TestClient, path: str) -> None:
    got, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers.get("content-type") == got.headers.get("content-type")
