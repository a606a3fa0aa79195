"""The benchmark of written answers: its relay passes on and takes the time, replies are judged for what they say."""

from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from socket_server import Served

from benchmarks import written
from benchmarks.relay import Relay
from rag.engine import Engine
from rag.types import Document
from service.settings import Settings

TEXT = "青江大桥全长2386米,双向六车道。大桥总投资12亿元。"
ITEM: dict[str, Any] = {
    "id": "1", "question": "青江大桥全长多少米?", "kind": "fact", "answerable": True,
    "evidence": ["青江大桥全长2386米"], "must_include": [["2386米"]],
}  # fmt: skip
NONE = ITEM | {"id": "2", "question": "量子计算机的价格是多少?", "answerable": False}


@pytest.fixture
def relay() -> Iterator[Relay]:
    with Relay(None) as scripted, Relay(scripted.url) as relay:
        yield relay


@pytest.fixture
def connection(relay: Relay, tmp_path: Path) -> Iterator[HTTPConnection]:
    engine = Engine.open(tmp_path)
    engine.add([Document("bridge", TEXT, "青江大桥通车")])
    settings = Settings(vectors_dir=tmp_path, llm_base_url=relay.url, llm_model="any", llm_timeout=10)
    with Served(engine, settings) as served:
        connection = HTTPConnection("127.0.0.1", served.port, timeout=60)
        yield connection
        connection.close()
    engine.close()


def test_a_question_is_asked_timed_and_judged(connection: HTTPConnection, relay: Relay) -> None:
    rows = {mode: [written.ask(connection, relay, item, mode) for item in (ITEM, NONE)] for mode in written.MODES}
    assert [row.reply["mode"] for row in rows["auto"]] == ["llm", "extractive"]
    assert rows["auto"][0].reply["answer"] == "青江大桥全长2386米,双向六车道。[1]"
    assert all(row.right and row.verbatim for some in rows.values() for row in some)
    model = [[row.model > 0 for row in rows[mode]] for mode in written.MODES]
    assert model == [[False, False], [True, False]]
    asked = rows["auto"][0]
    assert 0 < asked.first <= asked.total and 0 < asked.ours < asked.total
    counted = written.metrics(connection)
    assert counted == {"calls": {"written": 1, "unasked": 1}, "sentences": {"kept": 1}}
    table = written.table(rows, judged=True)
    assert "| right, of 2 | 2 | 2 |" in table and "| answered, and not right | 0 | 0 |" in table
    assert written.outcomes(counted).endswith("Of the model's 1 sentences: kept 100%.")


def test_a_reply_that_lacks_what_it_must_hold_is_not_right(connection: HTTPConnection, relay: Relay) -> None:
    reply = written.ask(connection, relay, ITEM, "auto").reply
    assert written.right(reply, ITEM)
    assert not written.right(reply, ITEM | {"must_include": [["2387米"]]})
    assert not written.right(reply, ITEM | {"evidence": ["大桥总投资12亿元。"]})
    assert not written.right(reply, NONE)
    assert not written.verbatim(connection, {"citations": [reply["citations"][0] | {"start": 1}]})
