"""Probes, and the engine's life: opened in the background, retried, closed."""

import logging
import sys
import threading
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from scripted_engine import Report, ScriptedEngine
from starlette.testclient import TestClient

from rag.embed import Options
from rag.errors import Busy, IndexMismatch
from service import serving
from service.settings import Settings


def wait_until_ready(client: TestClient) -> None:
    until = time.monotonic() + 5
    while client.get("/readyz").status_code != 200:
        assert time.monotonic() < until, client.get("/readyz").text
        time.sleep(0.01)


def test_probes_of_a_service_that_is_ready(client: TestClient) -> None:
    assert client.get("/livez").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready", "detail": None}
    assert client.head("/livez").status_code == client.head("/readyz").status_code == 200


def test_a_fall_back_is_said(client: TestClient, engine: ScriptedEngine) -> None:
    engine.degraded = "generation 3 is damaged; serving generation 2"
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"status": "degraded", "detail": engine.degraded}


def test_while_the_index_is_opened_it_is_alive_but_not_ready(make_client: Any, engine: ScriptedEngine) -> None:
    go = threading.Event()

    def opener(settings: Settings, say: Any) -> ScriptedEngine:
        say("indexing the seeds, 3 of 10 done")
        go.wait(10)
        return engine

    client = make_client(opener=opener)
    try:
        assert client.get("/livez").status_code == 200
        assert client.get("/").status_code == 200
        for response in (
            client.get("/readyz"),
            client.post("/ask", json={"question": "x"}),
            client.get("/documents"),
            client.post("/documents:batch", content=b"{}", headers={"Content-Type": "application/x-ndjson"}),
        ):
            assert response.status_code == 503
            assert int(response.headers["retry-after"]) > 0
            assert response.headers["content-type"] == "application/problem+json"
            assert "3 of 10" in response.json()["detail"]
        assert client.post("/ask", json={}).status_code == 422
    finally:
        go.set()
    wait_until_ready(client)
    assert client.post("/ask", json={"question": "x"}).status_code == 200


def test_why_it_could_not_start_is_said(make_client: Any) -> None:
    def opener(settings: Settings, say: Any) -> ScriptedEngine:
        raise IndexMismatch("the index was made with another model; run: rag build --full")

    client = make_client(opener=opener)
    time.sleep(0.05)
    assert "rag build --full" in client.get("/readyz").json()["detail"]
    assert client.get("/livez").status_code == 200


def test_an_unexpected_failure_is_logged_and_not_shown(make_client: Any, caplog: pytest.LogCaptureFixture) -> None:
    def opener(settings: Settings, say: Any) -> ScriptedEngine:
        raise ZeroDivisionError("secret")

    client = make_client(opener=opener)
    time.sleep(0.05)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "ZeroDivisionError" in response.json()["detail"] and "secret" not in response.text
    assert "secret" in caplog.text


def test_a_record_that_is_busy_is_tried_again(
    make_client: Any, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "RETRY_SECONDS", 0.01)
    tries = []

    def opener(settings: Settings, say: Any) -> ScriptedEngine:
        tries.append(settings)
        if len(tries) < 3:
            raise Busy("another process writes")
        return engine

    wait_until_ready(make_client(opener=opener))
    assert len(tries) == 3


@pytest.mark.parametrize("given", [True, False])
def test_only_an_engine_of_its_own_is_closed(make_client: Any, engine: ScriptedEngine, given: bool) -> None:
    client = make_client() if given else make_client(opener=lambda settings, say: engine)
    wait_until_ready(client)
    client.__exit__()
    assert engine.closed is not given


class Opened(ScriptedEngine):
    """What ``rag.engine.Engine`` is to ``open_engine``."""

    report = Report()

    @classmethod
    def open(cls, vectors: Path, *, model: str | None, embedding: Options, threshold: float | None) -> "Opened":
        opened = cls()
        opened.calls.append(("open", (vectors, model, embedding, threshold)))
        return opened

    def build(self, seeds: Path, **_: Any) -> Report:
        self.calls.append(("build", seeds))
        if self.report.refused and isinstance(self.report.refused[0], Exception):
            raise self.report.refused[0]
        return self.report


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> type[Opened]:
    module = ModuleType("rag.engine")
    fresh = type("Fresh", (Opened,), {"report": Report()})
    module.Engine = fresh  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "rag.engine", module)
    return fresh


def test_the_seeds_are_indexed_before_it_is_ready(opened: type[Opened], tmp_path: Path) -> None:
    settings = Settings(
        seeds_dir=tmp_path, vectors_dir=tmp_path / "v", embedding_model="m", embedding_max_tokens=9, threshold=0.5
    )
    engine: Any = serving.open_engine(settings, lambda reason: None)
    assert engine.calls[:2] == [("open", (tmp_path / "v", "m", Options(max_tokens=9), 0.5)), ("build", tmp_path)]
    assert [name for name, _ in engine.calls].count("ask") == 1  # so that the first who asks does not wait


def test_without_a_seeds_folder_what_is_indexed_is_served(
    opened: type[Opened], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine: Any = serving.open_engine(Settings(seeds_dir=tmp_path / "none"), lambda reason: None)
    names = [name for name, _ in engine.calls]
    assert names[0] == "open" and "build" not in names
    assert "does not exist" in caplog.text


def test_a_seed_that_was_refused_is_logged(
    opened: type[Opened], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    opened.report.refused.append(SimpleNamespace(id="bad.txt", detail="it is empty"))
    with caplog.at_level(logging.WARNING):
        serving.open_engine(Settings(seeds_dir=tmp_path), lambda reason: None)
    assert "bad.txt" in caplog.text and "it is empty" in caplog.text


def test_a_build_that_fails_closes_what_was_opened(
    opened: type[Opened], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []
    monkeypatch.setattr(opened, "close", lambda self: closed.append(self))
    opened.report.refused.append(Busy("another process writes"))
    with pytest.raises(Busy):
        serving.open_engine(Settings(seeds_dir=tmp_path), lambda reason: None)
    assert len(closed) == 1
