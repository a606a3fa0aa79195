"""``/metrics``: what is counted, under how few labels, by one process and by several."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from prometheus_client.parser import text_string_to_metric_families
from scripted_engine import ScriptedEngine
from starlette.testclient import TestClient

INDEX = ("route", "/index")


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Values by name and labels, read by Prometheus' own parser."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def labelled(**labels: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


def test_requests_answers_and_the_index_are_counted(client: TestClient) -> None:
    for question in ("代表团什么时候提交建议?", "代表团什么时候提交建议?", "x"):
        client.post("/ask", json={"question": question})
    client.post("/ask", json={})
    client.get("/documents/seed-1")
    client.get("/documents/unknown")
    client.get("/assets/style.css")
    client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "x"}]})
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    found = samples(response.text)

    def requests(route: str, method: str, status: int) -> float:
        return found["rag_requests_total", labelled(route=route, method=method, status=str(status))]

    assert requests("/ask", "POST", 200) == 3 and requests("/ask", "POST", 422) == 1
    assert requests("/documents/{id}", "GET", 200) == requests("/documents/{id}", "GET", 404) == 1
    assert requests("/assets", "GET", 200) == 1
    assert requests("/v1/chat/completions", "POST", 200) == 1
    assert found["rag_request_seconds_count", labelled(route="/ask", method="POST")] == 4
    assert found["rag_answers_total", labelled(mode="extractive", outcome="answered")] == 2
    assert found["rag_answers_total", labelled(mode="extractive", outcome="no_topic")] == 2
    assert found["rag_documents", ()] == found["rag_chunks", ()] == found["rag_ready", ()] == 1
    assert found["rag_jobs", labelled(state="running")] == 0
    build = [key for key in found if key[0] == "rag_build_info"]
    assert len(build) == 1 and dict(build[0][1])["model"] == "scripted"


def test_labels_stay_few_whatever_clients_send(client: TestClient) -> None:
    client.get("/metrics")
    for number in range(30):
        client.get(f"/nothing/{number}")
        client.get(f"/documents/{number}")
        client.request(f"BREW{number}", f"/{number}")
        client.get("/index", headers={"Host": f"evil{number}.example"})
    text = client.get("/metrics").text
    assert "BREW" not in text and "/nothing" not in text and "evil" not in text
    assert len([key for key in samples(text) if key[0] == "rag_requests_total"]) < 8


def test_it_answers_while_the_index_is_being_opened(make_client: Any) -> None:
    def never(settings: Any, say: Any) -> Any:
        raise OSError(5, "Input/output error")

    found = samples(make_client(opener=never).get("/metrics").text)
    assert found["rag_ready", ()] == 0 and ("rag_documents", ()) not in found


def test_jobs_are_counted_by_state(client: TestClient, engine: ScriptedEngine) -> None:
    client.post("/index/rebuild")
    until = time.monotonic() + 10
    while client.get("/jobs").json()["jobs"][0]["state"] != "done" and time.monotonic() < until:
        time.sleep(0.02)
    assert samples(client.get("/metrics").text)["rag_jobs", labelled(state="done")] == 1


def test_several_workers_are_added_up(tmp_path: Path) -> None:
    (tmp_path / "seeds").mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAG_")}
    port = free_port()
    settings = {"RAG_PORT": str(port), "RAG_WORKERS": "2", "RAG_SEEDS_DIR": "seeds", "RAG_VECTORS_DIR": "vectors"}
    root = str(Path(__file__).parents[2])
    paths = {"PYTHONPATH": root, "TMPDIR": str(tmp_path)}
    log = tmp_path / "log"
    with log.open("w", encoding="utf-8") as out:
        service = subprocess.Popen(
            [sys.executable, "-c", "from service.cli import app; app(['serve'])"],
            cwd=tmp_path, env=environment | settings | paths, stderr=out,
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        until = time.monotonic() + 60
        while get(url + "/readyz") != 200:
            assert time.monotonic() < until and service.poll() is None, log.read_text(encoding="utf-8")
            time.sleep(0.1)
        for _ in range(40):  # each on a connection of its own, so that both workers get some
            assert get(url + "/index") in (200, 503)
        with urlopen(url + "/metrics", timeout=10) as reply:
            text = reply.read().decode()
        found = samples(text)
        asked = [v for (name, labels), v in found.items() if name == "rag_requests_total" and INDEX in labels]
        assert sum(asked) == 40
        assert len(list(tmp_path.glob("rag-metrics-*/counter_*.db"))) == 2
    finally:
        service.terminate()
        service.wait(20)
    assert list(tmp_path.glob("rag-metrics-*")) == []


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def get(url: str) -> int:
    try:
        with urlopen(Request(url, headers={"Connection": "close"}), timeout=10) as reply:
            return int(reply.status)
    except HTTPError as error:
        return error.code
    except (URLError, OSError):
        return 0
