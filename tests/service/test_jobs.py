"""Jobs: queued, followed, cancelled, and taken up again where they stopped."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from scripted_engine import ScriptedEngine
from starlette.testclient import TestClient

from rag.errors import Conflict, NotFound, RagError
from service.jobs.runner import Course, Runner, Stopped
from service.jobs.store import Store
from service.settings import Settings


def ended(client: TestClient, id: str) -> dict[str, Any]:
    for _ in range(400):
        job: dict[str, Any] = client.get(f"/jobs/{id}").json()
        if job["state"] in ("done", "failed", "cancelled"):
            return job
        time.sleep(0.025)
    raise AssertionError(f"the job does not end: {job}")


def test_a_rebuild_is_a_job_that_comes_to_its_end(client: TestClient, engine: ScriptedEngine) -> None:
    response = client.post("/index/rebuild", json={"full": True})
    assert response.status_code == 202
    job = response.json()
    assert response.headers["location"] == f"/jobs/{job['id']}"
    assert (job["kind"], job["state"] in ("queued", "running", "done"), job["errors"]) == ("rebuild", True, [])
    last = ended(client, job["id"])
    assert last["state"] == "done"
    assert last["progress"] == {"done": 10, "total": 10, "rate": last["progress"]["rate"], "eta": None}
    assert last["result"] == {"added": 1, "unchanged": 0, "removed": 0, "refused": 0}
    assert last["started"] >= last["created"] and last["ended"] >= last["started"]
    assert ("rebuild", (True, 0)) in engine.calls
    assert client.get("/jobs").json()["jobs"] == [last]
    assert client.post("/index/rebuild").status_code == 202  # no body: nothing but the default


@pytest.mark.parametrize("body", [{"full": "yes"}, {"fast": True}, []])
def test_a_wrong_request_makes_no_job(client: TestClient, body: Any) -> None:
    assert client.post("/index/rebuild", json=body).status_code == 422
    assert client.get("/jobs").json() == {"jobs": []}
    for path in ("/jobs/nothing", "/jobs/nothing/events"):
        assert client.get(path).status_code == 404
    assert client.delete("/jobs/nothing").status_code == 404


def test_events_follow_a_job_to_its_end(client: TestClient, engine: ScriptedEngine) -> None:
    engine.hold = threading.Event()
    id = client.post("/index/rebuild").json()["id"]
    with client.stream("GET", f"/jobs/{id}/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        blocks = [block for block in "".join(response.iter_text()).split("\n\n") if block]
    told = [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]
    jobs = [json.loads(each["data"]) for each in told]
    assert [each["event"] for each in told] == ["progress"] * (len(told) - 1) + ["done"]
    done = [job["progress"]["done"] for job in jobs]
    assert done == sorted(done) and len(set(done)) > 2 and jobs[-1]["state"] == "done"
    assert any(job["progress"]["eta"] for job in jobs if job["state"] == "running")


def test_a_job_is_cancelled_and_leaves_what_was_there(client: TestClient, engine: ScriptedEngine) -> None:
    engine.hold = threading.Event()
    running, waiting = (client.post("/index/rebuild").json()["id"] for _ in range(2))
    assert client.delete(f"/jobs/{waiting}").json()["state"] == "cancelled"
    assert client.delete(f"/jobs/{running}").status_code == 200
    assert ended(client, running)["state"] == ended(client, waiting)["state"] == "cancelled"
    assert client.get("/documents/rebuilt").status_code == 404
    assert client.delete(f"/jobs/{running}").json()["state"] == "cancelled"  # again: as it is
    engine.hold = None
    done = client.post("/index/rebuild").json()["id"]
    assert ended(client, done)["state"] == "done"  # the queue goes on
    assert client.delete(f"/jobs/{done}").json()["state"] == "done"


def test_a_job_that_fails_says_why_and_the_queue_goes_on(client: TestClient, engine: ScriptedEngine) -> None:
    engine.fails = RagError("the disk is full: make room")
    first = ended(client, client.post("/index/rebuild").json()["id"])
    assert (first["state"], [each["detail"] for each in first["errors"]]) == ("failed", ["the disk is full: make room"])
    engine.fails = ZeroDivisionError("secret")
    second = ended(client, client.post("/index/rebuild").json()["id"])
    assert second["state"] == "failed" and "secret" not in json.dumps(second)
    engine.fails = None
    assert ended(client, client.post("/index/rebuild").json()["id"])["state"] == "done"


def lines(*items: Any) -> bytes:
    return b"\n".join(item if isinstance(item, bytes) else json.dumps(item).encode() for item in items)


def test_a_batch_as_a_job_adds_what_it_can(client: TestClient, engine: ScriptedEngine, tmp_path: Path) -> None:
    data = lines({"id": "a", "text": "甲"}, b"no json", {"id": "b", "text": "乙"}, {"id": "c", "text": "poison"}, b"")
    headers = {"Content-Type": "application/x-ndjson"}
    response = client.post("/documents:batch?wait=false", content=data, headers=headers)
    assert response.status_code == 202
    job = ended(client, response.json()["id"])
    assert (job["state"], job["result"]) == ("done", {"added": 2, "unchanged": 0, "refused": 2})
    assert [(each["line"], each["id"]) for each in job["errors"]] == [(2, None), (4, "c")]
    assert {"a", "b"} < set(engine.held) and "c" not in engine.held
    assert list((tmp_path / "vectors" / "jobs").glob("*.ndjson")) == []
    again = client.post("/documents:batch?wait=false", content=data, headers=headers).json()["id"]
    assert ended(client, again)["result"] == {"added": 0, "unchanged": 2, "refused": 2}
    before = client.get("/jobs").json()
    for target in ("/documents:batch", "/documents:batch?wait=false"):
        empty = client.post(target, content=b"", headers=headers)
        assert empty.status_code == 422 and "no document" in empty.json()["detail"]
    assert client.post("/documents:batch", content=b"\n \n", headers=headers).status_code == 422
    assert client.get("/jobs").json() == before


@pytest.fixture
def runner(tmp_path: Path) -> Callable[[], Runner]:
    return lambda: Runner(Store(tmp_path), Settings(vectors_dir=tmp_path, seeds_dir=tmp_path))


def until(store: Store, id: str, state: str) -> None:
    for _ in range(400):
        if store.get(id).state == state:
            return
        time.sleep(0.025)
    raise AssertionError(f"{id} is {store.get(id).state}, not {state}")


def test_what_was_broken_off_goes_on_where_it_stopped(runner: Callable[[], Runner]) -> None:
    first, engine = runner(), ScriptedEngine()
    engine.hold = threading.Event()
    id = first.create("rebuild", {"full": True}).id
    first.start(cast("Any", engine))
    while first.store.get(id).reached.get("prepared", 0) < 3:
        time.sleep(0.02)
    first.stop()  # as at the end of a service; after a kill the state on disk is the same
    left = Store(first.store.folder.parent).get(id)
    assert (left.state, left.ended) == ("running", None)
    second, engine = runner(), ScriptedEngine()
    second.start(cast("Any", engine))
    until(second.store, id, "done")
    assert engine.calls[0] == ("rebuild", (True, left.reached["prepared"]))
    second.stop()


def test_only_one_process_does_jobs(runner: Callable[[], Runner]) -> None:
    first, second = runner(), runner()
    engines = [ScriptedEngine(), ScriptedEngine()]
    ids = [first.create("rebuild", {"full": bool(n % 2)}).id for n in range(6)]
    first.start(cast("Any", engines[0]))
    second.start(cast("Any", engines[1]))
    for id in ids:
        until(first.store, id, "done")
    done = [call for engine in engines for call in engine.calls if call[0] == "rebuild"]
    assert len(done) == 6
    assert [job.id for job in first.store.list()] == ids[::-1]
    with first.store.lead() as leading, second.store.lead() as other:
        assert not (leading and other)
    first.stop()
    second.stop()


def test_a_settled_job_is_not_cancelled(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.list() == [] and store.next() is None
    with pytest.raises(NotFound):
        store.get("x")
    id = store.create("rebuild", {}).id
    assert store.start(id) and store.settle(id)
    with pytest.raises(Conflict, match="storing"):
        store.cancel(id)
    course = Course(store, id, 0, threading.Event())
    course(1, 2)
    assert store.get(id).done == 1
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(Stopped):
        Course(store, id, 0, stopping)(1, 2)
    store.close()
