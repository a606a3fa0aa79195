"""The service below a path of its host, as ``/kb/``: what it answers there, and whom it believes about it."""

import json
import re
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from prefix_proxy import PrefixProxy
from pydantic import ValidationError
from scripted_engine import ScriptedEngine
from socket_server import Served

from service.prefix import parse_prefix
from service.routes.pages import WEB
from service.settings import Settings

JSON = {"Content-Type": "application/json"}
Fetch = Callable[..., tuple[int, dict[str, str], bytes]]


@pytest.fixture(params=["header", "setting", "setting, not stripped"])
def proxy(request: pytest.FixtureRequest, engine: ScriptedEngine, tmp_path: Path) -> Iterator[PrefixProxy]:
    said = request.param == "header"
    settings = Settings(vectors_dir=tmp_path / "vectors", root_path=None if said else "/kb")
    with (
        Served(engine, settings) as served,
        PrefixProxy(served.port, "/kb", tell=said, strip="not" not in request.param) as proxy,
    ):
        yield proxy


@pytest.fixture
def fetch(proxy: PrefixProxy) -> Fetch:
    def call(method: str, url: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        parts = urlsplit(urljoin(proxy.url, url))
        connection = HTTPConnection("127.0.0.1", proxy.port, timeout=30)
        data = None if body is None else json.dumps(body).encode()
        connection.request(method, parts.path, data, {**(JSON if data else {}), **(headers or {})})
        response = connection.getresponse()
        read = response.read()
        connection.close()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, read

    return call


@pytest.mark.parametrize("page", ["", "docs", "documents/a%20b/view"])
def test_all_that_a_page_refers_to_is_there(proxy: PrefixProxy, fetch: Fetch, page: str) -> None:
    assert fetch("POST", "documents", {"id": "a b", "text": "x"})[0] == 201
    status, _, html = fetch("GET", page)
    assert status == 200
    addresses = re.findall(r'(?:href|src)="([^"#]+)', html.decode())
    assert len(addresses) > 3
    for address in addresses:
        assert fetch("GET", urljoin(urljoin(proxy.url, page), address))[0] == 200, address
    assert proxy.astray == []


def test_no_address_in_the_pages_begins_at_the_root() -> None:
    routes = "ask|search|docs|documents|index|jobs|suggestions|assets|openapi|v1|mcp|livez|readyz"
    absolute = re.compile(rf"""(?:href|src|action)="/|["'`(]/(?:{routes})\b""")
    assert absolute.search('fetch("/openapi.json")') and absolute.search('<a href="/">')
    for path in sorted(WEB.iterdir()):
        assert not absolute.findall(path.read_text(encoding="utf-8")), path.name


def test_what_is_made_is_found_where_the_reply_says(fetch: Fetch) -> None:
    status, headers, _ = fetch("POST", "documents", {"id": "a", "text": "x"})
    assert (status, headers["location"]) == (201, "/kb/documents/a")
    assert fetch("GET", headers["location"])[0] == 200
    status, headers, _ = fetch("POST", "index/rebuild", {})
    assert status == 202 and headers["location"].startswith("/kb/jobs/")
    assert fetch("GET", headers["location"])[0] == 200


def test_the_description_names_the_path(fetch: Fetch) -> None:
    for _ in range(2):
        described = json.loads(fetch("GET", "openapi.json")[2])
        assert described["servers"] == [{"url": "/kb"}]


def test_citations_of_chat_lead_to_the_document(proxy: PrefixProxy, fetch: Fetch) -> None:
    body = {"model": "chengyu-rag", "messages": [{"role": "user", "content": "代表团什么时候提交建议?"}]}
    status, _, reply = fetch("POST", "v1/chat/completions", body)
    urls = [each["url"] for each in json.loads(reply)["search_results"]]
    assert status == 200 and urls
    for url in urls:
        assert url.startswith(f"{proxy.url}documents/")


def test_access_and_probes_hold_there_too(engine: ScriptedEngine, tmp_path: Path) -> None:
    key = "k" * 32
    settings = Settings(vectors_dir=tmp_path / "vectors", root_path="/kb", api_keys=(f"r:read:{key}",))
    with Served(engine, settings) as served:
        read = {"Authorization": f"Bearer {key}"}
        for prefix in ("", "/kb"):
            assert served.call("GET", f"{prefix}/livez")[0] == 200
            assert served.call("GET", f"{prefix}/documents")[0] == 401
            assert served.call("GET", f"{prefix}/documents", headers=read)[0] == 200
            assert served.call("DELETE", f"{prefix}/documents/a", headers=read)[0] == 403
            assert served.call("GET", f"{prefix}/kb/livez", headers=read)[0] == (404 if prefix else 200)


def test_a_path_that_a_prefix_resembles_is_routed_as_it_is(make_client: Any) -> None:
    client = make_client()
    for prefix in ("/documents", "/assets", "/livez"):
        headers = {"X-Forwarded-Prefix": prefix}
        for path in ("/documents", "/assets/style.css", "/livez"):
            assert client.get(path, headers=headers).status_code == 200, (prefix, path)


def test_without_a_slash_at_its_end_it_leads_to_the_page(make_client: Any) -> None:
    response = make_client(root_path="/kb").get("/kb", follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (307, "/kb/")


NO_PREFIXES = [
    "kb",
    "//evil.example",
    "/kb//x",
    "/../x",
    "/./x",
    "/kb/..",
    "https://evil.example",
    "/a b",
    "/a?b",
    "/a#b",
    "/a%2fb",
    "/a\\b",
    '/a"b',
    "/a<b",
    "/知识",
    "/a, /b",
    "/" + "a" * 200,
    "/a" * 50_000 + "!",
]


@pytest.mark.parametrize("text", NO_PREFIXES)
def test_what_is_no_prefix_is_not_believed(make_client: Any, text: str) -> None:
    assert parse_prefix(text) is None
    response = make_client().post(
        "/documents", json={"id": "a", "text": "x"}, headers={"X-Forwarded-Prefix": text.encode()}
    )
    assert response.headers["location"] == "/documents/a"
    with pytest.raises(ValidationError):
        Settings(root_path=text)


@pytest.mark.parametrize(("text", "prefix"), [("", ""), ("/", ""), ("/kb/", "/kb"), ("/a/b.c~d", "/a/b.c~d")])
def test_a_prefix_is_read(make_client: Any, text: str, prefix: str) -> None:
    assert parse_prefix(text) == prefix
    response = make_client().post("/documents", json={"id": "a", "text": "x"}, headers={"X-Forwarded-Prefix": text})
    assert response.headers["location"] == f"{prefix}/documents/a"


def test_the_setting_is_believed_before_the_header(make_client: Any) -> None:
    client = make_client(root_path="/kb")
    response = client.post("/documents", json={"id": "a", "text": "x"}, headers={"X-Forwarded-Prefix": "/other"})
    assert response.headers["location"] == "/kb/documents/a"


def test_the_log_and_the_figures_know_no_prefix(make_client: Any, caplog: pytest.LogCaptureFixture) -> None:
    client = make_client()
    with caplog.at_level("DEBUG", "service.access"):
        for path in ("/documents", "/assets/style.css", "/livez", "/nothing"):
            client.get(path, headers={"X-Forwarded-Prefix": "/secret"})
    assert "secret" not in caplog.text
    assert "secret" not in client.get("/metrics").text
