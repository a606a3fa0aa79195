"""A service behind a real server, for what holds only with sockets."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, cast

import uvicorn

from service.app import create_app
from service.connections import IDLE_SECONDS, Connection
from service.settings import Settings

if TYPE_CHECKING:
    from scripted_engine import ScriptedEngine

    from rag.engine import Engine


class Served:
    """A service on a free port of loopback."""

    def __init__(self, engine: "ScriptedEngine | Engine | None", settings: Settings, *, port: int = 0) -> None:
        app = self.app = create_app(settings, cast("Engine | None", engine))
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=5,
            http=Connection,
            loop="service.connections:Loop",
            timeout_keep_alive=IDLE_SECONDS,
        )
        self.server = uvicorn.Server(config)
        self.socket = socket.create_server(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # see service/run.py
        self.port = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]})

    def __enter__(self) -> "Served":
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(10)
        self.socket.close()

    def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, float, str | None]:
        """Status, JSON, seconds it took, Retry-After."""
        began = time.perf_counter()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {}, encode_chunked=isinstance(body, Iterator))
            response = connection.getresponse()
            raw = response.read()
            data = json.loads(raw) if raw else None
            return response.status, data, time.perf_counter() - began, response.headers["Retry-After"]
        finally:
            connection.close()
