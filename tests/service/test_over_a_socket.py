"""The service behind a real server: what holds only with sockets, threads and an event loop."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import unquote

import pytest
import uvicorn
from scripted_engine import ScriptedEngine
from socket_server import Served

from service.run import listen
from service.settings import Settings

JSON = {"Content-Type": "application/json"}
QUESTION = json.dumps({"question": "代表团什么时候提交建议?"}).encode()


@pytest.fixture
def served(engine: ScriptedEngine) -> Iterator[Served]:
    with Served(engine, Settings(search_threads=2, queue_limit=30)) as running:
        yield running


def test_liveness_never_waits_for_questions(served: Served, engine: ScriptedEngine) -> None:
    engine.hold = threading.Event()
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(served.call, "POST", "/ask", QUESTION, JSON) for _ in range(20)]
        try:
            until = time.monotonic() + 5
            while engine.running < 2 and time.monotonic() < until:
                time.sleep(0.01)
            took = [served.call("GET", "/livez")[2] for _ in range(50)]
            assert engine.running == 2
        finally:
            engine.hold.set()
        assert {each.result()[0] for each in asked} == {200}
    assert max(took) < 1 and sorted(took)[-2] < 0.1  # one may be late where the machine is busy
    assert engine.most_running == 2


def test_overload_is_answered_at_once(engine: ScriptedEngine) -> None:
    engine.hold = threading.Event()
    with Served(engine, Settings(search_threads=1, queue_limit=2)) as served, ThreadPoolExecutor(10) as pool:
        asked = [pool.submit(served.call, "POST", "/ask", QUESTION, JSON) for _ in range(10)]
        try:
            until = time.monotonic() + 5
            while sum(each.done() for each in asked) < 7 and time.monotonic() < until:
                time.sleep(0.01)
            refused = [each.result() for each in asked if each.done()]
        finally:
            engine.hold.set()
        statuses = sorted(each.result()[0] for each in asked)
        assert statuses == [200] * 3 + [503] * 7
        assert all(retry is not None and int(retry) > 0 for _, _, _, retry in refused)
        assert served.call("POST", "/ask", QUESTION, JSON)[0] == 200


@pytest.mark.parametrize("workers", [1, 2])
def test_one_of_several_processes_lets_go_of_connections_where_calls_wait(engine: ScriptedEngine, workers: int) -> None:
    engine.hold = threading.Event()
    with (
        Served(engine, Settings(search_threads=1, workers=workers)) as served,
        ThreadPoolExecutor(2) as pool,
        closing(HTTPConnection("127.0.0.1", served.port, timeout=10)) as connection,
    ):

        def kept() -> bool:
            connection.request("GET", "/livez")
            response = connection.getresponse()
            response.read()
            return not response.will_close

        assert kept()
        asked = [pool.submit(served.call, "POST", "/ask", QUESTION, JSON)]
        try:
            until = time.monotonic() + 5
            while engine.running < 1 and time.monotonic() < until:
                time.sleep(0.01)
            assert kept()  # it runs, and nobody waits
            asked.append(pool.submit(served.call, "POST", "/ask", QUESTION, JSON))
            while workers == 2 and kept() and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(0.1)
            assert kept() == (workers == 1)
        finally:
            engine.hold.set()
        assert {each.result()[0] for each in asked} == {200}
        assert kept()


def test_a_write_that_waits_leaves_queries_alone(served: Served, engine: ScriptedEngine) -> None:
    begun, go, add = threading.Event(), threading.Event(), engine.add

    def slow(*args: Any, **named: Any) -> Any:
        begun.set()
        go.wait(10)
        return add(*args, **named)

    engine.add = slow  # type: ignore[method-assign]
    with ThreadPoolExecutor(5) as pool:
        bodies = [json.dumps({"id": f"d{number}", "text": "x"}).encode() for number in range(5)]
        writes = [pool.submit(served.call, "POST", "/documents", body, JSON) for body in bodies]
        try:
            assert begun.wait(5)
            status, _, took, _ = served.call("POST", "/ask", QUESTION, JSON)
        finally:
            go.set()
        assert status == 200 and took < 1
        assert [write.result()[0] for write in writes] == [201] * 5


@pytest.mark.parametrize("chunked", [False, True])
def test_ten_megabytes_are_answered_and_not_cut_off(served: Served, chunked: bool) -> None:
    data = json.dumps({"question": "x" * 10_000_000}).encode()
    body = iter([data[at : at + 65536] for at in range(0, len(data), 65536)]) if chunked else data
    headers = JSON | {"Connection": "close"} | ({"Transfer-Encoding": "chunked"} if chunked else {})
    status, problem, _, _ = served.call("POST", "/ask", body, headers)
    assert status == 413 and problem["status"] == 413


@pytest.mark.parametrize(("path", "expected"), [("/nothing", 404), ("/documents:batch", 415), ("/index", 405)])
def test_a_large_body_that_nobody_reads_gets_its_answer(served: Served, path: str, expected: int) -> None:
    headers = {"Content-Type": "text/plain", "Connection": "close"}
    assert served.call("POST", path, b"x" * 10_000_000, headers)[0] == expected


def test_a_client_that_waits_for_100_continue_need_not_send(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=5) as connection:
        connection.sendall(
            b"POST /documents:batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
            b"Content-Length: 100000000\r\nExpect: 100-continue\r\n\r\n"
        )
        assert connection.recv(12) == b"HTTP/1.1 415"


def test_a_batch_is_taken_in_as_it_arrives(served: Served, engine: ScriptedEngine) -> None:
    lines = (json.dumps({"id": f"d{number}", "text": "字" * 50_000}).encode() + b"\n" for number in range(200))
    headers = {"Content-Type": "application/x-ndjson", "Transfer-Encoding": "chunked"}
    status, reply, _, _ = served.call("POST", "/documents:batch", lines, headers)
    assert (status, reply) == (200, {"added": 200, "unchanged": 0, "refused": []})
    assert len([name for name, _ in engine.calls if name == "add"]) > 1


def test_a_client_that_leaves_in_the_middle_harms_nobody(
    served: Served, engine: ScriptedEngine, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=5) as connection:
        connection.sendall(
            b"POST /documents:batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
            b'Content-Length: 1000\r\n\r\n{"id": "a", "text": "x"}\n'
        )
    assert served.call("GET", "/livez")[0] == 200
    time.sleep(0.1)
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


@pytest.mark.parametrize("path", ["100%2525", "%25", "%3F%23", "%E9%87%8D%20%F0%9F%98%80", "a%3Ab"])
def test_ids_survive_percent_encoding(served: Served, path: str) -> None:
    body = json.dumps({"id": unquote(path), "text": "x"}).encode()
    assert served.call("POST", "/documents", body, JSON)[0] == 201
    status, document, _, _ = served.call("GET", f"/documents/{path}")
    assert (status, document["id"]) == (200, unquote(path))


def test_an_encoded_slash_is_not_found(served: Served) -> None:
    assert served.call("GET", "/documents/a%2Fb")[0] == 404


def test_what_several_processes_stream_leaves_at_once() -> None:
    with listen(uvicorn.Config("service.run:worker", host="127.0.0.1", port=0)) as listening:
        listening.listen()
        with socket.create_connection(listening.getsockname()):
            accepted, _ = listening.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
