"""Clients that hold connections: without a word, byte by byte, or without reading. Real sockets throughout."""

import asyncio
import json
import logging
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from scripted_engine import ScriptedEngine
from socket_server import Served

from service import connections
from service.connections import Connections, count_allowed_connections
from service.settings import Settings

JSON = {"Content-Type": "application/json"}
QUESTION = json.dumps({"question": "代表团什么时候提交建议?"}).encode()
SEEDS = Path(__file__).parents[2] / "seeds"
PATIENCE = 15.0  # seconds for what takes a fraction of one on a machine that is not busy


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """All limits a tenth of what they are, or less."""
    for name, seconds in {"HEAD": 1.0, "BODY": 1.0, "STALL": 1.0, "LINGER": 0.5, "LOOK": 0.2}.items():
        monkeypatch.setattr(connections, f"{name}_SECONDS", seconds)
    monkeypatch.setattr(connections, "IDLE_SECONDS", 2)


@pytest.fixture
def served(quick: None, engine: ScriptedEngine, tmp_path: Path) -> Iterator[Served]:
    with Served(engine, Settings(vectors_dir=tmp_path / "vectors")) as running:
        yield running


@pytest.fixture
def connect(served: Served) -> Iterator[Callable[[], socket.socket]]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(open_connection(served.port))


