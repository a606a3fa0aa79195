"""Moving to another embedding model: noticed everywhere, and done as docs/embedding-model.md says, without downtime."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from articles import ARTICLES, BRIDGE
from samples import entry
from starlette.testclient import TestClient
from typer.testing import CliRunner

from rag import embed
from rag.convert import convert
from rag.engine import Engine
from rag.library import FILE, Entry, Identity, Library
from rag.types import Document
from service.app import create_app
from service.cli import app
from service.settings import Settings

ROOT = Path(__file__).parents[1]
RAG = Path(sys.prefix) / "bin" / "rag"
QUESTION = "青江大桥全长多少米?"
GUIDE = (ROOT / "docs" / "embedding-model.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"^```sh\n(.*?)^```", GUIDE, re.M | re.S) for line in block.splitlines()]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("RAG_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A working directory with a seed."""
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "bridge.txt").write_text(BRIDGE.text, encoding="utf-8")
    shutil.copytree(ROOT / "benchmarks" / "questions", tmp_path / "benchmarks" / "questions")
    return tmp_path


# It is noticed


def test_the_command_names_both_models_and_what_rebuilds(home: Path, transformer: Path) -> None:
    folders = ["--seeds", str(home / "seeds"), "--vectors", str(home / "vectors")]
    tiny = {"RAG_EMBEDDING_MODEL": str(transformer), "RAG_EMBEDDING_DEVICE": "cpu"}

    def rag(*arguments: str, **environment: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, [*arguments, *folders], env=tiny | environment, catch_exceptions=False)
        return done.exit_code, done.stdout + done.stderr

    shipped, name = embed.load().name, embed.load(str(transformer)).name
    assert shipped in rag("build", RAG_EMBEDDING_MODEL="")[1]
    for command in (("ask", QUESTION), ("search", QUESTION)):
        code, said = rag(*command)
        assert code == 2 and said.count("\n") == 1
        assert shipped in said and name in said and "`rag build`" in said
    assert name in rag("build")[1]
    assert "2386米" in rag("ask", QUESTION)[1]
    assert rag("ask", QUESTION, RAG_EMBEDDING_BATCH_SIZE="4")[0] == 0
    for changed in ({"QUERY_PROMPT": "求: "}, {"PASSAGE_PROMPT": "x"}, {"MAX_TOKENS": "40"}, {"TRUNCATE_DIM": "8"}):
        code, said = rag("ask", QUESTION, **{f"RAG_EMBEDDING_{key}": value for key, value in changed.items()})
        assert code == 2 and f"{name!r}, now it is '{name}+" in said and "`rag build`" in said
    assert "16 or less" in rag("ask", QUESTION, RAG_EMBEDDING_TRUNCATE_DIM="17")[1]
    assert "RAG_EMBEDDING_BATCH_SIZE=0" in rag("ask", QUESTION, RAG_EMBEDDING_BATCH_SIZE="0")[1]


def test_a_service_with_another_model_says_why_it_is_not_ready(home: Path, transformer: Path) -> None:
    engine = Engine.open(home / "vectors")
    engine.add([BRIDGE])
    shipped = engine.stats().model
    engine.close()
    settings = Settings(
        seeds_dir=home / "seeds", vectors_dir=home / "vectors", embedding_model=str(transformer),
        embedding_device="cpu", allowed_hosts=("testserver",),
    )  # fmt: skip
    with TestClient(create_app(settings)) as client:
        until = time.monotonic() + 60
        while "rag build" not in (said := client.get("/readyz").text):
            assert time.monotonic() < until, said
            time.sleep(0.05)
        reply = client.get("/readyz")
        assert reply.status_code == 503
        assert shipped in reply.json()["detail"] and embed.load(str(transformer)).name in reply.json()["detail"]


# The record is converted while it is written to


def test_what_is_written_while_the_record_is_converted_is_in_it_too(tmp_path: Path) -> None:
    old, new = Identity("old", 64, "bigrams", "lines"), Identity("new", 64, "bigrams", "lines")
    library, other = Library.open(tmp_path / FILE), Library.open(tmp_path / FILE)
    library.put([entry(f"d{i}", f"第{i}篇") for i in range(5)], old)
    calls: list[list[str]] = []

    def entries(documents: Any) -> list[Entry]:
        calls.append([document.id for document in documents])
        if len(calls) == 1:
            other.put([entry("late", "晚来的"), entry("d0", "换了的")], old)
            other.remove(["d1"])
        elif len(calls) == 2:
            other.put([entry("later", "更晚的")], old)
        return [entry(document.id, document.text) for document in documents]

    convert(library, new, entries)
    assert calls[1] == ["late", "d0"] and calls[2] == ["later"]
    assert {d.id for d in library.list()[0]} == {"d0", "d2", "d3", "d4", "late", "later"}
    changed = library.get("d0")
    assert changed is not None and changed.text == "换了的"
    assert library.identity() == new and library.sequence() == 5
    with library.changes_since(0) as changes:
        assert sum(len(stored.chunks) for stored in changes) == 6
    library.close()
    other.close()


