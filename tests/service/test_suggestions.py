"""``GET /suggestions`` with the real engine behind it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from rag.engine import Engine
from service.app import create_app
from service.settings import Settings

PORT = {
    "id": "port",
    "title": "宁波港的自动化",
    "text": "宁波港布设了46台自动化岸桥。宁波港位于浙江省东部。2024年6月,宁波港务集团签署了《智慧码头研发协议》。",
}
MUSEUM = {
    "id": "museum",
    "title": "洛阳古陶博物馆重新开放",
    "text": "洛阳古陶博物馆收藏陶器2300件。由于库房漏雨,洛阳古陶博物馆没有展出壁画。",
}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    engine = Engine.open(tmp_path)
    with TestClient(create_app(Settings(allowed_hosts=("testserver",), vectors_dir=tmp_path), engine)) as client:
        yield client
    engine.close()


def test_they_are_answered_and_follow_what_is_added_and_deleted(client: TestClient) -> None:
    assert client.get("/suggestions").json() == {"suggestions": []}
    for document in (PORT, MUSEUM):
        assert client.post("/documents", json=document).status_code == 201
    found = client.get("/suggestions").json()["suggestions"]
    assert len(found) >= 4 and all(set(each) == {"question", "document_id", "title"} for each in found)
    for each in found:
        reply = client.post("/ask", json={"question": each["question"]}).json()
        assert reply["answerable"] and reply["citations"][0]["document_id"] == each["document_id"]
        assert reply["citations"][0]["title"] == each["title"]
    assert client.get("/suggestions", params={"limit": 1}).json()["suggestions"] == found[:1]
    assert len(client.get("/suggestions", params={"limit": 20}).json()["suggestions"]) >= len(found)
    assert client.delete("/documents/museum").status_code == 204
    left = client.get("/suggestions").json()["suggestions"]
    assert left and {each["document_id"] for each in left} == {"port"}


@pytest.mark.parametrize("limit", ["0", "21", "-1", "x", "1.5", ""])
def test_a_wrong_limit_is_refused(client: TestClient, limit: str) -> None:
    response = client.get("/suggestions", params={"limit": limit})
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["errors"][0]["location"] == "query.limit"