def open_connection(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def read_until_closed(connection: socket.socket) -> bytes:
    received = b""
    try:
        while data := connection.recv(65536):
            received += data
    except ConnectionResetError:
        pass
    return received


def is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        connection.settimeout(PATIENCE)


def drip(connection: socket.socket, data: bytes, seconds: float) -> bytes:
    """Send one byte of ``data`` after another, over and over, until the server closes; give what it said."""
    began = time.monotonic()
    connection.settimeout(seconds)
    while time.monotonic() - began < PATIENCE:
        try:
            connection.sendall(data)
            if (reply := connection.recv(65536)) or not reply:
                return reply
        except TimeoutError:
            continue
        except OSError:
            return b""
    raise AssertionError("the connection was never closed")


def test_a_connection_that_never_sends_is_closed_without_a_reply(connect: Any) -> None:
    assert read_until_closed(connect()) == b""


@pytest.mark.parametrize("begun", [b"G", b"GET /livez HTTP/1.1\r\n", b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: "])
def test_a_head_that_drips_does_not_extend_its_time(connect: Any, begun: bytes) -> None:
    connection, began = connect(), time.monotonic()
    connection.sendall(begun)
    assert drip(connection, b"a" if b"X" in begun or begun == b"G" else b"X: a\r\n", 0.1).startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began > 0.8


def test_a_later_head_that_drips_has_the_same_time(connect: Any) -> None:
    connection = connect()
    connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    said = b""
    while b'"alive"}' not in said:
        said += connection.recv(65536)
    connection.sendall(b"GET /livez HTTP/1.1\r\n")
    assert drip(connection, b"X: a\r\n", 0.1).startswith(b"HTTP/1.1 408 ")


def test_a_connection_is_closed_some_time_after_its_reply(connect: Any) -> None:
    connection = connect()
    connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    said = read_until_closed(connection)
    assert said.startswith(b"HTTP/1.1 200 ") and said.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/ask", "application/json"),
        ("/documents", "application/json"),
        ("/documents", "multipart/form-data; boundary=x"),
        ("/documents:batch", "application/x-ndjson"),
        ("/nothing", "text/plain"),
    ],
)
def test_a_body_that_drips_is_cut_off_and_holds_no_thread(
    served: Served, engine: ScriptedEngine, connect: Any, path: str, kind: str
) -> None:
    connection = connect()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: 100000\r\n\r\n"
    connection.sendall(head.encode())
    drip(connection, b" ", 0.1)
    assert engine.most_running == 0
    assert served.call("POST", "/ask", QUESTION, JSON)[0] == 200


def test_a_body_that_comes_steadily_is_taken(served: Served, engine: ScriptedEngine) -> None:
    def lines() -> Iterator[bytes]:
        for number in range(20):  # twice the time that a silent body has
            yield json.dumps({"id": f"d{number}", "text": "字" * 1000}).encode() + b"\n"
            time.sleep(0.1)

    headers = {"Content-Type": "application/x-ndjson", "Transfer-Encoding": "chunked"}
    assert served.call("POST", "/documents:batch", lines(), headers)[:2] == (
        200,
        {"added": 20, "unchanged": 0, "refused": []},
    )


def test_a_reply_that_nobody_reads_is_cut_off(
    served: Served, engine: ScriptedEngine, connect: Any, caplog: pytest.LogCaptureFixture
) -> None:
    body = json.dumps({"id": "long", "text": "字" * 4_000_000}, ensure_ascii=False).encode()
    assert served.call("POST", "/documents", body, JSON)[0] == 201
    connection = connect()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.sendall(b"GET /documents/long HTTP/1.1\r\nHost: localhost\r\n\r\n")
    until = time.monotonic() + PATIENCE
    while "reply was not read" not in caplog.text and time.monotonic() < until:
        time.sleep(0.05)
    assert len(read_until_closed(connection)) < len(body)


def test_requests_in_one_piece_are_answered_one_after_the_other(connect: Any) -> None:
    connection = connect()
    request = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    connection.sendall(request * 3 + request[:10])
    said = read_until_closed(connection)
    assert said.count(b"HTTP/1.1 200 ") == 3


def test_a_new_connection_takes_the_place_of_the_one_that_is_quiet_longest(
    engine: ScriptedEngine, tmp_path: Path
) -> None:
    with (
        Served(engine, Settings(vectors_dir=tmp_path / "vectors", max_connections=5)) as served,
        ExitStack() as stack,
    ):
        held = [stack.enter_context(open_connection(served.port)) for _ in range(12)]
        assert [read_until_closed(each) for each in held[:7]] == [b""] * 7
        assert all(is_open(each) for each in held[7:])
        assert served.call("POST", "/ask", QUESTION, JSON)[0] == 200


def test_more_than_are_allowed_are_closed_at_once_where_all_are_busy(engine: ScriptedEngine, tmp_path: Path) -> None:
    with (
        Served(engine, Settings(vectors_dir=tmp_path / "vectors", max_connections=3)) as served,
        ExitStack() as stack,
    ):
        busy = [stack.enter_context(open_connection(served.port)) for _ in range(3)]
        for each in busy:
            each.sendall(b"POST /ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
        time.sleep(0.3)
        assert read_until_closed(stack.enter_context(open_connection(served.port))) == b""
        assert all(is_open(each) for each in busy)
        busy.pop().close()
        time.sleep(0.3)
        assert served.call("GET", "/livez")[0] == 200


def test_bad_requests_are_logged_in_one_line(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(50):
        with open_connection(served.port) as connection:
            connection.sendall(b"\x16\x03\x01 not http\r\n\r\n")
            assert read_until_closed(connection).startswith(b"HTTP/1.1 400 ")
    lines = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.name for record in lines] == ["service.connections"]


def test_what_is_counted_is_logged_once_a_minute(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connections, "REPORT_SECONDS", 0.2)

    async def count() -> None:
        counted = Connections(10)
        for _ in range(1000):
            counted.count("closed")
        await asyncio.sleep(0.5)
        counted.stop()

    asyncio.run(count())
    told = [record.getMessage() for record in caplog.records]
    assert [each.split(" (")[0] for each in told] == ["connections: 1 closed", "connections: 999 closed"]


def test_exhausted_descriptors_leave_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        counted = Connections(10)
        counted.start()
        for _ in range(100):
            context = {"message": "socket.accept() out of system resource", "exception": OSError(24, "x")}
            asyncio.get_running_loop().call_exception_handler(context)
        counted.stop()

    asyncio.run(fail())
    assert len(caplog.records) == 2 and "Traceback" not in caplog.text


def test_streams_that_follow_jobs_leave_connections_to_others(
    engine: ScriptedEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.jobs.runner.Runner.start", lambda *_: None)  # the job waits for ever
    settings = Settings(vectors_dir=tmp_path / "vectors", max_connections=2 * connections.FOLLOWERS_SHARE)
    with Served(engine, settings) as served:
        status, job, _, _ = served.call("POST", "/index/rebuild", b"{}", JSON)
        assert status == 202
        follow = f"GET /jobs/{job['id']}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        with ExitStack() as stack:
            for _ in range(2):
                follower = stack.enter_context(open_connection(served.port))
                follower.sendall(follow)
                assert follower.recv(65536).startswith(b"HTTP/1.1 200 ")
            status, _, _, retry = served.call("GET", f"/jobs/{job['id']}/events")
            assert status == 503 and retry is not None
        until = time.monotonic() + PATIENCE
        places = served.app.state.connections
        while places.followers and time.monotonic() < until:  # those that left give their places back
            time.sleep(0.05)
        assert places.followers == 0


@pytest.mark.parametrize(("descriptors", "expected"), [(1024, 896), (140, 16), (resource.RLIM_INFINITY, 2**20)])
def test_the_limit_follows_that_of_descriptors(
    monkeypatch: pytest.MonkeyPatch, descriptors: int, expected: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (descriptors, descriptors))
    assert count_allowed_connections(None) == expected
    assert count_allowed_connections(7) == 7


@pytest.mark.alone
def test_questions_are_answered_beside_1200_idle_connections(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 1500 and hard < 1500:
        pytest.skip("this process may not open 1,500 descriptors itself")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = tmp_path / "log"
    command = [
        sys.executable,
        "-c",
        "from service.cli import main; main()",
        "serve",
        "--port",
        str(port),
        "--seeds",
        str(SEEDS),
    ]
    script = 'ulimit -n 1024 && exec "$@"'
    environment = os.environ | {"RAG_VECTORS_DIR": str(tmp_path / "vectors"), "PYTHONUTF8": "1"}
    with log.open("w", encoding="utf-8") as written:
        process = subprocess.Popen(["bash", "-c", script, "bash", *command], stderr=written, env=environment)
    try:
        wait_until_ready(port, process)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1500), hard))
        with ExitStack() as stack:
            idle = [stack.enter_context(open_connection(port)) for _ in range(1200)]
            for number in range(20):
                began = time.monotonic()
                assert request(port, "POST", "/ask", QUESTION) == 200
                assert request(port, "GET", "/livez") == 200
                assert time.monotonic() - began < 5, number
            assert 800 < sum(is_open(each) for each in idle) <= 896
            time.sleep(connections.HEAD_SECONDS + 1)
            assert sum(is_open(each) for each in idle) == 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        process.terminate()
        process.wait(20)
    lines = log.read_text(encoding="utf-8").splitlines()
    assert len(lines) < 100
    assert not [line for line in lines if "Traceback" in line or "ERROR" in line]


def wait_until_ready(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            if request(port, "GET", "/readyz") == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError("the service did not become ready")


def request(port: int, method: str, path: str, body: bytes | None = None) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(method, path, body, JSON if body else {})
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()
