"""``/documents/{id}``: replace, correct, delete; and files sent in forms."""

from typing import Any

import pytest
from scripted_engine import ScriptedEngine
from starlette.testclient import TestClient


def test_put_adds_replaces_and_leaves_what_is_the_same(client: TestClient, engine: ScriptedEngine) -> None:
    first = client.put("/documents/d1", json={"text": "文字", "title": "题"})
    again = client.put("/documents/d1", json={"id": "d1", "text": "文字", "title": "题"})
    other = client.put("/documents/d1", json={"text": "别的"})
    assert [each.status_code for each in (first, again, other)] == [201, 200, 200]
    assert first.headers["location"] == "/documents/d1" and again.json() == first.json()
    assert client.get("/documents/d1").json() == other.json() | {"text": "别的", "title": ""}
    assert [name for name, _ in engine.calls].count("add") == 2


def test_put_refuses_another_id_than_the_paths(client: TestClient) -> None:
    response = client.put("/documents/d1", json={"id": "d2", "text": "文字"})
    assert response.status_code == 422 and "d2" in response.json()["detail"]
    assert client.put("/documents/a%2Fb", json={"text": "文字"}).status_code == 404
    assert client.put("/documents/" + "x" * 201, json={"text": "文字"}).status_code == 422


@pytest.mark.parametrize(
    ("sent", "left"),
    [
        ({"title": "新题"}, {"title": "新题", "source": "甲报", "published": "2023-03-06"}),
        ({"published": None, "title": None}, {"title": "", "source": "甲报", "published": None}),
        ({"metadata": {"a": 1}, "url": "https://a.example"}, {"metadata": {"a": 1}, "url": "https://a.example"}),
        ({"metadata": None}, {"metadata": {}}),
        ({}, {"title": "题"}),
    ],
)
def test_patch_corrects_what_is_sent_and_nothing_else(client: TestClient, sent: Any, left: Any) -> None:
    body = {"title": "题", "text": "文字", "source": "甲报", "published": "2023-03-06", "metadata": {"b": 2}}
    before = client.put("/documents/d1", json=body).json()
    response = client.patch("/documents/d1", json=sent)
    assert response.status_code == 200
    assert response.json() == client.get("/documents/d1").json() == before | left


@pytest.mark.parametrize(
    ("sent", "status"),
    [({"text": "别的"}, 422), ({"published": "2023-13-01"}, 422), ({"title": "a\nb"}, 422), ([], 422), ("", 422)],
)
def test_patch_takes_only_what_can_be_corrected(client: TestClient, sent: Any, status: int) -> None:
    client.put("/documents/d1", json={"text": "文字"})
    assert client.patch("/documents/d1", json=sent).status_code == status
    assert client.get("/documents/d1").json()["text"] == "文字"
    assert client.patch("/documents/nothing", json={"title": "题"}).status_code == 404


def test_a_deleted_document_is_gone(client: TestClient) -> None:
    client.put("/documents/d1", json={"text": "代表团提交建议。"})
    response = client.delete("/documents/d1")
    assert (response.status_code, response.content) == (204, b"")
    assert client.get("/documents/d1").status_code == client.delete("/documents/d1").status_code == 404
    assert all(p["document_id"] != "d1" for p in client.post("/search", json={"query": "代表团"}).json()["passages"])


def test_a_path_names_all_its_methods(client: TestClient) -> None:
    response = client.post("/documents/d1", json={})
    assert response.status_code == 405
    assert response.headers["allow"] == "DELETE, GET, PATCH, PUT"


def send(
    client: TestClient, name: str, data: bytes, method: str = "POST", path: str = "/documents", **fields: str
) -> Any:
    return client.request(method, path, files={"file": (name, data)}, data=fields)


def test_a_file_is_sent_in_a_form(client: TestClient) -> None:
    text = "城市公园夜间开放时间调整\n\n本报讯 市园林局宣布,自五月起公园夜间开放到二十二时。\n\n市民可以预约。\n"
    first = send(client, "公园.txt", text.encode("gb18030"))
    again = send(client, "公园.txt", text.encode())
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["title"] == "城市公园夜间开放时间调整" and "二十二时" in first.json()["text"]
    given = send(client, "公园.txt", text.encode(), id="park", title="开放时间", published="2024-05-01").json()
    assert (given["id"], given["title"], given["published"]) == ("park", "开放时间", "2024-05-01")
    replaced = send(client, "公园.md", b"# Title\n\n" + text.encode(), "PUT", "/documents/park")
    assert replaced.status_code == 200 and replaced.json()["title"] == "Title"


@pytest.mark.parametrize(
    ("name", "data", "fields", "said"),
    [
        ("a.exe", b"MZ", {}, ".exe"),
        ("a.txt", b"\x00\xff\x00", {}, "a.txt"),
        ("a.txt", b"  \n", {}, "a.txt"),
        ("a.txt", "文字".encode(), {"published": "May"}, "published"),
        ("a.txt", "文字".encode(), {"id": "a/b"}, "id"),
        ("a.txt", "文字".encode(), {"colour": "red"}, "colour"),
        ("a.zip", b"PK", {"id": "x"}, "zip"),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_with_the_reason(
    client: TestClient, name: str, data: bytes, fields: dict[str, str], said: str
) -> None:
    response = send(client, name, data, **fields)
    assert response.status_code == 422 and said in response.json()["detail"]
    assert client.get("/documents").json()["documents"] == [
        client.get("/documents/seed-1").json() | {"text": None}
    ] or (len(client.get("/documents").json()["documents"]) == 1)


def test_a_form_without_a_file_or_broken_is_refused(client: TestClient) -> None:
    assert client.post("/documents", data={"title": "x"}).status_code == 415  # urlencoded
    assert client.post("/documents", files={"other": ("a.txt", b"x")}).status_code == 422
    broken = client.post("/documents", content=b"--x", headers={"Content-Type": "multipart/form-data"})
    assert broken.status_code == 422 and "form" in broken.json()["detail"]


def test_a_form_that_is_too_large_is_refused(make_client: Any) -> None:
    client = make_client(max_document_bytes=2048)
    response = send(client, "a.txt", "长".encode() * 2000)
    assert response.status_code == 413 and "2048" in response.json()["detail"]
