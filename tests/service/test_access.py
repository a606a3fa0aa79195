"""Who may do what: every route of the application, with each kind of key and each form of the header."""

import json
import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from scripted_engine import ScriptedEngine
from starlette.routing import BaseRoute, Mount, Route
from starlette.testclient import TestClient

from rag.errors import Conflict, Damaged, InvalidInput, NotFound
from service.access import keys
from service.access.gate import needed
from service.settings import Settings

READ, WRITE = "read-key-0123456789", "write-key-0123456789"
GIVEN = {"api_keys": (f"r:read:{READ}", f"w:write:{WRITE}")}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

# Who may call what. Every route stands in one column; a new one fails until it is put there.
TABLE: dict[str, dict[str, str]] = {
    "all": {
        "/": "GET HEAD", "/docs": "GET HEAD", "/openapi.json": "GET HEAD", "/livez": "GET HEAD", "/readyz": "GET HEAD",
        "/assets": "GET",
    },
    "read": {
        "/ask": "POST", "/search": "POST", "/suggestions": "GET", "/index": "GET",
        "/metrics": "GET", "/mcp": " ".join(METHODS),
        "/v1/models": "GET", "/v1/models/{id}": "GET", "/v1/chat/completions": "POST",
        "/documents": "GET", "/documents/{id}": "GET", "/documents/{id}/view": "GET HEAD",
        "/jobs": "GET", "/jobs/{id}": "GET", "/jobs/{id}/events": "GET",
    },
    "write": {
        "/documents": "POST", "/documents:batch": "POST", "/documents/{id}": "PUT PATCH DELETE",
        "/index/rebuild": "POST", "/jobs/{id}": "DELETE",
    },
}  # fmt: skip
COLUMNS = {
    (method, path): who for who, paths in TABLE.items() for path, methods in paths.items() for method in methods.split()
}


def routes(app: Any) -> list[tuple[str, str]]:
    """Every method and path that the application serves, found in the application."""
    found: list[tuple[str, str]] = []

    def walk(routes: list[BaseRoute]) -> None:
        for route in routes:
            if isinstance(router := getattr(route, "original_router", None), APIRouter):  # of include_router
                walk(router.routes)
            elif isinstance(route, Mount):
                found.append(("GET", route.path))
            else:
                assert isinstance(route, Route), f"{route}: say here how its paths are found"
                found.extend((method, route.path) for method in route.methods or METHODS)

    walk(app.routes)
    return sorted(set(found))


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


KEYS = {"none": None, "read": READ, "write": WRITE, "wrong": "wrong-0123456789"}
PASSES = {"all": set(KEYS), "read": {"read", "write"}, "write": {"write"}}


def status(client: TestClient, method: str, path: str, headers: dict[str, Any]) -> int:
    filled = path.replace("{id}", "seed-1") + ("/style.css" if path == "/assets" else "")
    with client.stream(method, f"{filled}?api_key={WRITE}&key={WRITE}", headers=headers) as response:
        return response.status_code


def test_every_route_stands_in_the_table(make_client: Any) -> None:
    client = make_client(**GIVEN)
    assert set(routes(client.app)) == set(COLUMNS)
    described = client.get("/openapi.json").json()["paths"]
    assert {(method.upper(), path) for path, found in described.items() for method in found} <= set(COLUMNS)


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER   {}", "bEaReR\t{}", "Bearer {} "])
def test_the_whole_table(make_client: Any, form: str) -> None:
    client = make_client(**GIVEN)
    for (method, path), who in COLUMNS.items():
        got = {
            name: status(client, method, path, {"Authorization": form.format(key)} if key else {})
            for name, key in KEYS.items()
        }
        assert {name for name, code in got.items() if code not in (401, 403)} == PASSES[who], (method, path, got)
        if who != "all":
            assert got["none"] == got["wrong"] == 401, (method, path, got)
            assert got["read"] == 403 or who == "read", (method, path, got)


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": WRITE},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Bearer{WRITE}"},
        {"Authorization": f"Basic {WRITE}"},
        {"Authorization": f"Token {WRITE}"},
        {"Authorization": f"Bearer {WRITE} {WRITE}"},
        {"Authorization": f"Bearer {WRITE}, Bearer {WRITE}"},
        {"Authorization": f"Bearer {WRITE}x"},
        {"Authorization": f"Bearer {WRITE[:-1]}"},
        {"Authorization": f"Bearer {WRITE.upper()}"},
        {"Authorization": b"Bearer \xff\xfe"},
        {"Authorization": f"Bearer {keys.digest(WRITE.encode())}"},
        {"Authorization": ""},
        {"X-API-Key": WRITE},
        {"Api-Key": WRITE},
        {"Cookie": f"key={WRITE}"},
    ],
)
def test_forms_of_the_header_that_are_not_taken(make_client: Any, headers: dict[str, Any]) -> None:
    client = make_client(**GIVEN)
    for (method, path), who in COLUMNS.items():
        assert (status(client, method, path, headers) == 401) == (who != "all"), (method, path)
    refused = client.get("/index", headers=headers)
    assert refused.headers["www-authenticate"].startswith('Bearer realm="chengyu-rag"')


