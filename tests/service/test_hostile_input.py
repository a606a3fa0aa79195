"""Input that is wrong in every way: always a problem document of the right status, never an error of the server."""

import json
from typing import Any

import pytest
from scripted_engine import ScriptedEngine
from starlette.testclient import TestClient

JSON = "application/json"
QUESTION = b'{"question": "x", %s}'

BODIES: list[tuple[str, bytes]] = [
    ("nothing", b""),
    ("not JSON", b"question=x"),
    ("cut off", b'{"question": "x"'),
    ("text after the end", b'{"question": "x"} x'),
    ("null", b"null"),
    ("list", b"[]"),
    ("string", b'"x"'),
    ("number", b"1"),
    ("no question", b"{}"),
    ("null question", b'{"question": null}'),
    ("question is a number", b'{"question": 1}'),
    ("question is a list", b'{"question": ["x"]}'),
    ("question is an object", b'{"question": {"a": 1}}'),
    ("empty question", b'{"question": ""}'),
    ("blank question", '{"question": " \\n\\t\u3000"}'.encode()),
    ("question too long", json.dumps({"question": "x" * 2001}).encode()),
    ("question far too long", json.dumps({"question": "重" * 100_000}).encode()),
    ("NUL", b'{"question": "a\\u0000b"}'),
    ("raw NUL", b'{"question": "a\x00b"}'),
    ("escape character", b'{"question": "a\\u001bb"}'),
    ("lone surrogate", b'{"question": "\\ud800"}'),
    ("lone low surrogate", b'{"question": "\\udc00x"}'),
    ("lone surrogate in a wrong type", b'{"question": ["\\ud800"]}'),
    ("lone surrogate in a name", b'{"question": "x", "\\ud800": 1}'),
    ("surrogate in UTF-8", b'{"question": "\xed\xa0\x80"}'),
    ("invalid UTF-8", b'{"question": "\xff\xfe"}'),
    ("UTF-16", '{"question": "x"}'.encode("utf-16")),
    ("GBK", '{"question": "重庆"}'.encode("gbk")),
    ("byte order mark", b'\xef\xbb\xbf{"question": "x"}'),
    ("NaN", QUESTION % b'"top_k": NaN'),
    ("infinity", QUESTION % b'"top_k": Infinity'),
    ("1e400", QUESTION % b'"top_k": 1e400'),
    ("huge exponent", QUESTION % b'"top_k": 1e999999999999'),
    ("huge integer", QUESTION % (b'"top_k": ' + b"9" * 5000)),
    ("long integer", QUESTION % (b'"top_k": ' + b"9" * 400)),
    ("top_k 0", QUESTION % b'"top_k": 0'),
    ("top_k 51", QUESTION % b'"top_k": 51'),
    ("top_k negative", QUESTION % b'"top_k": -1'),
    ("top_k fraction", QUESTION % b'"top_k": 1.5'),
    ("top_k string", QUESTION % b'"top_k": "5"'),
    ("top_k boolean", QUESTION % b'"top_k": true'),
    ("top_k list", QUESTION % b'"top_k": [5]'),
    ("stream string", QUESTION % b'"stream": "true"'),
    ("stream number", QUESTION % b'"stream": 1'),
    ("unknown mode", QUESTION % b'"mode": "magic"'),
    ("mode number", QUESTION % b'"mode": 1'),
    ("unknown field", QUESTION % b'"temperature": 1'),
    ("history is a string", QUESTION % b'"history": "x"'),
    ("history is an object", QUESTION % b'"history": {}'),
    ("history of strings", QUESTION % b'"history": ["x"]'),
    ("unknown role", QUESTION % b'"history": [{"role": "system", "content": "x"}]'),
    ("role is a list", QUESTION % b'"history": [{"role": ["user"], "content": "x"}]'),
    ("turn without content", QUESTION % b'"history": [{"role": "user"}]'),
    ("NUL in a turn", QUESTION % b'"history": [{"role": "user", "content": "\\u0000"}]'),
    ("unknown field in a turn", QUESTION % b'"history": [{"role": "user", "content": "x", "name": "y"}]'),
    ("21 turns", QUESTION % (b'"history": [' + b",".join([b'{"role": "user", "content": "x"}'] * 21) + b"]")),
    ("filter is a list", QUESTION % b'"filter": []'),
    ("filter is a string", QUESTION % b'"filter": "x"'),
    ("unknown filter", QUESTION % b'"filter": {"author": "x"}'),
    ("ids are a string", QUESTION % b'"filter": {"document_ids": "x"}'),
    ("an id with a slash", QUESTION % b'"filter": {"document_ids": ["a/b"]}'),
    ("an id is a number", QUESTION % b'"filter": {"document_ids": [1]}'),
    ("no date", QUESTION % b'"filter": {"published_from": "yesterday"}'),
    ("no such day", QUESTION % b'"filter": {"published_from": "2023-02-30"}'),
    ("date without hyphens", QUESTION % b'"filter": {"published_from": "20230101"}'),
    ("date with other digits", QUESTION % '"filter": {"published_from": "２０２３-01-01"}'.encode()),
    ("date and time", QUESTION % b'"filter": {"published_to": "2023-01-01T00:00:00"}'),
    ("dates exchanged", QUESTION % b'"filter": {"published_from": "2024-01-01", "published_to": "2023-01-01"}'),
    ("deep list", b"[" * 100_000),
    ("deep object", b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
    ("deep filter", QUESTION % (b'"filter": ' + b"[" * 150 + b"]" * 150)),
]

DOCUMENTS: list[tuple[str, object]] = [
    ("no text", {}),
    ("null text", {"text": None}),
    ("empty text", {"text": ""}),
    ("blank text", {"text": " \n"}),
    ("NUL in the text", {"text": "a\0"}),
    ("escape in the text", {"text": "a\x1b[31m"}),
    ("text is a list", {"text": ["x"]}),
    ("empty id", {"id": "", "text": "x"}),
    ("id too long", {"id": "x" * 201, "text": "x"}),
    ("slash in the id", {"id": "a/b", "text": "x"}),
    ("line break in the id", {"id": "a\nb", "text": "x"}),
    ("DEL in the id", {"id": "a\x7f", "text": "x"}),
    ("C1 control in the id", {"id": "a\x85", "text": "x"}),
    ("id is a number", {"id": 1, "text": "x"}),
    ("line break in the title", {"title": "a\nb", "text": "x"}),
    ("title is a number", {"title": 1, "text": "x"}),
    ("title too long", {"title": "x" * 1001, "text": "x"}),
    ("no date", {"published": "2023-3-6", "text": "x"}),
    ("metadata is a list", {"metadata": [], "text": "x"}),
    ("metadata is a string", {"metadata": "{}", "text": "x"}),
    ("NUL in the metadata", {"metadata": {"a": ["\0"]}, "text": "x"}),
    ("NUL in a name of the metadata", {"metadata": {"\0": 1}, "text": "x"}),
    ("large integer in the metadata", {"metadata": {"a": 10**30}, "text": "x"}),
    ("deep metadata", {"metadata": json.loads('{"a":' * 60 + "1" + "}" * 60), "text": "x"}),
    ("fields of the service", {"text": "x", "sha256": "x", "chunks": 3}),
    ("a list of documents", [{"text": "x"}]),
]


def assert_problem(response: Any, status: int) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert {"type", "title", "status", "detail"} <= set(problem) <= {"type", "title", "status", "detail", "errors"}
    assert problem["status"] == status and problem["detail"]


@pytest.mark.parametrize("path", ["/ask", "/search"])
@pytest.mark.parametrize("body", [body for _, body in BODIES], ids=[name for name, _ in BODIES])
def test_a_malformed_question_is_unprocessable(
    client: TestClient, engine: ScriptedEngine, path: str, body: bytes
) -> None:
    if path == "/search":
        body = body.replace(b'"question"', b'"query"')
    assert_problem(client.post(path, content=body, headers={"Content-Type": JSON}), 422)
    assert engine.calls == []


@pytest.mark.parametrize("body", [body for _, body in DOCUMENTS], ids=[name for name, _ in DOCUMENTS])
def test_a_malformed_document_is_unprocessable(client: TestClient, engine: ScriptedEngine, body: object) -> None:
    assert_problem(client.post("/documents", json=body), 422)
    assert engine.calls == []


@pytest.mark.parametrize("number", [b"1e400", b"-1e999"])
def test_numbers_beyond_all_bounds_are_refused_in_metadata(client: TestClient, number: bytes) -> None:
    body = b'{"text": "x", "metadata": {"a": [' + number + b"]}}"
    assert_problem(client.post("/documents", content=body, headers={"Content-Type": JSON}), 422)


def test_the_limits_themselves_are_taken(client: TestClient) -> None:
    body = {
        "question": " " + "重" * 2000 + "\n",
        "history": [{"role": "user", "content": ""}] * 20,
        "top_k": 50.0,
        "filter": {"published_from": "2023-01-01", "published_to": "2023-01-01"},
    }
    assert client.post("/ask", json=body).status_code == 200


def test_every_fault_is_named_and_no_value_echoed(client: TestClient) -> None:
    body = {"question": 123456789, "top_k": "hush-hush", "filter": {"source": ["hush-hush"]}, "colour": "hush-hush"}
    response = client.post("/ask", json=body)
    assert_problem(response, 422)
    named = {fault["location"] for fault in response.json()["errors"]}
    assert named == {"body.question", "body.top_k", "body.filter.source", "body.colour"}
    assert "hush" not in response.text and "123456789" not in response.text


def test_many_faults_are_cut_short(client: TestClient) -> None:
    response = client.post("/ask", json={"question": "x", **{f"field{n}" + "y" * 500: n for n in range(1000)}})
    assert_problem(response, 422)
    assert len(response.content) < 10_000


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x", None]
)
@pytest.mark.parametrize("path", ["/ask", "/search", "/documents"])
def test_another_content_type_is_unsupported(client: TestClient, path: str, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    form = content_type is not None and content_type.startswith("multipart") and path == "/documents"
    assert_problem(client.post(path, content=b'{"question": "x"}', headers=headers), 422 if form else 415)


def test_a_compressed_body_is_unsupported(client: TestClient) -> None:
    assert_problem(client.post("/ask", content=b"x", headers={"Content-Type": JSON, "Content-Encoding": "gzip"}), 415)


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_the_content_type_may_be_written_otherwise(client: TestClient, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    assert client.post("/ask", content=b'{"question": "x"}', headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/ask", "POST"),
        ("DELETE", "/search", "POST"),
        ("PUT", "/documents", "GET, POST"),
        ("POST", "/documents/seed-1", "DELETE, GET, PATCH, PUT"),
        ("GET", "/documents:batch", "POST"),
        ("POST", "/livez", "GET, HEAD"),
        ("OPTIONS", "/ask", "POST"),
    ],
)
def test_a_wrong_method_names_the_right_ones(client: TestClient, method: str, path: str, allowed: str) -> None:
    response = client.request(method, path)
    assert_problem(response, 405)
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/nothing", "/ask/", "/documents/", "/documents/a/b", "/assets/../app.py", "/%00"])
def test_an_unknown_path_is_not_found(client: TestClient, path: str) -> None:
    assert_problem(client.get(path), 404)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("path", "size"), [("/ask", 2**20), ("/search", 2**20), ("/documents", 16 * 2**20)])
def test_a_body_beyond_the_limit_is_too_large(client: TestClient, path: str, size: int, chunked: bool) -> None:
    data = b'{"question": "' + b"x" * size + b'"}'
    body: Any = iter([data[:1000], data[1000:]]) if chunked else data
    response = client.post(path, content=body, headers={"Content-Type": JSON})
    assert_problem(response, 413)
    assert str(size) in response.json()["detail"]
