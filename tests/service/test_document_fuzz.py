"""No document gives a server error: when it is stored, asked, searched, viewed or deleted.

Documents are put together from the pathological kinds and from pieces of ordinary ones, by a seeded generator.
``FUZZ_SECONDS`` (default 8) says for how long, ``FUZZ_SEED`` (default 1) which documents.
"""

import json
import os
import random
import threading
import time
from collections.abc import Iterator

import pytest
from pathological import KINDS
from starlette.testclient import TestClient

from service.app import create_app
from service.settings import Settings

PIECES = (
    "正文：", "来源:", "标题", "# ", "## 二级\n", "第一条 ", "第二章 总则\n",
    "重庆市图书馆2024年3月5日开放，座位1800个。", "东湖小区", "是", "多少", "text", " ", "\t",
    "\u3000", "\n", "\r\n", "\u2028", "\x0c", "\x85", "：", ":", "，", "。", "“", "”", "《", "（",
    "[1]", "[7]", "|", "- ", "1. ", "```\n", "---\n", "\u200b", "\ufeff", "\u202e", "\x00",
    "\x1b[2J", "\ud800", "\udfff", "😀", "👨\u200d👩\u200d👧", "e\u0301", "𝒜", "\ufffd", "<p a=1>",
    "</div>", "&#0;", "<!-- ", "百分之", "3.5万亿", "记者 张三", "谁", "二〇二四年", "\U0010ffff",
    "\uffff", "\ufdfa", "\u01c5", "\u0130", "\xdf",
)  # fmt: skip
QUESTIONS = ("text", "正文是什么？", "多少座位？", "东湖小区是谁？", "什么时候", "who is it", " ? ", "😀")


def _make_text(chance: random.Random) -> str:
    """Return a document's text: a few pathological runs, of up to 3,000 characters, among pieces of ordinary ones."""
    parts: list[str] = []
    for _ in range(chance.randrange(1, 12)):
        if chance.random() < 0.4:
            parts.append(KINDS[chance.choice(list(KINDS))](chance.choice((1, 2, 60, 121, 200, 401, 501, 3_000))))
        else:
            parts.append(chance.choice(PIECES) * chance.choice((1, 1, 1, 2, 30, 121, 500)))
    return "".join(parts)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "seeds").mkdir()
    settings = Settings(seeds_dir=folder / "seeds", vectors_dir=folder / "vectors", allowed_hosts=("testserver",))
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        until = time.monotonic() + 120
        while client.get("/readyz").status_code != 200:
            assert time.monotonic() < until, client.get("/readyz").text
            time.sleep(0.05)
        yield client


def _use(client: TestClient, text: str, chance: random.Random) -> list[tuple[str, int, str]]:
    """Store a document, as JSON or as a file, use it in every way, and return the replies that are server errors."""
    calls = []
    if chance.random() < 0.5:
        body = ascii_json({"text": text, "title": text[:50].strip() or "a"})
        reply = client.post("/documents", content=body, headers={"content-type": "application/json"})
    else:
        name = "a" + chance.choice((".txt", ".md", ".html", ".mhtml"))
        reply = client.post("/documents", files={"file": (name, text.encode("utf-8", "replace"))})
    calls.append(("POST /documents", reply))
    if reply.status_code == 201:
        at = reply.headers["location"]
        only = {"document_ids": [reply.json()["id"]]}
        question = chance.choice((*QUESTIONS, "".join(text.split())[:20].encode("utf-8", "ignore").decode() or "a"))
        calls.append(("GET", client.get(at)))
        calls.append(("GET view", client.get(f"{at}/view")))
        calls.append(("POST /search", client.post("/search", json={"query": question, "filter": only})))
        calls.append(("POST /ask", client.post("/ask", json={"question": question, "filter": only})))
        chat = {"model": "any", "messages": [{"role": "user", "content": question}]}
        calls.append(("POST /v1", client.post("/v1/chat/completions", json=chat)))
        calls.append(("DELETE", client.delete(at)))
    return [(f"{what} {text[:200]!r}", reply.status_code, reply.text[:300]) for what, reply in calls
            if reply.status_code >= 500]  # fmt: skip


def ascii_json(body: dict[str, str]) -> bytes:
    """Return JSON with escapes, which can hold lone surrogates."""
    return json.dumps(body).encode("ascii")


def test_no_document_gives_a_server_error(client: TestClient) -> None:
    chance = random.Random(int(os.environ.get("FUZZ_SEED", "1")))
    until = time.monotonic() + float(os.environ.get("FUZZ_SECONDS", "8"))
    count = 0
    while time.monotonic() < until or count < 5:
        faults = _use(client, _make_text(chance), chance)
        assert not faults, faults
        count += 1


@pytest.mark.parametrize("gap", [" ", "\u3000", "\t", "\xa0", "\u200b"])
@pytest.mark.parametrize("size", [121, 501])
def test_a_long_gap_in_a_line_is_answered(client: TestClient, gap: str, size: int) -> None:
    body = {"text": f"正文：{gap * size}text", "title": "标题"}
    reply = client.post("/documents", json=body)
    assert reply.status_code in (200, 201), reply.text
    only = {"document_ids": [reply.json()["id"]]}
    for question in QUESTIONS[:6]:
        assert client.post("/ask", json={"question": question, "filter": only}).status_code < 500


@pytest.mark.alone
@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.txt", "short lines"), ("a.md", "heading, spaces"), ("a.html", "attributes"), ("a.txt", "articles")],
)
def test_the_service_is_alive_while_a_hard_document_is_read(client: TestClient, name: str, kind: str) -> None:
    data = KINDS[kind](300_000).encode()
    done = threading.Event()

    def upload() -> None:
        client.post("/documents", files={"file": (name, data)})
        done.set()

    thread = threading.Thread(target=upload, daemon=True)
    slowest = 0.0
    thread.start()
    while not done.is_set():
        began = time.perf_counter()
        assert client.get("/livez").status_code == 200
        slowest = max(slowest, time.perf_counter() - began)
        done.wait(0.02)
    thread.join()
    assert slowest < 0.2