def test_two_headers_are_none(make_client: Any) -> None:
    twice = [("Authorization", f"Bearer {READ}"), ("Authorization", "Bearer wrong")]
    assert make_client(**GIVEN).get("/index", headers=twice).status_code == 401


def test_what_is_said_to_those_turned_away(make_client: Any, caplog: pytest.LogCaptureFixture) -> None:
    client = make_client(**GIVEN)
    missing, wrong = client.get("/index"), client.get("/index", headers=bearer("hush-hush"))
    assert missing.headers["www-authenticate"] == 'Bearer realm="chengyu-rag"'
    assert wrong.headers["www-authenticate"] == 'Bearer realm="chengyu-rag", error="invalid_token"'
    low = client.post("/documents", json={"text": "x"}, headers=bearer(READ))
    assert low.headers["www-authenticate"].endswith('error="insufficient_scope", scope="write"')
    for response in (missing, wrong, low):
        assert response.headers["content-type"] == "application/problem+json"
    assert "Authorization: Bearer KEY" in missing.json()["detail"] and "write" in low.json()["detail"]
    for path in ("/v1/models", "/v1/chat/completions"):
        error = client.post(path, json={}).json()["error"]
        assert (error["code"], error["type"]) == ("invalid_api_key", "authentication_error")
    assert "hush" not in caplog.text + wrong.text and READ not in caplog.text + low.text


def test_paths_that_nobody_serves_tell_nothing_without_a_key(make_client: Any) -> None:
    client = make_client(**GIVEN)
    for path in (
        "/nothing",
        "/documents/",
        "http://testserver//index",
        "/INDEX",
        "/assets",
        "/docs/",
        "/livez/x",
        "/documents/a%2Fb",
    ):
        assert client.get(path).status_code == 401, path
        assert client.get(path, headers=bearer(READ)).status_code in (404, 307), path
    assert client.get("/assets/..%2findex").status_code == 404
    assert client.get("/assets/../index").status_code == 401  # the client itself makes /index of it


def test_what_nobody_thought_of_needs_the_widest_scope() -> None:
    assert needed("POST", "/anything/new") == "write"
    assert needed("BREW", "/documents") == "write"
    assert needed("POST", "/ask/x") == needed("POST", "/v1x") == "write"


def test_a_page_that_a_link_leads_to_asks_for_the_key_itself(make_client: Any) -> None:
    client = make_client(**GIVEN)
    for id in ("seed-1", "unknown"):
        page = client.get(f"/documents/{id}/view", headers={"Accept": "text/html,*/*"})
        assert page.status_code == 401 and "www-authenticate" in page.headers
        assert page.headers["content-type"].startswith("text/html") and "/assets/view.js" in page.text
    assert client.get("/documents/seed-1/view").headers["content-type"] == "application/problem+json"


def test_a_preflight_needs_no_key_and_a_refusal_can_be_read(make_client: Any) -> None:
    client = make_client(**GIVEN, cors_origins=("https://a.example",))
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    asked["Access-Control-Request-Headers"] = "authorization,content-type,x-stainless-lang"
    assert client.options("/v1/chat/completions", headers=asked).status_code == 200
    refused = client.get("/index", headers={"Origin": "https://a.example"})
    assert refused.status_code == 401 and refused.headers["access-control-allow-origin"] == "https://a.example"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://testserver"}, 201),
        ({"Origin": "https://rag.example", "Sec-Fetch-Site": "same-origin"}, 201),  # a proxy may change Host
        ({"Sec-Fetch-Site": "none"}, 201),
        ({}, 201),
    ],
)
def test_a_page_of_another_origin_changes_nothing(client: TestClient, headers: dict[str, str], status: int) -> None:
    files = {"file": ("a.txt", "第一座桥建于1958年。".encode(), "text/plain")}
    assert client.post("/documents", files=files, headers=headers).status_code == status
    assert client.delete("/documents/seed-1", headers=headers).status_code == (204 if status == 201 else status)
    assert client.post("/search", json={"query": "桥"}, headers=headers).status_code == 200


def test_origins_that_are_named_may_change_things(make_client: Any) -> None:
    client = make_client(cors_origins=("https://desk.example",))
    files = {"file": ("a.txt", "第一座桥建于1958年。".encode(), "text/plain")}
    for origin, status in (("https://desk.example", 201), ("https://evil.example", 403)):
        headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
        assert client.post("/documents", files=files, headers=headers).status_code == status


def test_without_keys_all_may_come_with_whatever_key(client: TestClient) -> None:
    for headers in ({}, *map(bearer, (READ, WRITE, "wrong"))):
        assert client.get("/index", headers=headers).status_code == 200
        assert client.post("/documents", json={"text": "x"}, headers=headers).status_code in (200, 201)


