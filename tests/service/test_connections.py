"""Connections are bounded: in number, and in the time that the head of a request may take."""

import json
import resource
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from service import connections


class Running:
    """The service in a process of its own."""

    def __init__(self, tmp_path: Path, files: int | None = None, **environment: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        seeds = tmp_path / "seeds"
        seeds.mkdir()
        (seeds / "bridge.txt").write_text("青江大桥\n\n青江大桥全长2386米,2019年5月1日建成通车。\n", encoding="utf-8")
        self.log = tmp_path / "log"
        variables = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": ":".join(path for path in sys.path if path),
            "HF_HUB_OFFLINE": "1",
            "RAG_SEEDS_DIR": str(seeds),
            "RAG_VECTORS_DIR": str(tmp_path / "vectors"),
            "RAG_PORT": str(self.port),
            **environment,
        }

        def limit() -> None:
            if files:
                resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

        with self.log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from service.cli import main; main()", "serve"],
                env=variables,
                stdout=log,
                stderr=log,
                preexec_fn=limit,
            )

    def __enter__(self) -> "Running":
        for _ in range(600):
            if f"127.0.0.1:{self.port}" in self.log.read_text(encoding="utf-8"):
                return self
            assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
            time.sleep(0.1)
        raise AssertionError(self.log.read_text(encoding="utf-8"))

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)

    def connect(self) -> socket.socket:
        """Open a connection that sends nothing."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def ask(self, path: str, data: bytes | None = None) -> int:
        """Return the status of a request."""
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers)
        with urllib.request.urlopen(request, timeout=30) as reply:
            return int(reply.status)


@pytest.mark.alone
def test_idle_connections_leave_the_service_answering(tmp_path: Path) -> None:
    """1,200 connections that send nothing, where 1,024 files may be open; the address is printed when it is ready."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2048:
        pytest.skip("this process may not open 1,200 connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    opened: list[socket.socket] = []
    try:
        with Running(tmp_path, files=1024) as running:
            question = json.dumps({"question": "青江大桥全长多少米?"}).encode()
            assert running.ask("/ask", question) == 200  # at once: what is printed can be used
            opened += [running.connect() for _ in range(1200)]
            deadline = time.monotonic() + connections.HEAD_SECONDS + 15
            while True:  # those that are too many are turned away, until the idle ones are closed
                try:
                    began = time.monotonic()
                    assert running.ask("/livez") == 200
                    assert time.monotonic() - began < 2
                    break
                except OSError:
                    assert time.monotonic() < deadline
                    time.sleep(0.5)
            assert running.ask("/ask", question) == 200
            assert len(running.log.read_text(encoding="utf-8").splitlines()) < 100
    finally:
        for each in opened:
            each.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.alone
def test_a_head_that_drips_is_cut_off(tmp_path: Path) -> None:
    with Running(tmp_path) as running, running.connect() as dripping:
        dripping.sendall(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        began = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - began < 30:
                dripping.sendall(b"X")
                time.sleep(0.5)
        assert time.monotonic() - began < connections.HEAD_SECONDS + 5


@pytest.mark.alone
def test_connections_over_the_limit_are_closed_at_once(tmp_path: Path) -> None:
    with Running(tmp_path, RAG_MAX_CONNECTIONS="8") as running:
        opened = [running.connect() for _ in range(8)]
        with running.connect() as late:
            late.settimeout(5)
            with suppress(ConnectionResetError):
                assert late.recv(1) == b""
        for each in opened:
            each.close()
        time.sleep(0.3)
        assert running.ask("/livez") == 200
