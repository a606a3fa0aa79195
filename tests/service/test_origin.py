"""One rule on pages of other origins: changes by HTTP and the tools of MCP judge alike."""

import ast
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.datastructures import Headers

import service
from service.access.origin import ForeignPage, check_origin

HELLO: Any = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}  # fmt: skip
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://testserver.evil.example"},
    {"Origin": "http://testserver:8080"},
    {"Origin": "http://evil@testserver"},
    {"Origin": "http://["},
    {"Origin": ""},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "https://evil.testserver", "Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://testserver", "Sec-Fetch-Site": "cross-site"},
]
OWN = [
    {},
    {"Origin": "http://testserver"},
    {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "https://rag.example", "Sec-Fetch-Site": "same-origin"},  # a proxy may change Host
    {"Sec-Fetch-Site": "none"},
    {"Origin": "https://desk.example", "Sec-Fetch-Site": "cross-site"},  # named
]


def statuses(client: TestClient, headers: dict[str, str]) -> tuple[int, int]:
    """Return the statuses of a change and of a call of the tools."""
    add = client.post("/documents", json={"text": "文字"}, headers=headers)
    accept = {"Accept": "application/json, text/event-stream"}
    return add.status_code, client.post("/mcp", json=HELLO, headers=accept | headers).status_code


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_foreign_page_may_neither_change_nor_call(make_client: Any, headers: dict[str, str]) -> None:
    assert statuses(make_client(cors_origins=("https://desk.example",)), headers) == (403, 403)


@pytest.mark.parametrize("headers", OWN, ids=str)
def test_own_pages_programs_and_named_origins_may(make_client: Any, headers: dict[str, str]) -> None:
    changed, called = statuses(make_client(cors_origins=("https://desk.example",)), headers)
    assert changed in (200, 201) and called == 200


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_star_lets_all_origins_in(headers: dict[str, str]) -> None:
    check_origin(Headers(headers), ["*"])


def test_the_refusal_says_what_to_do() -> None:
    with pytest.raises(ForeignPage, match=r"https://evil\.example.*RAG_CORS_ORIGINS"):
        check_origin(Headers({"Origin": "https://evil.example"}), [])


def test_the_rule_stands_in_one_place() -> None:
    """No other module of the service reads the header that it judges by."""
    readers = set()
    for path in Path(service.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and node.value in ("origin", "sec-fetch-site"):
                readers.add(path.name)
    assert readers == {"origin.py"}
