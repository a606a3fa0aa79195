"""The tools, asked by the client of the official ``mcp`` package, over HTTP and over standard input and output."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import mcp
import pytest
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from scripted_engine import ARTICLE, ScriptedEngine
from scripted_model import ScriptedModel
from socket_server import Served

from rag.types import Document
from service.settings import Settings

QUESTION = "代表团什么时候提交建议?"
HELLO = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}  # fmt: skip
ACCEPT = {"Accept": "application/json, text/event-stream"}


@pytest.fixture
def served(engine: ScriptedEngine) -> Iterator[Served]:
    with Served(engine, Settings(search_threads=2)) as running:
        yield running


def using(target: Any, work: Callable[[mcp.Client], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with mcp.Client(target) as client:
            return await work(client)

    return asyncio.run(asyncio.wait_for(run(), 60))


def called(target: Any, tool: str, **arguments: Any) -> Any:
    """The JSON that a tool gives as its one text."""
    result = using(target, lambda client: client.call_tool(tool, arguments))
    assert not result.is_error, result.content
    (item,) = result.content
    assert item.type == "text"
    return json.loads(item.text)


def refused(target: Any, tool: str, **arguments: Any) -> str:
    result = using(target, lambda client: client.call_tool(tool, arguments))
    assert result.is_error
    return str(result.content[0].text)


def test_the_tools_are_described(served: Served) -> None:
    tools = {tool.name: tool for tool in using(f"{served.url}/mcp", lambda client: client.list_tools()).tools}
    assert set(tools) == {"search", "fetch", "ask"}
    arguments = {name: list(tool.input_schema["properties"]) for name, tool in tools.items()}
    assert arguments == {"search": ["query"], "fetch": ["id"], "ask": ["question"]}
    assert all(tool.annotations.read_only_hint and tool.description for tool in tools.values())


def test_search_fetch_and_ask(served: Served, engine: ScriptedEngine) -> None:
    url = f"{served.url}/mcp"
    engine.add([Document("d 1", "代表团的别的报道。", url="https://a.example/1", metadata={"place": "甲"})])
    results = called(url, "search", query="代表团提交建议")["results"]
    assert [set(each) for each in results] == [{"id", "title", "url"}] * 2
    found = {each["id"]: each for each in results}
    assert found["seed-1"]["url"] == f"{served.url}/documents/seed-1/view#0-{len(ARTICLE.text)}"
    assert found["d 1"]["url"] == "https://a.example/1"
    document = called(url, "fetch", id="seed-1")
    assert set(document) == {"id", "title", "text", "url", "metadata"}
    assert document["text"] == ARTICLE.text and document["metadata"] == {"source": "重庆日报"}
    assert called(url, "fetch", id="d 1")["metadata"] == {"place": "甲"}
    reply = called(url, "ask", question=QUESTION)
    (citation,) = reply["citations"]
    assert reply["answerable"] and reply["answer"].endswith("[1]")
    assert ARTICLE.text[citation["start"] : citation["end"]] == citation["quote"]
    assert citation["url"] == f"{served.url}/documents/seed-1/view#2-15"
    assert called(url, "ask", question="x")["citations"] == []


def test_errors_can_be_read_by_an_agent(served: Served, engine: ScriptedEngine) -> None:
    url = f"{served.url}/mcp"
    assert "unknown" in refused(url, "fetch", id="unknown")
    assert refused(url, "ask", question=" \n")
    assert refused(url, "ask", question="x" * 2001)
    assert refused(url, "search", query="")
    engine.fails = KeyError("secret")
    assert "secret" not in refused(url, "ask", question=QUESTION)


def test_keys_hosts_and_origins_are_checked(engine: ScriptedEngine) -> None:
    settings = Settings(api_keys=("r:read:key-1-0123456789",), cors_origins=("https://a.example",))
    with Served(engine, settings) as served, httpx2.Client(base_url=served.url, headers=ACCEPT) as client:
        key = {"Authorization": "Bearer key-1-0123456789"}
        missing = client.post("/mcp", json=HELLO)
        assert missing.status_code == 401 and "www-authenticate" in missing.headers
        assert client.post("/mcp", json=HELLO, headers=key).json()["result"]["serverInfo"]["name"] == "chengyu-rag"
        assert client.post("/mcp", json=HELLO, headers=key | {"Host": "evil.example"}).status_code == 421
        for origin, status in (("https://evil.example", 403), ("null", 403), ("https://a.example", 200)):
            assert client.post("/mcp", json=HELLO, headers=key | {"Origin": origin}).status_code == status
        assert client.post("/mcp", json=HELLO, headers=key | {"Origin": served.url}).status_code == 200

        async def asked() -> Any:
            async with (
                httpx2.AsyncClient(headers=key) as http,
                mcp.Client(streamable_http_client(f"{served.url}/mcp", http_client=http)) as session,
            ):
                return await session.call_tool("ask", {"question": QUESTION})

        assert not asyncio.run(asked()).is_error


def test_wrong_bodies_are_never_an_error_of_the_server(served: Served) -> None:
    with httpx2.Client(base_url=served.url, headers=ACCEPT | {"Content-Type": "application/json"}) as client:
        for body in (b"", b"{", b"[]", b"null", b"\xff", b'{"jsonrpc": "2.0"}', b"[" * 100_000):
            assert 400 <= client.post("/mcp", content=body).status_code < 500
        assert client.post("/mcp", content=b"x", headers={"Content-Type": "text/plain"}).status_code in (400, 415)
        large = client.post("/mcp", content=b"x" * 2_000_000)
        assert large.status_code == 413 and "1048576" in large.json()["detail"]
        assert client.delete("/mcp").status_code in (200, 405)


def test_an_application_can_be_started_again(client: Any) -> None:
    app = client.app
    for _ in range(2):
        with type(client)(app) as again:
            assert again.post("/mcp", json=HELLO, headers=ACCEPT).status_code == 200


def test_nothing_of_the_protocol_is_loaded_before_it_is_asked_for() -> None:
    code = (
        "import sys; from service.app import create_app; from service.settings import Settings; from service.cli import"
        " app; create_app(Settings()); print([name for name in sys.modules if name.split('.')[0].startswith('mcp')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def program(folder: Path, **settings: str) -> StdioServerParameters:
    """``rag mcp`` on one document."""
    (folder / "seeds").mkdir()
    (folder / "seeds" / "bridge.txt").write_text(
        "青江大桥建成通车\n\n10月8日,青江大桥正式通车。青江大桥全长2386米,双向六车道。\n", encoding="utf-8"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAG_")}
    root = str(Path(__file__).parents[2])
    return StdioServerParameters(
        command=sys.executable,
        args=["-c", "from service.cli import app; app()", "mcp", "--seeds", "seeds", "--vectors", "vectors"],
        env=environment | {"PYTHONPATH": root, "RAG_PUBLIC_URL": "https://example.org"} | settings,
        cwd=folder,
    )


def test_over_standard_input_and_output(tmp_path: Path) -> None:
    async def work(client: mcp.Client) -> Any:
        asked: Any = await client.call_tool("ask", {"question": "青江大桥全长多少米?"})
        wrong = await client.call_tool("fetch", {"id": "unknown"})
        return json.loads(asked.content[0].text), wrong.is_error

    reply, wrong = using(program(tmp_path), work)
    assert "2386米" in reply["answer"] and wrong and reply["mode"] == "extractive"
    assert reply["citations"][0]["url"].startswith("https://example.org/documents/bridge.txt/view#")


def test_a_language_model_over_standard_input_and_output(tmp_path: Path) -> None:
    with ScriptedModel(lambda _: "青江大桥有六车道。[1]青江大桥全长2.386公里。[1]青江大桥耗资30亿元。[1]") as model:
        target = program(tmp_path, RAG_LLM_BASE_URL=model.url, RAG_LLM_MODEL="scripted")
        reply = called(target, "ask", question="青江大桥全长多少米?")
    assert (reply["mode"], reply["answer"]) == ("llm", "青江大桥有六车道。[1]青江大桥全长2.386公里。[1]")
    assert [each["quote"] for each in reply["citations"]] == ["青江大桥全长2386米,双向六车道。"]
    assert reply["citations"][0]["url"].startswith("https://example.org/documents/bridge.txt/view#")