def test_an_engine_answers_on_while_another_moves_and_goes_back(
    tmp_path: Path, other_model: Path, transformer: Path
) -> None:
    running = Engine.open(tmp_path)
    running.add(ARTICLES)
    before = running.ask(QUESTION)
    for model in (other_model, transformer):
        moved = Engine.open(tmp_path, model=str(model), embedding=embed.Options(device="cpu"), rebuild=True)
        assert moved.stats().model.startswith(model.name) and moved.stats().documents == len(ARTICLES)
        for engine in (running, moved):
            again = engine.ask(QUESTION)
            assert (again.text, [c.quote for c in again.citations]) == (
                before.text,
                [c.quote for c in before.citations],
            )
        assert running.search(QUESTION)[0].document_id == "bridge"
        assert running.degraded is not None and model.name in running.degraded
        moved.close()
    back = Engine.open(tmp_path, rebuild=True)
    back.add([Document(id="new", title="公告", text="水位为17厘米。")])
    assert running.search("水位")[0].document_id == "new"
    assert running.degraded is None
    back.close()
    running.close()


# As the guide says


@contextmanager
def process(command: str, home: Path, port: int) -> Iterator[str]:
    """A service of its own process, ready; its address."""
    address = f"http://127.0.0.1:{port}"
    with (home / f"{port}.log").open("w", encoding="utf-8") as log:
        service = subprocess.Popen(["bash", "-c", f"exec env {command}"], cwd=home, stderr=log)
    try:
        until = time.monotonic() + 120
        while not ready(address):
            assert service.poll() is None and time.monotonic() < until, (home / f"{port}.log").read_text("utf-8")
            time.sleep(0.1)
        yield address
    finally:
        service.send_signal(signal.SIGINT)
        service.wait(30)


def ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz", timeout=30).status_code == 200
    except httpx.TransportError:
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.mark.skipif(not RAG.exists() or not shutil.which("bash"), reason="bash or the command rag is absent")
def test_the_guide_moves_a_service_without_downtime_or_loss(home: Path, transformer: Path) -> None:
    ports = {"8000": free_port(), "8001": free_port()}
    here = {"BAAI/bge-small-zh-v1.5": str(transformer), ".venv/bin/rag": str(RAG), "8001": str(ports["8001"])}

    def local(command: str) -> str:
        for given, put in here.items():
            command = command.replace(given, put)
        return command

    trial, build, serve = (local(command) for command in COMMANDS)
    assert (" eval " in trial, build.endswith(" build"), serve.endswith(" serve")) == (True, True, True)
    stop = threading.Event()
    answers: list[tuple[int, str]] = []
    written: list[str] = []
    refused: list[str] = []

    def asking(address: str) -> None:
        while not stop.is_set():
            reply = httpx.post(f"{address}/ask", json={"question": QUESTION}, timeout=60)
            answers.append((reply.status_code, reply.json().get("answer", reply.text)))

    def adding(address: str) -> None:
        while not stop.is_set():
            number = len(written)
            document = {
                "id": f"notice-{number}",
                "title": f"公告{number}",
                "text": f"第{number}号公告:水位为{number}厘米。",
            }
            reply = httpx.post(f"{address}/documents", json=document, timeout=60)
            if reply.status_code == 201:
                written.append(document["id"])
            else:
                refused.append(f"{reply.status_code} {reply.text}")
                time.sleep(0.2)

    with process(f"RAG_PORT={ports['8000']} {RAG} serve", home, ports["8000"]) as old:
        threads = [threading.Thread(target=work, args=(old,)) for work in (asking, asking, adding)]
        for thread in threads:
            thread.start()
        try:
            subprocess.run(["bash", "-c", build], cwd=home, check=True, capture_output=True, timeout=180)
            answered = len(answers)
            with process(serve, home, ports["8001"]) as new:
                while len(answers) < answered + 20 or not refused:
                    time.sleep(0.05)
                stop.set()
                for thread in threads:
                    thread.join(60)
                said = httpx.get(f"{old}/readyz", timeout=30).json()
                assert said["status"] == "degraded" and transformer.name in said["detail"]
                check(new, written, transformer.name)
        finally:
            stop.set()
    assert {status for status, _ in answers} == {200}
    assert all("2386米" in answer for _, answer in answers)
    assert all(line.startswith("503") and "rag build" in line for line in refused)

    figures = json.loads(subprocess.run(["bash", "-c", trial], cwd=home, check=True, capture_output=True).stdout)
    assert figures["questions"] > 0 and (home / "vectors-trial" / FILE).exists()


def check(address: str, written: list[str], model: str) -> None:
    """The new service has every document that was taken, finds it, and takes more."""
    listed, cursor = set(), ""
    while cursor is not None:
        page = httpx.get(f"{address}/documents", params={"limit": 200} | ({"cursor": cursor} if cursor else {})).json()
        listed |= {document["id"] for document in page["documents"]}
        cursor = page["next_cursor"]
    assert len(written) > 5 and listed == {"bridge.txt", *written}
    assert httpx.get(f"{address}/index").json()["model"].startswith(f"{model}@")
    last = len(written) - 1
    found = httpx.post(f"{address}/search", json={"query": f"第{last}号公告的水位"}, timeout=30).json()["passages"]
    assert found[0]["document_id"] == written[-1]
    document = {"id": "after", "text": "搬完之后的公告。"}
    assert httpx.post(f"{address}/documents", json=document, timeout=30).status_code == 201


def test_the_guide_names_settings_that_there_are() -> None:
    known = {f"RAG_{field.upper()}" for field in Settings.model_fields}
    named = set(re.findall(r"RAG_[A-Z_]+", GUIDE))
    assert named <= known and {name for name in known if "EMBEDDING" in name} <= named
