"""Paths that are no UTF-8 are refused, ids that clients resolve away too, and HEAD answers where GET does."""

import pytest
from fastapi.testclient import TestClient
from scripted_engine import ScriptedEngine

from rag.types import Document


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


def test_an_old_document_of_such_an_id_can_be_deleted(client: TestClient, engine: ScriptedEngine) -> None:
    engine.add([Document("..", "文字")])
    assert client.delete("/documents/%2E%2E").status_code in (204, 404, 405)  # a client may resolve it before it sends


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", " JaVaScRiPt:x", "//a.b", ""]
)
def test_an_address_that_is_none_of_the_web_is_refused(client: TestClient, url: str) -> None:
    assert client.post("/documents", json={"text": "文字", "url": url}).status_code == 422


@pytest.mark.parametrize("url", ["http://a.example", "HTTPS://a.example/b (2)", "https://中文.example/页"])
def test_an_address_of_the_web_is_kept(client: TestClient, url: str) -> None:
    assert client.post("/documents", json={"text": "文字", "url": url}).json()["url"] == url


def test_an_old_address_that_is_none_of_the_web_is_read_as_none(client: TestClient, engine: ScriptedEngine) -> None:
    engine.add([Document("old", "文字", url="javascript:alert(1)")])
    assert client.get("/documents/old").json()["url"] is None


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/livez", "/readyz", "/index", "/documents", "/jobs", "/v1/models", "/openapi.json"]
)
def test_head_answers_where_get_does(client: TestClient, path: str) -> None:
    got, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers.get("content-type") == got.headers.get("content-type")
