"""``GET /suggestions`` with the real engine behind it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from articles import BRIDGE, TEA
from starlette.testclient import TestClient

from rag.engine import Engine
from service.app import create_app
from service.settings import Settings


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    engine = Engine.open(tmp_path)
    with TestClient(create_app(Settings(allowed_hosts=("testserver",), vectors_dir=tmp_path), engine)) as client:
        yield client
    engine.close()


def test_they_are_answered_and_follow_what_is_added_and_deleted(client: TestClient) -> None:
    assert client.get("/suggestions").json() == {"suggestions": []}
    for document in (BRIDGE, TEA):
        body = {"id": document.id, "title": document.title, "text": document.text}
        assert client.post("/documents", json=body).status_code == 201
    found = client.get("/suggestions").json()["suggestions"]
    assert len(found) == 6 and all(set(each) == {"question", "document_id", "title"} for each in found)
    for each in found:
        reply = client.post("/ask", json={"question": each["question"]}).json()
        assert reply["answerable"] and reply["citations"][0]["document_id"] == each["document_id"]
        assert reply["citations"][0]["title"] == each["title"]
    assert client.get("/suggestions", params={"limit": 1}).json()["suggestions"] == found[:1]
    assert len(client.get("/suggestions", params={"limit": 20}).json()["suggestions"]) >= 6
    assert client.delete("/documents/tea").status_code == 204
    left = client.get("/suggestions").json()["suggestions"]
    assert left and {each["document_id"] for each in left} == {"bridge"}


@pytest.mark.parametrize("limit", ["0", "21", "-1", "x", "1.5", ""])
def test_a_wrong_limit_is_refused(client: TestClient, limit: str) -> None:
    response = client.get("/suggestions", params={"limit": limit})
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["errors"][0]["location"] == "query.limit"