def test_keys_count_at_once_and_revoked_ones_no_more(make_client: Any, tmp_path: Path) -> None:
    vectors = tmp_path / "vectors"
    workers = [make_client(), make_client()]
    assert [client.get("/index").status_code for client in workers] == [200, 200]
    reader, writer = keys.add(vectors, "reader", "read"), keys.add(vectors, "writer", "write")
    for client in workers:
        assert client.get("/index").status_code == 401
        assert client.get("/index", headers=bearer(reader)).status_code == 200
        assert client.post("/documents", json={"text": "x"}, headers=bearer(reader)).status_code == 403
        assert client.post("/documents", json={"text": "x"}, headers=bearer(writer)).status_code in (200, 201)
    keys.revoke(vectors, "reader")
    for client in workers:
        assert client.get("/index", headers=bearer(reader)).status_code == 401
        assert client.get("/index", headers=bearer(writer)).status_code == 200
    keys.revoke(vectors, "writer")
    for client in workers:  # the last one gone, the service is closed, not open to all
        assert client.get("/index", headers=bearer(writer)).status_code == 401
        assert client.get("/index").status_code == 401
        assert client.get("/livez").status_code == 200
    again = keys.add(vectors, "reader", "read")
    assert again != reader
    assert workers[0].get("/index", headers=bearer(again)).status_code == 200


def test_keys_at_rest_are_hashes_that_only_the_owner_reads(tmp_path: Path) -> None:
    made = [keys.add(tmp_path, f"k{n}", "read") for n in range(3)]
    text = (tmp_path / keys.FILE).read_text(encoding="utf-8")
    assert all(key not in text and keys.digest(key.encode()) in text for key in made)
    assert stat.S_IMODE((tmp_path / keys.FILE).stat().st_mode) == 0o600
    assert all(len(key) >= 43 for key in made) and len(set(made)) == 3  # 256 bits in base64
    assert sorted(path.name for path in tmp_path.iterdir()) == [keys.FILE, f"{keys.FILE}.lock"]


def test_wrong_names_and_names_taken(tmp_path: Path) -> None:
    keys.add(tmp_path, "甲", "read")
    with pytest.raises(Conflict):
        keys.add(tmp_path, "甲", "write")
    for name in ("", "a b", "a:b", "a,b", "x" * 65, "a\n"):
        with pytest.raises(InvalidInput):
            keys.add(tmp_path, name, "read")
    with pytest.raises(NotFound):
        keys.revoke(tmp_path, "乙")
    assert [key.name for key in keys.read(tmp_path)] == ["甲"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"keys": 1}', '{"keys": [{"name": "a", "scope": "all", "sha256": "x"}]}', '{"keys": [1]}']
)
def test_keys_that_cannot_be_read_let_nobody_in(make_client: Any, tmp_path: Path, text: str) -> None:
    client = make_client()
    (tmp_path / "vectors").mkdir(exist_ok=True)
    (tmp_path / "vectors" / keys.FILE).write_text(text, encoding="utf-8")
    response = client.get("/index", headers=bearer("x"))
    assert response.status_code == 503 and "rag key add" in response.json()["detail"]
    assert client.get("/livez").status_code == 200
    with pytest.raises(Damaged):
        keys.read(tmp_path / "vectors")


def test_beyond_loopback_the_service_is_closed_unless_said(tmp_path: Path, make_client: Any) -> None:
    settings = Settings(vectors_dir=tmp_path / "vectors", host="0.0.0.0", api_keys=("name:read:abcdefghijklmnop",))
    assert settings.hosts == ("*",)
    keys.add(tmp_path / "vectors", "a", "read")
    client = make_client(host="0.0.0.0")
    keys.revoke(tmp_path / "vectors", "a")
    assert client.get("/index").status_code == 401
    (tmp_path / "vectors" / keys.FILE).unlink()
    assert client.get("/index").status_code == 401
    assert make_client(host="0.0.0.0", allow_anonymous=True).get("/index").status_code == 200


def test_a_question_is_not_asked_for_those_turned_away(make_client: Any, engine: ScriptedEngine) -> None:
    client = make_client(**GIVEN)
    client.post("/ask", json={"question": "x"})
    client.post("/documents", json={"text": "x"}, headers=bearer(READ))
    assert not engine.calls


def test_the_environment_reaches_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(api_keys=("a:read:x-key-0123456789", "y-key-0123456789"))
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert Settings().given_keys == settings.given_keys
    assert [(key.name, key.scope) for key in settings.given_keys] == [("a", "read"), ("RAG_API_KEYS 2", "write")]
    assert "y" not in re.sub("[a-z_]+=", "", repr(settings)).replace("any", "")


def test_many_add_at_once(tmp_path: Path) -> None:
    children = []
    for number in range(4):
        if (child := os.fork()) == 0:
            try:
                for each in range(5):
                    keys.add(tmp_path, f"k{number}-{each}", "read")
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    assert len(json.loads((tmp_path / keys.FILE).read_text(encoding="utf-8"))["keys"]) == 20
