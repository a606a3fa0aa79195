"""What surrounds the routes: log, hosts, origins, errors that nobody foresaw."""

import logging
from typing import Any

import pytest
from scripted_engine import ScriptedEngine
from starlette.testclient import TestClient

from rag.errors import Busy, Damaged, RagError


def test_a_request_is_logged_without_its_body(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="service"):
        client.post("/ask?key=hush", json={"question": "hush"})
        client.get("/documents/a%0Aforged line")
        client.get("/livez")
    lines = [record.getMessage() for record in caplog.records if record.name == "service.access"]
    assert len(lines) == 2
    assert lines[0].startswith("POST /ask 200 ") and lines[0].endswith(" ms")
    assert lines[1].startswith("GET /documents/a%0Aforged%20line 404 ")
    assert "hush" not in caplog.text


def test_an_unexpected_error_shows_nothing_of_itself(
    client: TestClient, engine: ScriptedEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.fails = KeyError("secret")
    response = client.post("/search", json={"query": "x"})
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "secret" not in response.text and "KeyError" not in response.text
    assert "secret" in caplog.text and "Traceback" in caplog.text


@pytest.mark.parametrize(
    ("error", "status"),
    [(Busy("another writer"), 503), (Damaged("manifest"), 503), (RagError("the disk is full; free some space"), 500)],
)
def test_errors_of_the_project_keep_their_text(
    client: TestClient, engine: ScriptedEngine, error: RagError, status: int
) -> None:
    engine.fails = error
    response = client.post("/documents", json={"text": "x"})
    assert response.status_code == response.json()["status"] == status
    assert response.json()["detail"] == str(error) and response.json()["title"] == error.title
    assert ("retry-after" in response.headers) is (status == 503)


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "a b", "[::1", "127.0.0.1.evil"])
def test_other_hosts_are_refused_except_for_probes(make_client: Any, host: str) -> None:
    client = make_client(allowed_hosts=())
    response = client.get("/index", headers={"Host": host})
    assert response.status_code == 421
    assert response.headers["content-type"] == "application/problem+json"
    assert "RAG_ALLOWED_HOSTS" in response.json()["detail"]
    assert client.get("/livez", headers={"Host": host}).status_code == 200
    assert client.get("/readyz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:9", "LOCALHOST:8000"])
def test_loopback_is_served_under_its_own_names(make_client: Any, host: str) -> None:
    assert make_client(allowed_hosts=()).get("/index", headers={"Host": host}).status_code == 200


def test_hosts_can_be_set(make_client: Any) -> None:
    client = make_client(allowed_hosts=("*.example.org",))
    assert client.get("/index", headers={"Host": "a.example.org"}).status_code == 200
    assert client.get("/index", headers={"Host": "localhost"}).status_code == 421


def test_other_origins_are_let_in_only_where_set(make_client: Any) -> None:
    origin = {"Origin": "https://a.example"}
    assert "access-control-allow-origin" not in make_client().get("/index", headers=origin).headers
    client = make_client(cors_origins=("https://a.example",))
    assert client.get("/index", headers=origin).headers["access-control-allow-origin"] == "https://a.example"
    asked = origin | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    assert client.options("/ask", headers=asked).status_code == 200
    other = {"Origin": "https://b.example"}
    assert "access-control-allow-origin" not in client.get("/index", headers=other).headers


def test_errors_too_can_be_read_from_other_origins(make_client: Any, engine: ScriptedEngine) -> None:
    client = make_client(cors_origins=("https://a.example",))
    engine.fails = KeyError()
    headers = {"Origin": "https://a.example", "Content-Type": "application/json"}
    for body in (b"{}", b'{"question": "x"}', b"x" * 2_000_000):
        assert "access-control-allow-origin" in client.post("/ask", content=body, headers=headers).headers
